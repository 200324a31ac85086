"""Faces -> tracks: a pure state machine. Detections with their times go in; who is who, and who has gone, comes out.

Association is a linear assignment over landmark distance and size change, against a constant-velocity prediction. A
scene cut ends every track, so an identity never leaks over a cut.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

Points = NDArray[np.float32]

FORGET_AFTER_S: Final = 0.8
"""A person the detector looked for and did not find for so long has gone."""
BLIND_S: Final = 1.6
"""After so long without any detection (a stalled stream, a busy box) nobody can be followed any more."""
_MAX_SHIFT: Final = 0.75
"""Mean landmark distance to the prediction, in face sizes, above which two faces are not the same person's."""
_MAX_LOG_SIZE: Final = 0.4
"""A face does not grow or shrink by more than half between two detections."""
_IMPOSSIBLE: Final = 1e6
_VELOCITY_GAIN: Final = 0.5


class TrackedFace(Protocol):
    """What the tracker needs to know of a detected face: box f32 (4,) x1 y1 x2 y2, landmarks f32 (5, 2), both px."""

    @property
    def box(self) -> NDArray[np.float32]:
        """Left, top, right, bottom."""

    @property
    def landmarks(self) -> NDArray[np.float32]:
        """Eyes, nose, mouth corners."""


@dataclass(slots=True)
class _Track:
    number: int
    points: Points
    box: Points
    size: float
    velocity: Points
    seen_s: float

    def predicted(self, now_s: float) -> Points:
        """Landmarks at `now_s` under constant velocity, f32 (5, 2)."""
        return np.asarray(self.points + self.velocity * (now_s - self.seen_s), np.float32)

    def expected_box(self, now_s: float) -> Points:
        """Box at `now_s` under constant velocity, f32 (4,)."""
        return np.asarray(self.box + np.tile(self.velocity * (now_s - self.seen_s), 2), np.float32)

    def move(self, face: TrackedFace, now_s: float) -> None:
        elapsed = max(now_s - self.seen_s, 1e-3)
        measured = (face.landmarks.mean(axis=0) - self.points.mean(axis=0)) / elapsed
        self.velocity = np.asarray(self.velocity + _VELOCITY_GAIN * (measured - self.velocity), np.float32)
        self.points, self.box, self.size, self.seen_s = face.landmarks, face.box, _size(face), now_s


@dataclass(frozen=True, slots=True)
class TrackerUpdate:
    """`numbers[i]` is the track of face i; `ended` are tracks that will never be seen again."""

    numbers: tuple[int, ...]
    ended: tuple[int, ...]


class Tracker:
    """Tracks of one camera. `numbers` supplies track numbers, unique within the box's boot."""

    def __init__(self, numbers: Iterator[int]) -> None:
        self._numbers = numbers
        self._tracks: list[_Track] = []

    @property
    def alive(self) -> bool:
        """Whether anybody is being tracked."""
        return bool(self._tracks)

    def update(self, faces: Sequence[TrackedFace], now_s: float, *, cut: bool = False) -> TrackerUpdate:
        """Assign each face to a track, old or new; `now_s` must not go back. `cut` ends all earlier tracks first."""
        ended = self.finish() if cut else self._forget(now_s - BLIND_S)
        numbers = [-1] * len(faces)
        for row, column in self._assign(faces, now_s):
            self._tracks[row].move(faces[column], now_s)
            numbers[column] = self._tracks[row].number
        ended += self._forget(now_s - FORGET_AFTER_S)
        for column, face in enumerate(faces):
            if numbers[column] < 0:
                numbers[column] = next(self._numbers)
                still = np.zeros(2, np.float32)
                self._tracks.append(_Track(numbers[column], face.landmarks, face.box, _size(face), still, now_s))
        return TrackerUpdate(tuple(numbers), ended)

    def expected_boxes(self, now_s: float) -> list[Points]:
        """Return where the people that can still be followed are expected at `now_s`: boxes, f32 (4,) px."""
        return [track.expected_box(now_s) for track in self._tracks if track.seen_s >= now_s - BLIND_S]

    def unseen_boxes(self, now_s: float) -> list[Points]:
        """Return the last boxes, f32 (4,) px, of people tracked but not detected at `now_s`."""
        return [track.box for track in self._tracks if track.seen_s < now_s]

    def finish(self) -> tuple[int, ...]:
        """End every track and return their numbers."""
        ended = tuple(track.number for track in self._tracks)
        self._tracks = []
        return ended

    def _forget(self, before_s: float) -> tuple[int, ...]:
        """End the tracks last seen before that moment."""
        gone = tuple(track.number for track in self._tracks if track.seen_s < before_s)
        self._tracks = [track for track in self._tracks if track.seen_s >= before_s]
        return gone

    def _assign(self, faces: Sequence[TrackedFace], now_s: float) -> list[tuple[int, int]]:
        if not self._tracks or not faces:
            return []
        points = np.stack([track.predicted(now_s) for track in self._tracks])
        sizes = np.array([track.size for track in self._tracks])
        found = np.stack([face.landmarks for face in faces])
        found_sizes = np.array([_size(face) for face in faces])
        distance = np.linalg.norm(points[:, None] - found[None], axis=-1).mean(axis=-1)
        shift = distance / np.maximum(sizes[:, None], found_sizes[None])
        growth = np.abs(np.log(found_sizes[None] / sizes[:, None]))
        possible = (shift <= _MAX_SHIFT) & (growth <= _MAX_LOG_SIZE)
        cost = np.where(possible, shift + growth, _IMPOSSIBLE)
        rows, columns = linear_sum_assignment(cost)
        return [(int(r), int(c)) for r, c in zip(rows, columns, strict=True) if possible[r, c]]


def _size(face: TrackedFace) -> float:
    """Height of the box in px; at least 1."""
    return max(float(face.box[3] - face.box[1]), 1.0)
