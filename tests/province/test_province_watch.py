"""Watch lists (C13): written order, two people, own keys, and nothing of them for anybody else."""

from collections.abc import Callable
from typing import Any

import httpx
import numpy as np
import pytest
from province_harness import DIMENSION, YEAR_MS, World, vector_of
from sqlalchemy import select

from province_server.auth import AUDIENCE
from province_server.keys import PROVINCE, city_key
from yingbin.feed_wire import FeedKind
from yingbin.galleries import protect
from yingbin.ids import now_ms
from yingbin.storage.province import StaffRow
from yingbin.storage.templates import TemplateRow, WatchTemplateRow
from yingbin.storage.watch import WatchEntryRow
from yingbin.trust.staff import Role, issue_staff_token, now_s
from yingbin.trust.watch import WatchList

OFFICER, ADMIN = Role.SECURITY_OFFICER, Role.GALLERY_ADMIN
ENTRY_FIELDS = {"document_number": "公缉 2026-17", "issuer": "市公安局", "subject": "某甲"}


class People:
    """Several people of each role, who call under their own names."""

    def __init__(self, world: World) -> None:
        self._world = world

    def register(self, staff_id: str, role: Role, branch: str | None = None) -> None:
        with self._world.province.stores.identity.write() as session:
            row = StaffRow(staff_id=staff_id, display_name=staff_id, role=role, secret_hash="x", on_duty=False)
            row.branch_id = branch
            session.add(row)

    def call(self, staff_id: str, method: str, path: str, **options: Any) -> httpx.Response:
        with self._world.province.stores.identity.read() as session:
            row = session.get_one(StaffRow, staff_id)
        key = self._world.province.keys.staff_token_key
        role = Role(row.role)
        token = issue_staff_token(key, AUDIENCE, staff_id, role, "", now_s=now_s(), version=row.token_version)
        return self._world.http.request(method, f"/v1/{path}", headers={"Authorization": f"Bearer {token}"}, **options)


@pytest.fixture
def people(world: World) -> People:
    made = People(world)
    for name in ("chen", "lin"):
        made.register(name, OFFICER)
    for name in ("ada", "ben"):
        made.register(name, ADMIN)
    made.register("am-1", Role.ACCOUNT_MANAGER, world.branch_a)
    made.register("rm-1", Role.RM, world.branch_a)
    return made


@pytest.fixture
def propose(people: People) -> Callable[..., httpx.Response]:
    def police(staff_id: str = "chen", photo: bytes = b"wanted", **changes: Any) -> httpx.Response:
        data = {**ENTRY_FIELDS, "valid_until_ms": now_ms() + YEAR_MS // 2, **changes}
        files = {"photo": ("p.jpg", photo)}
        return people.call(staff_id, "POST", "watch/police/entries", files=files, data=data)

    return police


def overdue(people: People, staff_id: str = "ada", **changes: Any) -> httpx.Response:
    data = {
        "document_number": "催收 9", "issuer": "分行法务部", "valid_until_ms": now_ms() + YEAR_MS // 4,
        "customer_id": "debtor", "told_staff_id": "am-1", **changes,
    }  # fmt: skip
    return people.call(staff_id, "POST", "watch/overdue/entries", files={"photo": ("p.jpg", b"debtor")}, data=data)


def entry_id(reply: httpx.Response) -> str:
    assert reply.status_code == 201, reply.text
    return str(reply.json()["entry_id"])


def told(world: World) -> dict[str, list[str]]:
    cities = {"a": world.a, "b": world.b}
    return {name: [one.entry_id for one in city.kinds(FeedKind.WATCH_ENTRY)] for name, city in cities.items()}


def test_C13_an_entry_takes_effect_only_when_a_second_person_confirms(
    world: World, people: People, propose: Callable[..., httpx.Response]
) -> None:
    wanted = entry_id(propose())
    assert told(world) == {"a": [], "b": []}
    own = people.call("chen", "POST", f"watch/police/entries/{wanted}/confirm")
    assert (own.status_code, own.json()["type"]) == (403, "urn:yingbin:second_person_needed")
    assert told(world) == {"a": [], "b": []}
    listed = people.call("lin", "GET", "watch/police/entries?state=proposed").json()["items"]
    assert [(one["entry_id"], one["needs_you"], one["proposed_by"]) for one in listed] == [(wanted, True, "chen")]
    confirmed = people.call("lin", "POST", f"watch/police/entries/{wanted}/confirm")
    assert (confirmed.status_code, confirmed.json()["state"]) == (200, "in_force")
    assert told(world) == {"a": [wanted], "b": [wanted]}
    again = people.call("lin", "POST", f"watch/police/entries/{wanted}/confirm")
    assert again.status_code == 409


def test_C13_only_with_a_written_order_that_holds(propose: Callable[..., httpx.Response]) -> None:
    for bad in (
        {"document_number": " "},
        {"issuer": ""},
        {"subject": "<b>"},
        {"valid_until_ms": now_ms() - 1},
        {"valid_until_ms": now_ms() + 2 * YEAR_MS},
    ):
        assert propose(**bad).status_code == 422, bad


def test_C13_one_person_removes_an_entry_at_once_and_its_key_and_template_are_gone(
    world: World, people: People, propose: Callable[..., httpx.Response]
) -> None:
    wanted = entry_id(propose())
    people.call("lin", "POST", f"watch/police/entries/{wanted}/confirm")
    ended = people.call("chen", "POST", f"watch/police/entries/{wanted}/end", json={"reason": "撤销"})
    assert (ended.status_code, ended.json()["state"], ended.json()["subject"]) == (200, "removed", "")
    assert told(world) == {"a": [], "b": []}
    with world.province.stores.identity.read() as session:
        row = session.get_one(WatchEntryRow, wanted)
        assert (row.key_sealed, row.subject_sealed) == (b"", b"")
    with world.province.stores.templates.read() as session:
        assert session.scalars(select(WatchTemplateRow)).all() == []
    history = people.call("lin", "GET", f"watch/police/entries/{wanted}").json()
    assert (history["proposed_by"], history["confirmed_by"], history["ended_by"]) == ("chen", "lin", "chen")
    assert people.call("chen", "POST", f"watch/police/entries/{wanted}/end", json={"reason": "x"}).status_code == 409


def test_C13_an_order_that_ends_ends_its_entry_and_a_proposal_is_forgotten_after_three_days(
    world: World, people: People, propose: Callable[..., httpx.Response]
) -> None:
    wanted, waiting = entry_id(propose()), entry_id(propose())
    people.call("lin", "POST", f"watch/police/entries/{wanted}/confirm")
    with world.province.stores.identity.write() as session:
        session.get_one(WatchEntryRow, wanted).valid_until_ms = now_ms() - 1
        session.get_one(WatchEntryRow, waiting).proposed_at_ms -= 73 * 3_600_000
    assert told(world) == {"a": [], "b": []}, "an order that has ended is in force nowhere, even before the chore"
    world.province.watch.tidy()
    for one in (wanted, waiting):
        assert people.call("lin", "GET", f"watch/police/entries/{one}").json()["state"] == "lapsed"


def test_C13_a_city_registered_later_is_told_what_is_in_force(
    world: World, people: People, propose: Callable[..., httpx.Response]
) -> None:
    wanted = entry_id(propose())
    people.call("lin", "POST", f"watch/police/entries/{wanted}/confirm")
    city, *_ = world._city("c")
    world.province.watch.tidy()
    assert [one.entry_id for one in city.kinds(FeedKind.WATCH_ENTRY)] == [wanted]


def test_C13_overdue_goes_to_one_account_manager_of_one_city(world: World, people: People) -> None:
    world.customer("debtor", world.branch_a, ())
    assert overdue(people, told_staff_id="rm-1").status_code == 422, "an RM is told nothing"
    assert overdue(people, customer_id="nobody").status_code == 422
    debtor = entry_id(overdue(people))
    assert people.call("ada", "POST", f"watch/overdue/entries/{debtor}/confirm").status_code == 403
    assert people.call("ben", "POST", f"watch/overdue/entries/{debtor}/confirm").status_code == 200
    assert told(world) == {"a": [debtor], "b": []}
    (entry,) = world.a.kinds(FeedKind.WATCH_ENTRY)
    assert (entry.told_staff_id, entry.branch_id, entry.subject) == ("am-1", world.branch_a, "欧阳女士")
    # No consent was given, and none is needed: the order is the basis. Nor does it make him a customer to be greeted.
    assert world.a.kinds(FeedKind.CARD_VIEW) == []
    assert world.call("DELETE", "customers/debtor").status_code == 204
    assert told(world) == {"a": [], "b": []}


def test_C13_role_matrix_each_list_has_one_role_and_none_in_common(world: World, people: People) -> None:
    managed = {WatchList.POLICE: OFFICER, WatchList.OVERDUE: ADMIN}
    paths = [("GET", ""), ("POST", ""), ("GET", "/x"), ("POST", "/x/confirm"), ("POST", "/x/end")]
    for watch_list, manager in managed.items():
        for method, path in paths:
            for role in Role:
                reply = world.call(method, f"watch/{watch_list}/entries{path}", role)
                allowed = role is manager or (method == "GET" and role is Role.AUDITOR)
                assert (reply.status_code != 403) is allowed, (watch_list, method, path, role)


def test_C13_an_auditor_sees_who_decided_by_which_order_and_not_whom_it_is_about(
    world: World, propose: Callable[..., httpx.Response]
) -> None:
    wanted = entry_id(propose())
    (seen,) = world.call("GET", "watch/police/entries", Role.AUDITOR).json()["items"]
    assert (seen["entry_id"], seen["document_number"], seen["proposed_by"]) == (wanted, "公缉 2026-17", "chen")
    assert (seen["subject"], seen["needs_you"]) == ("", False)


def test_C13_the_lists_have_keys_of_their_own_and_are_in_no_gallery(
    world: World, people: People, propose: Callable[..., httpx.Response]
) -> None:
    world.enrolled("li", world.branch_a)
    wanted = entry_id(propose(photo=b"li"))  # the very face of a customer
    people.call("lin", "POST", f"watch/police/entries/{wanted}/confirm")
    province = world.province
    with province.stores.templates.read() as session:
        (watched,) = session.scalars(select(WatchTemplateRow)).all()
        (customer,) = session.scalars(select(TemplateRow)).all()
    assert watched.key_id != customer.key_id == province.keys.domains(PROVINCE)[0].key_id
    (template,), (entry,), (to_list,) = (
        world.a.kinds(kind) for kind in (FeedKind.TEMPLATE, FeedKind.WATCH_ENTRY, FeedKind.WATCH_MAP)
    )
    names = {"transform/watch/police", f"transform/watch/police/{world.a.city_id}", "seal/watch/police"}
    assert all(province.stores.keystore.get(name) for name in names)
    there = protect.decode_template(entry.vector, DIMENSION)
    city = protect.decode_template(template.vector, DIMENSION)
    assert abs(float(there @ city)) < 0.5, "one face, two domains: comparing them tells nothing"
    mapped = protect.apply(protect.decode_transform(to_list.from_city, DIMENSION), city)
    assert float(there @ protect.normalise(mapped)) > 0.99
    other = next(one for one in world.b.kinds(FeedKind.WATCH_ENTRY))
    assert abs(float(there @ protect.decode_template(other.vector, DIMENSION))) < 0.5, "nor do two cities' lists"
    assert not np.allclose(there, vector_of(b"li"))
    assert world.found("li") == "li", "a customer is served as ever"


def test_C13_a_list_survives_the_renewal_of_a_citys_key(
    world: World, people: People, propose: Callable[..., httpx.Response]
) -> None:
    wanted = entry_id(propose(photo=b"li"))
    people.call("lin", "POST", f"watch/police/entries/{wanted}/confirm")
    world.enrolled("li", world.branch_a)
    assert world.call("POST", f"renewals/cities/{world.a.city_id}").status_code == 202
    newest = world.province.keys.domains(city_key(world.a.city_id))[-1].key_id
    held = world.a.replica(newest)
    by_kind = {kind: thing for (kind, _), thing in held.items()}
    city = protect.decode_template(by_kind[FeedKind.TEMPLATE].vector, DIMENSION)
    to_list = protect.decode_transform(by_kind[FeedKind.WATCH_MAP].from_city, DIMENSION)
    there = protect.decode_template(by_kind[FeedKind.WATCH_ENTRY].vector, DIMENSION)
    assert float(there @ protect.normalise(protect.apply(to_list, city))) > 0.99
