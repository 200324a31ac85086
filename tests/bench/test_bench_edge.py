"""The bench against the real box, on clips of a second."""

from fractions import Fraction
from pathlib import Path

import av
import insightface
import numpy as np
import pytest
from av.video.frame import PictureType

from bench.baseline import Report
from bench.box_trial import BoxRun, Gallery, Showing, Sighting, run_box
from bench.clips import ClipUnusable, re_encoded
from bench.edge_bench import QUICK, Material, given_material, named_by_baseline, run_baseline, score, sustained
from bench.eval_truth import Present, Row
from yingbin.errors import InvalidInput
from yingbin.faces.engine import FaceEngine
from yingbin.faces.pack import ModelPack

GROUP = Path(insightface.__file__).parent / "data/images/t1.jpg"


@pytest.fixture(scope="session")
def engine() -> FaceEngine:
    return FaceEngine.load(ModelPack.load())


@pytest.fixture(scope="session")
def group_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return one second of a photo of six people, at 10 frames/s."""
    path = tmp_path_factory.mktemp("bench") / "group.mp4"
    with av.open(str(GROUP)) as photo, av.open(str(path), "w") as container:
        image = next(photo.decode(video=0)).reformat(1280, 720, "yuv420p")
        stream = container.add_stream("libx264", rate=10)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = 1280, 720, "yuv420p"
        for number in range(10):
            image.pts, image.time_base = number, Fraction(1, 10)
            container.mux(stream.encode(image))
        container.mux(stream.encode(None))
    return path


def row(person: str, first: int, last: int, present: Present = Present.YES) -> Row:
    return Row("clip.mp4", first, last, person, present, is_video=True)


def test_people_are_counted_once_and_wrong_names_are_wrong() -> None:
    truth = [row("a", 0, 50), row("b", 0, 20), row("b", 21, 90, Present.NO), row("c", 0, 90, Present.UNSURE)]
    said = [Sighting("a", 51), Sighting("a", 10), Sighting("b", 60), Sighting("c", 5), Sighting("nobody", 5)]
    scored = score(truth, said)
    assert (scored.truth, scored.found, scored.wrong) == (2, 1, 2)


def test_the_baseline_names_by_threshold_and_lead() -> None:
    gallery = Gallery(("a", "a", "b"), np.eye(3, dtype=np.float32))
    scores = [[[0.2, 0.7, 0.3]], [[0.2, 0.7, 0.68]], [[0.4, 0.3, 0.1]], []]
    assert named_by_baseline(Report(1.0, 4, scores, {}), gallery, 0.5) == [Sighting("a", 0)]
    assert named_by_baseline(Report(1.0, 1, [[[]]], {}), Gallery((), np.empty((0, 3), np.float32)), 0.5) == []


def test_clips_are_1080p25_without_b_frames(group_clip: Path, tmp_path: Path) -> None:
    clip = re_encoded(group_clip, tmp_path / "a.mp4", 0.8)
    with av.open(str(clip.path)) as container:
        stream = container.streams.video[0]
        assert (stream.width, stream.height, stream.average_rate) == (1920, 1080, 25)
        kinds = [frame.pict_type for frame in container.decode(stream)]
    assert len(kinds) == clip.frames == 20
    assert set(kinds) == {PictureType.I, PictureType.P}
    with pytest.raises(ClipUnusable, match="cannot be decoded"):
        re_encoded(Path(__file__), tmp_path / "c.mp4", 1)


def test_truth_and_enrolment_belong_together(group_clip: Path, tmp_path: Path, engine: FaceEngine) -> None:
    with pytest.raises(InvalidInput, match="belong together"):
        given_material(tmp_path, engine, QUICK, group_clip, tmp_path / "truth.csv", None)


async def test_the_box_and_the_baseline_see_the_same_people(
    group_clip: Path, tmp_path: Path, engine: FaceEngine
) -> None:
    people = tmp_path / "people"
    people.mkdir()
    with av.open(str(GROUP)) as photo:
        image = next(photo.decode(video=0)).to_ndarray(format="bgr24")
    av.VideoFrame.from_ndarray(np.ascontiguousarray(image[195:470, 425:640]), format="bgr24").to_image().save(
        people / "somebody_1.png"
    )
    truth = tmp_path / "truth.csv"
    truth.write_text("file,frame_from,frame_to,person_id,present\ngroup.mp4,0,9,people/somebody,1\n", "utf-8")
    material: Material = given_material(tmp_path, engine, QUICK, group_clip, truth, people)
    assert material.truth == (Row("group.mp4", 0, 22, "people/somebody", Present.YES, is_video=True),)
    baseline = run_baseline(material, tmp_path, QUICK)
    assert baseline.frames == material.clip.frames == 25
    assert baseline.rungs_ms.keys() == {"decode", "detect", "judge", "embed"}
    run = await run_box(Showing(material.clip.path, 2, 3.0), material.gallery, engine.pack)
    for sightings in (run.sightings, named_by_baseline(baseline, material.gallery, 0.5)):
        scored = score(material.truth, sightings)
        assert (scored.truth, scored.found, scored.wrong) == (1, 1, 0)
    assert run.cpu_s > 0
    assert run.rss_mb > 50
    assert 0 < run.summary["bytes_per_event"] <= 1000


def test_a_box_that_loses_frames_or_time_does_not_sustain() -> None:
    fine = BoxRun(cpu_s=10, wall_s=10, frames_share=0.98, lateness_s=[0.1, 0.2])
    assert sustained(fine)
    for spoilt in (
        BoxRun(cpu_s=19.5, wall_s=10, frames_share=0.98),
        BoxRun(cpu_s=10, wall_s=10, frames_share=0.5),
        BoxRun(cpu_s=10, wall_s=10, frames_share=0.98, lateness_s=[0.1, 0.1, 2.0, 3.0]),
    ):
        assert not sustained(spoilt)
