"""Somebody who comes back is the same person: tracks that ended a moment ago, found again by their fused template.

Pure; time is passed in. Templates stay in memory only, and not longer than `REJOIN_S` (C2).
"""

from collections import deque
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float32]
P = TypeVar("P")

REJOIN_S: Final = 5.0
"""Behind a pillar, or a moment without detection; who comes later is looked at as anybody."""
SAME_PERSON: Final = 0.82
"""Cosine of one shot to a fused template. Measured within one camera: .74 is the 5th percentile of the same person a
moment later, .34 the largest between two sharp faces; but two blurred faces of one crowd reached .80, and a wrong
reunion would silence a customer, while a missed one costs a look."""


@dataclass(frozen=True, slots=True)
class _Gone(Generic[P]):
    person: P
    template: Vector
    since_s: float


class Reunion(Generic[P]):
    """People who have left one camera's view, with the unit template fp32 (d,) of each."""

    def __init__(self) -> None:
        self._gone: deque[_Gone[P]] = deque()

    def left(self, person: P, template: Vector, now_s: float) -> None:
        """Remember somebody for `REJOIN_S`."""
        self._gone.append(_Gone(person, template, now_s))

    def back(self, vector: Vector, now_s: float) -> P | None:
        """Return, and no longer wait for, the person this unit vector belongs to; None when it is somebody new."""
        waiting = [one for one in self._gone if now_s - one.since_s <= REJOIN_S]
        best = max(waiting, key=lambda one: float(one.template @ vector), default=None)
        if best is None or not is_same(best.template, vector):
            return None
        self._gone = deque(one for one in self._gone if one is not best)
        return best.person

    def expire(self, now_s: float) -> list[P]:
        """Forget and return those gone for longer than `REJOIN_S`."""
        return self._forget(now_s - REJOIN_S)

    def clear(self) -> list[P]:
        """Forget and return everybody."""
        return self._forget(float("inf"))

    def _forget(self, before_s: float) -> list[P]:
        over = [one.person for one in self._gone if one.since_s < before_s]
        self._gone = deque(one for one in self._gone if one.since_s >= before_s)
        return over


def is_same(template: Vector, vector: Vector) -> bool:
    """Whether a shot's unit vector shows, in this camera and about now, whose fused unit template this is."""
    return float(template @ vector) >= SAME_PERSON
