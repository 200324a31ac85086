"""The whole product judged on two photos and a short film; the tablet's stream read; what cannot be judged refused."""

import io
import json
from fractions import Fraction
from pathlib import Path

import av
import cv2
import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray
from rich.console import Console
from typer.testing import CliRunner

from bench.eval_cli import app, as_object
from bench.eval_scenes import SceneMissing, Stage, Witness, prepare
from bench.eval_truth import read_truth
from demo.cast import load_cast, portrait
from yingbin.errors import InvalidInput
from yingbin.pad_wire import Beat, Card, CardMessage, Sighting, encode

HEAD = "file,frame_from,frame_to,person_id,present\n"


def canvas(face: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Put a portrait on a grey scene, u8 (480, 640, 3)."""
    scene = np.full((480, 640, 3), 120, np.uint8)
    scale = 300 / face.shape[0]
    small = np.asarray(cv2.resize(face, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
    scene[90:390, 100 : 100 + small.shape[1]] = small[:, :540]
    return scene


def film(path: Path, images: list[NDArray[np.uint8]]) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=10, options={"bf": "0"})
        stream.width, stream.height, stream.pix_fmt = 640, 480, "yuv420p"
        for number, image in enumerate(images):
            frame = av.VideoFrame.from_ndarray(image, format="bgr24")
            frame.pts, frame.time_base = number, Fraction(1, 10)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def test_the_whole_product_is_judged(tmp_path: Path) -> None:
    scenes, enrol = tmp_path / "scenes", tmp_path / "staff"
    scenes.mkdir()
    enrol.mkdir()
    known, stranger = (portrait(actor) for actor in load_cast().actor[:2])
    cv2.imwrite(str(enrol / "ada_1.png"), known)
    cv2.imwrite(str(scenes / "ada.png"), canvas(known))
    cv2.imwrite(str(scenes / "stranger.png"), canvas(stranger))
    empty = np.full((480, 640, 3), 120, np.uint8)
    film(scenes / "comes.mp4", [empty] * 10 + [canvas(known)] * 15)
    truth = tmp_path / "truth.csv"
    truth.write_text(HEAD + "ada.png,,,staff/ada,1\nstranger.png,,,*,0\ncomes.mp4,10,24,staff/ada,1\n")
    folder = tmp_path / "run"
    folder.mkdir()
    words = io.StringIO()
    result = as_object(Stage(prepare(read_truth(truth), scenes, [enrol]), folder, Console(file=words)).run())
    assert (result["appearances"], result["found"], result["wrong"]) == (2, 2, 0), result
    assert 0 <= result["time_to_find_p50_s"] <= 1.4


def sighting(frame: int) -> Sighting:
    return Sighting(f"event-{frame}", "cam", "entrance", frame, 10_000 + frame * 40)


def card_line(first: int, last: int, received_at_ms: int) -> str:
    text = ("", "", "city", "Li", "", "", "vip_gold")
    card = Card("card", "visit", "c1", text[0], text[2], *text[3:], False, True, sighting(first), sighting(last),
                10_500, (), (), "", "open")  # fmt: skip
    message = CardMessage(1, True, card)
    return json.dumps({**json.loads(encode(message)), "received_at_ms": received_at_ms})


def test_every_sighting_on_a_card_is_something_said() -> None:
    witness = Witness("film.mp4", {"c1": "staff/ada"})
    witness.line(json.dumps({**msgspec.to_builtins(Beat(0, False)), "received_at_ms": 1}))
    assert witness.listening.is_set()
    witness.line(card_line(5, 5, 10_450))
    witness.line(card_line(5, 80, 14_000))
    assert {(one.frame, one.card_delay_s) for one in witness.said} == {(5, 0.25), (5, -1.0), (80, -1.0)}


def test_scenes_and_people_are_checked_before_anything_starts(tmp_path: Path) -> None:
    truth, people = tmp_path / "truth.csv", tmp_path / "people"
    truth.write_text(HEAD + "nowhere.mp4,0,1,a/b,1\n")
    people.mkdir()
    (people / "b_1.png").write_bytes(b"photo")
    rows = read_truth(truth)
    with pytest.raises(SceneMissing, match=r"nowhere\.mp4"):
        prepare(rows, tmp_path, [people])
    with pytest.raises(InvalidInput, match="people/b occurs in two"):
        prepare([], tmp_path, [people, people])
    arguments = ["scenes", "--truth", str(truth), "--scenes", str(tmp_path), "--enrol", str(people), "--json"]
    assert isinstance(CliRunner().invoke(app, arguments).exception, SceneMissing)
