"""The catalogue on PostgreSQL: one in force whatever happens at once, and two processes share its card views."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from postgres import fresh_databases
from programmes import NOBODY_HELD_OUT
from pydantic import SecretStr
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from province_server.app import Stores
from province_server.catalogues.in_force import IN_FORCE, InForce
from province_server.catalogues.releases import CatalogueReleases
from province_server.catalogues.republish import BATCH, Republishing
from province_server.catalogues.versions import CatalogueVersions
from province_server.feed import Notifier
from province_server.settings import ProvinceSettings
from yingbin.errors import YingbinError
from yingbin.offers.catalogue import read_catalogue
from yingbin.storage.catalogues import CatalogueReleaseRow
from yingbin.storage.province import BranchRow, City, CustomerRow, FeedRow, TemplateLink

pytestmark = pytest.mark.services
PEOPLE = 2 * BATCH + 10


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[Stores]:
    """Open the province's stores in two databases made for this test, with enrolled customers by number."""
    with fresh_databases("identity", "templates") as (identity, templates):
        opened = Stores.open(
            ProvinceSettings(
                database_url=identity,
                templates_database_url=templates,
                keystore_file=tmp_path / "keys",
                keystore_passphrase=SecretStr("correct horse"),
                programme_file=NOBODY_HELD_OUT,
            )
        )
        with opened.identity.write() as session:
            session.add(City(city_id="c", name="c", public_key=b"k" * 32, feed_revision=0))
            session.flush()
            session.add(BranchRow(branch_id="b", city_id="c", name_zh="支行", name_en="Branch"))
            session.flush()
            for number in range(PEOPLE):
                who = f"one-{number:04}"
                session.add(CustomerRow(customer_id=who, home_branch_id="b", record_sealed=b"x", created_at_ms=1))
                session.add(TemplateLink(
                    template_id=f"t-{who}", customer_id=who, subject_id=f"s-{who}", gallery="vip", key_sealed=b"x",
                    state="linked",
                ))  # fmt: skip
        yield opened
        opened.close()


def at_once(*jobs: object) -> list[BaseException]:
    """Run jobs in threads that begin together; return what they raised."""
    raised: list[BaseException] = []
    together = threading.Barrier(len(jobs))

    def run(job: object) -> None:
        together.wait()
        try:
            job()  # type: ignore[operator]
        except YingbinError as error:
            raised.append(error)

    threads = [threading.Thread(target=run, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return raised


def count_in_force(stores: Stores) -> int:
    with stores.identity.read() as session:
        found = select(func.count()).select_from(CatalogueReleaseRow).where(CatalogueReleaseRow.state == IN_FORCE)
        return session.scalars(found).one()


def test_two_processes_begin_release_and_republish_together(stores: Stores) -> None:
    identity, text = stores.identity, read_catalogue()
    processes = [CatalogueReleases(identity, InForce()) for _ in range(2)]
    assert at_once(*(lambda one=one: one.begin(*text) for one in processes)) == []
    assert count_in_force(stores) == 1
    versions = CatalogueVersions(identity, InForce())
    drafts = [versions.draft("pm", None) for _ in range(2)]
    for number, draft in enumerate(drafts):
        versions.write(draft.catalogue_id, 1, text[0].replace('"2026.1"', f'"2026.{number + 2}"'), "pm")
        assert versions.check(draft.catalogue_id)[0] == ()
    releases = [
        lambda one=one, draft=draft: one.release(draft.catalogue_id, "other", "x", None)
        for one, draft in zip(processes, drafts, strict=True)
    ]
    refused = at_once(*releases)
    assert {getattr(error, "status", 0) for error in refused} <= {409}
    assert len(refused) <= 1
    assert count_in_force(stores) == 1
    jobs = [Republishing(identity, one, Notifier()).job for one in processes]
    assert at_once(*jobs) == []
    with identity.read() as session:
        row = session.scalars(select(CatalogueReleaseRow).where(CatalogueReleaseRow.state == IN_FORCE)).one()
        told = session.scalars(select(func.count()).select_from(FeedRow)).one()
    assert (row.done, row.total, told) == (PEOPLE, PEOPLE, PEOPLE)
    assert row.republished_at_ms is not None


def test_the_database_itself_refuses_a_second_one_in_force(stores: Stores) -> None:
    CatalogueReleases(stores.identity, InForce()).begin(*read_catalogue())
    with stores.identity.read() as session:
        first = session.scalars(select(CatalogueReleaseRow)).one()
        session.add(CatalogueReleaseRow(
            release_id="second", number=2, catalogue_id=first.catalogue_id, state=IN_FORCE, from_ms=1, reason="x",
            released_by="x", released_at_ms=1,
        ))  # fmt: skip
        with pytest.raises(IntegrityError):
            session.flush()
