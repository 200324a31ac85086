import threading
import time
from pathlib import Path

import msgspec
import pytest
from province_harness import DIMENSION, StandInReader, World, record, vector_of
from sqlalchemy import text

from province_server.app import Stores, build
from province_server.keys import PROVINCE
from province_server.settings import ProvinceSettings
from yingbin import feed_wire, report_wire, search_wire
from yingbin.feed_wire import FeedKind
from yingbin.galleries import protect
from yingbin.ids import now_ms
from yingbin.portrait_wire import PortraitPage
from yingbin.storage.province import TemplateLink
from yingbin.storage.templates import TemplateRow
from yingbin.trust.consent import Gallery


def test_enrolled_customer_reaches_his_city_in_its_own_domain(world: World) -> None:
    world.enrolled("li", world.branch_a)
    template = world.a.kinds(FeedKind.TEMPLATE)[0]
    assert template.customer_id == "li"
    box = world.a.kinds(FeedKind.BOX)[0]
    to_city = protect.decode_transform(box.to_city[world.bundle_a.key_id], DIMENSION)
    probe = protect.apply(to_city, protect.apply(world.bundle_a.transform, vector_of(b"li")))
    stored = protect.decode_template(template.vector, DIMENSION)
    assert float(stored @ probe) == pytest.approx(1.0, abs=1e-4)
    assert world.a.kinds(FeedKind.CARD_VIEW)[0].surname == "欧阳"
    assert [camera.camera_id for camera in world.a.kinds(FeedKind.CAMERA)] == [world.camera_a]
    assert not world.b.kinds(FeedKind.TEMPLATE)
    assert not world.b.kinds(FeedKind.CARD_VIEW)


def test_feed_tail_carries_removals_and_wakes_a_waiting_city(world: World) -> None:
    world.enrolled("li", world.branch_a)
    head = world.a.page(10_000).head  # ahead of the head: a snapshot again
    pages: list[feed_wire.FeedPage] = []
    waiter = threading.Thread(target=lambda: pages.append(world.a.page(head, 20)))
    started = time.monotonic()
    waiter.start()
    assert world.withdraw("li", "vip_service").status_code == 204
    waiter.join(20)
    assert time.monotonic() - started < 20
    assert pages[0].entries
    after = [entry for entry in world.a.page(head).entries if entry.payload is None]
    assert {entry.kind for entry in after} == {FeedKind.CARD_VIEW, FeedKind.TEMPLATE}
    assert not world.a.kinds(FeedKind.TEMPLATE)


def test_search_finds_a_customer_of_another_city_and_no_stranger(world: World) -> None:
    world.enrolled("li", world.branch_a)
    assert world.found("li") == "li"
    assert world.found("nobody") is None


def test_C3_search_needs_the_cameras_own_valid_assessment(world: World) -> None:
    world.enrolled("li", world.branch_a)
    expired = world.made(
        "assessments",
        {"expires_at_ms": now_ms() - 1, "roles": ["entrance"], "modes": ["feature"], "galleries": ["vip"]},
    )["assessment_id"]
    box = world.bundle_b.box_id
    for camera, assessment in (
        (world.camera_a, world.assessment),
        ("no-such-camera", world.assessment),
        (world.camera_b, "another"),
        (world.camera(world.branch_b, box, None), world.assessment),
        (world.camera(world.branch_b, box, expired), expired),
    ):
        reply = world.search(world.probe("li", camera=camera, assessment=assessment))
        assert (reply.status_code, reply.json()["type"]) == (403, "urn:yingbin:not_assessed")


def test_C3_search_stays_in_the_galleries_the_assessment_covers(world: World) -> None:
    world.customer("li", world.branch_a)
    assert world.photo("li", b"li", gallery="potential").status_code == 201
    assert world.found("li") is None


def test_search_refuses_another_pack_and_bad_probes(world: World) -> None:
    assert world.search(world.probe("li"), pack_id="other").json()["type"] == "urn:yingbin:pack_mismatch"
    short = msgspec.structs.replace(world.probe("li"), vector=b"12")
    assert world.search(short).json()["type"] == "urn:yingbin:bad_vector"
    assert world.b.ask("POST", "search", content=b"\xff").json()["type"] == "urn:yingbin:bad_message"


@pytest.mark.parametrize(
    "granted", [(), ("vip_service",), ("central_storage",), ("marketing", "ticketing", "whereabouts")]
)
def test_C1_enrolment_needs_both_consents(world: World, granted: tuple[str, ...]) -> None:
    world.customer("li", world.branch_a, granted)
    reply = world.photo("li", b"li")
    assert (reply.status_code, reply.json()["type"]) == (403, "urn:yingbin:consent_missing")


def test_C1_suggestions_are_personalised_with_marketing_consent_only(world: World) -> None:
    world.enrolled("li", world.branch_a)
    assert world.a.kinds(FeedKind.CARD_VIEW)[0].personalised
    world.withdraw("li", "marketing")
    assert not world.a.kinds(FeedKind.CARD_VIEW)[0].personalised
    assert world.found("li") == "li"


@pytest.mark.parametrize("purpose", ["vip_service", "central_storage"])
def test_C5_withdrawal_ends_matching_at_once_and_consenting_again_does_not_revive_it(
    world: World, purpose: str
) -> None:
    world.enrolled("li", world.branch_a)
    assert world.found("li") == "li"
    assert world.withdraw("li", purpose).status_code == 204
    assert world.found("li") is None
    assert world.grant("li", purpose).status_code == 204
    assert world.found("li") is None
    with world.province.stores.templates.read() as session:
        assert session.query(TemplateRow).count() == 0
    assert world.photo("li", b"li").status_code == 201
    assert world.found("li") == "li"


def test_C5_erasure_leaves_nothing(world: World) -> None:
    world.enrolled("li", world.branch_a)
    assert world.call("DELETE", "customers/li").status_code == 204
    assert world.call("GET", "customers/li").status_code == 404
    assert world.found("li") is None
    assert not world.a.kinds(FeedKind.CARD_VIEW)
    with world.province.stores.identity.read() as session:
        assert session.query(TemplateLink).count() == 0
        assert session.execute(text("SELECT count(*) FROM consents")).scalar() == 0


def test_C6_child_without_guardian_is_refused(world: World) -> None:
    child = record("kid", world.branch_a, birth_date="2020-01-01")
    reply = world.call("POST", "customers", json=child)
    assert (reply.status_code, reply.json()["type"]) == (403, "urn:yingbin:guardian_missing")
    guardian = {"full_name": "欧阳一", "relation": "guardian", "evidence": "paper 18"}
    assert world.call("POST", "customers", json=child | {"guardian": guardian}).status_code == 201


def test_C8_no_response_schema_has_a_score_or_vector(world: World) -> None:
    """Field by field, the JSON routes and the msgpack messages to cities alike; a bundle's transform is told once."""
    schemas = world.http.get("/openapi.json").json()["components"]["schemas"]
    fields = {(name, field) for name, schema in schemas.items() for field in schema.get("properties", {})}
    to_city = msgspec.json.schema_components([search_wire.SearchReply, feed_wire.FeedPage], ref_template="{name}")[1]
    fields |= {(name, field) for name, schema in to_city.items() for field in schema.get("properties", {})}
    telling = ("score", "vector", "cosine", "similarity", "distance", "template", "embedding", "transform", "threshold")
    found = {(name, field) for name, field in fields if any(word in field for word in telling)}
    assert found == {
        ("BundleOut", "transform_base64"),
        ("CustomerOut", "templates"),  # how many
        ("GalleryOut", "templates"),
        ("GalleryOut", "fit_for_templates"),
        ("GalleryMember", "templates"),
        ("Enrolled", "template_id"),
        ("Candidate", "score"),  # of a product
    }


def test_C8_one_stolen_store_links_nobody(world: World) -> None:
    world.enrolled("li-the-customer", world.branch_a)
    with world.province.stores.identity.read() as session:
        link = session.query(TemplateLink).one()
    for name in ("identity", "templates"):
        with getattr(world.province.stores, name).engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    identity, templates = ((world.folder / f"{name}.db").read_bytes() for name in ("identity", "templates"))
    raw = vector_of(b"li-the-customer")
    domain = world.province.keys.domains(PROVINCE)[0]
    for vector in (raw, protect.normalise(protect.apply(domain.transform, raw))):
        for content in (identity, templates):
            assert vector.tobytes()[:32] not in content
            assert vector.astype("<f2").tobytes()[:32] not in content
    assert b"li-the-customer" not in templates
    assert link.template_id.encode() not in templates
    assert link.key_sealed not in templates
    assert "欧阳".encode() not in identity
    assert b"987654321" not in identity


def test_C2_a_probe_is_nowhere_on_disk_after_the_search(world: World, capfd: pytest.CaptureFixture[str]) -> None:
    world.enrolled("li", world.branch_a)
    probe = world.probe("stranger")
    assert world.search(probe).status_code == 200
    canaries = [probe.vector, vector_of(b"stranger").tobytes()]
    for path in Path(world.folder).rglob("*"):
        if path.is_file():
            assert not any(canary[:16] in path.read_bytes() for canary in canaries)
    assert probe.vector.hex()[:16] not in "".join(capfd.readouterr())


def test_portrait_only_for_a_city_that_was_told_of_the_customer(world: World) -> None:
    world.enrolled("li", world.branch_a)
    lines = msgspec.json.decode(world.a.ask("GET", "customers/li/portrait").content, type=PortraitPage).lines
    assert any(line.amount_fen == 987_654_321 for line in lines)
    assert world.b.ask("GET", "customers/li/portrait").status_code == 403
    assert world.a.ask("GET", "customers/unknown/portrait").status_code == 403
    world.found("li")
    assert world.b.ask("GET", "customers/li/portrait").status_code == 200
    world.withdraw("li", "vip_service")
    assert world.b.ask("GET", "customers/li/portrait").status_code == 403


def test_outcomes_are_stored_once(world: World) -> None:
    world.enrolled("li", world.branch_a)
    report = report_wire.OutcomeReport("o1", "card", "li", world.branch_a, "rm1", "greeted", "", 1)
    gone = msgspec.structs.replace(report, outcome_id="o2", customer_id="erased")
    for _ in range(2):
        assert world.a.ask("POST", "outcomes", content=msgspec.msgpack.encode([report, gone])).status_code == 204
    assert world.b.ask("POST", "outcomes", content=msgspec.msgpack.encode([report])).status_code == 403
    with world.province.stores.identity.read() as session:
        assert session.execute(text("SELECT count(*) FROM outcomes")).scalar() == 1


def test_restart_keeps_enrolments_and_finishes_what_a_crash_interrupted(
    world: World, settings: ProvinceSettings
) -> None:
    world.enrolled("li", world.branch_a)
    world.customer("half", world.branch_a)
    key_sealed, vector_sealed = world.province.keys.seal_vector(vector_of(b"half"))
    with world.province.stores.identity.write() as session:
        session.add(
            TemplateLink(
                template_id="t",
                customer_id="half",
                subject_id="s",
                gallery="vip",
                key_sealed=key_sealed,
                state="pending",
            )
        )
    with world.province.stores.templates.write() as session:
        session.add(TemplateRow(subject_id="s", pack_id=StandInReader.pack_id, key_id="k", vector_sealed=vector_sealed))
    world.province.stores.galleries.close()
    again = build(settings, Stores.open(settings), StandInReader())
    assert again.galleries.count(list(Gallery)) == 1
    with again.stores.templates.read() as session:
        assert session.get(TemplateRow, "s") is None
    with again.stores.identity.read() as session:
        assert session.get(TemplateLink, "s") is None
    again.stores.close()
