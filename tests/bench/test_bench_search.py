"""The benches of the index, on galleries small enough for a test; kill -9 of a real writer among them."""

from pathlib import Path

import numpy as np
import pytest

from bench import restart_bench
from bench.population import Population, ids_of, number_of
from bench.restart_bench import kill_writers, run_restart_bench
from bench.search_bench import run_search_bench
from yingbin.errors import InvalidInput
from yingbin.galleries.rowtable import pack_ids

FIXED_SEARCH = {
    "n", "dim", "index", "p50_ms", "p99_ms", "exact_p50_ms", "speedup_p50", "agreement", "ram_mb", "batch16_qps",
    "add_ms", "remove_ms",
}  # fmt: skip
FIXED_RESTART = {"n", "restart_s", "acknowledged", "lost"}


def test_search_prints_the_fixed_keys_as_numbers_best_index_first() -> None:
    figures = run_search_bench([(2_000, 128)], lambda _: None)
    assert "synthetic" in figures["data"]
    assert [(run["n"], run["dim"], run["index"]) for run in figures["runs"]] == [
        (2_000, 128, "codes"), (2_000, 128, "FlatIP")
    ]  # fmt: skip
    for run in figures["runs"]:
        assert run.keys() >= FIXED_SEARCH
        assert all(isinstance(value, int | float) for key, value in run.items() if key != "index")
    assert figures["runs"][0]["agreement"] == 1.0
    assert figures["runs"][0]["identities"] < 2_000  # people with two templates are one identity


@pytest.mark.parametrize("gallery", [(10, 512), (5_000, 1), (10**9, 512)])
def test_a_gallery_that_cannot_be_measured_is_refused(gallery: tuple[int, int]) -> None:
    with pytest.raises(InvalidInput, match=str(gallery[0])):
        run_search_bench([gallery], lambda _: None)


def test_no_acknowledged_change_is_lost_when_writers_are_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(restart_bench, "_STARTS", 1)
    monkeypatch.setattr(restart_bench, "_KILLS", 1)
    figures = run_restart_bench(tmp_path, 100, 128, 300, lambda _: None)
    assert figures.keys() >= FIXED_RESTART
    assert figures["acknowledged"] >= 300
    assert figures["lost"] == 0
    assert figures["restart_s"] > 0


@pytest.mark.long
def test_no_acknowledged_change_of_ten_thousand_is_lost(tmp_path: Path) -> None:
    killed = kill_writers(tmp_path, Population(512), 1, 10_000)
    assert len(killed.acknowledged) >= 10_000
    assert killed.lost == 0


def test_people_are_shaped_like_faces() -> None:
    for dimension, scatter in ((128, 0.103), (512, 0.052)):
        population = Population(dimension)
        faces, strangers = population.faces(np.arange(600)), population.strangers(600)
        cosines = strangers @ faces.T
        assert float(cosines.std()) == pytest.approx(scatter, abs=0.003)
        assert abs(float(cosines.mean())) < 0.01
        assert np.linalg.matrix_rank(faces) == dimension
        genuine = (population.probes(faces) * faces).sum(axis=1)
        assert float(genuine.mean()) == pytest.approx(0.65, abs=0.02)
        again = Population(dimension)
        assert (again.faces(np.arange(600)) == faces).all()


def test_ids_are_uuids_and_tell_whose_they_are() -> None:
    numbers = np.array([0, 1, 65_535, 65_536, 2_000_000])
    made = [one for kind in (0, 1, 2) for one in ids_of(numbers, kind)]
    assert len(set(made)) == 15
    assert [number_of(one) for one in made] == numbers.tolist() * 3
    assert len(pack_ids(made)) == 15
