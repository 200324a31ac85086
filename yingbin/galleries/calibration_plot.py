"""Draws what `yingbin gallery calibrate` prints."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from yingbin import plots
from yingbin.faces.scores import ScoreModel
from yingbin.galleries.calibration import Outlook


def draw(model: ScoreModel, outlooks: Sequence[Outlook], path: Path) -> None:
    """Draw both error rates against the cosine, with the threshold of each N, and FNIR against N.

    Raises `PlotUnusable`, `BadConfiguration`.
    """
    figure, (rates, sizes) = plots.new_figure(2)
    cosines = np.linspace(0.2, 0.8, 241)
    impostor = np.array([model.fmr_at(cosine) for cosine in cosines])
    rates.semilogy(cosines, impostor[:, 1], "C3", label="FMR, upper 95 % bound (sets thresholds)")
    if model.tail_estimate:
        rates.semilogy(cosines, impostor[:, 0], "C3--", label="FMR, fitted")
    if model.genuine:
        genuine = np.array([model.fnmr_at(cosine) for cosine in cosines])
        rates.semilogy(cosines, genuine[:, 1], "C0", label="FNMR, upper 95 % bound")
        rates.semilogy(cosines, genuine[:, 0], "C0--", label="FNMR")
    for one in outlooks:
        rates.axvline(one.threshold, color="0.6", linewidth=0.8)
        rates.text(one.threshold, 2e-12, f" {one.templates:,}", rotation=90, fontsize="small", va="bottom")
    rates.set(title="Modelled, with the threshold at each N", xlabel="cosine", ylabel="rate", ylim=(1e-12, 1))
    rates.legend(fontsize="small", loc="center left")
    ns = [one.templates for one in outlooks]
    sizes.semilogx(ns, [one.fnir_upper for one in outlooks], "C0o-", label="FNIR, upper 95 % bound")
    sizes.semilogx(ns, [one.fnir for one in outlooks], "C0o--", label="FNIR, one look against one photo")
    sizes.axvline(model.fit_for_templates, color="C3", label=f"pack fit for N = {model.fit_for_templates:,}")
    sizes.set(title="Modelled misses at these thresholds", xlabel="N, templates searched", ylabel="FNIR", ylim=(0, 1))
    for axes in (rates, sizes):
        axes.grid(visible=True, alpha=0.3)
    sizes.legend(fontsize="small")
    plots.save(figure, path)
