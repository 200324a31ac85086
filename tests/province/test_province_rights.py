"""What the bank owes a person: withdrawal with a receipt, an export, and care for children (C1, C5, C6)."""

import itertools
import threading
import time
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from province_harness import City, World, record

from yingbin.feed_wire import FeedKind
from yingbin.ids import now_ms
from yingbin.storage.province import OutcomeRow
from yingbin.trust.consent import Purpose
from yingbin.trust.staff import Role

CHILD = {"birth_date": f"{datetime.now(UTC).year - 10}-01-01"}
GUARDIAN = {"guardian": {"full_name": "欧阳父", "relation": "father", "evidence": "ID 1"}}


def receipt_of(world: World, reply: httpx.Response) -> dict[str, Any]:
    assert reply.status_code == 204, reply.text
    found = world.http.get(
        reply.headers["location"], headers={"Authorization": f"Bearer {world.token(Role.GALLERY_ADMIN)}"}
    )
    assert found.status_code == 200, found.text
    result: dict[str, Any] = found.json()
    return result


def states(receipt: dict[str, Any]) -> dict[str, bool]:
    return {city["name"]: city["confirmed_at_ms"] is not None for city in receipt["cities"]}


def catch_up(city: Any) -> None:
    """Have a city apply its feed and ask for more, as it does all day."""
    head = city.page(0).head
    city.page(head)


def test_C5_a_receipt_says_what_went_and_which_city_has_applied_it(world: World) -> None:
    world.enrolled("li", world.branch_a)
    catch_up(world.a)
    receipt = receipt_of(world, world.withdraw("li", "vip_service"))
    deleted = {(one["what"], one["where"]): one["count"] for one in receipt["deleted"]}
    assert (receipt["purposes"], receipt["everything"], receipt["complete"]) == (["vip_service"], False, False)
    assert (deleted["template", "template_store"], deleted["template_key", "identity_store"]) == (1, 1)
    assert "li" not in str(receipt["customer_ref"])
    assert states(receipt) == {"a": False, "b": False}
    catch_up(world.a)  # b is offline
    path = f"receipts/{receipt['receipt_id']}"
    assert states(world.call("GET", path).json()) == {"a": True, "b": False}
    catch_up(world.b)
    assert world.call("GET", path).json()["complete"]
    for language, word in (("zh", "个人信息删除回执"), ("en", "Receipt of deletion")):
        text = world.call("GET", f"{path}/text?language={language}").text
        assert word in text
        assert receipt["receipt_id"] in text


def test_C5_a_withdrawal_is_in_effect_at_two_online_cities_within_5_s(world: World) -> None:
    """Both follow the feed as cities do: each asks for what comes after all it has applied, and waits."""
    world.enrolled("li", world.branch_a)
    stop, started = threading.Event(), threading.Barrier(3)
    held: dict[str, set[str]] = {"a": set(), "b": set()}

    def follow(name: str, city: Any) -> None:
        with httpx.Client(base_url=world.url, timeout=20) as http:
            own = City(world.province, http, city.city_id, city.key)
            page = own.page(0)
            while not stop.is_set():
                for entry in page.entries:
                    (held[name].add if entry.payload is not None else held[name].discard)(f"{entry.kind}/{entry.key}")
                if page.up_to >= page.head and not started.broken and not begun[name].is_set():
                    begun[name].set()
                    started.wait(20)
                page = own.page(page.up_to, 1 if page.up_to >= page.head else 0)

    begun = {"a": threading.Event(), "b": threading.Event()}
    cities = [threading.Thread(target=follow, args=pair) for pair in (("a", world.a), ("b", world.b))]
    for one in cities:
        one.start()
    started.wait(20)
    assert "card_view/li" in held["a"]
    receipt = receipt_of(world, world.withdraw("li", "vip_service"))
    path, deadline = f"receipts/{receipt['receipt_id']}", time.monotonic() + 5
    while not (seen := world.call("GET", path).json())["complete"] and time.monotonic() < deadline:
        time.sleep(0.02)
    stop.set()
    for one in cities:
        one.join(20)
    took_ms = [city["confirmed_at_ms"] - seen["made_at_ms"] for city in seen["cities"] if city["confirmed_at_ms"]]
    assert len(took_ms) == 2
    assert max(took_ms) <= 5000
    assert not any("li" in key for key in held["a"] | held["b"])
    assert world.found("li") is None


def test_C5_a_withdrawal_that_touches_no_city_needs_none(world: World) -> None:
    world.customer("li", world.branch_a)
    receipt = receipt_of(world, world.withdraw("li", "marketing"))
    assert (receipt["cities"], receipt["complete"], receipt["deleted"]) == ([], True, [])


def test_C5_withdrawing_altogether_ends_every_purpose_with_one_receipt(world: World) -> None:
    world.enrolled("li", world.branch_a)
    reply = world.call("DELETE", "customers/li/consents")
    assert (reply.status_code, reply.json()["purposes"]) == (200, sorted(Purpose))
    assert world.call("GET", "customers/li").json()["consents"] == []
    assert world.found("li") is None
    assert world.a.kinds(FeedKind.TEMPLATE) == []


def test_C5_erasure_leaves_a_receipt_that_names_nobody(world: World) -> None:
    world.enrolled("li", world.branch_a)
    receipt = receipt_of(world, world.call("DELETE", "customers/li"))
    assert receipt["everything"]
    assert {one["what"] for one in receipt["deleted"]} >= {"record", "consent", "template", "visit"}
    assert world.call("GET", "customers/li").status_code == 404
    for city in (world.a, world.b):  # where he may have been a guest, too
        keys = {(entry.kind, entry.key): entry.payload for entry in _all(city)}
        assert keys[FeedKind.CARD_VIEW, "li"] is None


def _all(city: Any) -> list[Any]:
    entries, after, head = [], 0, 1
    while after < head:
        page = city.page(after)
        entries.extend(page.entries)
        after, head = page.up_to, page.head
    return entries


def test_C1_a_city_that_was_told_to_forget_a_guest_is_not_told_of_him_when_he_consents_again(world: World) -> None:
    world.enrolled("li", world.branch_a)
    world.withdraw("li", "vip_service")
    world.grant("li", "vip_service")
    assert world.photo("li", b"li").status_code == 201
    assert [one.customer_id for one in world.a.kinds(FeedKind.CARD_VIEW)] == ["li"]
    assert world.b.kinds(FeedKind.CARD_VIEW) == []


def test_C5_export_holds_everything_but_the_vector(world: World) -> None:
    world.enrolled("li", world.branch_a)
    world.withdraw("li", "marketing")
    with world.province.stores.identity.write() as session:
        session.add(
            OutcomeRow(
                outcome_id="o1", card_id="c1", customer_id="li", branch_id=world.branch_a, staff_id="rm-1",
                kind="greeted", product="", at_ms=now_ms(),
            )
        )  # fmt: skip
    held = world.call("GET", "customers/li/export", Role.ENROLLER).json()
    assert held["record"]["full_name"] == "欧阳测试"
    assert {(one["purpose"], one["withdrawn_at_ms"] is None) for one in held["consents"]} == {
        ("vip_service", True), ("central_storage", True), ("marketing", False),
    }  # fmt: skip
    (enrolment,) = held["enrolments"]
    assert (enrolment["gallery"], enrolment["model_pack"]) == ("vip", "stand-in-00000000")
    assert abs(enrolment["enrolled_at_ms"] - now_ms()) < 60_000
    assert [one["kind"] for one in held["outcomes"]] == ["greeted"]
    assert [place["name"] for place in held["processed_at"]] == ["province", "a"]
    text = world.call("GET", "customers/li/export/text?language=en", Role.ENROLLER).text
    assert "Face templates" in text
    assert "withdrawn" in text
    for role in (Role.AUDITOR, Role.RM, Role.ANALYST, Role.SECURITY_OFFICER):
        assert world.call("GET", "customers/li/export", role).status_code == 403


def child(world: World, **changes: Any) -> httpx.Response:
    body = record("kid", world.branch_a, **{**CHILD, **changes})
    return world.call("POST", "customers", json=body)


def by(world: World, customer_id: str, purpose: str, *, guardian: bool) -> httpx.Response:
    body = {"notice_version": "2026-1", "evidence": "paper 17", "by_guardian": guardian}
    return world.call("PUT", f"customers/{customer_id}/consents/{purpose}", json=body)


def test_C6_a_child_needs_a_guardian_and_the_guardians_own_consent(world: World) -> None:
    refused = child(world)
    assert (refused.status_code, refused.json()["type"]) == (403, "urn:yingbin:guardian_missing")
    assert child(world, **GUARDIAN).status_code == 201
    assert by(world, "kid", "vip_service", guardian=False).json()["type"] == "urn:yingbin:guardian_missing"
    for purpose in ("vip_service", "central_storage"):
        assert by(world, "kid", purpose, guardian=True).status_code == 204
    assert world.photo("kid", b"kid").status_code == 201
    assert all(one["by_guardian"] for one in world.call("GET", "customers/kid/export").json()["consents"])


def test_C6_a_birth_date_that_is_corrected_voids_what_the_child_consented_to_himself(world: World) -> None:
    world.enrolled("kid", world.branch_a)
    younger = record("kid", world.branch_a, **CHILD)
    assert world.call("PUT", "customers/kid", json=younger).json()["type"] == "urn:yingbin:guardian_missing"
    assert world.found("kid") == "kid", "a correction that was refused changed nothing"
    assert world.call("PUT", "customers/kid", json=younger | GUARDIAN).status_code == 204
    assert world.found("kid") is None
    assert world.call("GET", "customers/kid").json()["consents"] == []
    refused = world.photo("kid", b"kid")
    assert (refused.status_code, refused.json()["type"]) == (403, "urn:yingbin:consent_missing")


def test_C6_enrolment_looks_again(world: World) -> None:
    """Whatever way a child without a guardian got into the store, no template is made of him."""
    assert child(world, **GUARDIAN).status_code == 201
    for purpose in ("vip_service", "central_storage"):
        by(world, "kid", purpose, guardian=True)
    from province_server.cards import Customer  # the store as a restored backup of before this rule may have it
    from yingbin.storage.province import CustomerRow

    orphan = Customer.model_validate(record("kid", world.branch_a, **CHILD))
    with world.province.stores.identity.write() as session:
        row = session.get_one(CustomerRow, "kid")
        row.record_sealed = world.province.keys.seal_record("kid", orphan.model_dump_json().encode())
    assert world.photo("kid", b"kid").json()["type"] == "urn:yingbin:guardian_missing"


def test_C6_a_move_to_another_city_waits_for_a_withdrawal(world: World) -> None:
    world.enrolled("li", world.branch_a)
    moved = record("li", world.branch_b)
    assert world.call("PUT", "customers/li", json=moved).status_code == 409
    world.withdraw("li", "vip_service")
    assert world.call("PUT", "customers/li", json=moved).status_code == 204
    assert world.call("PUT", "customers/other", json=moved).status_code == 422
    assert world.call("PUT", "customers/nobody", json=record("nobody", world.branch_b)).status_code == 404


NEEDED = {"vip": {"vip_service", "central_storage"}, "potential": {"vip_service", "central_storage"}}


@pytest.mark.parametrize("gallery", ["vip", "potential"])
def test_C1_consent_for_one_thing_never_permits_another(world: World, gallery: str) -> None:
    """Every set of up to two purposes, and all but one, against enrolment; then what the cards may be used for."""
    purposes = [purpose.value for purpose in Purpose]
    sets = [set(some) for size in (0, 1, 2) for some in itertools.combinations(purposes, size)]
    sets += [set(purposes) - {one} for one in purposes]
    for number, granted in enumerate(sets):
        who = f"c{number}"
        world.customer(who, world.branch_a, tuple(sorted(granted)))
        reply = world.photo(who, who.encode(), gallery)
        allowed = NEEDED[gallery] <= granted
        assert (reply.status_code == 201) is allowed, granted
        if not allowed:
            assert reply.json()["type"] == "urn:yingbin:consent_missing"
        if gallery == "vip":  # which is what the camera there may search
            assert (world.found(who) == who) is allowed
    cards = {one.customer_id: one for one in world.a.kinds(FeedKind.CARD_VIEW)}
    for number, granted in enumerate(sets):
        card = cards.get(f"c{number}")
        assert (card is not None) is (NEEDED[gallery] <= granted)
        if card is not None:
            assert set(card.purposes) == granted & {"vip_service", "ticketing"}
            assert card.personalised is ("marketing" in granted)
