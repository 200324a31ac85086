"""One camera's chain, without threads or clocks: frames in, looks (events with their scene photo) out."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from edge.bestshot import FUSION_POWER, LAST_CHANCE_QUALITY, Shot, ShotPicker, Stage
from edge.motion import Change, Thumbnail, compare
from edge.report import CameraReport, TrackReport
from edge.scene import Image, Scene, render, surroundings
from edge.source import Frame
from edge.tracker import Tracker
from yingbin.faces.face import Face
from yingbin.faces.quality import assess
from yingbin.galleries.protect import Transform, apply, encode_probe, normalise
from yingbin.wire import FaceEvent, Outcome, event_id

DETECT_EVERY_S: Final = 0.1
_CADENCE_SLACK_S: Final = 0.01
LOOK_ANYWAY_EVERY_S: Final = 1.0
"""Even in a still picture the detector runs so often: the motion gate must not lose anybody."""
_DETECTABLE_PX: Final = 15
"""Height a face must keep after scaling for the detector to find it reliably."""
_MIN_LONG_SIDE_PX: Final = 640
_MAX_LONG_SIDE_PX: Final = 1280
_GRID_PX: Final = 32
_CROP_MARGIN: Final = 0.6

Vector = NDArray[np.float32]


class Engine(Protocol):
    """What the pipeline needs of `yingbin.faces.engine.FaceEngine`; re-entrant."""

    def detect(self, image: Image, input_size: tuple[int, int] = ...) -> list[Face]:
        """Return the faces of a BGR image; `input_size` is (width, height) of the detector."""

    def embed(self, image: Image, face: Face) -> Vector:
        """Return the vector of a detected face: fp32 (d,), unit length."""


@dataclass(frozen=True, slots=True)
class BoxIdentity:
    """Who sends: names events; `transform` is the box's secret R_box, fp32 (d, d)."""

    box_id: str
    boot_id: str
    transform: Transform


@dataclass(frozen=True, slots=True)
class Look:
    """An event to send, and the scene photo to keep in case the city asks for it."""

    event: FaceEvent
    photo: bytes


@dataclass(frozen=True, slots=True)
class _View:
    """What it takes to embed a shot later: the crop, the face in it, and the scene with everybody's boxes."""

    frame: int
    wall_ms: int
    crop: Image
    face: Face
    scene: Scene
    wanted: NDArray[np.float32]
    others: tuple[NDArray[np.float32], ...]


@dataclass(slots=True)
class _Person:
    """A track as the pipeline sees it; `fused` is the quality-weighted sum of its vectors so far."""

    picker: ShotPicker[_View]
    report: TrackReport
    fused: Vector | None = None
    shots: int = 0
    ended: bool = False


class Pipeline:
    """Detect on a cadence, track, choose shots, embed only what is sent."""

    def __init__(
        self,
        camera_id: str,
        engine: Engine,
        identity: BoxIdentity,
        numbers: Iterator[int],
        *,
        min_face_px: int,
        on_track_over: Callable[[TrackReport], None],
    ) -> None:
        self.report = CameraReport()
        self._camera_id = camera_id
        self._engine = engine
        self._identity = identity
        self._min_face_px = min_face_px
        self._on_track_over = on_track_over
        self._tracker = Tracker(numbers)
        self._people: dict[int, _Person] = {}
        self._thumbnail: Thumbnail | None = None
        self._detected_s = float("-inf")
        self._now_s = 0.0

    @property
    def idle(self) -> bool:
        """Whether no track waits for an answer or may still be sent."""
        return not self._people

    def process(self, frame: Frame, assessment_id: str) -> list[Look]:
        """Take the next frame; most frames fall between two detections and cost nothing."""
        self.report.frames += 1
        self._now_s = frame.time_s
        since_s = frame.time_s - self._detected_s
        if since_s < DETECT_EVERY_S - _CADENCE_SLACK_S:
            return []
        thumbnail = frame.thumbnail()
        change = compare(self._thumbnail, thumbnail)
        if change is Change.STILL and not self._tracker.alive and since_s < LOOK_ANYWAY_EVERY_S:
            return []
        self._thumbnail, self._detected_s = thumbnail, frame.time_s
        self._detect(frame, cut=change is Change.CUT)
        return self._due_looks(frame.time_s, assessment_id)

    def answered(self, track: int, seq: int, outcome: Outcome | None) -> None:
        """Note the city's answer to a look; None when it was refused or lost. Repeated answers change nothing."""
        person = self._people.get(track)
        if person is None or person.picker.stage is not Stage.WAITING or seq != person.picker.looks - 1:
            return
        person.picker.answered(outcome)
        person.report.outcome = person.picker.stage.value

    def end_of_stream(self, assessment_id: str) -> list[Look]:
        """Everybody has gone: return last looks at those never looked at."""
        self._end(self._tracker.finish())
        self._thumbnail, self._detected_s = None, float("-inf")
        return self.last_looks(assessment_id)

    def last_looks(self, assessment_id: str) -> list[Look]:
        """After the end of the stream: return further looks that answers have asked for."""
        return self._due_looks(self._now_s, assessment_id)

    def abandon(self) -> None:
        """Forget everybody without a further look: permission ended, or nobody answers any more."""
        self._tracker.finish()
        for track in list(self._people):
            self._close(track)
        self._thumbnail, self._detected_s = None, float("-inf")

    def _detect(self, frame: Frame, *, cut: bool) -> None:
        image = frame.image()
        faces = self._engine.detect(image, detector_size(image.shape[1], image.shape[0], self._min_face_px))
        self.report.detections += 1
        self.report.faces += len(faces)
        update = self._tracker.update(faces, frame.time_s, cut=cut)
        self._end(update.ended)
        hidden = self._tracker.unseen_boxes(frame.time_s)
        for number, face in zip(update.numbers, faces, strict=True):
            person = self._person(number, image.shape[0])
            person.report.saw(face.size_px, frame.wall_ms)
            value = assess(image, face).overall
            if value < LAST_CHANCE_QUALITY or person.picker.closed:
                continue
            others = [other.box for other in faces if other is not face] + hidden
            view = _view(frame, image, face, others)
            person.picker.see(Shot(frame.time_s, face.size_px, value, view))

    def _person(self, number: int, lines: int) -> _Person:
        if number not in self._people:
            picker: ShotPicker[_View] = ShotPicker(min_face_px=self._min_face_px)
            self._people[number] = _Person(picker, TrackReport(self._camera_id, number, lines))
        return self._people[number]

    def _end(self, numbers: Sequence[int]) -> None:
        for number in numbers:
            self._people[number].picker.end()
            self._people[number].ended = True

    def _due_looks(self, now_s: float, assessment_id: str) -> list[Look]:
        looks = []
        for number, person in list(self._people.items()):
            shot = person.picker.choose(now_s)
            if shot is not None:
                looks.append(self._look(number, person, shot, now_s, assessment_id))
            elif person.ended and person.picker.closed:
                self._close(number)
        return looks

    def _look(self, number: int, person: _Person, shot: Shot[_View], now_s: float, assessment_id: str) -> Look:
        view = shot.payload
        weighted = self._engine.embed(view.crop, view.face) * np.float32(shot.value**FUSION_POWER)
        self.report.embeddings += 1
        person.fused = weighted if person.fused is None else person.fused + weighted
        person.shots += 1
        seq = person.picker.sent(now_s)
        person.report.events.append(event_id(self._identity.box_id, self._identity.boot_id, number, seq))
        person.report.outcome = Stage.WAITING.value
        event = FaceEvent(
            camera_id=self._camera_id,
            assessment_id=assessment_id,
            track=number,
            seq=seq,
            frame=view.frame,
            seen_at_ms=view.wall_ms,
            face_px=round(shot.height_px),
            quality=round(shot.value, 3),
            shots=person.shots,
            vector=encode_probe(apply(self._identity.transform, normalise(person.fused))),
        )
        return Look(event, render(view.scene, view.wanted, view.others))

    def _close(self, number: int) -> None:
        self._on_track_over(self._people.pop(number).report)


def detector_size(width: int, height: int, min_face_px: int) -> tuple[int, int]:
    """Return the smallest detector input (width, height; multiples of 32) that still shows faces of `min_face_px`."""
    long_side = max(width, height)
    wanted = long_side * _DETECTABLE_PX / min_face_px
    scale = min(max(wanted, _MIN_LONG_SIDE_PX), _MAX_LONG_SIDE_PX, long_side) / long_side
    return _on_grid(width * scale), _on_grid(height * scale)


def _on_grid(side: float) -> int:
    return max(_GRID_PX, int(np.ceil(side / _GRID_PX)) * _GRID_PX)


def _view(frame: Frame, image: Image, face: Face, others: list[NDArray[np.float32]]) -> _View:
    """Cut out what the aligned crop needs, the face and 60 % around it, and the scene."""
    margin = _CROP_MARGIN * max(face.box[2] - face.box[0], face.box[3] - face.box[1])
    height, width = image.shape[:2]
    left, right = np.clip([face.box[0] - margin, face.box[2] + margin], 0, width).astype(int)
    top, bottom = np.clip([face.box[1] - margin, face.box[3] + margin], 0, height).astype(int)
    corner = np.array([left, top], np.float32)
    moved = Face(face.box - np.tile(corner, 2), face.landmarks - corner, face.score)
    crop = image[top:bottom, left:right].copy()
    return _View(frame.index, frame.wall_ms, crop, moved, surroundings(image, face.box), face.box, tuple(others))
