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
LARGE_PX: Final = 100.0
LARGE_LOOK_QUALITY: Final = 0.05
"""The same for a face of at least that height: there even a profile, which pose marks down, says something."""
LAST_CHANCE_QUALITY: Final = 0.05
"""At its end a track that was never looked at is sent with its best shot, when that is at least so good."""
SURE_PX: Final = 60.0
"""A face of this height is looked at without waiting for a better one."""
MAX_WAIT_S: Final = 0.25
"""Nor is any usable face kept waiting longer than this."""
MIN_SPACING_S: Final = 0.2
CLEARLY_BETTER: Final = 1.2
"""A further look needs a shot better than the last by this factor: eight looks then span a walk from 40 to 110 px..."""
PATIENCE_S: Final = (0.2, 0.2, 0.2, 0.4, 0.6, 1.0, 2.0)
"""...or, when none comes for so long after looks 1, 2, ..., a fresh one nearly as good: fusing shots helps too, most
of all while the face is small. The last looks wait, so that somebody who lingers far away still has some when near."""
NEARLY_AS_GOOD: Final = 0.75
MOVED: Final = 0.06
"""A face that has moved or grown less than this, in its own heights, since its last look shows nothing new: a poster,
or somebody who stands very still. The detector alone makes a picture's landmarks tremble by .02, its box by .04."""
SEEN_AGAIN_S: Final = 5.0
"""Somebody recognised who comes back is reported no more often than this."""

_FUSION_POWER: Final = 3
"""A shot's weight in the fused template is its value to this power: poor early shots must not hold back a good one,
nor may one shot whose value is misjudged silence all others."""

S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class Shot(Generic[S]):
    """One view of a track. `value`: 0..1, how good (`Quality.overall`); `payload`: what it takes to embed it.

    `centre_px`: the middle of its landmarks (x, y) in the frame; steadier than that of its box.
    """

    at_s: float
    height_px: float
    value: float
    payload: S
    centre_px: tuple[float, float]


class Stage(Enum):
    """Where a track stands with the city."""

    UNSENT = "unsent"
    WAITING = "waiting"
    WANTED = "better_shot"
    MATCHED = "matched"
    NOT_ENROLLED = "not_enrolled"
    REFUSED = "refused"


_CLOSED = frozenset({Stage.MATCHED, Stage.NOT_ENROLLED, Stage.REFUSED})


def weight(value: float) -> float:
    """Return a shot's weight in the fused template.

    Below `FIRST_LOOK_QUALITY` all weigh the same: such values are small differences of a guessed pose, near profile
    mostly, and rank nothing, so that fusing several helps more than trusting one.
    """
    return max(value, FIRST_LOOK_QUALITY) ** _FUSION_POWER


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

    def improves(self, value: float) -> bool:
        """Whether a shot of this value would be kept; one that would not need not be made."""
        return self.stage not in _CLOSED and (self._best is None or value > self._best.value)

    def outshone(self) -> None:
        """Note a view that does not improve on the best: nothing better is on its way."""
        self._rising = False

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

    def resume(self, shot: Shot[S], now_s: float, *, ended: bool) -> bool:
        """Go on with `shot`: the person is back, in a track that may have `ended` again. Return whether to send it.

        A further look when one was wanted; after a match a sign of life now and then; otherwise nothing.
        """
        self._ended = ended
        wanted = self.stage is Stage.WANTED and self.looks < MAX_LOOKS
        seen_again = self.stage is Stage.MATCHED and now_s - self._sent_at_s >= SEEN_AGAIN_S
        self._best = shot if wanted or seen_again else None
        return wanted or seen_again

    def end(self) -> None:
        """Note that the person has gone, or the stream has ended."""
        self._ended = True

    def _useful(self, shot: Shot[S]) -> bool:
        enough = LARGE_LOOK_QUALITY if shot.height_px >= LARGE_PX else FIRST_LOOK_QUALITY
        return shot.height_px >= self._min_face_px and shot.value >= enough

    def _first_is_due(self, best: Shot[S], now_s: float) -> bool:
        if self._ended:
            return best.value >= LAST_CHANCE_QUALITY
        if not self._useful(best):
            return False
        waited = now_s - self._usable_since_s >= MAX_WAIT_S
        return best.height_px >= SURE_PX or waited or not self._rising

    def _further_is_due(self, best: Shot[S], last: Shot[S], now_s: float) -> bool:
        since_s = now_s - self._sent_at_s
        if (since_s < MIN_SPACING_S and not self._ended) or not _moved(last, best):
            return False
        if best.value >= last.value * CLEARLY_BETTER:
            return True
        patient = self._ended or since_s >= PATIENCE_S[self.looks - 1]
        return patient and best.value >= last.value * NEARLY_AS_GOOD


def _moved(last: Shot[S], best: Shot[S]) -> bool:
    """Whether the face is elsewhere, or larger or smaller, by a share of its height."""
    shift = max(*(abs(a - b) for a, b in zip(last.centre_px, best.centre_px, strict=True)), 0.0)
    return max(shift, abs(best.height_px - last.height_px)) >= MOVED * last.height_px


_STAGE_OF = {
    Outcome.MATCHED: Stage.MATCHED,
    Outcome.NOT_ENROLLED: Stage.NOT_ENROLLED,
    Outcome.BETTER_SHOT: Stage.WANTED,
}
