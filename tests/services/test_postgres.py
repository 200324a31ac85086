"""The province on PostgreSQL: same models, same migrations, same feed."""

from collections.abc import Iterator
from datetime import date
from importlib import import_module
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from postgres import fresh_databases
from programmes import NOBODY_HELD_OUT
from pydantic import SecretStr

from province_server.app import Stores
from province_server.cards import Cards, Customer
from province_server.catalogues.in_force import InForce
from province_server.feed import Notifier, changes, publish
from province_server.gallery import Galleries
from province_server.keys import PROVINCE, Keys
from province_server.settings import ProvinceSettings
from province_server.vault import TemplateVault
from yingbin.feed_wire import FeedKind
from yingbin.galleries.protect import normalise, random_transform
from yingbin.ids import new_id
from yingbin.offers.profile import Profile
from yingbin.storage.province import BranchRow, City, ConsentRow, CustomerRow
from yingbin.trust.consent import Gallery, Purpose

pytestmark = pytest.mark.services


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[Stores]:
    """Open the province's stores in two databases made for this test."""
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
        yield opened
        opened.close()


def test_migrations_make_what_the_models_say(stores: Stores) -> None:
    for tree, database in (("province", stores.identity), ("templates", stores.templates)):
        with database.engine.connect() as connection:
            context = MigrationContext.configure(connection, opts={"version_table": f"alembic_version_{tree}"})
            assert compare_metadata(context, import_module(f"yingbin.storage.{tree}").Base.metadata) == []


def test_enrol_publish_erase_and_load(stores: Stores) -> None:
    keys, notifier = Keys(stores.keystore, 8), Notifier()
    domain = keys.domains(PROVINCE)[0]
    galleries = Galleries(keys, 8, domain)
    with stores.identity.write() as session:
        session.add(City(city_id="c", name="c", public_key=b"k" * 32, feed_revision=0))
        session.flush()
        session.add(BranchRow(branch_id="b", city_id="c", name_zh="支行", name_en="b"))
        session.flush()
        publish(session, "c", FeedKind.BRANCH, "b")
        li = Customer(
            customer_id="li", full_name="李测试", birth_date=date(1980, 2, 29), tier="vip_gold", home_branch_id="b",
            profile=Profile(as_of=date(2026, 11, 1)),
        )  # fmt: skip
        sealed = keys.seal_record("li", li.model_dump_json().encode())
        session.add(CustomerRow(customer_id="li", home_branch_id="b", record_sealed=sealed, created_at_ms=1))
        session.flush()
        for purpose in (Purpose.VIP_SERVICE, Purpose.CENTRAL_STORAGE):
            session.add(
                ConsentRow(
                    consent_id=new_id(), customer_id="li", purpose=purpose, notice_version="1", evidence="paper",
                    granted_by="a", granted_at_ms=1, withdrawn_at_ms=None,
                )
            )  # fmt: skip
    vault = TemplateVault(stores.identity, stores.templates, keys, galleries, notifier, "pack")
    template_id = vault.add("li", Gallery.VIP, normalise(random_transform(8)[0]))
    with stores.identity.read() as session:
        rows, head, snapshot = changes(session, "c", 1, 100)
    assert [(row.kind, row.key) for row in rows] == [("card_view", "li"), ("template", template_id)]
    assert (head, snapshot) == (3, False)
    loaded = Galleries(keys, 8, domain)
    TemplateVault(stores.identity, stores.templates, keys, loaded, notifier, "pack").load()
    assert loaded.count([Gallery.VIP]) == 1
    with vault.lock:
        with stores.identity.write() as session:
            vault.erase(session, "li")
        vault.forget("li")
    with stores.identity.read() as session:
        assert Cards(keys, InForce()).card_view(session, "li") is None
    assert galleries.count([Gallery.VIP]) == 0
    assert not vault.vectors([template_id], domain)
