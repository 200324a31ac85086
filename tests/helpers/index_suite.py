"""What every `TemplateIndex` must do. A backend's tests derive from `IndexSuite` and give it `new_index`."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from yingbin.errors import Conflict
from yingbin.galleries.index import DuplicateTemplate, TemplateIndex
from yingbin.galleries.protect import BadVector, apply
from yingbin.galleries.rowtable import keys_of
from yingbin.galleries.snapshot import SnapshotUnusable
from yingbin.ids import new_id

Vector = NDArray[np.float32]
NewIndex = Callable[[int], TemplateIndex]
"""Makes an empty index of a dimension, independent of any other."""

DIMENSION = 16


def uuid(number: int) -> str:
    return f"01900000-0000-7000-8000-{number:012x}"


def units(n: int, seed: int, dimension: int = DIMENSION) -> Vector:
    drawn = np.random.default_rng(seed).standard_normal((n, dimension)).astype(np.float32)
    return np.asarray(drawn / np.linalg.norm(drawn, axis=1, keepdims=True), np.float32)


def ids(n: int) -> list[str]:
    return [new_id() for _ in range(n)]


def faces(n: int, dimension: int, seed: int) -> Vector:
    """Return vectors whose numbers have unequal variances and a mean, behind a random transform; always the same."""
    rng = np.random.default_rng(seed)
    spread = 1 / np.sqrt(1 + np.arange(dimension) / 20)
    drawn = rng.standard_normal((n, dimension)) * spread + 0.1
    raw = np.asarray(drawn / np.linalg.norm(drawn, axis=1, keepdims=True), np.float32)
    return apply(np.asarray(np.linalg.qr(rng.standard_normal((dimension, dimension)))[0], np.float32), raw)


OTHER_IDS = ["", "anna", "张三", uuid(0xA).upper(), "{" + uuid(1) + "}", "00000000-0000-0000-0000-000000000000"]


class Oracle:
    """The slow, obvious index: a customer is the mean direction of his templates, every cosine is computed."""

    def __init__(self) -> None:
        self.templates: dict[str, tuple[str, Vector]] = {}

    def fused(self) -> dict[str, Vector]:
        sums: dict[str, NDArray[np.float64]] = {}
        for customer, vector in self.templates.values():
            sums[customer] = sums.get(customer, np.zeros(len(vector))) + vector
        return {customer: np.asarray(total / np.linalg.norm(total)) for customer, total in sums.items()}

    def ranked(self, probe: Vector) -> list[tuple[float, str]]:
        return sorted(((float(vector @ probe), customer) for customer, vector in self.fused().items()), reverse=True)


steps = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.integers(0, 11), st.integers(100, 104)),
        st.tuples(st.just("add_many"), st.lists(st.integers(0, 11), max_size=5), st.integers(100, 104)),
        st.tuples(st.just("remove"), st.integers(0, 11), st.none()),
        st.tuples(st.just("forget"), st.integers(100, 104), st.none()),
        st.tuples(st.just("restart"), st.none(), st.none()),
    ),
    max_size=40,
)


class IndexSuite:
    """Derive, and give a fixture `new_index`, which makes an empty index of so many numbers."""

    cosine_error: ClassVar[float] = 1e-5

    def check(self, index: TemplateIndex, oracle: Oracle, probes: Vector) -> None:
        assert index.count == len(oracle.fused())
        assert sorted(map(tuple, index.template_keys().tolist())) == sorted(
            map(tuple, keys_of(list(oracle.templates)).tolist())
        )
        for number in range(12):
            assert index.owner_of(uuid(number)) == oracle.templates.get(uuid(number), (None,))[0]
        for hit, probe in zip(index.search(probes), probes, strict=True):
            ranked = [*oracle.ranked(probe), (-1.0, "")]
            if len(ranked) == 1:
                assert hit is None
                continue
            assert hit is not None
            assert hit.score == pytest.approx(ranked[0][0], abs=self.cosine_error)
            assert hit.runner_up == pytest.approx(ranked[1][0], abs=self.cosine_error)
            assert hit.customer_id in {who for cosine, who in ranked if cosine > ranked[0][0] - 2 * self.cosine_error}

    @settings(
        max_examples=60,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.differing_executors],
    )
    @given(taken=steps, seed=st.integers(0, 1000))
    def test_any_sequence_of_changes_agrees_with_the_oracle(
        self, new_index: NewIndex, taken: list[tuple[str, int, int]], seed: int
    ) -> None:
        index, oracle = new_index(DIMENSION), Oracle()
        for turn, (what, which, whose) in enumerate(taken):
            drawn = units(5, 1000 * seed + turn)
            match what:
                case "add" | "add_many":
                    numbers = which if isinstance(which, list) else [which]
                    templates = [uuid(number) for number in numbers]
                    customers = [uuid(whose + place % 2) for place in range(len(numbers))]
                    vectors = drawn[: len(numbers)]
                    if len(set(templates)) < len(templates) or oracle.templates.keys() & set(templates):
                        with pytest.raises(DuplicateTemplate):
                            index.add_many(templates, customers, vectors)
                    else:
                        index.add_many(templates, customers, vectors)
                        held = zip(customers, vectors, strict=True)
                        oracle.templates.update(zip(templates, held, strict=True))
                case "remove":
                    assert index.remove(uuid(which)) == (oracle.templates.pop(uuid(which), None) is not None)
                case "forget":
                    gone = [t for t, (customer, _) in oracle.templates.items() if customer == uuid(which)]
                    assert index.remove_customer(uuid(which)) == len(gone)
                    for template in gone:
                        del oracle.templates[template]
                case "restart":
                    chunks = [bytes(chunk) for chunk in index.snapshot()]
                    index = new_index(DIMENSION)
                    index.restore(iter(chunks))
            self.check(index, oracle, units(3, seed + turn))
        for customer, vector in oracle.fused().items():
            held_vector = index.vector_of(customer)
            assert held_vector is not None
            assert float(held_vector @ vector) == pytest.approx(1.0, abs=self.cosine_error)

    def test_an_empty_index_finds_nobody(self, new_index: NewIndex) -> None:
        index = new_index(DIMENSION)
        assert index.search(units(2, 1)) == [None, None]
        assert index.search(units(0, 1)) == []
        assert (index.count, index.remove(uuid(1)), index.remove_customer(uuid(1))) == (0, False, 0)
        assert index.vector_of(uuid(1)) is None

    def test_several_templates_of_a_person_are_one_identity(self, new_index: NewIndex) -> None:
        index, (his, hers) = new_index(DIMENSION), units(2, 1)
        for number in range(5):
            index.add(uuid(number + 1), uuid(100), his)
        index.add(uuid(9), uuid(101), hers)
        assert index.count == 2
        hit = index.search(his[None, :])[0]
        assert hit is not None
        assert hit.customer_id == uuid(100)
        assert hit.runner_up == pytest.approx(float(his @ hers), abs=self.cosine_error)

    def test_what_is_left_of_a_person_is_searched_as_before(self, new_index: NewIndex) -> None:
        index, (first, second) = new_index(DIMENSION), units(2, 3)
        index.add(uuid(1), uuid(100), first)
        before = index.search(first[None, :])
        index.add(uuid(2), uuid(100), second)
        assert index.remove(uuid(2))
        assert index.count == 1
        after = index.search(first[None, :])[0]
        assert after is not None
        assert before[0] is not None
        assert after.score == pytest.approx(before[0].score, abs=self.cosine_error)
        assert index.remove(uuid(1))
        assert index.search(first[None, :]) == [None]

    @pytest.mark.parametrize(
        "spoil",
        [
            lambda vector: np.append(vector, np.float32(0)),
            lambda vector: vector[:-1],
            lambda vector: np.where(np.arange(len(vector)) == 3, np.float32(np.nan), vector),
            lambda vector: np.where(np.arange(len(vector)) == 3, np.float32(np.inf), vector),
            np.zeros_like,
            lambda vector: vector * np.float32(1.02),
            lambda vector: vector * np.float32(0.98),
        ],
        ids=["too long", "too short", "nan", "infinity", "zero", "longer than 1", "shorter than 1"],
    )
    def test_a_bad_vector_is_refused_and_changes_nothing(
        self, new_index: NewIndex, spoil: Callable[[Vector], Vector]
    ) -> None:
        index, good = new_index(DIMENSION), units(3, 5)
        index.add(uuid(1), uuid(100), good[0])
        bad = spoil(good[1])
        with pytest.raises(BadVector):
            index.add(uuid(2), uuid(101), bad)
        with pytest.raises(BadVector):
            index.search(bad[None, :])
        if bad.shape == good[1].shape:
            with pytest.raises(BadVector):
                index.add_many([uuid(3), uuid(4)], [uuid(102), uuid(103)], np.stack([good[2], bad]))
            with pytest.raises(BadVector):
                index.search(np.stack([good[2], bad]))
        assert index.count == 1
        assert not index.remove(uuid(2))
        assert not index.remove(uuid(3))

    def test_a_template_is_added_once(self, new_index: NewIndex) -> None:
        index, vectors = new_index(DIMENSION), units(3, 6)
        index.add(uuid(1), uuid(100), vectors[0])
        for customer in (100, 101):
            with pytest.raises(DuplicateTemplate, match=uuid(1)):
                index.add(uuid(1), uuid(customer), vectors[1])
        index.add(uuid(2), uuid(100), vectors[1])  # now that of a customer with several
        with pytest.raises(DuplicateTemplate, match=uuid(2)):
            index.add(uuid(2), uuid(101), vectors[1])
        with pytest.raises(DuplicateTemplate, match=uuid(3)):
            index.add_many([uuid(3), uuid(3)], [uuid(102), uuid(103)], vectors[1:])
        with pytest.raises(DuplicateTemplate):
            index.add_many([uuid(4), uuid(1)], [uuid(102), uuid(103)], vectors[1:])
        assert index.count == 1
        assert not index.remove(uuid(3))
        assert not index.remove(uuid(4))

    def test_a_batch_is_searched_like_its_probes(self, new_index: NewIndex) -> None:
        index, vectors = new_index(DIMENSION), units(40, 7)
        index.add_many([uuid(n + 1) for n in range(40)], [uuid(100 + n) for n in range(40)], vectors)
        probes = units(11, 8)
        together = index.search(probes)
        for hit, probe in zip(together, probes, strict=True):
            alone = index.search(probe[None, :])[0]
            assert hit is not None
            assert alone is not None
            assert alone.customer_id == hit.customer_id
            assert alone.score == pytest.approx(hit.score, abs=1e-6)

    def test_a_snapshot_that_does_not_fit_is_refused(self, new_index: NewIndex) -> None:
        index = new_index(DIMENSION)
        index.add_many([uuid(1), uuid(2)], [uuid(100), uuid(101)], units(2, 9))
        chunks = [bytes(chunk) for chunk in index.snapshot()]
        for wrong in ([], chunks[:1], chunks[:-1], [*chunks, chunks[-1]], [chunks[1], *chunks[1:]], [b"\xc1"]):
            with pytest.raises(SnapshotUnusable):
                new_index(DIMENSION).restore(iter(wrong))
        with pytest.raises(SnapshotUnusable, match="32"):
            new_index(32).restore(iter(chunks))
        with pytest.raises(Conflict, match="empty"):
            index.restore(iter(chunks))

    def test_who_stays_is_found_and_who_is_gone_is_not_while_others_change(self, new_index: NewIndex) -> None:
        index, vectors = new_index(DIMENSION), units(60, 10)
        index.add_many([uuid(n + 1) for n in range(60)], [uuid(100 + n) for n in range(60)], vectors)
        gone: set[str] = set()
        trouble: list[str] = []
        over = threading.Event()

        def search() -> None:
            while not over.is_set():
                already_gone = set(gone)
                found = [hit.customer_id if hit else "" for hit in index.search(vectors)]
                trouble.extend(f"{who} found" for who in found if who in already_gone)
                trouble.extend(f"{n} missed" for n in range(0, 60, 5) if found[n] != uuid(100 + n))

        with _running(search, over), _running(search, over):
            for n in (n for n in range(60) if n % 5):
                assert index.remove(uuid(n + 1))
                gone.add(uuid(100 + n))
        assert trouble == []
        assert index.count == 12


@contextmanager
def _running(work: Callable[[], None], over: threading.Event) -> Iterator[None]:
    """Run `work` in a thread until the block ends."""
    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
