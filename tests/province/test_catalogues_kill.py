"""A province killed with -9 while card views go out again: the next process goes on, and leaves nobody out."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from province_server.app import Stores
from province_server.catalogues.in_force import InForce
from province_server.catalogues.releases import CatalogueReleases
from province_server.catalogues.republish import BATCH, Republishing
from province_server.feed import Notifier
from province_server.settings import ProvinceSettings
from yingbin.offers.catalogue import read_catalogue
from yingbin.storage.catalogues import CatalogueReleaseRow
from yingbin.storage.province import BranchRow, City, CustomerRow, FeedRow, TemplateLink

PEOPLE = 2 * BATCH + 100
PROGRAM = """
import os, signal, sys
from pathlib import Path
from province_server.app import Stores
from province_server.catalogues import republish
from province_server.catalogues.in_force import InForce
from province_server.catalogues.releases import CatalogueReleases
from province_server.feed import Notifier, publish_all
from province_server.settings import ProvinceSettings

calls = 0

def publish_then_die(session, city_id, things):
    global calls
    publish_all(session, city_id, things)
    calls += 1
    if calls == 3:  # two cities: the second batch has been published for one of them, and nothing is committed
        os.kill(os.getpid(), signal.SIGKILL)

republish.publish_all = publish_then_die
stores = Stores.open(ProvinceSettings.load(Path(sys.argv[1])))
republish.Republishing(stores.identity, CatalogueReleases(stores.identity, InForce()), Notifier()).job()
"""


@pytest.fixture
def stores(settings: ProvinceSettings) -> Iterator[Stores]:
    """Fill a province with enrolled customers of two cities, of whom only the numbers matter here."""
    opened = Stores.open(settings)
    people = [f"one-{number:04}" for number in range(PEOPLE)]
    with opened.identity.write() as session:
        for city in ("a", "b"):
            session.add(City(city_id=city, name=city, public_key=city.encode() * 32, feed_revision=0))
            session.flush()
            session.add(BranchRow(branch_id=city, city_id=city, name_zh="支行", name_en="Branch"))
        session.flush()
        for number, who in enumerate(people):
            branch = "ab"[number % 2]
            session.add(CustomerRow(customer_id=who, home_branch_id=branch, record_sealed=b"x", created_at_ms=1))
            session.add(TemplateLink(
                template_id=f"t-{who}", customer_id=who, subject_id=f"s-{who}", gallery="vip", key_sealed=b"x",
                state="linked",
            ))  # fmt: skip
    CatalogueReleases(opened.identity, InForce()).begin(*read_catalogue())
    yield opened
    opened.close()


def told(stores: Stores) -> dict[str, int]:
    """Return customer -> revision of his card view in his city's feed."""
    with stores.identity.read() as session:
        rows = session.execute(select(FeedRow.key, FeedRow.revision).where(FeedRow.kind == "card_view"))
        return dict(rows.all())


def release(stores: Stores) -> CatalogueReleaseRow:
    with stores.identity.read() as session:
        return session.scalars(select(CatalogueReleaseRow)).one()


def test_a_killed_province_goes_on_where_the_last_batch_was_committed(
    stores: Stores, settings: ProvinceSettings, tmp_path: Path
) -> None:
    config = tmp_path / "province.toml"
    values = {name: value for name, value in settings.model_dump().items() if name in settings.model_fields_set}
    values["keystore_passphrase"] = settings.keystore_passphrase.get_secret_value()
    config.write_text("".join(f"{name} = {json.dumps(value, default=str)}\n" for name, value in values.items()))
    stores.galleries.close()
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    killed = subprocess.run([sys.executable, "-c", PROGRAM, str(config)], env=environment, check=False, timeout=120)
    assert killed.returncode == -9
    before = told(stores)
    assert (len(before), release(stores).done) == (BATCH, BATCH)
    job = Republishing(stores.identity, CatalogueReleases(stores.identity, InForce()), Notifier())
    job.job()
    after = told(stores)
    assert len(after) == PEOPLE
    assert {who: after[who] for who in before} == before, "what was committed is not sent once more"
    now = release(stores)
    assert (now.done, now.total) == (PEOPLE, PEOPLE)
    assert now.republished_at_ms is not None
    assert not job.step()


def test_a_stop_ends_after_a_batch_and_a_customer_of_later_is_not_missed(stores: Stores) -> None:
    job = Republishing(stores.identity, CatalogueReleases(stores.identity, InForce()), Notifier())
    job.stop()
    job.job()
    assert release(stores).done == 0
    assert job.step()
    assert release(stores).done == BATCH
    assert release(stores).republished_at_ms is None
