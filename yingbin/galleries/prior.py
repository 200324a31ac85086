"""The branch prior: whoever is at home at this branch is likelier to walk in here, so less is asked of him (DESIGN 4).

The budget of a search is split: a share h pays for the n customers at home, the rest for the N - n others. A stranger
is named wrongly only if somebody at home passes the limit for those at home or somebody else passes the other one, so
by the union bound P <= P(home) + P(others) <= h a + (1 - h) a = a, whatever h is: the prior moves the budget and adds
nothing to it. With h = n / N both limits are those without a prior; a larger h lowers the one and raises the other.

With h = 1/2 the others pay what a gallery of twice the size would cost them and those at home gain as if they were
searched in a gallery of 2 n. Default pack, N = 20,000, n = 500: .575 becomes .531 at home and .584 elsewhere; of single
photos the recogniser then misses 8.6 % instead of 11.9 % at home, 12.5 % of the others. More than 1/2 gains those at
home little (.526 at 3/4) and costs the others twice as much.
"""

from dataclasses import dataclass
from typing import Final

from yingbin.faces.scores import ScoreModel
from yingbin.galleries.decide import ALPHA_PER_TRACK, threshold

HOME_SHARE: Final = 0.5


@dataclass(frozen=True, slots=True)
class Limits:
    """Cosines above which one look may name a customer of this branch, or another one."""

    home: float
    others: float


def limits(model: ScoreModel, templates: int, at_home: int, *, alpha: float = ALPHA_PER_TRACK) -> Limits:
    """Return the limits of one look at one stage among `templates` vectors, `at_home` of them of this branch.

    `home` is never above `threshold(model, templates)`: where half of the gallery is at home, the prior says nothing.
    """
    if not 0 < at_home < HOME_SHARE * templates:
        alone = threshold(model, templates, alpha=alpha)
        return Limits(alone, alone)
    return Limits(
        threshold(model, at_home, alpha=alpha * HOME_SHARE),
        threshold(model, templates - at_home, alpha=alpha * (1 - HOME_SHARE)),
    )
