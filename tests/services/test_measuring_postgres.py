"""Effect, groups and sales on PostgreSQL: the same sums as on SQLite."""

from datetime import date
from pathlib import Path

import pytest
from postgres import fresh_databases
from pydantic import SecretStr

from province_server.app import Stores
from province_server.cards import Cards, Customer
from province_server.catalogues.in_force import InForce
from province_server.catalogues.releases import CatalogueReleases
from province_server.feed import Notifier
from province_server.keys import Keys
from province_server.measuring.items import Days
from province_server.measuring.sales import Sale
from province_server.measuring.services import Measuring, policies_of
from province_server.settings import ProvinceSettings
from yingbin.offers.catalogue import read_catalogue
from yingbin.offers.profile import Profile
from yingbin.storage.province import BranchRow, City, CustomerRow, OutcomeRow

pytestmark = pytest.mark.services
NOON_MS = 1_793_592_000_000
"""2026-11-02, noon in China."""


def test_the_sums_of_effect_and_groups_are_right(tmp_path: Path) -> None:
    with fresh_databases("identity", "templates") as urls:
        settings = ProvinceSettings(
            database_url=urls[0], templates_database_url=urls[1], keystore_file=tmp_path / "keys",
            keystore_passphrase=SecretStr("correct horse"),
        )  # fmt: skip
        stores = Stores.open(settings)
        keys, notifier = Keys(stores.keystore, 8), Notifier()
        policies = policies_of(settings, stores, notifier)
        catalogue = InForce()
        CatalogueReleases(stores.identity, catalogue).begin(*read_catalogue())
        measuring = Measuring.make(settings, stores, keys, Cards(keys, catalogue, policies), policies)
        fill(stores, keys)
        sold = [
            Sale(
                sale_id=f"s-{n}", customer_id=f"c-{n}", product="sms", amount_fen=1, margin_fen=7, at_ms=NOON_MS + 9
            )
            for n in range(12)
        ]  # fmt: skip
        told = measuring.sales.store(sold)
        assert (told.stored, told.matched, told.shown) == (12, 12, 12)
        found = measuring.effect.between(date(2026, 11, 1), date(2026, 11, 30))
        (product,) = found.products
        assert (product.name, product.shown, product.sold, product.refused) == ("sms", 12, 12, 0)
        assert (found.uplift.state, found.uplift.held_out_customers) == ("measured", 12)
        assert found.uplift.margin_fen is not None
        assert found.uplift.margin_fen.value == 7
        assert [(one.reason, one.times) for one in found.refusals] == [("later", 12)]
        days = Days.of(date(2026, 11, 1), date(2026, 11, 30))
        assert {one.verdict for one in measuring.groups.compared(days).figures} == {"met"}
        assert measuring.groups.counted(days).customers == 0
        measuring.learner.job()
        assert [row.experiments for row in policies.page("", 9)] == [[]]
        stores.close()


def fill(stores: Stores, keys: Keys) -> None:
    """Twelve customers are shown a product, twelve of the holdout decline it."""
    with stores.identity.write() as session:
        session.add(City(city_id="c", name="c", public_key=b"k" * 32, feed_revision=0))
        session.flush()
        session.add(BranchRow(branch_id="b", city_id="c", name_zh="b", name_en="b"))
        session.flush()
        for n in range(24):
            made = Customer(
                customer_id=f"c-{n}", full_name="李明", gender="male", birth_date=date(1980, 1, 1), tier="vip_gold",
                home_branch_id="b", profile=Profile(as_of=date(2026, 11, 1)),
            )  # fmt: skip
            sealed = keys.seal_record(made.customer_id, made.model_dump_json().encode())
            session.add(CustomerRow(customer_id=f"c-{n}", home_branch_id="b", record_sealed=sealed, created_at_ms=0))
        session.flush()
        session.add_all(
            OutcomeRow(
                outcome_id=f"{n}-{kind}", card_id=f"card-{n}", customer_id=f"c-{n}", branch_id="b", staff_id="s",
                kind=kind, product="sms", at_ms=NOON_MS, policy="arbitrate" if n < 12 else "general",
                holdout=n >= 12, reason="later" if kind == "not_interested" else "",
            )
            for n in range(24) for kind in (("shown",) if n < 12 else ("shown", "not_interested"))
        )  # fmt: skip
