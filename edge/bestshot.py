"""When to look at a track, and with which shot: pure rules; nothing here touches an image.

The first look goes out as soon as it is useful; further looks only after the city asked for a better shot, and only
when there is one. So a face is embedded a few times a track, never on every frame.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Final, Generic, TypeVar

from yingbin.galleries.decide import MAX_LOOKS
from yingbin.wire import Outcome

FIRST_LOOK_QUALITY: Final = 0.12
"""Below this, a first look would mostly be wasted; the track waits for something better."""
LAST_CHANCE_QUALITY: Final = 0.08
"""At its end a track that was never looked at is sent with its best shot, when that is at least so good."""
SURE_PX: Final = 60.0
"""A face of this height is looked at without waiting for a better one."""
MAX_WAIT_S: Final = 0.25
"""Nor is any usable face kept waiting longer than this."""
MIN_SPACING_S: Final = 0.25
CLEARLY_BETTER: Final = 1.3
"""A further look needs a shot better than the last by this factor: four looks then span a walk from 40 to 110 px..."""
PATIENCE_S: Final = (1.0, 1.5, 2.0)
"""...or, when none comes for so long after looks 1, 2 and 3, a fresh one nearly as good: fusing two shots helps too."""
NEARLY_AS_GOOD: Final = 0.85

FUSION_POWER: Final = 4
"""A shot's weight in the fused template is its value to this power: poor early shots must not hold back a good one."""

S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class Shot(Generic[S]):
    """One view of a track. `value`: 0..1, how good (`Quality.overall`); `payload`: what it takes to embed it."""

    at_s: float
    height_px: float
    value: float
    payload: S


class Stage(Enum):
    """Where a track stands with the city."""

    UNSENT = "unsent"
    WAITING = "waiting"
    WANTED = "better_shot"
    MATCHED = "matched"
    NOT_ENROLLED = "not_enrolled"
    REFUSED = "refused"


_CLOSED = frozenset({Stage.MATCHED, Stage.NOT_ENROLLED, Stage.REFUSED})


class ShotPicker(Generic[S]):
    """The looks of one track. Feed `see`, ask `choose`, report `sent` and `answered`; `end` when the track is over."""

    def __init__(self, *, min_face_px: float) -> None:
        self._min_face_px = min_face_px
        self._best: Shot[S] | None = None
        self._usable_since_s = -1.0
        self._rising = True
        self._last_sent: Shot[S] | None = None
        self._sent_at_s = 0.0
        self._ended = False
        self.stage = Stage.UNSENT
        self.looks = 0

    @property
    def closed(self) -> bool:
        """Whether nothing more will be sent: answered for good, out of looks, or over with nothing worth sending."""
        if self.stage in _CLOSED or (self.looks >= MAX_LOOKS and self.stage is not Stage.WAITING):
            return True
        return self._ended and self.stage is not Stage.WAITING and self.choose(self._sent_at_s) is None

    def see(self, shot: Shot[S]) -> None:
        """Take a new view. Only the best since the last look is kept."""
        if self.stage in _CLOSED:
            return
        if self._usable_since_s < 0 and self._useful(shot):
            self._usable_since_s = shot.at_s
        self._rising = self._best is None or shot.value > self._best.value
        if self._rising:
            self._best = shot

    def choose(self, now_s: float) -> Shot[S] | None:
        """Return the shot to embed and send now, or None."""
        best = self._best
        if best is None or self.looks >= MAX_LOOKS:
            return None
        if self.stage is Stage.UNSENT:
            return best if self._first_is_due(best, now_s) else None
        if self.stage is Stage.WANTED and self._last_sent is not None:
            return best if self._further_is_due(best, self._last_sent, now_s) else None
        return None

    def sent(self, now_s: float) -> int:
        """Note that the chosen shot goes out; return its seq, 0-based."""
        self._last_sent, self._best = self._best, None
        self._sent_at_s = now_s
        self.stage = Stage.WAITING
        self.looks += 1
        return self.looks - 1

    def answered(self, outcome: Outcome | None) -> None:
        """Note the city's answer to the newest look; None when it refused the event or the event was lost."""
        self.stage = Stage.REFUSED if outcome is None else _STAGE_OF[outcome]
        if self.stage in _CLOSED:
            self._best = None

    def end(self) -> None:
        """Note that the person has gone, or the stream has ended."""
        self._ended = True

    def _useful(self, shot: Shot[S]) -> bool:
        return shot.height_px >= self._min_face_px and shot.value >= FIRST_LOOK_QUALITY

    def _first_is_due(self, best: Shot[S], now_s: float) -> bool:
        if self._ended:
            return best.value >= LAST_CHANCE_QUALITY
        if not self._useful(best):
            return False
        waited = now_s - self._usable_since_s >= MAX_WAIT_S
        return best.height_px >= SURE_PX or waited or not self._rising

    def _further_is_due(self, best: Shot[S], last: Shot[S], now_s: float) -> bool:
        since_s = now_s - self._sent_at_s
        if since_s < MIN_SPACING_S and not self._ended:
            return False
        if best.value >= last.value * CLEARLY_BETTER:
            return True
        patient = self._ended or since_s >= PATIENCE_S[self.looks - 1]
        return patient and best.value >= last.value * NEARLY_AS_GOOD


_STAGE_OF = {
    Outcome.MATCHED: Stage.MATCHED,
    Outcome.NOT_ENROLLED: Stage.NOT_ENROLLED,
    Outcome.BETTER_SHOT: Stage.WANTED,
}
