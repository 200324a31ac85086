"""How cosines of *different* people spread with a model pack: what a threshold may rest on."""

import msgspec
import numpy as np
from scipy.special import ndtri


class ScoreModel(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The impostor distribution of a pack, and what gallery size it allows.

    `tail` holds (FMR, cosine) points, falling FMR: upper 95 % bounds of a peaks-over-threshold fit (generalised Pareto;
    Coles 2001, ch. 4), resampled by identity because one person's photos are not independent. Between and beyond the
    points the cosine is linear in the normal deviate of the FMR, as for a Gaussian. Without a tail the Gaussian of mean
    and standard deviation is used. The default values are assumed for a pack that states none: they overstate the tail
    of any better recogniser, which is safe until the gallery is calibrated. `basis` says where the figures come from.
    """

    impostor_mean: float = 0.07
    impostor_sd: float = 0.0965
    tail: tuple[tuple[float, float], ...] = ()
    fit_for_templates: int = 20_000
    basis: str = "assumed: statistics of the default pack; calibrate before relying on them"

    def cosine_at(self, fmr: float) -> float:
        """Return the cosine that two different people reach with probability at most `fmr`, 0 < fmr < 1."""
        deviate = -float(ndtri(fmr))
        gaussian = self.impostor_mean + self.impostor_sd * deviate
        if len(self.tail) < 2 or fmr >= self.tail[0][0]:
            return gaussian
        deviates = -ndtri(np.array([rate for rate, _ in self.tail]))
        cosines = np.array([cosine for _, cosine in self.tail])
        if deviate <= deviates[-1]:
            return float(np.interp(deviate, deviates, cosines))
        slope = (cosines[-1] - cosines[-2]) / (deviates[-1] - deviates[-2])
        return float(cosines[-1] + slope * (deviate - deviates[-1]))
