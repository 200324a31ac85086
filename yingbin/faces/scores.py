"""How cosines of *different* people spread with a model pack: what a threshold may rest on."""

import math
from statistics import NormalDist
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

Points = tuple[tuple[float, float], ...]

_NORMAL: Final = NormalDist()


class ScoreModel(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The impostor distribution of a pack, and what gallery size it allows.

    `tail` holds (FMR, cosine) points, falling FMR: upper 95 % bounds of a peaks-over-threshold fit (generalised Pareto;
    Coles 2001, ch. 4), resampled by identity because one person's photos are not independent. Between and beyond the
    points the cosine is linear in the normal deviate of the FMR, as for a Gaussian. Without a tail the Gaussian of mean
    and standard deviation is used. The default values are assumed for a pack that states none: they overstate the tail
    of any better recogniser, which is safe until the gallery is calibrated. `basis` says where the figures come from.

    `tail_estimate` are the fitted cosines at the same FMRs, without the bound: for reports, never for a threshold.
    `genuine` holds (cosine, FNMR, upper 95 % bound) of one photo against one other of the same person, rising cosine.
    """

    impostor_mean: float = 0.07
    impostor_sd: float = 0.0965
    tail: Points = ()
    tail_estimate: Points = ()
    genuine: tuple[tuple[float, float, float], ...] = ()
    fit_for_templates: int = 20_000
    basis: str = "assumed: statistics of the default pack; calibrate before relying on them"

    def cosine_at(self, fmr: float) -> float:
        """Return the cosine that two different people reach with probability at most `fmr`, 0 < fmr < 1."""
        deviate = _deviate(fmr)
        gaussian = self.impostor_mean + self.impostor_sd * deviate
        if len(self.tail) < 2 or fmr >= self.tail[0][0]:
            return gaussian
        deviates, cosines = _deviates(self.tail)
        if deviate <= deviates[-1]:
            return float(np.interp(deviate, deviates, cosines))
        slope = (cosines[-1] - cosines[-2]) / (deviates[-1] - deviates[-2])
        return float(cosines[-1] + slope * (deviate - deviates[-1]))

    def fmr_at(self, cosine: float) -> tuple[float, float]:
        """Return (estimate, upper 95 % bound) of the rate at which two different people reach `cosine`.

        The bound undoes `cosine_at`. Without `tail_estimate` the bound is the only estimate there is.
        """
        bound = self._rate(self.tail, cosine)
        return (min(self._rate(self.tail_estimate, cosine), bound) if self.tail_estimate else bound), bound

    def fnmr_at(self, cosine: float) -> tuple[float, float]:
        """Return (estimate, upper 95 % bound) of the rate at which one person's photos stay below `cosine`; or -1."""
        if not self.genuine:
            return -1.0, -1.0
        cosines, rates, bounds = np.array(self.genuine).T
        return float(np.interp(cosine, cosines, rates)), float(np.interp(cosine, cosines, bounds))

    def _rate(self, tail: Points, cosine: float) -> float:
        gaussian = _exceeded((cosine - self.impostor_mean) / self.impostor_sd)
        if len(tail) < 2:
            return gaussian
        if cosine <= tail[0][1]:
            return max(gaussian, tail[0][0])
        deviates, cosines = _deviates(tail)
        if cosine <= cosines[-1]:
            return _exceeded(float(np.interp(cosine, cosines, deviates)))
        slope = (cosines[-1] - cosines[-2]) / (deviates[-1] - deviates[-2])
        return _exceeded(float(deviates[-1] + (cosine - cosines[-1]) / slope))


def _deviates(tail: Points) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the normal deviates of the FMRs, rising, and their cosines."""
    return np.array([_deviate(rate) for rate, _ in tail]), np.array([cosine for _, cosine in tail])


# scipy.special has both; importing it takes a box 0.2 s of its start.
def _deviate(rate: float) -> float:
    """Return the normal deviate that is exceeded with probability `rate`, 0 < rate < 1 (Wichura 1988, AS 241)."""
    return -_NORMAL.inv_cdf(rate)


def _exceeded(deviate: float) -> float:
    """Return the probability that a normal deviate exceeds this one; exact far out, where 1 - cdf is not."""
    return 0.5 * math.erfc(deviate / math.sqrt(2))
