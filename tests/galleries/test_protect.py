"""Key transforms: cosines survive, domains do not link, bad vectors are refused by name."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from yingbin.galleries import protect

DIMENSION = 128


def unit(seed: int, dimension: int = DIMENSION) -> NDArray[np.float32]:
    return protect.normalise(np.random.default_rng(seed).standard_normal(dimension).astype(np.float32))


@given(st.integers(0, 2**32), st.integers(0, 2**32))
def test_cosine_survives_transform_and_wire(a: int, b: int) -> None:
    transform = protect.random_transform(DIMENSION)
    left, right = unit(a), unit(b)
    sent = [protect.decode_probe(protect.encode_probe(protect.apply(transform, v)), DIMENSION) for v in (left, right)]
    assert abs(float(left @ right) - float(sent[0] @ sent[1])) <= 1e-3


def test_C8_vectors_of_two_boxes_do_not_link_without_keys() -> None:
    one, other = protect.random_transform(DIMENSION), protect.random_transform(DIMENSION)
    same = [float(protect.apply(one, unit(i)) @ protect.apply(other, unit(i))) for i in range(300)]
    different = [float(protect.apply(one, unit(i)) @ protect.apply(other, unit(i + 1000))) for i in range(300)]
    auc = np.mean([s > d for s in same for d in different])
    assert 0.4 < auc < 0.6


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
