"""Picture and video cameras at the city: what is admitted (C3), how a picture is searched, that none is kept (C2)."""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import city_house
import city_people
import cv2
import insightface
import numpy as np
import pytest
from city_house import House

from city_server.admission import admit
from city_server.embedding import Embedder
from city_server.photos import BadPhoto
from yingbin import feed_wire, wire
from yingbin.errors import NotAllowed
from yingbin.faces.engine import FaceEngine, Vector
from yingbin.faces.face import Face, Image
from yingbin.faces.pack import ModelPack
from yingbin.galleries.protect import Domain, apply, between, encode_transform, random_transform
from yingbin.ids import event_id, now_ms
from yingbin.wire import CameraMode, CameraRole, Outcome


@pytest.fixture(scope="session")
def engine() -> FaceEngine:
    return FaceEngine.load(ModelPack.load())


@pytest.fixture(scope="session")
def group() -> Image:
    image = cv2.imread(str(Path(insightface.__file__).parent / "data/images/t1.jpg"))
    return np.asarray(image, np.uint8)


@pytest.fixture(scope="session")
def faces(engine: FaceEngine, group: Image) -> list[Face]:
    """Six people, from left to right."""
    return sorted(engine.detect(group, (1280, 896)), key=lambda face: float(face.box[0]))


Shown = tuple[bytes, bytes]
"""A picture and the landmarks in it, as a box sends them."""


def picture(group: Image, face: Face) -> Shown:
    margin = 0.4 * face.size_px
    left, top = np.maximum(face.box[:2] - margin, 0).astype(int)
    right, bottom = (face.box[2:] + margin).astype(int)
    jpeg = cv2.imencode(".jpg", group[top:bottom, left:right], [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes()
    return jpeg, (face.landmarks - np.array([left, top])).astype("<f4").tobytes()


def picture_camera(mode: CameraMode = CameraMode.PICTURE, *named: CameraMode) -> wire.Camera:
    assessment = wire.Assessment(
        "pia-1", now_ms() + 3_600_000, (CameraRole.ENTRANCE,), named or (mode,), ("vip", "potential")
    )
    return House.camera("cam-1", "box-1", CameraRole.ENTRANCE, mode=mode, assessment=assessment)


def look(shown: Shown, track: int, seq: int = 0) -> wire.FacePicture:
    return wire.FacePicture("cam-1", "pia-1", track, seq, 7, now_ms(), 80, 0.9, 1, *shown)


def clear_for_pictures(house: House) -> None:
    """Hand the city R_city, as the province does once a picture camera is registered and assessed."""
    key, transform = house.boxes["box-1"]
    r_city = house.province.r_city
    to_city, raw_to_city = (encode_transform(one) for one in (between(transform, r_city), r_city))
    box = feed_wire.Box(
        "box-1",
        "branch-1",
        key.public_bytes,
        revoked=False,
        to_city={Domain.of(transform).key_id: to_city},
        raw_to_city=raw_to_city,
    )
    house.province.put(feed_wire.FeedKind.BOX, "box-1", box)


@pytest.fixture
def open_real_house(
    open_house: Callable[..., House],
    monkeypatch: pytest.MonkeyPatch,
    group: Image,
    faces: list[Face],
    engine: FaceEngine,
) -> Callable[..., House]:
    """Open a city whose pack has real models, with one picture camera and the leftmost person of the group enrolled."""
    real = ModelPack.load()

    def real_pack(root: Path) -> ModelPack:
        (root / "models").mkdir(parents=True)
        (root / "models" / city_people.PACK).symlink_to(real.folder)
        return ModelPack.load(city_people.PACK, root)

    monkeypatch.setattr(city_house, "make_pack", real_pack)

    def make(**how: Any) -> House:
        house = open_house(started=False, **how)
        house.province.enrol(house.view("chen", rm="rm-1"), engine.embed(group, faces[0]), house.pack.pack_id)
        clear_for_pictures(house)
        house.province.put(feed_wire.FeedKind.CAMERA, "cam-1", picture_camera())
        house.start()
        return house

    return make


def test_a_picture_becomes_a_card_as_a_vector_does(
    open_real_house: Callable[..., House], group: Image, faces: list[Face]
) -> None:
    house = open_real_house()
    box, pad = house.ready_box(), house.pad("rm-1")
    event = look(picture(group, faces[0]), 1)
    answer = box.ask(event)
    assert isinstance(answer, wire.FaceAnswer)
    assert (answer.track, answer.seq, answer.outcome, answer.want_photo) == (1, 0, Outcome.MATCHED, True)
    card = pad.card().card
    assert (card.customer_id, card.recognised_by, card.first.frame) == ("chen", "city", 7)
    assert card.first.event_id == event_id("box-1", box.boot, 1, 0)

    assert box.ask(event) == answer
    box.photo(1)
    assert pad.card(lambda message: bool(message.card.photo))
    assert not any(message.ring for message in pad.quiet())
    stranger = box.ask(*(look(picture(group, faces[3]), 2, seq) for seq in range(4)))
    assert isinstance(stranger, wire.FaceAnswer)
    assert stranger.outcome is Outcome.NOT_ENROLLED


def test_a_track_that_splits_in_picture_mode_is_one_visit_one_card_and_one_ring(
    open_real_house: Callable[..., House], group: Image, faces: list[Face]
) -> None:
    """The box makes no vector in this mode, so it cannot know who is back: the visit does."""
    house = open_real_house()
    box, pad = house.ready_box(), house.pad("rm-1")
    answers = [box.ask(look(picture(group, faces[0]), track)) for track in (1, 2, 7)]
    assert all(isinstance(answer, wire.FaceAnswer) for answer in answers)
    assert [answer.outcome for answer in answers] == [Outcome.MATCHED] * 3
    assert [answer.want_photo for answer in answers] == [True, False, False]
    first = pad.card()
    assert first.ring
    later = pad.quiet()
    assert {message.card.card_id for message in later} <= {first.card.card_id}
    assert not any(message.ring for message in later)
    house.stop()
    with sqlite3.connect(house.data / "city.db") as database:
        assert database.execute("SELECT count(*) FROM visits").fetchone() == (1,)
        assert database.execute("SELECT count(*) FROM visit_tracks").fetchone() == (3,)


def test_the_province_is_asked_about_a_picture_too(
    open_real_house: Callable[..., House], group: Image, faces: list[Face], engine: FaceEngine
) -> None:
    house = open_real_house()
    house.province.elsewhere["ye"] = (engine.embed(group, faces[1]), house.view("ye", rm="rm-9", branch="ningbo-1"))
    box, pad = house.ready_box(), house.pad("lobby-1")
    answer = box.ask(look(picture(group, faces[1]), 1))
    assert isinstance(answer, wire.FaceAnswer)
    assert answer.outcome is Outcome.MATCHED
    assert pad.card().card.recognised_by == "province"


def test_unusable_pictures_are_refused_and_the_line_stays(
    open_real_house: Callable[..., House], group: Image, faces: list[Face]
) -> None:
    box = open_real_house().ready_box()
    good, points = picture(group, faces[0])
    frame = good.index(b"\xff\xc0")
    vast = good[: frame + 5] + b"\xff\xff\xff\xff" + good[frame + 9 :]
    pictures = (b"", b"\xff\xd8\xff\xd9", good[:-20], vast, b"GIF89a", good[:-2] + bytes(40_000) + good[-2:])
    numbers = (np.full(10, np.nan), np.full(10, np.inf), np.full(10, -1), np.full(10, 5_000), np.full(10, 50))
    landmarks = (b"", points[:-1], points + points, *(one.astype("<f4").tobytes() for one in numbers))
    bad = [(jpeg, points) for jpeg in pictures] + [(good, raw) for raw in landmarks]
    for track, shown in enumerate(bad):
        refused = box.ask(look(shown, track))
        assert isinstance(refused, wire.Refused)
        assert (refused.code, refused.track) == ("bad_photo", track)
    answer = box.ask(look((good, points), len(bad)))
    assert isinstance(answer, wire.FaceAnswer)
    assert answer.outcome is Outcome.MATCHED


@pytest.mark.parametrize("mode", CameraMode)
@pytest.mark.parametrize("named", CameraMode)
def test_C3_only_what_the_mode_ships_and_the_assessment_names_is_admitted(mode: CameraMode, named: CameraMode) -> None:
    camera = picture_camera(mode, named)
    vector = wire.FaceEvent("cam-1", "pia-1", 1, 0, 7, now_ms(), 80, 0.9, 1, bytes(256))
    for event in (vector, look((b"", b""), 1)):
        ships = isinstance(event, wire.FacePicture) == (mode is CameraMode.PICTURE)
        if ships and named is mode:
            assert admit(event, camera, "box-1", now_ms(), 1_000).galleries == ("vip", "potential")
        else:
            with pytest.raises(NotAllowed):
                admit(event, camera, "box-1", now_ms(), 1_000)


def test_C3_without_the_provinces_clearance_a_picture_is_refused_unseen(
    open_real_house: Callable[..., House], group: Image, faces: list[Face], monkeypatch: pytest.MonkeyPatch
) -> None:
    house = open_real_house()
    house.put_box("box-1")  # as the feed says it when no camera of the box is assessed for pictures
    box = house.ready_box()
    monkeypatch.setattr(FaceEngine, "embed", lambda *_: pytest.fail("a vector was computed"))
    refused = box.ask(look(picture(group, faces[0]), 1))
    assert isinstance(refused, wire.Refused)
    assert refused.code == "not_allowed"


async def test_a_picture_is_embedded_beside_the_event_loop_into_the_citys_domain(
    group: Image, faces: list[Face], engine: FaceEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads = set()
    embed = FaceEngine.embed

    def watched(self: FaceEngine, image: Image, face: Face) -> Vector:
        threads.add(threading.get_ident())
        return embed(self, image, face)

    at_the_box = engine.embed(group, faces[0])
    monkeypatch.setattr(FaceEngine, "embed", watched)
    turn = random_transform(128)
    probe = await Embedder(ModelPack.load()).probe(look(picture(group, faces[0]), 1), turn)
    assert float(probe @ apply(turn, at_the_box)) > 0.99
    assert len(threads - {threading.get_ident()}) == len(threads) == 1
    with pytest.raises(BadPhoto):
        await Embedder(ModelPack.load()).probe(look((b"\xff\xd8", b""), 1), turn)


def needles(raw: bytes, every: int = 64) -> Iterator[bytes]:
    """Yield pieces of a picture's entropy-coded part, so dense that no piece of 100 bytes could hide between them."""
    start = raw.index(b"\xff\xda") + 16
    for at in range(start, len(raw) - 24, every):
        yield raw[at : at + 24]


def test_C2_a_strangers_picture_and_what_was_made_of_it_are_nowhere_afterwards(
    open_real_house: Callable[..., House], group: Image, faces: list[Face], engine: FaceEngine
) -> None:
    house = open_real_house(in_process=False)
    box = house.ready_box()
    jpeg, points = picture(group, faces[4])
    for seq in range(4):
        answer = box.ask(look((jpeg, points), 1, seq))
    assert isinstance(answer, wire.FaceAnswer)
    assert answer.outcome is Outcome.NOT_ENROLLED
    house.province.down = True
    for track in range(2, 5):
        box.ask(look((jpeg, points), track))
    for damaged in (jpeg[:-3], jpeg + b"x"):  # refused, and no part of it in the log
        assert isinstance(box.ask(look((damaged, points), 6)), wire.Refused)
    box.socket.send(wire.encode(look((jpeg, points), 7))[:-5])
    box.receive()
    house.kill()

    image = np.asarray(cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR), np.uint8)
    there = Face(np.zeros(4, np.float32), np.frombuffer(points, "<f4").reshape(5, 2).copy(), 1.0)
    vector = engine.embed(image, there)
    forms = [vector, apply(house.province.r_city, vector)]
    canaries = [
        form.astype(kind).tobytes()[at : at + 24] for form in forms for kind in ("<f2", "<f4") for at in (0, 64)
    ]
    canaries += list(needles(jpeg))
    assert len(canaries) > 50
    files = [path for path in house.folder.rglob("*") if path.is_file()]
    assert {"city.db", "city.log"} <= {path.name for path in files}
    for path in files:
        raw = path.read_bytes()
        assert not any(canary in raw for canary in canaries), path
