import numpy as np
from numpy.typing import NDArray

from edge.reunion import REJOIN_S, SAME_PERSON, Reunion

DIMENSION = 8


def vector(cosine: float) -> NDArray[np.float32]:
    """Return a unit vector at this cosine to the first axis."""
    made = np.zeros(DIMENSION, np.float32)
    made[:2] = cosine, np.sqrt(1 - cosine**2)
    return made


def test_who_looks_the_same_a_moment_later_is_back_once() -> None:
    reunion: Reunion[str] = Reunion()
    reunion.left("ada", vector(1.0), 10.0)
    assert reunion.back(vector(SAME_PERSON + 0.01), 12.0) == "ada"
    assert reunion.back(vector(1.0), 12.0) is None


def test_a_stranger_and_a_late_comer_are_somebody_new() -> None:
    reunion: Reunion[str] = Reunion()
    reunion.left("ada", vector(1.0), 10.0)
    assert reunion.back(vector(SAME_PERSON - 0.01), 11.0) is None
    assert reunion.back(vector(1.0), 10.01 + REJOIN_S) is None


def test_the_most_similar_one_is_back() -> None:
    reunion: Reunion[str] = Reunion()
    reunion.left("bo", vector(0.8), 10.0)
    reunion.left("ada", vector(0.99), 10.5)
    reunion.left("cy", vector(0.85), 10.6)
    assert reunion.back(vector(1.0), 11.0) == "ada"
    assert reunion.back(vector(1.0), 11.0) == "cy"


def test_C2_templates_are_forgotten_in_time() -> None:
    reunion: Reunion[str] = Reunion()
    reunion.left("ada", vector(1.0), 10.0)
    reunion.left("bo", vector(1.0), 12.0)
    assert reunion.expire(10.0 + REJOIN_S) == []
    assert reunion.expire(10.1 + REJOIN_S) == ["ada"]
    assert reunion.clear() == ["bo"]
    assert reunion.clear() == []
