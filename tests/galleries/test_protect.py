"""Key transforms: cosines survive, domains do not link, bad vectors are refused by name."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from yingbin import wire
from yingbin.galleries import protect

DIMENSION = 128


def unit(seed: int, dimension: int = DIMENSION) -> NDArray[np.float32]:
    return protect.normalise(np.random.default_rng(seed).standard_normal(dimension).astype(np.float32))


TRANSFORMS = {dimension: protect.random_transform(dimension) for dimension in (128, 257, 512)}


@settings(deadline=None)
@given(st.sampled_from(sorted(TRANSFORMS)), st.integers(0, 2**32), st.integers(0, 2**32), st.floats(0, 1))
def test_cosine_survives_transform_and_wire(dimension: int, a: int, b: int, likeness: float) -> None:
    transform = TRANSFORMS[dimension]
    left = unit(a, dimension)
    right = protect.normalise(likeness * left + (1.001 - likeness) * unit(b + 1, dimension))
    sent = [protect.decode_probe(protect.encode_probe(protect.apply(transform, v)), dimension) for v in (left, right)]
    assert abs(float(left @ right) - float(sent[0] @ sent[1])) <= 1e-3


@settings(deadline=None)
@given(st.integers(257, 600), st.integers(0, 2**32))
def test_a_long_probe_takes_twelve_bits_a_number(dimension: int, seed: int) -> None:
    vector = unit(seed, dimension)
    raw = protect.encode_probe(vector)
    assert len(raw) == protect.probe_bytes(dimension) == 4 + 3 * math.ceil(dimension / 2)
    error = np.abs(protect.decode_probe(raw, dimension) - vector)
    assert error.max() <= 1.01 * np.abs(vector).max() / (2 * 2047) + 1e-5  # half a step, and the length made 1 again


def test_the_extremes_of_twelve_bits_are_met() -> None:
    vector = np.zeros(512, np.float32)
    vector[[0, 511]] = 0.8, -0.6
    np.testing.assert_allclose(protect.decode_probe(protect.encode_probe(vector), 512), vector, atol=2e-4)


def test_a_face_event_of_512_numbers_stays_below_a_kilobyte() -> None:
    ids, vector = ("c" * 36, "a" * 36), protect.encode_probe(unit(1, 512))
    event = wire.FaceEvent(*ids, 2**31, 7, 2**31, 1_700_000_000_000, 800, 0.123456789, 8, vector, "b" * 64)
    assert len(wire.encode(event)) <= 1_000


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (protect.encode_probe(unit(1)), "256 bytes; this gallery takes 772"),
        (unit(1, 512).astype("<f2").tobytes(), "1024 bytes; this gallery takes 772"),
        (b"\0" * 772, "NaN, infinity"),
        (np.array(np.nan, "<f4").tobytes() + b"\x80" * 768, "NaN, infinity"),
        (np.array(np.inf, "<f4").tobytes() + b"\x80" * 768, "NaN, infinity"),
        (np.array(-0.2, "<f4").tobytes() + b"\x80" * 768, "NaN, infinity"),
        (np.array(0.2, "<f4").tobytes() + b"\xff" * 768, "unit length"),
    ],
)
def test_bad_long_probe_is_refused_by_name(raw: bytes, says: str) -> None:
    with pytest.raises(protect.BadVector, match=says):
        protect.decode_probe(raw, 512)


@pytest.mark.parametrize(
    "domains", [("box", "another box"), ("box", "city"), ("city", "another city"), ("city", "province")]
)
def test_C8_vectors_of_two_domains_do_not_link_without_keys(domains: tuple[str, str]) -> None:
    """Whoever robs two places holds the same people in two domains; which is whose he cannot tell from the vectors."""
    people = np.stack([unit(i) for i in range(300)])

    def auc() -> float:
        raw_to = {place: protect.random_transform(DIMENSION) for place in ("box", "city", "province")}
        raw_to["another box"], raw_to["another city"] = (protect.random_transform(DIMENSION) for _ in range(2))
        # As they come about: the box maps what it saw, each tier what it was sent.
        at = {name: protect.apply(raw_to[name], people) for name in ("box", "another box")}
        for name, source in (("city", "box"), ("another city", "another box"), ("province", "city")):
            at[name] = protect.apply(protect.between(raw_to[source], raw_to[name]), at[source])
        scores = at[domains[0]] @ at[domains[1]].T
        different = np.sort(scores[~np.eye(len(people), dtype=bool)])
        return float(np.searchsorted(different, np.diagonal(scores)).mean() / len(different))

    assert 0.45 < np.mean([auc() for _ in range(8)]) < 0.55


def test_city_maps_box_vectors_into_its_domain() -> None:
    box, city = protect.random_transform(DIMENSION), protect.random_transform(DIMENSION)
    vector = unit(1)
    mapped = protect.apply(protect.between(box, city), protect.apply(box, vector))
    np.testing.assert_allclose(mapped, protect.apply(city, vector), atol=1e-5)


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b"", "0 bytes"),
        (b"\0" * 255, "255 bytes"),
        (b"\0" * 256, "unit length"),
        (np.full(128, np.nan, "<f2").tobytes(), "NaN"),
        (np.full(128, np.inf, "<f2").tobytes(), "NaN or infinity"),
        (np.full(128, 0.5, "<f2").tobytes(), "unit length"),
    ],
)
def test_bad_probe_is_refused_by_name(raw: bytes, says: str) -> None:
    with pytest.raises(protect.BadVector, match=says):
        protect.decode_probe(raw, DIMENSION)


def test_transform_that_is_not_orthogonal_is_refused() -> None:
    with pytest.raises(protect.BadVector, match="not orthogonal"):
        protect.decode_transform(np.ones((4, 4), "<f4").tobytes(), 4)


def test_zero_vector_has_no_direction() -> None:
    with pytest.raises(protect.BadVector):
        protect.normalise(np.zeros(4, np.float32))
