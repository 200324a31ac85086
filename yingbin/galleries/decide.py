"""How sure: thresholds that know the gallery's size, and the sequential decision over the looks at one track.

One budget alpha (the chance that a stranger's track raises a wrong alert) is split evenly over stages and looks
(Bonferroni): repeated looks inflate a fixed threshold's error. FPIR = 1 - (1 - FMR)^N (ISO/IEC 19795-1, 1:N from 1:1),
N counted in templates. The impostor tail is the one its pack ships.
"""

import math
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from yingbin.faces.scores import ScoreModel
from yingbin.wire import Outcome

ALPHA_PER_TRACK: Final = 0.001
STAGES: Final = 2
"""City, then province."""
MAX_LOOKS: Final = 4
_HOPELESS_MARGIN: Final = 0.25
"""A first look this far below the threshold is a stranger: fusing further shots has not been seen to add as much."""
IDENTITY_MARGIN: Final = 0.05
"""The best identity must lead the second by this cosine, or the two are look-alikes and nobody is named."""


@dataclass(frozen=True, slots=True)
class Hit:
    """The best identity of one search: its cosine, and that of the best other identity (-1 when there is none)."""

    customer_id: str
    score: float
    runner_up: float


class Stage(IntEnum):
    """Where a probe is searched."""

    CITY = 0
    PROVINCE = 1


def threshold(model: ScoreModel, templates: int, *, alpha: float = ALPHA_PER_TRACK) -> float:
    """Return the cosine above which one look at one stage may name somebody in a gallery of `templates` templates."""
    share = alpha / (STAGES * MAX_LOOKS)
    fmr = -math.expm1(math.log1p(-share) / max(templates, 1))
    return model.cosine_at(fmr)


def judge(hit: Hit | None, limit: float, look: int) -> Outcome:
    """Decide one look (0-based) at one stage.

    `matched` above `limit` with a clear lead over the second identity; `not_enrolled` when the looks are used up or the
    score is hopeless; `better_shot` otherwise.
    """
    if hit is not None and hit.score >= limit and hit.score - hit.runner_up >= IDENTITY_MARGIN:
        return Outcome.MATCHED
    if hit is None or look + 1 >= MAX_LOOKS or hit.score < limit - _HOPELESS_MARGIN:
        return Outcome.NOT_ENROLLED
    return Outcome.BETTER_SHOT
