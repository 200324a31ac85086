"""`yingbin bench edge`: what a camera costs, beside the peers' way in the same run, and how many fit on two cores."""

import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, Final

import msgspec
import numpy as np

from bench.baseline import Report, Request
from bench.box_trial import CORES, BoxRun, Gallery, Showing, Sighting, run_box
from bench.clips import FPS, Clip, re_encoded, walk_in_film
from bench.eval_truth import ANYBODY, Present, Row, read_truth
from yingbin.errors import InvalidInput, Unavailable
from yingbin.faces.engine import FaceEngine
from yingbin.faces.enrolment import EnrolmentRefused, acquire, decode_image
from yingbin.faces.pack import ModelPack
from yingbin.galleries.decide import IDENTITY_MARGIN, threshold

Say = Callable[[str], None]

_GRACE_FRAMES: Final = 2
"""Re-encoding to 25 frames/s may move a frame by one, rounding by another."""
_TAIL_S: Final = 2.0
_MOST_CAMERAS: Final = 12
_ENOUGH_FRAMES: Final = 0.9
"""Frames between two detections may be left out; a camera that falls behind for good loses far more."""
_LATE_S: Final = 0.6
_FIRST_TRY: Final = 0.8
"""Share of the cores that the first number of cameras should take, judged by what one costs."""
_FULL: Final = 0.95
"""Share of the cores above which nothing is left for the unexpected."""


class BaselineFailed(Unavailable):
    """The baseline process ended with an error."""

    code = "baseline_failed"


@dataclass(frozen=True, slots=True)
class Plan:
    """How long each part takes."""

    clip_s: float
    baseline_s: float
    own_s: float
    cameras_s: float
    tries: int


FULL: Final = Plan(clip_s=60, baseline_s=40, own_s=45, cameras_s=18, tries=4)
QUICK: Final = Plan(clip_s=12, baseline_s=5, own_s=12, cameras_s=6, tries=1)


@dataclass(frozen=True, slots=True)
class Material:
    """What is played, who is enrolled, and who is to be seen where (frames of the clip)."""

    clip: Clip
    gallery: Gallery
    truth: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Scored:
    """People of the truth file, and those named rightly and wrongly."""

    truth: int
    found: int
    wrong: int


def score(truth: Sequence[Row], sightings: Sequence[Sighting]) -> Scored:
    """Count people (not appearances); wrong are people named where the truth denies them or does not mention them."""
    due = {row.person_id for row in truth if row.present is Present.YES and row.person_id != ANYBODY}
    found, wrong = set(), set()
    for one in sightings:
        said = {row.present for row in truth if _near(row, one)}
        if Present.YES in said:
            found.add(one.person)
        elif Present.UNSURE not in said:
            wrong.add(one.person)
    return Scored(len(due), len(due & found), len(wrong))


def _near(row: Row, one: Sighting) -> bool:
    return any(row.covers(one.person, max(0, one.frame + shift)) for shift in (-_GRACE_FRAMES, 0, _GRACE_FRAMES))


def own_material(folder: Path, engine: FaceEngine, plan: Plan) -> Material:
    """Render the demo's film; everybody of its cast with a home is enrolled in the one gallery."""
    from demo.cast import load_cast
    from demo.clip import duration_s
    from demo.guests import guests_of_cast
    from demo.walker import WALK_S

    cast = load_cast()
    clip = walk_in_film(folder / "clip.mp4", min(plan.clip_s, duration_s(cast)))
    guests = guests_of_cast(cast)
    enrolled = {guest.person for guest in guests}
    # Somebody who is still on his way when the film is cut short may be found or not.
    rows = tuple(
        Row("", round(who.at_s * FPS), round(until_s * FPS), who.person, present, is_video=True)
        for who in cast.entrance
        if who.person in enrolled and who.at_s < clip.seconds
        for until_s in (who.at_s + WALK_S,)
        for present in (Present.YES if until_s <= clip.seconds else Present.UNSURE,)
    )
    photos = [(guest.person, photo.content) for guest in guests for photo in guest.photos]
    return Material(clip, _gallery(engine, photos), rows)


def given_material(
    folder: Path, engine: FaceEngine, plan: Plan, video: Path, truth: Path | None, enrol: Path | None
) -> Material:
    """Re-encode `video`; frames of its rows in `truth` are moved to 25 frames/s. Raises `InvalidInput`."""
    from demo.guests import guests_of_folder

    if (truth is None) is not (enrol is None):
        raise InvalidInput("--truth and --enrol belong together: who is to be found, and their photos")
    clip = re_encoded(video, folder / "clip.mp4", plan.clip_s)
    guests = guests_of_folder(enrol) if enrol is not None else []
    prefix = f"{enrol.resolve().name}/" if enrol is not None else ""
    photos = [(prefix + guest.person, photo.content) for guest in guests for photo in guest.photos]
    rows = [row for row in read_truth(truth) if row.file == video.name] if truth is not None else []
    if truth is not None and not rows:
        raise InvalidInput(f"--truth {truth} has no row for {video.name}")
    speed = FPS / clip.source_fps
    moved = (Row(r.file, int(r.first * speed), int(r.last * speed), r.person_id, r.present, r.is_video) for r in rows)
    return Material(clip, _gallery(engine, photos), tuple(row for row in moved if row.first < clip.frames))


def _gallery(engine: FaceEngine, photos: Sequence[tuple[str, bytes]]) -> Gallery:
    people, vectors = [], []
    for person, content in photos:
        try:
            vectors.append(acquire(engine, decode_image(content)).vector)
        except EnrolmentRefused:
            continue
        people.append(person)
    templates = np.stack(vectors) if vectors else np.empty((0, engine.pack.dimension), np.float32)
    return Gallery(tuple(people), np.asarray(templates, np.float32))


def run_baseline(material: Material, folder: Path, plan: Plan) -> Report:
    """Run `bench.baseline` in a process of its own. Raises `BaselineFailed`."""
    request = folder / "baseline.json"
    frames = min(material.clip.frames, round(plan.baseline_s * FPS))
    request.write_bytes(
        msgspec.json.encode(Request(str(material.clip.path), frames, material.gallery.templates.astype(float).tolist()))
    )
    done = subprocess.run(  # noqa: S603 - our own module, and a path of ours
        [sys.executable, "-m", "bench.baseline", str(request)],
        capture_output=True,
        check=False,
    )
    if done.returncode:
        raise BaselineFailed(f"the baseline failed: {done.stderr.decode(errors='replace')[-400:]}")
    return msgspec.json.decode(done.stdout.splitlines()[-1], type=Report)


def named_by_baseline(report: Report, gallery: Gallery, limit: float) -> list[Sighting]:
    """Whom the best similarity of a frame names, by the same threshold and lead over the second."""
    said = []
    people = np.array(gallery.people)
    for frame, faces in enumerate(report.scores):
        for scores in faces:
            best = {person: max(np.asarray(scores)[people == person]) for person in set(gallery.people)}
            first, *rest = sorted(best, key=lambda person: -best[person]) or [""]
            lead = best[first] - best[rest[0]] if rest else 2.0
            if best and best[first] >= limit and lead >= IDENTITY_MARGIN:
                said.append(Sighting(first, frame))
    return said


async def run_edge_bench(
    plan: Plan, video: Path | None, truth: Path | None, enrol: Path | None, say: Say
) -> dict[str, Any]:
    """Return the JSON object with the FIXED keys of `bench edge`."""
    pack = ModelPack.load()
    engine = FaceEngine.load(pack)
    with tempfile.TemporaryDirectory(prefix="yingbin-bench-") as name:
        folder = Path(name)
        say("encoding the clip at 1920x1080, 25 frames/s, no B-frames")
        material = (
            own_material(folder, engine, plan)
            if video is None
            else given_material(folder, engine, plan, video, truth, enrol)
        )
        clip = material.clip
        say(f"baseline: FaceAnalysis.get() on every frame of {min(clip.seconds, plan.baseline_s):.0f} s")
        baseline = run_baseline(material, folder, plan)
        # Whole passes, so that every part of the clip weighs the same.
        passes = max(1, round(plan.own_s / clip.seconds))
        say(f"ours: one camera in real time, {passes} x {clip.seconds:.0f} s")
        one = await run_box(Showing(clip.path, 1, passes * clip.seconds + _TAIL_S), material.gallery, pack)
        several = await _several(material, pack, plan, one, say)
    limit = threshold(pack.scores, len(material.gallery.people))
    return _report(material, baseline, one, several, limit)


async def _several(material: Material, pack: ModelPack, plan: Plan, one: BoxRun, say: Say) -> dict[int, BoxRun]:
    """Try numbers of cameras, from what one camera's cost promises, upwards while it works, else downwards."""
    tried: dict[int, BoxRun] = {}
    count = max(1, min(_MOST_CAMERAS, int(_FIRST_TRY * CORES * one.wall_s / max(one.cpu_s, 0.01))))
    for _ in range(plan.tries):
        say(f"{count} cameras at once in real time")
        tried[count] = await run_box(Showing(material.clip.path, count, plan.cameras_s), material.gallery, pack)
        count += 1 if sustained(tried[count]) else -1
        if count in tried or not 1 <= count <= _MOST_CAMERAS:
            break
    return tried


def sustained(run: BoxRun) -> bool:
    """Whether no camera lost frames for good, looks came in time to the end, and the cores had something left."""
    later = run.lateness_s[len(run.lateness_s) // 2 :]
    in_time = not later or median(later) <= _LATE_S
    return run.frames_share >= _ENOUGH_FRAMES and in_time and run.cpu_s / max(run.wall_s, 0.01) / CORES <= _FULL


def _report(
    material: Material, baseline: Report, one: BoxRun, several: dict[int, BoxRun], limit: float
) -> dict[str, Any]:
    own_cost = one.cpu_s / one.wall_s * 60
    peers_cost = baseline.cpu_s / baseline.frames * FPS * 60
    scored = score(material.truth, one.sightings)
    peers = score(material.truth, named_by_baseline(baseline, material.gallery, limit))
    known = bool(material.truth)
    most = max(several)
    per_further = (several[most].rss_mb - one.rss_mb) / (most - 1) if most > 1 else -1
    (camera,) = one.summary["cameras"].values()
    return {
        "cpu_s_per_min": round(own_cost, 2),
        "baseline_cpu_s_per_min": round(peers_cost, 2),
        "cpu_ratio": round(peers_cost / own_cost, 2),
        "cameras_realtime_1080p25": max(
            (n for n, run in several.items() if sustained(run)), default=int(sustained(one))
        ),
        "rss_mb": round(one.rss_mb, 1),
        "rss_per_further_camera_mb": round(per_further, 1),
        "people_truth": scored.truth if known else -1,
        "people_found": scored.found if known else -1,
        "people_wrong": scored.wrong if known else -1,
        "baseline_people_found": peers.found if known else -1,
        "baseline_people_wrong": peers.wrong if known else -1,
        "bytes_per_event": one.summary["bytes_per_event"],
        "startup_cpu_s": round(one.startup_cpu_s, 2),
        "frames_share": round(one.frames_share, 3),
        "rungs": {
            **{f"{name}_ms": round(value, 2) for name, value in baseline.rungs_ms.items()},
            "detections_per_s": round(camera["detections"] / one.wall_s, 2),
            "embeddings_per_s": round(camera["embeddings"] / one.wall_s, 2),
        },
        "camera_runs": [_camera_run(count, run) for count, run in sorted(several.items())],
        "clip": material.clip.made,
        "clip_s": round(material.clip.seconds, 1),
    }


def _camera_run(count: int, run: BoxRun) -> dict[str, Any]:
    return {
        "cameras": count,
        "sustained": int(sustained(run)),
        "cpu_share": round(run.cpu_s / max(run.wall_s, 0.01) / CORES, 3),
        "frames_share": round(run.frames_share, 3),
        "lateness_p50_s": round(median(run.lateness_s), 3) if run.lateness_s else -1,
        "rss_mb": round(run.rss_mb, 1),
    }
