"""How sure: thresholds that know the gallery's size, and the sequential decision over the looks at one track.

One budget alpha (the chance that a stranger's track raises a wrong alert) is split over stages and looks, because
repeated looks inflate a fixed threshold's error. FPIR = 1 - (1 - FMR)^N (ISO/IEC 19795-1, 1:N from 1:1), N counted in
vectors searched. The impostor tail is the one its pack ships.

Stages share evenly (Bonferroni). Looks at one track are not independent: each is the fused template so far, so it
repeats most of the one before. Measured on 6,020 pairs of a walk-in's track with photos of others: successive looks
correlate by .94 to .98, first and last by .64, and the largest of 8 passes a level of FMR 1e-2 2.7 times as often as
one look. A Gaussian copula with these correlations gives the same 2.7 there, 4.0 at 1e-5 (what 16 customers need) and
about 5 at 1e-8 (20,000 customers). So 8 looks are charged as `EFFECTIVE_LOOKS` = 5 independent ones. A camera whose
looks repeat each other less would need up to 8; `tests/galleries/test_decide.py` keeps the arithmetic.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from yingbin.faces.scores import ScoreModel
from yingbin.wire import Outcome

ALPHA_PER_TRACK: Final = 0.001
STAGES: Final = 2
"""City, then province."""
MAX_LOOKS: Final = 8
EFFECTIVE_LOOKS: Final = 5
"""How many independent looks inflate the error as much as `MAX_LOOKS` looks at one fused track do; see above."""
_HOPELESS_MARGINS: Final = (0.27, 0.25, 0.23, 0.21, 0.20, 0.18, 0.16)
"""A look so far below the threshold is a stranger's: the later, the less further shots add. Costs no budget.

On walk-in clips of 17 people nobody is lost until the first is .22; these save a tenth of the looks against .32."""
IDENTITY_MARGIN: Final = 0.05
"""The best identity must lead the second by this cosine, or the two are look-alikes and nobody is named."""


@dataclass(frozen=True, slots=True)
class Hit:
    """The best identity of one search: its cosine, and that of the best other identity (-1 when there is none)."""

    customer_id: str
    score: float
    runner_up: float


def best_of(hits: Sequence[Hit]) -> Hit | None:
    """Return the best identity over several galleries and the best other one; a person in two of them is one."""
    if not hits:
        return None
    best = max(hits, key=lambda hit: hit.score)
    rivals = [hit.runner_up if hit.customer_id == best.customer_id else hit.score for hit in hits]
    return Hit(best.customer_id, best.score, max(rivals))


class Stage(IntEnum):
    """Where a probe is searched."""

    CITY = 0
    PROVINCE = 1


def threshold(model: ScoreModel, templates: int, *, alpha: float = ALPHA_PER_TRACK) -> float:
    """Return the cosine above which one look at one stage may name somebody among `templates` vectors searched."""
    share = alpha / (STAGES * EFFECTIVE_LOOKS)
    fmr = -math.expm1(math.log1p(-share) / max(templates, 1))
    return model.cosine_at(fmr)


def judge(hit: Hit | None, limit: float, look: int) -> Outcome:
    """Decide one look (0-based) at one stage.

    `matched` above `limit` with a clear lead over the second identity; `not_enrolled` when the looks are used up or the
    score is hopeless; `better_shot` otherwise.
    """
    if hit is not None and hit.score >= limit and hit.score - hit.runner_up >= IDENTITY_MARGIN:
        return Outcome.MATCHED
    if hit is None or look + 1 >= MAX_LOOKS or hit.score < limit - _HOPELESS_MARGINS[look]:
        return Outcome.NOT_ENROLLED
    return Outcome.BETTER_SHOT
