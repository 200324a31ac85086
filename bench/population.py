"""Synthetic vectors shaped like faces: for figures that need more people than anybody may use. Labelled so everywhere.

A person is a point on the sphere; the spectrum of the population falls, but all of it is used (full rank), and a random
rotation hides its axes, as the key transforms do. Strangers' cosines then scatter by .052 at 512 numbers and by .103 at
128, as the packs' do; a person's photos lie around his point at the cosines that packs report for him.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float32]
Numbers = NDArray[np.int64]

LABEL: Final = "synthetic vectors shaped like faces"
_GENUINE: Final = (0.65, 0.09, 0.40, 0.90)
"""Cosine of a probe with its template: mean, standard deviation, least, most."""
_SAME_DAY: Final = 0.9
"""Cosine of a person's second template with the first."""
_PEOPLE_A_BLOCK: Final = 16_384
_MIX: Final = np.uint64(0x9E3779B97F4A7C15)


class Population:
    """People 0, 1, 2, ...: the same seed gives the same people."""

    def __init__(self, dimension: int, seed: int = 20_260_101) -> None:
        self.dimension = dimension
        self._seed = seed
        rng = np.random.default_rng([seed, dimension])
        spread = 1.0 / (1.0 + np.arange(dimension) / (dimension / 6))
        axes = np.linalg.qr(rng.standard_normal((dimension, dimension)))[0]
        self._shape = np.asarray(np.sqrt(spread)[:, None] * axes, np.float32)

    def blocks(self, people: int) -> "list[Numbers]":
        """Return the people 0 to `people` - 1 in blocks that `faces` draws at once."""
        return [
            np.arange(start, min(start + _PEOPLE_A_BLOCK, people)) for start in range(0, people, _PEOPLE_A_BLOCK)
        ]  # fmt: skip

    def faces(self, block: Numbers) -> Matrix:
        """Return the first template of a whole block of people, unit fp32 (n, d)."""
        return self._draw([self._seed, 1, int(block[0])], len(block))

    def second_templates(self, faces: Matrix, people: Numbers) -> Matrix:
        """Return another template of these people of one block, whose first are `faces`, unit fp32 (n, d)."""
        others = self._draw([self._seed, 2, int(people[0])], len(people))
        return _near(faces, others, np.full(len(faces), _SAME_DAY, np.float32))

    def probes(self, of: Matrix) -> Matrix:
        """Return what a camera sees of the people with templates `of`, unit fp32 (n, d)."""
        rng = np.random.default_rng([self._seed, 3])
        mean, deviation, least, most = _GENUINE
        cosines = np.clip(rng.normal(mean, deviation, len(of)), least, most).astype(np.float32)
        return _near(of, self._draw([self._seed, 4], len(of)), cosines)

    def strangers(self, n: int) -> Matrix:
        """Return what a camera sees of `n` people who are not enrolled, unit fp32 (n, d)."""
        return self._draw([self._seed, 5], n)

    def _draw(self, seed: list[int], n: int) -> Matrix:
        rng = np.random.default_rng([*seed, self.dimension])
        return _unit(rng.standard_normal((n, self.dimension), dtype=np.float32) @ self._shape)


def ids_of(numbers: Numbers, kind: int) -> list[str]:
    """Return the UUIDs of people (`kind` 0) or of their templates (1, 2), as `number_of` reads them."""
    mixed = (numbers.astype(np.uint64) * np.uint64(4) + np.uint64(kind + 1)) * _MIX
    return [
        f"{number >> 16:08x}-{number & 0xFFFF:04x}-7{kind:03x}-{0x8000 | m >> 50:04x}-{m & 0xFFFFFFFFFFFF:012x}"
        for number, m in zip(numbers.tolist(), mixed.tolist(), strict=True)
    ]


def number_of(one: str) -> int:
    """Return the person of an id."""
    return int(one[:8] + one[9:13], 16)


def _near(faces: Matrix, others: Matrix, cosines: Matrix) -> Matrix:
    """Return vectors at `cosines` from `faces`, in the direction of `others`."""
    across = _unit(others - (others * faces).sum(axis=1, keepdims=True) * faces)
    sines = np.sqrt(1 - cosines**2)
    return _unit(np.asarray(cosines[:, None] * faces + sines[:, None] * across, np.float32))


def _unit(vectors: Matrix) -> Matrix:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)
