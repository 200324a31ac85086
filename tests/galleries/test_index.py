"""FlatIndex against a slow oracle under random writes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from yingbin.galleries.index import FlatIndex
from yingbin.galleries.protect import BadVector, normalise

DIMENSION = 16


def vector(seed: int) -> NDArray[np.float32]:
    return normalise(np.random.default_rng(seed).standard_normal(DIMENSION).astype(np.float32))


operations = st.lists(
    st.tuples(st.sampled_from(["add", "remove", "forget"]), st.integers(0, 9), st.integers(0, 3)), max_size=40
)


@settings(max_examples=60)
@given(operations, st.integers(0, 1000))
def test_index_agrees_with_oracle(steps: list[tuple[str, int, int]], probe_seed: int) -> None:
    index = FlatIndex(DIMENSION)
    oracle: dict[str, tuple[str, NDArray[np.float32]]] = {}
    for turn, (what, template, customer) in enumerate(steps):
        name, owner = f"t{template}", f"c{customer}"
        if what == "add":
            index.add(name, owner, vector(turn))
            oracle[name] = (owner, vector(turn))
        elif what == "remove":
            assert index.remove(name) == (oracle.pop(name, None) is not None)
        else:
            gone = [t for t, (o, _) in oracle.items() if o == owner]
            assert index.remove_customer(owner) == len(gone)
            for t in gone:
                del oracle[t]
    assert index.count == len({owner for owner, _ in oracle.values()})
    probe = vector(probe_seed + 10_000)
    hit = index.search(probe[None, :])[0]
    sums: dict[str, NDArray[np.float32]] = {}
    for owner, v in oracle.values():
        sums[owner] = sums.get(owner, np.zeros(DIMENSION, np.float32)) + v
    best = {owner: float(normalise(total) @ probe) for owner, total in sums.items()}
    if not best:
        assert hit is None
        return
    ranked = sorted(best.items(), key=lambda item: -item[1])
    assert hit is not None
    assert hit.customer_id == ranked[0][0]
    assert hit.score == pytest.approx(ranked[0][1], abs=1e-5)
    assert hit.runner_up == pytest.approx(ranked[1][1] if len(ranked) > 1 else -1.0, abs=1e-5)


def test_several_templates_of_a_person_are_one_identity() -> None:
    index = FlatIndex(DIMENSION)
    for number in range(5):
        index.add(f"a{number}", "a", vector(1))
    index.add("b0", "b", vector(2))
    assert index.count == 2
    hit = index.search(vector(1)[None, :])[0]
    assert hit is not None
    assert hit.customer_id == "a"
    assert hit.runner_up == pytest.approx(float(vector(1) @ vector(2)), abs=1e-5)


def test_wrong_size_is_refused() -> None:
    index = FlatIndex(DIMENSION)
    with pytest.raises(BadVector):
        index.add("t", "c", np.ones(DIMENSION + 1, np.float32))
    with pytest.raises(BadVector):
        index.search(np.ones((1, DIMENSION + 1), np.float32))
