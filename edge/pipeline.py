"""One camera's chain, without threads or clocks: frames in, looks (events with their scene photo) out."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge.bestshot import LAST_CHANCE_QUALITY, Shot, ShotPicker, Stage, weight
from edge.cadence import Open, interval_s, near_only
from edge.closeup import CloseUp, cut_out, refined
from edge.detection import Engine, find_faces
from edge.frame import Frame
from edge.looks import Picture, face_picture, look_message
from edge.motion import Change, Thumbnail, compare
from edge.pixels import Part, Raster
from edge.relook import look_again
from edge.report import CameraReport, TrackReport
from edge.reunion import Reunion, is_same
from edge.scene import render, surroundings
from edge.tracker import Tracker
from yingbin.faces.face import Face
from yingbin.faces.quality import assess
from yingbin.galleries.protect import Transform, apply, encode_probe, normalise
from yingbin.ids import event_id
from yingbin.look_wire import LookFacts
from yingbin.wire import DEFAULT_MIN_FACE_PX, CameraMode, FaceLook, Outcome

WATCH_EVERY_S: Final = 0.1
"""So often a thumbnail is compared and due looks go out: a scene cut is seen at once, whatever the detector's pace."""
UNANSWERED_KEPT: Final = 32
"""Of so many people who have gone unanswered (the city is away) the pictures are kept, for a further look."""
_CADENCE_SLACK_S: Final = 0.01

Vector = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class BoxIdentity:
    """Who sends: names events; `transform` is the box's secret R_box, fp32 (d, d)."""

    box_id: str
    boot_id: str
    transform: Transform


@dataclass(frozen=True, slots=True)
class Look:
    """An event to send, and the scene photo to keep in case the city asks for it."""

    event: FaceLook
    photo: bytes


@dataclass(frozen=True, slots=True)
class _View:
    """What it takes to embed a shot later: the face cut out, and the scene with everybody's boxes, px of the frame."""

    frame: int
    wall_ms: int
    close_up: CloseUp
    scene: Part
    wanted: NDArray[np.float32]
    others: tuple[NDArray[np.float32], ...]


@dataclass(slots=True)
class _Person:
    """A track as the pipeline sees it; `fused` is the quality-weighted sum of its vectors so far."""

    picker: ShotPicker[_View]
    report: TrackReport
    since_s: float
    fused: Vector | None = None
    shots: int = 0
    ended: bool = False
    for_good: bool = False
    seen_s: float = 0.0

    def fuse(self, vector: Vector, value: float) -> Vector:
        """Add a shot's unit vector, weighted by its value; return the unit template so far."""
        weighted = vector * np.float32(weight(value))
        self.fused = weighted if self.fused is None else self.fused + weighted
        self.shots += 1
        return normalise(self.fused)


class Pipeline:
    """Detect on a cadence, track, choose shots, embed only what is sent."""

    def __init__(
        self,
        camera_id: str,
        engine: Engine,
        identity: BoxIdentity,
        numbers: Iterator[int],
        *,
        on_track_over: Callable[[TrackReport], None],
    ) -> None:
        self.report = CameraReport()
        self.onlooker: Callable[[Raster, list[Face]], None] | None = None
        self.mode = CameraMode.FEATURE
        self.min_face_px = DEFAULT_MIN_FACE_PX
        self._camera_id = camera_id
        self._engine = engine
        self._identity = identity
        self._on_track_over = on_track_over
        self._tracker = Tracker(numbers)
        self._people: dict[int, _Person] = {}
        self._reunion: Reunion[_Person] = Reunion()
        self._numbers = numbers
        self._moved: set[int] = set()
        self._streaming = False
        self._thumbnail: Thumbnail | None = None
        self._detected_s = self._background_s = self._watched_s = float("-inf")
        self._now_s = 0.0

    @property
    def idle(self) -> bool:
        """Whether no track waits for an answer or may still be sent."""
        return not self._people

    def process(self, frame: Frame, assessment_id: str) -> list[Look]:
        """Take the next frame; most frames fall between two detections and cost nothing."""
        self.report.frames += 1 + frame.missed
        self.report.missed += frame.missed
        self._streaming = True
        self._now_s = frame.time_s
        if frame.time_s - self._watched_s < WATCH_EVERY_S - _CADENCE_SLACK_S:
            return []
        self._watched_s = frame.time_s
        thumbnail = frame.thumbnail()
        change = compare(self._thumbnail, thumbnail)
        if frame.time_s - self._detected_s >= self._interval_s(change) - _CADENCE_SLACK_S:
            self._thumbnail, self._detected_s = thumbnail, frame.time_s
            self._detect(frame, cut=change is Change.CUT)
        return self._due_looks(frame.time_s, assessment_id)

    def answered(self, track: int, seq: int, outcome: Outcome | None) -> None:
        """Note the city's answer to a look; None when it was refused or lost. Repeated answers change nothing."""
        person = next((one for one in self._people.values() if one.report.track == track), None)
        if person is None or person.picker.stage is not Stage.WAITING or seq != person.picker.looks - 1:
            return
        person.picker.answered(outcome)
        person.report.outcome = person.picker.stage.value

    def end_of_stream(self, assessment_id: str) -> list[Look]:
        """Everybody has gone: return last looks at those never looked at."""
        self._end(self._tracker.finish())
        self._nobody_returns()
        self._thumbnail, self._detected_s = None, float("-inf")
        return self.last_looks(assessment_id)

    def last_looks(self, assessment_id: str) -> list[Look]:
        """After the end of the stream: return further looks that answers have asked for."""
        return self._due_looks(self._now_s, assessment_id)

    def abandon(self) -> None:
        """Forget everybody without a further look: permission ended, or nobody answers any more."""
        self._tracker.finish()
        self._nobody_returns()
        for track in list(self._people):
            self._close(track)
        self._thumbnail, self._detected_s = None, float("-inf")

    def _interval_s(self, change: Change) -> float:
        """Return how long after the last detection the next is due."""
        people = [person for person in self._people.values() if not person.picker.closed]
        return interval_s(change, [Open(self._now_s - one.since_s, sent=one.picker.looks > 0) for one in people])

    def _detect(self, frame: Frame, *, cut: bool) -> None:
        raster, now_s = Raster(frame.picture), frame.time_s
        expected = [] if cut else self._tracker.expected_boxes(now_s)
        heights = [float(box[3] - box[1]) for box in expected]
        near = near_only(self.min_face_px, heights, now_s - self._background_s)
        if not near:
            self._background_s = now_s
        faces, scale = find_faces(raster, self._engine, self.min_face_px, near_only=near)
        faces += look_again(raster, self._engine.detect, expected, faces)
        self.report.detections += 1
        self.report.faces += len(faces)
        if self.onlooker is not None:
            self.onlooker(raster, faces)
        update = self._tracker.update(faces, now_s, cut=cut)
        self._end(update.ended, for_good=cut)
        for person in self._reunion.expire(frame.time_s):
            self._on_track_over(person.report)
        hidden = self._tracker.unseen_boxes(frame.time_s)
        for number, face in zip(update.numbers, faces, strict=True):
            person = self._person(number, raster.height)
            person.report.saw(face.size_px, frame.wall_ms)
            person.seen_s = frame.time_s
            if person.picker.closed:
                continue
            close_up = cut_out(raster, face, face.size_px * scale)
            value = assess(close_up.part.image, close_up.face).overall
            if value < LAST_CHANCE_QUALITY:
                continue
            if not person.picker.improves(value):
                person.picker.outshone()
                continue
            others = tuple(other.box for other in faces if other is not face) + tuple(hidden)
            scene = surroundings(raster, face.box)
            view = _View(frame.index, frame.wall_ms, close_up, scene, face.box, others)
            across, down = (float(middle) for middle in face.landmarks.mean(axis=0))
            person.picker.see(Shot(frame.time_s, face.size_px, value, view, (across, down)))

    def _person(self, number: int, lines: int) -> _Person:
        if number not in self._people:
            picker: ShotPicker[_View] = ShotPicker(min_face_px=self.min_face_px)
            # A number whose person has moved to another track is his for ever.
            own = next(self._numbers) if number in self._moved else number
            report = TrackReport(self._camera_id, own, lines)
            self._people[number] = _Person(picker, report, self._now_s)
        return self._people[number]

    def _end(self, numbers: Sequence[int], *, for_good: bool = False) -> None:
        self._moved.difference_update(numbers)
        for person in [self._people[number] for number in numbers if number in self._people]:
            person.picker.end()
            person.ended, person.for_good = True, for_good
        unanswered = [n for n, person in self._people.items() if person.ended and person.picker.stage is Stage.WAITING]
        for number in unanswered[:-UNANSWERED_KEPT]:
            self._on_track_over(self._people.pop(number).report)

    def _due_looks(self, now_s: float, assessment_id: str) -> list[Look]:
        looks = []
        for number in list(self._people):
            if number not in self._people:  # his face was found in another track
                continue
            shot = self._people[number].picker.choose(now_s)
            look = None if shot is None else self._look(number, shot, now_s, assessment_id)
            if look is not None:
                looks.append(look)
            person = self._people[number]
            if person.ended and person.picker.closed:
                self._close(number)
        return looks

    def _look(self, number: int, shot: Shot[_View], now_s: float, assessment_id: str) -> Look | None:
        """Make the message; None when this is somebody who is back and about whom there is nothing new to say."""
        view = shot.payload
        person = self._people[number]
        content: bytes | Picture
        if self.mode is CameraMode.PICTURE:
            content = self._picture(person, view)
        else:
            vector = self._engine.embed(view.close_up.part.image, refined(view.close_up, self._engine))
            self.report.embeddings += 1
            if person.picker.looks == 0 and (earlier := self._earlier(vector, now_s)) is not None:
                earlier.ended, earlier.for_good, earlier.seen_s = person.ended, person.for_good, person.seen_s
                self._people[number] = person = earlier
                if not person.picker.resume(shot, now_s, ended=person.ended):
                    return None
            content = encode_probe(apply(self._identity.transform, person.fuse(vector, shot.value)))
        track, seq = person.report.track, person.picker.sent(now_s)
        person.report.events.append(event_id(self._identity.box_id, self._identity.boot_id, track, seq))
        person.report.outcome = Stage.WAITING.value
        facts = LookFacts(
            camera_id=self._camera_id,
            assessment_id=assessment_id,
            track=track,
            seq=seq,
            frame=view.frame,
            seen_at_ms=view.wall_ms,
            face_px=round(shot.height_px),
            quality=round(shot.value, 3),
            shots=person.shots,
        )
        return Look(look_message(content, facts), render(view.scene, view.wanted, view.others))

    def _earlier(self, vector: Vector, now_s: float) -> _Person | None:
        """Return whose face this is when the tracker lost him, now or a moment ago; he is no longer waited for."""
        for number, person in self._people.items():
            unseen = person.seen_s < self._detected_s and not person.for_good
            if unseen and person.fused is not None and is_same(normalise(person.fused), vector):
                self._moved.add(number)
                return self._people.pop(number)
        return self._reunion.back(vector, now_s)

    def _picture(self, person: _Person, view: _View) -> Picture:
        """Return the picture of the shot alone: the city embeds it and, keeping nothing, fuses nothing."""
        person.shots = 1
        part = view.close_up.part
        return face_picture(part.image, refined(view.close_up, self._engine), [part.place(box) for box in view.others])

    def _close(self, number: int) -> None:
        """Part with a track that is over; while the stream goes on, the person may come back and go on where he was."""
        person = self._people.pop(number)
        if self._streaming and person.fused is not None and not person.for_good:
            self._reunion.left(person, normalise(person.fused), self._now_s)
        else:
            self._on_track_over(person.report)

    def _nobody_returns(self) -> None:
        self._streaming = False
        for person in self._reunion.clear():
            self._on_track_over(person.report)
