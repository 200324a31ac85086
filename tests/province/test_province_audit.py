"""The audit trail of the province (C12), from outside: what people do, and what the chain then says of it."""

import threading
from typing import Any

import msgspec
import pytest
from audit_chain import drop_guards
from province_harness import World
from sqlalchemy import text

from province_server.audit import trail as audit
from yingbin import wire
from yingbin.search_wire import SearchRequest
from yingbin.storage.province import CustomerRow
from yingbin.trust.audit.exchange import Anchoring, Exchange
from yingbin.trust.audit.ledger import Ledger
from yingbin.trust.audit.record import Entry, Head, Pseudonyms, Record, SignedHead, is_signed, sign
from yingbin.trust.staff import Role


@pytest.fixture
def shared(shared_world: World) -> World:
    """Return one province for the tests that do no harm to its trail."""
    return shared_world


def records(world: World, after: int = 0) -> list[Record]:
    stores = world.province.stores
    with stores.identity.read() as session:
        return [record for record, _ in stores.trail.ledger.records(session, after)]


def ledger(world: World) -> Ledger:
    return world.province.stores.trail.ledger


def head(world: World) -> SignedHead:
    with world.province.stores.identity.read() as session:
        return sign(ledger(world).head(session), ledger(world).key)


def audited(world: World, **query: Any) -> list[dict[str, Any]]:
    reply = world.call("GET", "audit", role=Role.AUDITOR, params=query)
    assert reply.status_code == 200, reply.text
    items: list[dict[str, Any]] = reply.json()["items"]
    return items


def said(record: Record) -> tuple[str, str, str]:
    return record.action, record.object_kind, record.outcome


def test_C12_what_staff_do_is_recorded_without_any_service_taking_care(shared: World) -> None:
    before = head(shared).head.seq
    shared.customer("li", shared.branch_a, ("vip_service",))
    assert shared.call("GET", "customers/li").status_code == 200
    assert shared.call("GET", "customers", params={"after": "li", "limit": 7}).status_code == 200
    assert shared.call("GET", "customers", role=Role.ANALYST).status_code == 403
    assert shared.call("GET", "customers/nobody").status_code == 404
    assert shared.withdraw("li", "vip_service").is_success
    made = records(shared, before)
    assert [said(record)[1:] for record in made] == [
        ("customer", "done"), ("customer", "done"), ("customer", "done"), ("", "done"), ("", "refused"),
        ("customer", "refused"), ("customer", "done"),
    ]  # fmt: skip
    assert len({record.action for record in made}) == 5
    name = ledger(shared).pseudonyms.of
    assert {record.object_id for record in made if record.object_kind} == {
        name("customer", "li"),
        name("customer", "nobody"),
    }
    admin = name("staff", f"a-{Role.GALLERY_ADMIN}")
    assert {(one.actor_id, one.role) for one in made if one.role != "analyst"} == {(admin, "gallery_admin")}
    assert all(one.request_id for one in made)
    assert '"purpose":"vip_service"' in made[1].details
    assert f'"after":"~{name("query/after", "li")}","limit":"7"' in made[3].details
    assert '"status":403' in made[4].details


def test_C12_signing_in_is_recorded_whatever_comes_of_it(shared: World) -> None:
    body = {"staff_id": "eva", "display_name": "Eva", "role": "enroller", "password": "correct horse battery"}
    shared.made("staff", body)
    before = head(shared).head.seq
    for staff_id, password in (("eva", "wrong"), ("nobody", "wrong"), ("eva", "correct horse battery")):
        shared.http.post("/v1/sessions", json={"staff_id": staff_id, "password": password})
    shared.http.get("/v1/customers", headers={"Authorization": "Bearer forged"})
    name = ledger(shared).pseudonyms.of
    assert [(one.action, one.actor_id, one.outcome) for one in records(shared, before)] == [
        ("sign_in", name("staff", "eva"), "refused"),
        ("sign_in", name("staff", "nobody"), "refused"),
        ("sign_in", name("staff", "eva"), "done"),
    ]


def test_C12_a_change_and_its_record_are_one_transaction(shared: World) -> None:
    identity = shared.province.stores.identity

    def fail() -> None:
        with audit.acting("job:test"), identity.write() as session:
            session.add(
                CustomerRow(customer_id="x", home_branch_id=shared.branch_a, record_sealed=b"", created_at_ms=1)
            )
            raise ZeroDivisionError

    before = head(shared).head.seq
    with pytest.raises(ZeroDivisionError):
        fail()
    assert records(shared, before) == []
    with audit.acting("job:test"), identity.write() as session:
        session.add(CustomerRow(customer_id="x", home_branch_id=shared.branch_a, record_sealed=b"", created_at_ms=1))
        audit.note(session, "also", "customer", "x", {"count": 1})
    noted, own = records(shared, before)
    assert (said(noted), noted.actor_kind, noted.actor_id) == (("also", "customer", "done"), "job", "test")
    assert (said(own), own.details) == (("test", "customer", "done"), '{"changed":"customers"}')


def test_C12_without_a_record_there_is_no_change_and_no_answer(world: World) -> None:
    world.customer("li", world.branch_a, ())
    with world.province.stores.identity.engine.begin() as connection:
        connection.execute(text("ALTER TABLE audit_heads RENAME TO gone"))
    try:
        reply = world.call("GET", "customers/li")
        assert (reply.status_code, reply.json()["type"]) == (503, "urn:yingbin:audit_unavailable")
        assert "x-request-id" in reply.headers
        assert not world.grant("li", "marketing").is_success
    finally:
        with world.province.stores.identity.engine.begin() as connection:
            connection.execute(text("ALTER TABLE gone RENAME TO audit_heads"))
    assert world.call("GET", "customers/li").json()["consents"] == []


def test_C12_requests_at_once_make_one_unbroken_chain(shared: World) -> None:
    def work(number: int) -> None:
        for n in range(6):
            assert shared.call("GET", "customers").status_code == 200
            assert shared.made("branches", {"city_id": shared.a.city_id, "name_zh": "支行", "name_en": f"{number}-{n}"})

    threads = [threading.Thread(target=work, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    status = shared.call("GET", "audit/verify", role=Role.AUDITOR).json()
    assert (status["fault"], status["complete"], status["checked_up_to"]) == ("", True, status["records"])


def test_C12_a_portrait_names_who_saw_it_and_a_match_who_was_told_of(shared: World) -> None:
    shared.enrolled("gu", shared.branch_a)
    before = head(shared).head.seq
    shared.found("gu")
    manager = shared.b.manager()
    assert shared.b.ask("GET", "customers/gu/portrait").status_code == 200
    assert shared.b.ask("GET", "customers/gu/portrait", params={"staff_id": "a stranger"}).status_code == 403
    matched, shown, refused = (one for one in records(shared, before) if one.action in {"matched", "portrait_shown"})
    name = ledger(shared).pseudonyms.of
    assert (matched.actor_kind, matched.actor_id) == ("city", shared.b.city_id)
    assert {one.object_id for one in (matched, shown, refused)} == {name("customer", "gu")}
    assert (shown.actor_id, shown.role, shown.outcome) == (name("staff", manager), "rm", "done")
    assert (refused.actor_id, refused.outcome) == (name("staff", "a stranger"), "refused")


def test_C12_C2_a_search_that_finds_nobody_leaves_nothing(shared: World) -> None:
    shared.enrolled("he", shared.branch_a)
    before = head(shared).head.seq
    request = SearchRequest("stand-in-00000000", (shared.probe("somebody else"),))
    assert shared.b.ask("POST", "search", content=wire.encode(request)).status_code == 200
    assert records(shared, before) == []


def test_C12_records_hold_no_name_no_balance_and_no_vector(shared: World) -> None:
    shared.enrolled("id-of-a-person", shared.branch_a)
    shared.call("GET", "customers/id-of-a-person")
    shared.call("GET", "customers", params={"after": "李小龙"})
    shared.call("GET", "customers", params={"李小龙": "1", "home_branch_id": "李小龙"})
    shared.call("GET", "customers/李小龙")
    shared.call("DELETE", "customers/id-of-a-person/consents/李小龙")
    everything = repr(records(shared))
    for canary in ("李", "987654321", "9876543", "paper 17", "id-of-a-person", "a-gallery_admin"):
        assert canary not in everything, canary


# --- the auditor


def test_C12_the_auditor_finds_what_he_asks_for_and_that_is_recorded(shared: World) -> None:
    shared.customer("wei", shared.branch_a, ("vip_service",))
    shared.customer("wu", shared.branch_a, ())
    found = audited(shared, object_kind="customer", object_id="wei")
    assert [one["details"].get("changed") for one in found] == ["consents", "customers"]
    assert [one["seq"] for one in audited(shared, object_id=found[0]["object_id"])] == [one["seq"] for one in found]
    assert {one["role"] for one in audited(shared, actor_id="a-gallery_admin")} == {"gallery_admin"}
    newest, *_ = audited(shared)
    assert (newest["action"], newest["role"]) == ("list_audit", "auditor")
    assert audited(shared, since_ms=newest["at_ms"] + 3_600_000) == []
    page = shared.call("GET", "audit", role=Role.AUDITOR, params={"limit": 2}).json()
    after = shared.call("GET", "audit", role=Role.AUDITOR, params={"limit": 2, "after": page["next"]}).json()
    assert after["items"][0]["seq"] == page["items"][-1]["seq"] - 1
    assert shared.call("GET", "audit", role=Role.AUDITOR, params={"after": "x"}).status_code == 422


def test_C12_the_status_names_the_first_bad_record(world: World) -> None:
    world.customer("li", world.branch_a, ())
    with world.province.stores.identity.engine.begin() as connection:
        drop_guards(connection)
        connection.execute(text("UPDATE audit_records SET role = 'auditor' WHERE seq = 3"))
    status = world.call("GET", "audit/verify", role=Role.AUDITOR).json()
    assert (status["fault_seq"], status["complete"]) == (3, True)
    assert "record 3: was changed" in status["fault"]


# --- anchors


def told(world: World, exchange: Exchange) -> Exchange:
    reply = world.a.ask("POST", "audit", content=wire.encode(exchange))
    assert reply.status_code == 200, reply.text
    return wire.decode(reply.content, Exchange)


def city_head(world: World, seq: int, content: bytes) -> SignedHead:
    return sign(Head(world.a.city_id, seq, content * 32, seq), world.a.key)


def test_C12_city_and_province_keep_each_others_heads(shared: World) -> None:
    first = city_head(shared, 5, b"a")
    answer = told(shared, Exchange(first, None, shared.a.key.public_bytes))
    assert answer.head is not None
    assert is_signed(answer.head, ledger(shared).key.public_bytes)
    assert answer.kept is None
    answer = told(shared, Exchange(city_head(shared, 9, b"b"), answer.head, shared.a.key.public_bytes))
    assert answer.kept == first
    status = shared.call("GET", "audit/verify", role=Role.AUDITOR).json()
    assert status["anchored_up_to"] == (answer.head.head.seq if answer.head else 0)
    kept = {one["writer"]: one["seq"] for one in status["anchors"]}
    assert kept == {shared.a.city_id: 9, shared.b.city_id: 0}


def test_C12_a_head_that_the_city_has_not_signed_is_refused(shared: World) -> None:
    forged = sign(city_head(shared, 5, b"a").head, shared.b.key)
    exchange = Exchange(forged, None, shared.b.key.public_bytes)
    assert shared.a.ask("POST", "audit", content=wire.encode(exchange)).status_code == 422
    other = Exchange(msgspec.structs.replace(city_head(shared, 5, b"a")), None, shared.a.key.public_bytes)
    assert shared.b.ask("POST", "audit", content=wire.encode(other)).status_code == 403


def test_C12_a_truncated_or_rewritten_trail_shows_at_the_other_tier(
    shared: World, capfd: pytest.CaptureFixture[str]
) -> None:
    told(shared, Exchange(city_head(shared, 29, b"a"), None, shared.a.key.public_bytes))
    assert "audit_trail_broken" not in "".join(capfd.readouterr())
    told(shared, Exchange(city_head(shared, 29, b"b"), None, shared.a.key.public_bytes))
    assert "another one than before" in "".join(capfd.readouterr())
    identity = shared.province.stores.identity
    strict = Anchoring(identity, ledger(shared), settled_s=-1)
    strict.take(shared.a.city_id, Exchange(city_head(shared, 27, b"c"), None, b""), shared.a.key.public_bytes)
    assert "truncated" in "".join(capfd.readouterr())


def test_C12_a_province_that_lost_its_tail_is_told_by_its_cities(
    world: World, capfd: pytest.CaptureFixture[str]
) -> None:
    world.customer("li", world.branch_a, ())
    anchor = head(world)
    last = anchor.head.seq
    with world.province.stores.identity.engine.begin() as connection:
        drop_guards(connection)
        connection.execute(text(f"DELETE FROM audit_records WHERE seq > {last - 2}"))  # noqa: S608
        connection.execute(
            text(
                f"UPDATE audit_heads SET seq = {last - 2}, "  # noqa: S608
                f"hash = (SELECT hash FROM audit_records WHERE seq = {last - 2})"
            )
        )
    told(world, Exchange(None, anchor, world.a.key.public_bytes))
    assert "the chain was truncated" in "".join(capfd.readouterr())


def test_C12_who_falls_silent_is_named_once(shared: World, capfd: pytest.CaptureFixture[str]) -> None:
    anchoring = Anchoring(shared.province.stores.identity, ledger(shared))
    assert anchoring.watch(["c"]) == []
    anchoring._heard["c"] -= 3600
    assert anchoring.watch(["c"]) == ["c"]
    assert anchoring.watch(["c"]) == ["c"]
    assert "".join(capfd.readouterr()).count("audit_anchor_late") == 1
    anchoring.take("c", Exchange(None, None, b""))
    assert anchoring.watch(["c"]) == []


def test_C12_without_the_key_of_pseudonyms_nobody_can_be_found(shared: World) -> None:
    entry = Entry("staff:a", "rm", "seen", "customer", "li")
    assert Pseudonyms(b"1" * 32).of("customer", entry.object_id) != ledger(shared).pseudonyms.of("customer", "li")
