"""Renewing keys at the province: everybody stays findable all the time; what was stolen before is of no use after."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from province_harness import DIMENSION, StandInReader, World, vector_of
from sqlalchemy import select

from province_server import filling, renewal, sealed_galleries, template_store
from province_server.app import Province, Stores, build
from province_server.keys import PROVINCE, UnknownKey, city_key
from province_server.portraits.store import PortraitStore
from province_server.settings import ProvinceSettings
from yingbin import search_wire, wire
from yingbin.feed_wire import FeedKind
from yingbin.galleries import protect
from yingbin.galleries.index import FlatIndex
from yingbin.offers.portrait.definitions import packaged_tags
from yingbin.storage.province import CustomerRow, TemplateLink
from yingbin.storage.templates import TemplateRow
from yingbin.trust.consent import Gallery
from yingbin.trust.keystore import FileKeyStore
from yingbin.trust.seal import SealBroken

PEOPLE = [f"customer-{number}" for number in range(5)]


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealed_galleries, "CodeIndex", FlatIndex)  # exact: only the keys decide who is found
    monkeypatch.setattr(template_store, "BATCH", 2)
    monkeypatch.setattr(filling, "BATCH", 2)
    monkeypatch.setattr(renewal, "BATCH", 2)


@pytest.fixture
def full_world(world: World) -> World:
    for who in PEOPLE:
        world.enrolled(who, world.branch_a)
    return world


def renewed(world: World, path: str = "province") -> None:
    assert world.call("POST", f"renewals/{path}").status_code == 202
    deadline = time.monotonic() + 30
    while world.call("GET", f"renewals/{path}").json()["running"]:
        assert time.monotonic() < deadline
        time.sleep(0.02)


@contextmanager
def searched_meanwhile(world: World) -> Iterator[list[tuple[str, str | None]]]:
    """Search everybody and a stranger again and again; yield what is found."""
    found: list[tuple[str, str | None]] = []
    over = threading.Event()

    def work() -> None:
        probes = {who: world.probe(who) for who in [*PEOPLE, "stranger"]}
        while not over.is_set():
            for who, probe in probes.items():
                card = answered(world, probe)
                found.append((who, card))

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield found
    finally:
        over.set()
        thread.join()


def answered(world: World, probe: search_wire.Probe) -> str | None:
    reply = world.search(probe)
    assert reply.status_code == 200, reply.text
    card = wire.decode(reply.content, search_wire.SearchReply).hits[0].card_view
    return card.customer_id if card else None


def templates_of(province: Province) -> dict[str, tuple[TemplateLink, TemplateRow]]:
    """Return customer -> his link and row."""
    with province.stores.identity.read() as session:
        links = session.scalars(select(TemplateLink).where(TemplateLink.state == "linked")).all()
    with province.stores.templates.read() as session:
        rows = {row.subject_id: row for row in session.scalars(select(TemplateRow))}
    assert len(rows) == len(links)
    return {link.customer_id: (link, rows[link.subject_id]) for link in links}


def test_C8_province_renewal_never_loses_or_confuses_anybody(
    full_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    enrolled = threading.Event()
    real_batch = renewal.ProvinceRenewal._reseal_batch

    def reseal_batch(self: renewal.ProvinceRenewal, after: str) -> str | None:
        done = real_batch(self, after)
        assert enrolled.wait(20)
        return done

    monkeypatch.setattr(renewal.ProvinceRenewal, "_reseal_batch", reseal_batch)
    with searched_meanwhile(full_world) as found:
        assert full_world.call("POST", "renewals/province").status_code == 202
        while len(found) < len(PEOPLE):
            time.sleep(0.01)
        enrolled.set()
        renewed(full_world)
        before = len(found)
        while len(found) < before + len(PEOPLE) + 1:
            time.sleep(0.01)
    assert [(who, seen) for who, seen in found if seen != (who if who in PEOPLE else None)] == []


def test_customers_enrolled_or_erased_during_a_renewal_are_known_or_gone_after_it(
    full_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on = threading.Event(), threading.Event()
    real_batch = renewal.ProvinceRenewal._reseal_batch

    def reseal_batch(self: renewal.ProvinceRenewal, after: str) -> str | None:
        done = real_batch(self, after)
        begun.set()
        assert go_on.wait(20)
        return done

    monkeypatch.setattr(renewal.ProvinceRenewal, "_reseal_batch", reseal_batch)
    assert full_world.call("POST", "renewals/province").status_code == 202
    assert begun.wait(20)
    full_world.enrolled("late", full_world.branch_a)
    for who in (PEOPLE[0], PEOPLE[-1]):
        assert full_world.call("DELETE", f"customers/{who}").status_code == 204
        assert full_world.found(who) is None
    assert full_world.found("late") == "late"
    go_on.set()
    renewed(full_world)
    left = {*PEOPLE[1:-1], "late"}
    assert {who for who in [*PEOPLE, "late"] if full_world.found(who)} == left
    assert set(templates_of(full_world.province)) == left
    assert {template.customer_id for template in full_world.a.kinds(FeedKind.TEMPLATE)} == left


def test_C8_after_renewal_what_was_stolen_before_is_useless(full_world: World, settings: ProvinceSettings) -> None:
    keys = full_world.province.keys
    old_domain = keys.domains(PROVINCE)[0]
    old = templates_of(full_world.province)
    with full_world.province.stores.identity.read() as session:
        record = session.get_one(CustomerRow, PEOPLE[0]).record_sealed
    vectors = {
        who: keys.open_vector(row.key_id, link.key_sealed, row.vector_sealed) for who, (link, row) in old.items()
    }
    renewed(full_world)
    new = templates_of(full_world.province)
    # Ids and keys of the two thefts have nothing in common, so one store stolen before links to neither stolen after.
    assert not {link.subject_id for link, _ in old.values()} & {link.subject_id for link, _ in new.values()}
    for who in PEOPLE:
        (old_link, old_row), (new_link, new_row) = old[who], new[who]
        for link, row in ((old_link, new_row), (new_link, old_row), (old_link, old_row)):
            with pytest.raises((SealBroken, UnknownKey)):
                keys.open_vector(row.key_id, link.key_sealed, row.vector_sealed)
        with pytest.raises(SealBroken):
            keys.open_vector(new_row.key_id, old_link.key_sealed, old_row.vector_sealed)
    with pytest.raises(SealBroken):
        keys.open_record(PEOPLE[0], record)
    # Not even the vector itself, had it been taken from memory, resembles that of today.
    cosines = [
        float(vectors[who] @ keys.open_vector(row.key_id, link.key_sealed, row.vector_sealed))
        for who, (link, row) in new.items()
    ]
    assert max(map(abs, cosines)) < 6 / np.sqrt(DIMENSION)
    on_disk = FileKeyStore(settings.keystore_file, "correct horse")
    assert protect.encode_transform(old_domain.transform) not in on_disk.get(PROVINCE)
    assert full_world.found(PEOPLE[0]) == PEOPLE[0]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("step", ["templates", "purge", "finish"])
def test_C8_province_renewal_goes_on_after_a_crash(
    full_world: World, settings: ProvinceSettings, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process dies in the middle of a batch, right before a step; another one is started on its stores."""
    running = full_world.province
    crashed = threading.Event()

    def dies(*_: object, **__: object) -> Any:
        crashed.set()
        raise SystemExit  # ends the thread of the renewal, as a kill would

    begun = threading.Event()
    real_replace = renewal.ProvinceRenewal._replace

    def replace(self: renewal.ProvinceRenewal, *arguments: Any) -> None:
        if begun.is_set() and step == "templates":
            monkeypatch.setattr(running.stores.templates, "write", dies)
        begun.set()
        real_replace(self, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(renewal.ProvinceRenewal, "_replace", replace)
        if step == "purge":
            patch.setattr(running.vault.store, "purge", dies)
        if step == "finish":
            patch.setattr(FileKeyStore, "destroy", dies)
        assert full_world.call("POST", "renewals/province").status_code == 202
        assert crashed.wait(20)
    monkeypatch.undo()
    running.stores.galleries.close()
    again = build(settings, Stores.open(settings), StandInReader())
    assert again.galleries.count(list(Gallery)) == len(PEOPLE)
    job = renewal.ProvinceRenewal(
        again.stores.identity, again.stores.templates, again.keys, again.vault, again.galleries,
        PortraitStore(again.keys, packaged_tags()), again.insights.facts,
    )  # fmt: skip
    job.resume()
    deadline = time.monotonic() + 20
    while again.keys.renewing(PROVINCE):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    job.stop()
    (newest,) = again.keys.domains(PROVINCE)
    assert {row.key_id for _, row in templates_of(again).values()} == {newest.key_id}
    for who in PEOPLE:
        probe = protect.apply(newest.transform, vector_of(who.encode()))[None, :]
        hit = again.galleries.search(list(Gallery), probe, newest).hits[0]
        assert hit
        assert hit.customer_id == who
        with again.stores.identity.read() as session:
            again.keys.open_record(who, session.get_one(CustomerRow, who).record_sealed)
    again.stores.close()


def test_C8_city_renewal_serves_both_domains_until_the_city_has_changed_over(full_world: World) -> None:
    city = full_world.b
    full_world.enrolled("home", full_world.branch_b)
    key, keys = city_key(city.city_id), full_world.province.keys
    old_probe, (old,) = full_world.probe("home"), keys.domains(key)
    old_vector = city.kinds(FeedKind.TEMPLATE)[0].vector
    assert full_world.call("POST", f"renewals/cities/{city.city_id}").status_code == 202
    new = keys.domains(key)[1]
    head = city.page(0).head
    page = city.page(head, wait_s=20, key_id=old.key_id)  # answers at once: there is a newer key
    assert (page.key_id, page.newest_key_id, page.snapshot) == (old.key_id, new.key_id, False)
    assert answered(full_world, old_probe) == "home"
    held = {kind: thing for (kind, _), thing in city.replica(new.key_id).items()}
    new_vector = held[FeedKind.TEMPLATE].vector
    cosine = float(np.frombuffer(old_vector, "<f4") @ np.frombuffer(new_vector, "<f4"))
    assert abs(cosine) < 6 / np.sqrt(DIMENSION)
    assert keys.renewing(key)
    assert answered(full_world, old_probe) == "home"
    city.page(head, key_id=new.key_id)  # what comes after the head: the city serves the new domain
    assert not keys.renewing(key)
    refused = full_world.search(old_probe)
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:yingbin:unknown_key")
    assert full_world.found("home") == "home"
    assert city.page(head, key_id=old.key_id).snapshot, "whoever still has the old key begins anew"
    assert not full_world.call("GET", f"renewals/cities/{city.city_id}").json()["running"]


def test_lost_city_gets_a_new_key_at_once(full_world: World) -> None:
    probe = full_world.probe(PEOPLE[0])
    path = f"renewals/cities/{full_world.b.city_id}"
    assert full_world.call("POST", path).status_code == 202
    assert full_world.call("POST", f"{path}/finish").status_code == 204
    assert full_world.search(probe).status_code == 409
    assert full_world.found(PEOPLE[0]) == PEOPLE[0]
    assert full_world.call("POST", "renewals/cities/nowhere").status_code == 404
