"""Figures as PNG or SVG files. matplotlib is an extra, so that servers and boxes need not carry it."""

from pathlib import Path
from typing import TYPE_CHECKING, Final

from scipy.special import ndtri

from yingbin.errors import BadConfiguration, InvalidInput

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_SUFFIXES: Final = (".png", ".svg")
_RATE_TICKS: Final = (1e-5, 1e-4, 1e-3, 1e-2, 0.05, 0.2, 0.5, 0.9)


class PlotUnusable(InvalidInput):
    """The file of a plot has a name or a place that cannot be used."""

    code = "plot_unusable"


def check(path: Path) -> None:
    """Refuse a plot before the work that it would show. Raises `PlotUnusable`, `BadConfiguration`."""
    if path.suffix.lower() not in _SUFFIXES:
        raise PlotUnusable(f"--plot {path}: the name must end in {' or '.join(_SUFFIXES)}")
    if not path.absolute().parent.is_dir():
        raise PlotUnusable(f"--plot {path}: the folder {path.absolute().parent} does not exist")
    new_figure(1)


def new_figure(panels: int) -> "tuple[Figure, list[Axes]]":
    """Return a figure with that many panels side by side. Raises `BadConfiguration` without matplotlib."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise BadConfiguration("plots need matplotlib: pip install 'yingbin[plot]'") from error
    figure = Figure(figsize=(6.4 * panels, 5.2), layout="constrained")
    return figure, [figure.add_subplot(1, panels, number + 1) for number in range(panels)]


def save(figure: "Figure", path: Path) -> None:
    """Write the file; the suffix is the format. Raises `PlotUnusable`."""
    try:
        figure.savefig(path)
    except OSError as error:
        raise PlotUnusable(f"--plot {path} cannot be written: {error}") from error


def rate_axes(axes: "Axes") -> None:
    """Label both axes of a panel, in normal deviates (`scipy.special.ndtri`), with the rates they stand for."""
    ticks, labels = [float(ndtri(rate)) for rate in _RATE_TICKS], [f"{rate:g}" for rate in _RATE_TICKS]
    axes.set_xticks(ticks, labels)
    axes.set_yticks(ticks, labels)
    axes.set_xlim(ticks[0], ticks[-1])
    axes.set_ylim(ticks[0], ticks[-1])
    axes.grid(visible=True, alpha=0.3)
