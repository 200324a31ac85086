"""The default clip: it renders, always the same, and its faces can be found and enrolled."""

from pathlib import Path

import av
import numpy as np
import pytest

from demo.cast import Cast, load_cast, portrait
from demo.clip import FPS, frames, render
from demo.people import invented_customers
from yingbin.errors import YingbinError
from yingbin.faces.engine import FaceEngine
from yingbin.faces.enrolment import acquire
from yingbin.faces.pack import ModelPack


@pytest.fixture(scope="module")
def engine() -> FaceEngine:
    return FaceEngine.load(ModelPack.load())


@pytest.fixture(scope="module")
def short() -> Cast:
    """Only the first entrance, of one actor."""
    cast = load_cast()
    first = cast.entrance[0]
    return Cast((cast.named(first.person),), (first,))


def test_cast_has_customers_of_both_cities_and_strangers() -> None:
    cast = load_cast()
    homes = [actor.home for actor in cast.actor]
    assert homes.count("here") == 3
    assert homes.count("elsewhere") == 2
    assert homes.count("nowhere") == 2
    assert {entrance.person for entrance in cast.entrance} == {actor.person for actor in cast.actor}


def test_every_customer_of_the_cast_has_an_invented_record() -> None:
    known = {customer.person for customer in invented_customers()}
    assert {actor.person for actor in load_cast().actor if actor.home != "nowhere"} <= known


def test_portraits_pass_enrolment(engine: FaceEngine) -> None:
    for actor in load_cast().actor:
        if actor.home != "nowhere":
            try:
                acquired = acquire(engine, portrait(actor))
            except YingbinError as refusal:
                pytest.fail(f"{actor.person}: {refusal.message}")
            assert np.isclose(np.linalg.norm(acquired.vector), 1.0, atol=1e-5)


def test_short_clip_shows_a_growing_face_that_is_recognised(tmp_path: Path, engine: FaceEngine, short: Cast) -> None:
    path = tmp_path / "clip.mp4"
    seen: list[tuple[int, int]] = []
    render(short, path, lambda done, total: seen.append((done, total)))
    actor = short.actor[0]
    enrolled = acquire(engine, portrait(actor)).vector
    heights, best = [], -1.0
    with av.open(str(path)) as container:
        assert container.streams.video[0].codec_context.has_b_frames == 0
        for index, picture in enumerate(container.decode(video=0)):
            if index % 10 == 0:
                image = picture.to_ndarray(format="bgr24")
                for face in engine.detect(image)[:1]:
                    heights.append(face.size_px)
                    best = max(best, float(engine.embed(image, face) @ enrolled))
    assert seen[-1] == (index + 1, index + 1)
    assert (picture.width, picture.height) == (1280, 720)
    assert index + 1 > 6 * FPS
    assert min(heights) < 32
    assert max(heights) > 125
    assert best > 0.6


def test_frames_are_the_same_every_time(short: Cast) -> None:
    first, second = frames(short), frames(short)
    for _ in range(40):
        one, two = next(first), next(second)
    assert np.array_equal(one, two)
