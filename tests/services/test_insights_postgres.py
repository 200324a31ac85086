"""Soft facts on PostgreSQL: loaded, acting, sealed anew, withdrawn, over, erased."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from postgres import fresh_databases
from programmes import NOBODY_HELD_OUT
from pydantic import SecretStr
from sqlalchemy import select

from province_server.app import Stores
from province_server.feed import Notifier
from province_server.gallery import Galleries
from province_server.insights.facts import Content, EvidenceItem, Facts
from province_server.insights.loading import Loader
from province_server.insights.night_file import Conclusion
from province_server.keys import PROVINCE, Keys
from province_server.lifecycle.retention import Retention
from province_server.settings import ProvinceSettings
from province_server.vault import TemplateVault
from yingbin.ids import new_id, now_ms
from yingbin.offers.profile import china_today
from yingbin.storage.insights import FactRow
from yingbin.storage.province import BranchRow, City, ConsentRow, CustomerRow
from yingbin.trust.consent import Purpose

pytestmark = pytest.mark.services
TODAY = china_today()
DAY_MS = 86_400_000


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[Stores]:
    """Open the province's stores, with two consenting customers in them."""
    with fresh_databases("identity", "templates") as urls:
        opened = Stores.open(
            ProvinceSettings(
                database_url=urls[0],
                templates_database_url=urls[1],
                keystore_file=tmp_path / "keys",
                keystore_passphrase=SecretStr("correct horse"),
                programme_file=NOBODY_HELD_OUT,
            )
        )
        with opened.identity.write() as session:
            session.add(City(city_id="c", name="c", public_key=b"k" * 32, feed_revision=0))
            session.flush()
            session.add(BranchRow(branch_id="b", city_id="c", name_zh="b", name_en="b"))
            session.flush()
            for who in ("li", "wang"):
                session.add(CustomerRow(customer_id=who, home_branch_id="b", record_sealed=b"-", created_at_ms=1))
                session.flush()
                for purpose in (Purpose.MARKETING, Purpose.CENTRAL_STORAGE):
                    session.add(
                        ConsentRow(
                            consent_id=new_id(), customer_id=who, purpose=purpose, notice_version="1", evidence="p",
                            granted_by="a", granted_at_ms=1, withdrawn_at_ms=None,
                        )
                    )  # fmt: skip
        yield opened
        opened.close()


def household() -> Conclusion:
    seen = TODAY - timedelta(days=1)
    evidence = (
        EvidenceItem("fixed_sum_after_payday", "transaction", 0.9, 12, seen),
        EvidenceItem("talk_often", "contact", 0.6, 40, seen),
    )
    return Conclusion(1, "li", Content("household", "wang", "", True, 0.95, seen, evidence), contradicted=False)


def test_C14_facts_live_and_end_on_postgresql(stores: Stores) -> None:
    keys, notifier = Keys(stores.keystore, 8), Notifier()
    domain = keys.domains(PROVINCE)[0]
    vault = TemplateVault(stores.identity, stores.templates, keys, Galleries(keys, 8, domain), notifier, "pack")
    facts = Facts(keys, b"k" * 32)
    loader = Loader(stores.identity, facts, vault, notifier)

    def load() -> Counter[str]:
        told: Counter[str] = Counter()
        loader.load([[household()]], TODAY, lambda _, counts: told.update(counts))
        return told

    assert load()["corroborated"] == load()["corroborated"] == 1
    keys.begin(PROVINCE)
    with stores.identity.write() as session:
        last = facts.reseal_some(session, "")
        assert last is not None
        assert facts.reseal_some(session, last) is None
    keys.finish(PROVINCE)
    with stores.identity.read() as session:
        (fact,) = facts.soft_facts(session, "li", TODAY)
        assert fact.raises == ("treasury_bond", "time_deposit", "wealth_r1")
        assert facts.soft_facts(session, "li", fact.expires_on + timedelta(days=1)) == ()
        row = session.scalars(select(ConsentRow).where(ConsentRow.customer_id == "wang")).first()
        assert row is not None
    with stores.identity.write() as session:
        session.get_one(ConsentRow, row.consent_id).withdrawn_at_ms = now_ms()
        session.flush()
        ended = facts.withdrawn(session, "wang", TODAY)
        assert (ended.facts, ended.others) == (1, frozenset({"li"}))
    assert load()["no_consent"] == 1
    retention = Retention(stores.identity, stores.trail.ledger, vault, notifier)
    assert retention.run(now_ms() + 30 * DAY_MS).gone["insights"] == 0
    assert retention.run(now_ms() + 31 * DAY_MS).gone["insights"] == 1
    with stores.identity.write() as session:
        session.get_one(ConsentRow, row.consent_id).withdrawn_at_ms = None
    assert load()["corroborated"] == 1
    with stores.identity.write() as session:
        assert facts.erased(session, "wang").facts == 1
        assert session.scalars(select(FactRow)).all() == []
