"""Cancelable templates by key: random orthogonal transforms (DESIGN 5; ISO/IEC 24745).

A box sends `R_box v`. The city holds `R_city R_box^T` for each box and templates `R_city t`; the province alone holds
`R_city` and `R_prov`. Cosines are kept, so matching works; without the keys two domains cannot be linked. It is a
linear map: about d known pairs (photo, vector) recover it, so scores are never returned and queries are rate-limited.
"""

import hashlib
import secrets
from dataclasses import dataclass, field
from typing import Self

import numpy as np
from numpy.typing import NDArray

from yingbin.errors import InvalidInput

Vector = NDArray[np.float32]
Transform = NDArray[np.float32]

_UNIT_TOLERANCE = 5e-3
_CANCELLED = 1e-3
_FP16_UP_TO = 256
_STEPS = 2047
_KEY_ID_BYTES = 8


class BadVector(InvalidInput):
    """A vector of the wrong size, not finite, zero or not of unit length."""

    code = "bad_vector"


@dataclass(frozen=True, slots=True)
class Domain:
    """What vectors behind one key transform have in common; equal when the transforms are.

    `key_id` names it to those who do not hold the transform: a digest, of which nothing about the transform follows.
    """

    key_id: str
    transform: Transform = field(compare=False, repr=False)

    @classmethod
    def of(cls, transform: Transform) -> Self:
        """Return the domain of a transform, fp32 (d, d)."""
        return cls(hashlib.sha256(encode_transform(transform)).hexdigest()[: 2 * _KEY_ID_BYTES], transform)


def random_transform(dimension: int) -> Transform:
    """Return a Haar-random orthogonal matrix, fp32 (dimension, dimension), seeded by the operating system.

    QR of a Gaussian matrix with the signs of R's diagonal fixed: Mezzadri, Notices of the AMS 54 (2007).
    """
    rng = np.random.default_rng(secrets.randbits(256))
    q, r = np.linalg.qr(rng.standard_normal((dimension, dimension)))
    return np.asarray(q * np.sign(np.diagonal(r)), np.float32)


def apply(transform: Transform, vectors: Vector) -> Vector:
    """Map vectors, fp32 (d,) or (n, d), by `transform`, fp32 (d, d)."""
    return np.asarray(vectors @ transform.T, np.float32)


def between(source: Transform, target: Transform) -> Transform:
    """Return the map from the domain of `source` to that of `target`: target source^T, fp32 (d, d)."""
    return np.asarray(target.astype(np.float64) @ source.T.astype(np.float64), np.float32)


def normalise(vector: Vector) -> Vector:
    """Return `vector` at unit length, fp32 (d,). Raises `BadVector` when it is zero or not finite."""
    length = float(np.linalg.norm(vector))
    if not np.isfinite(length) or length < 1e-6:
        raise BadVector("vector is zero or not finite")
    return np.asarray(vector / length, np.float32)


def encode_probe(vector: Vector) -> bytes:
    """Return a unit vector, fp32 (d,), for the wire, |delta cosine| <= 1e-3: so many bytes as `probe_bytes` says.

    Up to 256 numbers as little-endian fp16. Longer ones as the largest magnitude, fp32, then 12 bits a number in steps
    of 1/2047 of it, two numbers in three bytes, so that a face event stays within 1 kB. No number is far above the
    others behind a random transform, so the cosine of two probes changes by less than 1e-4 (measured at 512 numbers).
    """
    if len(vector) <= _FP16_UP_TO:
        return np.asarray(vector, "<f2").tobytes()
    largest = np.float32(np.abs(vector).max())
    steps = np.rint(vector / largest * _STEPS).astype(np.int16) + _STEPS
    even, odd = (np.append(steps, 0) if len(steps) % 2 else steps).astype(np.uint16).reshape(-1, 2).T
    packed = np.stack([even >> 4, (even & 15) << 4 | odd >> 8, odd & 255], axis=1).astype(np.uint8)
    return np.array(largest, "<f4").tobytes() + packed.tobytes()


def decode_probe(raw: bytes, dimension: int) -> Vector:
    """Undo `encode_probe`. Raises `BadVector` for a wrong size, NaN or infinity, or a length other than 1."""
    if len(raw) != probe_bytes(dimension):
        raise BadVector(f"probe of {len(raw)} bytes; this gallery takes {probe_bytes(dimension)} ({dimension} numbers)")
    if dimension <= _FP16_UP_TO:
        return _unit(np.frombuffer(raw, "<f2").astype(np.float32))
    largest = np.frombuffer(raw, "<f4", 1)[0]
    if not 0.0 < largest <= 1.0 + _UNIT_TOLERANCE:
        raise BadVector("the probe's largest number is NaN, infinity, or none of a vector of unit length")
    high, middle, low = np.frombuffer(raw, np.uint8, offset=4).reshape(-1, 3).T.astype(np.int16)
    steps = np.stack([high << 4 | middle >> 4, (middle & 15) << 8 | low], axis=1).reshape(-1)[:dimension] - _STEPS
    return _unit(steps.astype(np.float32) * (largest / _STEPS))


def probe_bytes(dimension: int) -> int:
    """Return the length of an encoded probe."""
    return 2 * dimension if dimension <= _FP16_UP_TO else 4 + 3 * ((dimension + 1) // 2)


def encode_template(vector: Vector) -> bytes:
    """Return a unit vector, fp32 (d,), as little-endian fp32: 4 d bytes."""
    return np.asarray(vector, "<f4").tobytes()


def decode_template(raw: bytes, dimension: int) -> Vector:
    """Undo `encode_template`. Raises `BadVector`."""
    if len(raw) != 4 * dimension:
        raise BadVector(f"template of {len(raw)} bytes; this gallery takes {4 * dimension} (fp32 x {dimension})")
    return _unit(np.frombuffer(raw, "<f4").astype(np.float32))


def encode_transform(transform: Transform) -> bytes:
    """Return a transform, fp32 (d, d), as little-endian fp32, row-major."""
    return np.ascontiguousarray(transform, "<f4").tobytes()


def decode_transform(raw: bytes, dimension: int) -> Transform:
    """Undo `encode_transform`. Raises `BadVector` for a wrong size or a matrix that is not orthogonal."""
    if len(raw) != 4 * dimension * dimension:
        raise BadVector(f"transform of {len(raw)} bytes; expected {4 * dimension * dimension}")
    matrix = np.frombuffer(raw, "<f4").reshape(dimension, dimension).astype(np.float32)
    if not np.allclose(matrix @ matrix.T, np.eye(dimension, dtype=np.float32), atol=1e-3):
        raise BadVector("transform is not orthogonal")
    return matrix


def checked_units(vectors: Vector, dimension: int) -> Vector:
    """Return `vectors`, fp32 (n, dimension), as they are.

    Raises `BadVector` for another shape, NaN or infinity, or a length other than 1.
    """
    if vectors.ndim != 2 or vectors.shape[1] != dimension:
        raise BadVector(f"vectors of shape {vectors.shape}; this gallery takes (n, {dimension})")
    lengths = np.linalg.norm(vectors, axis=1)
    if not np.isfinite(lengths).all():
        raise BadVector("vector holds NaN or infinity")
    if (np.abs(lengths - 1.0) > _UNIT_TOLERANCE).any():
        raise BadVector("vector is not of unit length")
    return np.ascontiguousarray(vectors, np.float32)


def fused(vectors: Vector) -> Vector:
    """Return the mean direction of a person's templates, fp32 (n, d), as a unit vector, fp32 (d,).

    Should they cancel out, which no face does, the first stands for all.
    """
    total = vectors.sum(axis=0, dtype=np.float32)
    return normalise(total if float(np.linalg.norm(total)) > _CANCELLED else vectors[0])


def _unit(vector: Vector) -> Vector:
    if not np.isfinite(vector).all():
        raise BadVector("vector holds NaN or infinity")
    if abs(float(np.linalg.norm(vector)) - 1.0) > _UNIT_TOLERANCE:
        raise BadVector("vector is not of unit length")
    return normalise(vector)
