"""Cancelable templates by key: random orthogonal transforms (DESIGN 5; ISO/IEC 24745).

A box sends `R_box v`. The city holds `R_city R_box^T` for each box and templates `R_city t`; the province alone holds
`R_city` and `R_prov`. Cosines are kept, so matching works; without the keys two domains cannot be linked. It is a
linear map: about d known pairs (photo, vector) recover it, so scores are never returned and queries are rate-limited.
"""

import secrets

import numpy as np
from numpy.typing import NDArray

from yingbin.errors import InvalidInput

Vector = NDArray[np.float32]
Transform = NDArray[np.float32]

_UNIT_TOLERANCE = 5e-3


class BadVector(InvalidInput):
    """A vector of the wrong size, not finite, zero or not of unit length."""

    code = "bad_vector"


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
    """Return a unit vector, fp32 (d,), as little-endian fp16: 2 d bytes, |delta cosine| <= 1e-3."""
    return np.asarray(vector, "<f2").tobytes()


def decode_probe(raw: bytes, dimension: int) -> Vector:
    """Undo `encode_probe`. Raises `BadVector` for a wrong size, NaN or infinity, or a length other than 1."""
    if len(raw) != 2 * dimension:
        raise BadVector(f"probe of {len(raw)} bytes; this gallery takes {2 * dimension} (fp16 x {dimension})")
    return _unit(np.frombuffer(raw, "<f2").astype(np.float32))


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


def _unit(vector: Vector) -> Vector:
    if not np.isfinite(vector).all():
        raise BadVector("vector holds NaN or infinity")
    if abs(float(np.linalg.norm(vector)) - 1.0) > _UNIT_TOLERANCE:
        raise BadVector("vector is not of unit length")
    return normalise(vector)
