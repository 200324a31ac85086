"""What becomes of a look on a box that recognises locally: hits only, under lease and assessment, and nothing else."""

import itertools
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from edge_builders import FOREVER_MS, camera

from edge.gallery_store import GalleryStore
from edge.local_recognition import WAIT_S, LocalRecognition, Ruling
from edge.pipeline import Look
from yingbin.faces.scores import ScoreModel
from yingbin.galleries import decide
from yingbin.galleries.protect import Vector, encode_probe, encode_template, normalise
from yingbin.local_wire import GalleryAsk, GalleryMember, GalleryPage, LocalHit, fingerprint, gallery_digest
from yingbin.trust.devices import DeviceKey
from yingbin.trust.seal import Sealer
from yingbin.wire import Assessment, Camera, CameraMode, CameraRole, FaceEvent, FacePicture, Outcome

DIMENSION = 128
SCORES = ScoreModel(0.0, 0.09)
LEASE_MS = 50_000


def unit(seed: int) -> Vector:
    return normalise(np.random.default_rng(seed).standard_normal(DIMENSION).astype(np.float32))


def like(vector: Vector, cosine: float) -> Vector:
    """Return a unit vector with this cosine to `vector`."""
    other = unit(999)
    across = normalise(other - np.float32(other @ vector) * vector)
    return np.asarray(cosine * vector + np.sqrt(1 - cosine**2) * across, np.float32)


def unlike(*vectors: Vector) -> Vector:
    """Return a unit vector that is far from all of these."""
    return -normalise(np.sum(vectors, axis=0, dtype=np.float32))


def local(**changes: Any) -> Camera:
    covered = Assessment("pia-1", FOREVER_MS, (CameraRole.ENTRANCE,), (CameraMode.FEATURE,), ("vip",), True)
    return camera(local_recognition=True, **{"assessment": covered, **changes})


def page(*people: tuple[str, int], gallery: str = "vip", lease_until_ms: int = LEASE_MS) -> GalleryPage:
    members = tuple(GalleryMember(name, gallery, encode_template(unit(seed))) for name, seed in people)
    digest = gallery_digest({one.customer_id: fingerprint(one) for one in members})
    return GalleryPage(True, members, (), digest, lease_until_ms)


def look(vector: Vector, track: int = 1, seq: int = 0, **changes: Any) -> Look:
    event = FaceEvent("cam-1", "pia-1", track, seq, 7, 1_000, 80, 0.9, 4, encode_probe(vector))
    return Look(msgspec.structs.replace(event, **changes), b"photo")


class Box:
    """A local box with hands on its clocks."""

    def __init__(self, folder: Path) -> None:
        self.now_ms = 0
        store = GalleryStore(folder, Sealer(DeviceKey.generate().derive("gallery")), "box-1")
        self.local = LocalRecognition(store, SCORES, DIMENSION, lambda: self.now_ms)
        self.local.permit([local()])
        self.local.connected()

    def rule(self, *looks: Look, now_s: float = 0.0) -> list[Ruling]:
        return [ruling for one in looks for ruling in self.local.rule(one, now_s)]


@pytest.fixture
def box(outbox_folder: Path) -> Box:
    outbox_folder.mkdir(mode=0o700)
    return Box(outbox_folder)


def outcomes(rulings: list[Ruling]) -> list[Outcome | None]:
    return [ruling.outcome for ruling in rulings]


def test_C2_a_hit_goes_on_without_a_vector_and_of_a_stranger_nothing_does(box: Box) -> None:
    box.local.take(page(("ma", 1), ("song", 2)), 0.0)
    ma, stranger = look(unit(1), track=1), look(unlike(unit(1), unit(2)), track=2)
    (ruling,) = box.rule(ma)
    assert ruling.hit == LocalHit("cam-1", "pia-1", 1, 0, 7, 1_000, 80, 0.9, 4, "ma")
    assert isinstance(ma.event, FaceEvent)
    assert ma.event.vector not in msgspec.msgpack.encode(ruling.hit)
    (ruling,) = box.rule(stranger)
    assert (ruling.hit, ruling.outcome) == (None, Outcome.NOT_ENROLLED)


def test_the_decision_and_the_look_schedule_are_those_of_the_city(box: Box) -> None:
    people = [(f"guest-{number}", 100 + number) for number in range(40)]
    box.local.take(page(*people), 0.0)
    limit = decide.threshold(SCORES, len(people))
    above, below = (like(unit(100), limit + by) for by in (0.02, -0.02))
    hopeless = unlike(*(unit(seed) for _, seed in people))
    tracks = itertools.count()
    assert outcomes(box.rule(*(look(one, next(tracks)) for one in (above, below, hopeless)))) == [
        Outcome.MATCHED,
        Outcome.BETTER_SHOT,
        Outcome.NOT_ENROLLED,
    ]
    last, beyond = decide.MAX_LOOKS - 1, decide.MAX_LOOKS
    assert outcomes(box.rule(look(below, 7, last), look(above, 8, last), look(above, 9, beyond))) == [
        Outcome.NOT_ENROLLED,
        Outcome.MATCHED,
        Outcome.NOT_ENROLLED,
    ]
    twins = page(("a", 1), ("b", 1))
    box.local.take(twins, 0.0)
    assert outcomes(box.rule(look(unit(1), 20))) == [Outcome.BETTER_SHOT], "look-alikes: nobody is named"


def test_a_track_that_was_recognised_stays_recognised_while_he_is_in_the_gallery(box: Box) -> None:
    box.local.take(page(("ma", 1)), 0.0)
    box.rule(look(unit(1), track=5))
    (again,) = box.rule(look(like(unit(1), 0.3), 5, 1))
    assert again.hit
    assert (again.hit.customer_id, again.hit.seq) == ("ma", 1)
    box.local.take(page(("song", 2)), 0.0)
    (after,) = box.rule(look(like(unit(1), 0.3), 5, 2))
    assert after.hit is None


def test_C5_who_withdraws_is_not_recognised_by_the_next_look(box: Box) -> None:
    box.local.take(page(("ma", 1), ("song", 2)), 0.0)
    song = page(("song", 2))
    box.local.take(GalleryPage(False, (), ("ma",), song.digest, LEASE_MS), 0.0)
    assert [one.hit for one in box.rule(look(unit(1), 1))] == [None]
    assert [one.hit and one.hit.customer_id for one in box.rule(look(unit(2), 2))] == ["song"]


def test_C5_looks_wait_until_the_city_has_said_that_no_withdrawal_waits(box: Box) -> None:
    box.local.take(page(("ma", 1), ("song", 2)), 0.0)
    box.local.disconnected()
    assert outcomes(box.rule(look(unit(2), 1))) == [Outcome.MATCHED], "the line is down and the lease runs"
    box.local.connected()
    assert box.rule(look(unit(1), 2), look(unit(2), 3)) == []
    assert box.local.ask(1.0) == GalleryAsk(page(("ma", 1), ("song", 2)).digest)
    rulings = box.local.take(page(("song", 2)), 1.0)
    assert [(one.look.event.track, one.hit and one.hit.customer_id) for one in rulings] == [(2, None), (3, "song")]


def test_C2_looks_that_wait_are_few_and_not_for_long(box: Box) -> None:
    box.local.take(page(("ma", 1)), 0.0)
    box.local.connected()
    gone = [ruling for track in range(100) for ruling in box.local.rule(look(unit(1), track), 0.0)]
    assert [(one.look.event.track, one.hit, one.outcome) for one in gone] == [(n, None, None) for n in range(36)]
    assert box.local.tick(WAIT_S - 1) == []
    rest = box.local.tick(WAIT_S)
    assert [(one.look.event.track, one.hit, one.outcome) for one in rest] == [(n, None, None) for n in range(36, 100)]


def test_C5_when_the_lease_ends_nothing_is_recognised_and_nothing_is_held(box: Box, outbox_folder: Path) -> None:
    box.local.take(page(("ma", 1)), 0.0)
    box.local.disconnected()
    box.now_ms = LEASE_MS - 1
    assert box.local.lacks(local()) == ""
    assert outcomes(box.rule(look(unit(1), 1))) == [Outcome.MATCHED]
    box.now_ms = LEASE_MS
    assert "gallery" in box.local.lacks(local())
    assert [(one.outcome, one.hit) for one in box.rule(look(unit(1), 2))] == [(None, None)]
    box.local.tick(10.0)
    assert list(outbox_folder.iterdir()) == []
    box.local.connected()
    assert box.local.ask(20.0) == GalleryAsk(b"")
    box.now_ms = LEASE_MS + 1
    box.local.take(page(("ma", 1), lease_until_ms=3 * LEASE_MS), 21.0)
    assert box.local.lacks(local()) == ""
    assert outcomes(box.rule(look(unit(1), 3))) == [Outcome.MATCHED]


def test_C3_a_box_without_a_gallery_recognises_nobody_and_says_so(box: Box) -> None:
    assert "gallery" in box.local.lacks(local())
    assert [(one.outcome, one.hit) for one in box.rule(look(unit(1)))] == [(None, None)]
    assert box.local.lacks(camera()) == "", "another camera of this box is not concerned"
    assert box.local.lacks(None) == ""


def test_C3_when_no_assessment_covers_it_any_more_the_templates_go(box: Box, outbox_folder: Path) -> None:
    ends = msgspec.structs.replace(local().assessment, expires_at_ms=10_000)  # type: ignore[type-var]
    box.local.permit([local(assessment=ends)])
    box.local.take(page(("ma", 1)), 0.0)
    assert len(list(outbox_folder.iterdir())) == 1
    box.now_ms = 10_000
    assert [(one.outcome, one.hit) for one in box.rule(look(unit(1)))] == [(None, None)]
    box.local.tick(1.0)
    assert list(outbox_folder.iterdir()) == []


def test_C3_a_box_that_is_no_longer_to_recognise_forgets_everybody(box: Box, outbox_folder: Path) -> None:
    box.local.take(page(("ma", 1)), 0.0)
    box.local.permit([camera()])
    assert box.local.cameras == frozenset()
    assert list(outbox_folder.iterdir()) == []
    assert box.local.take(page(("ma", 1)), 0.0) == []
    assert list(outbox_folder.iterdir()) == [], "a page that was on its way is not taken"
    box.local.permit([local()])
    assert box.local.ask(1.0) == GalleryAsk(b"")


@pytest.mark.parametrize(
    ("gallery", "changes"),
    [
        ("potential", {}),
        ("vip", {"mode": CameraMode.PICTURE}),
        ("vip", {"assessment": camera().assessment}),
        ("vip", {"assessment": None}),
    ],
)
def test_C3_only_what_the_assessment_covers_is_searched(box: Box, gallery: str, changes: dict[str, Any]) -> None:
    box.local.permit([local(**changes), local(camera_id="cam-2")])
    box.local.take(page(("ma", 1), gallery=gallery), 0.0)
    assert [one.hit for one in box.rule(look(unit(1)))] == [None]


def test_C2_a_picture_made_before_the_camera_became_local_goes_nowhere(box: Box) -> None:
    box.local.take(page(("ma", 1)), 0.0)
    picture = FacePicture("cam-1", "pia-1", 1, 0, 7, 1_000, 80, 0.9, 1, b"\xff\xd8", b"")
    assert [(one.outcome, one.hit) for one in box.rule(Look(picture, b""))] == [(None, None)]


def test_a_damaged_gallery_is_asked_for_anew_but_not_in_a_hurry(box: Box) -> None:
    assert box.local.ask(0.0) == GalleryAsk(b"")
    assert box.local.ask(0.1) is None, "once"
    bad = msgspec.structs.replace(page(("ma", 1)), digest=b"\0" * 32)
    box.local.take(bad, 1.0)
    assert "gallery" in box.local.lacks(local())
    assert box.local.ask(9.9) is None
    assert box.local.ask(10.0) == GalleryAsk(b"")
    box.local.take(page(("ma", 1)), 11.0)
    assert outcomes(box.rule(look(unit(1)))) == [Outcome.MATCHED]
