"""DET curves (Martin et al. 1997; ISO/IEC 19795-1): both error rates on normal deviate axes."""

from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from bench.eval_faces import Judgement
from yingbin import plots

_SMALLEST: Final = 1e-5
"""Where a rate of zero is drawn: on the edge."""


def draw(judgement: Judgement, path: Path) -> None:
    """Draw verification, and identification in a gallery of each size. Raises `PlotUnusable`, `BadConfiguration`."""
    figure, (verification, identification) = plots.new_figure(2)
    curve = judgement.curve
    verification.plot(_deviates(curve.far), _deviates(1.0 - curve.tar), drawstyle="steps-post")
    plots.rate_axes(verification)
    verification.set(
        title="One photo against one other (0 is drawn on the edge)",
        xlabel="false accept rate",
        ylabel="false reject rate",
    )
    for gallery_n, (fpir, fnir) in judgement.identification.items():
        drawn_people = gallery_n - min(judgement.identification)
        label = f"N = {gallery_n:,}" + (" (SYNTHETIC distractors)" if drawn_people else "")
        style = "--" if drawn_people else "-"
        identification.plot(_deviates(fpir), _deviates(fnir), style, drawstyle="steps-post", label=label)
    plots.rate_axes(identification)
    identification.set(title="Open set, one photo enrolled a person", xlabel="FPIR", ylabel="FNIR")
    identification.legend(fontsize="small")
    plots.save(figure, path)


def _deviates(rates: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(ndtri(np.clip(rates, _SMALLEST, 1 - _SMALLEST)), np.float64)
