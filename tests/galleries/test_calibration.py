"""The tail fit against distributions whose tail is known; thresholds by N; what changes one, and what does not."""

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import genpareto, norm
from typer.testing import CliRunner, Result

from yingbin.errors import InvalidInput
from yingbin.faces.build import pull_default_pack
from yingbin.faces.pack import ModelPack, PackDamaged, calibration_file
from yingbin.faces.scores import ScoreModel
from yingbin.faces.tail import TooFewScores, by_identity, by_sample, fit_tail
from yingbin.galleries.calibration import fit_for, genuine_points, outlook, recalibrated
from yingbin.galleries.cli import app
from yingbin.galleries.decide import ALPHA_PER_TRACK, threshold
from yingbin.galleries.known_outcomes import KnownOutcomes, ScoresUnusable, joined, of_database, read_scores
from yingbin.galleries.prior import limits
from yingbin.storage import city, province
from yingbin.storage.database import Database
from yingbin.storage.migrate import Tree, upgrade

MEAN, DEVIATION = 0.06, 0.09


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ScoreModel:
    """Return the default pack's statistics, with a models root of its own."""
    monkeypatch.setenv("YINGBIN_MODELS_ROOT", str(tmp_path / "root"))
    return pull_default_pack(tmp_path / "root").scores


def test_the_fit_recovers_a_generalised_pareto_tail() -> None:
    """Over .3 with rate .02, shape -.1, scale .04: quantiles are level + scale / shape ((f / rate)^-shape - 1)."""
    rng = np.random.default_rng(0)
    peaks = 0.3 + genpareto.rvs(-0.1, scale=0.04, size=4_000, random_state=rng)
    scores = np.concatenate((rng.uniform(-0.2, 0.3, 196_000), peaks))
    tail = fit_tail(scores, np.ones(len(scores), np.int64), by_sample(len(scores)))
    assert tail.shape == pytest.approx(-0.1, abs=0.04)
    assert tail.rate == pytest.approx(0.02, rel=0.01)
    for fmr, cosine, bound in tail.points[:4]:
        truth = 0.3 + 0.04 / -0.1 * ((fmr / 0.02) ** 0.1 - 1)
        assert cosine == pytest.approx(truth, abs=0.02)
        assert cosine <= bound
        assert truth <= bound + 0.005


def test_best_scores_of_searches_give_the_rate_of_one_comparison() -> None:
    """Maxima of 500 Gaussian scores each, and of 2,000: FMR and cosine belong to one comparison."""
    rng = np.random.default_rng(1)
    templates = np.repeat([500, 2_000], 400)
    scores = np.array([rng.normal(MEAN, DEVIATION, count).max() for count in templates])
    tail = fit_tail(scores, templates, by_sample(len(scores)), level_at=0.9)
    assert tail.rate == pytest.approx(80 / templates.sum())
    fmr, cosine, bound = tail.points[0]
    assert fmr == 1e-5
    assert cosine == pytest.approx(MEAN - DEVIATION * norm.ppf(fmr), abs=0.015)
    assert bound >= cosine


def test_people_are_resampled_not_scores() -> None:
    """A person drawn n times and another drawn m times count n m times; a person not drawn never does."""
    one, other = np.array([0, 0, 1]), np.array([1, 2, 2])
    drawn = [by_identity(one, other)(np.random.default_rng(seed)) for seed in range(50)]
    assert {tuple(times) for times in drawn} <= {(1, 1, 1), (2, 0, 0), (0, 2, 0), (0, 0, 2), (0, 0, 0)}


@pytest.mark.parametrize("scores", [np.array([]), np.linspace(0, 1, 400), np.full(5_000, 0.3)])
def test_too_few_or_equal_scores_carry_no_tail(scores: np.ndarray) -> None:
    with pytest.raises(TooFewScores):
        fit_tail(scores, np.ones(len(scores), np.int64), by_sample(len(scores)))


def test_the_bound_undoes_the_threshold_and_never_falls_below_the_estimate(model: ScoreModel) -> None:
    for fmr in (0.1, 1e-2, 1e-4, 3e-7, 1e-9, 1e-11):
        estimate, bound = model.fmr_at(model.cosine_at(fmr))
        assert bound == pytest.approx(fmr, rel=1e-6)
        assert 0.0 <= estimate <= bound
    assert ScoreModel().fmr_at(0.4)[0] == ScoreModel().fmr_at(0.4)[1] == pytest.approx(norm.sf((0.4 - 0.07) / 0.0965))
    assert ScoreModel().fnmr_at(0.4) == (-1.0, -1.0)


def test_modelled_rates_keep_the_budget_and_misses_grow_with_n(model: ScoreModel) -> None:
    looks = [outlook(model, templates) for templates in (100, 1_000, 10_000, 100_000, 1_000_000)]
    for one in looks:
        assert one.threshold == threshold(model, one.templates)
        assert one.fpir <= one.fpir_upper
        assert one.fpir_track_upper == pytest.approx(ALPHA_PER_TRACK, rel=1e-3)
        assert 0 <= one.fnir <= one.fnir_upper <= 1
    assert all(small.fnir <= large.fnir for small, large in pairwise(looks))


def test_the_default_pack_states_the_size_that_its_model_gives(model: ScoreModel) -> None:
    assert model.fit_for_templates == fit_for(model) == 20_000
    assert fit_for(ScoreModel()) == 0


def test_misses_are_counted_by_person_and_bounded_by_people() -> None:
    """One of four people has all his scores below .5, with nine photos to the others' one."""
    scores, people = np.array([0.4] * 9 + [0.9] * 3), np.array([7] * 9 + [1, 2, 3])
    points = {cosine: (rate, bound) for cosine, rate, bound in genuine_points(scores, people)}
    assert points[0.5] == (0.25, pytest.approx(0.7514, abs=1e-4))
    assert points[0.3] == (0.0, pytest.approx(1 - 0.05**0.25, abs=1e-4))
    assert points[0.9][0] == 0.25


def known_outcomes(shift: float = 0.0, searches: int = 600) -> KnownOutcomes:
    rng = np.random.default_rng(3)
    scores = np.array([rng.normal(MEAN + shift, DEVIATION, 5_000).max() for _ in range(searches)])
    return KnownOutcomes(scores, np.full(searches, 5_000))


def write(known: KnownOutcomes, path: Path) -> Path:
    rows = zip(known.scores, known.templates, strict=True)
    path.write_text("score,templates\n" + "".join(f"{score:.4f},{templates}\n" for score, templates in rows))
    return path


def test_strangers_who_score_higher_here_raise_the_thresholds(model: ScoreModel) -> None:
    usual, _ = recalibrated(model, known_outcomes())
    higher, tail = recalibrated(model, known_outcomes(shift=0.1))
    assert threshold(higher, 5_000) > threshold(usual, 5_000) + 0.05
    assert higher.tail[0] == model.tail[0]
    assert all(before[1] < after[1] for before, after in pairwise(higher.tail))
    assert tail.excesses == 60
    assert "600 searches" in higher.basis


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["calibrate", *(str(argument) for argument in arguments)])


def test_the_command_prints_distribution_thresholds_and_rates_and_draws_them(model: ScoreModel, tmp_path: Path) -> None:
    result = run("--plot", tmp_path / "cal.png", "--json")
    assert result.exit_code == 0, result.exception
    printed = json.loads(result.stdout.splitlines()[-1])
    assert [one["templates"] for one in printed["sizes"]] == [100, 1_000, 10_000, 100_000, 1_000_000]
    assert (printed["impostor_mean"], printed["fit_for_templates"]) == (model.impostor_mean, 20_000)
    assert printed["sizes"][0]["threshold"] == threshold(model, 100)
    assert [one["at_home"] for one in printed["sizes"]] == [500] * 5
    prior = limits(model, 10_000, 500)
    of_size = printed["sizes"][2]
    assert (of_size["threshold_home"], of_size["threshold_others"]) == (prior.home, prior.others)
    assert prior.home < of_size["threshold"] < prior.others
    assert "Thresholds with 500 customers at home" in result.stdout
    assert "not demonstrated" in result.stdout
    assert (tmp_path / "cal.png").read_bytes().startswith(b"\x89PNG")
    assert json.loads(run("--n", 7, "--json").stdout.splitlines()[-1])["sizes"][0]["templates"] == 7


def test_a_refitted_tail_is_shown_but_only_applied_when_told_to(model: ScoreModel, tmp_path: Path) -> None:
    scores = write(known_outcomes(shift=0.1), tmp_path / "scores.csv")
    shown = json.loads(run("--scores", scores, "--json").stdout.splitlines()[-1])
    assert shown["applied"] is False
    assert ModelPack.load().scores == model
    applied = run("--scores", scores, "--apply", "--json")
    assert applied.exit_code == 0, applied.exception
    in_force = ModelPack.load()
    assert threshold(in_force.scores, 1_000) == pytest.approx(shown["sizes"][1]["threshold"])
    assert in_force.shipped_scores == model
    assert pull_default_pack(tmp_path / "root").scores == in_force.scores  # pulling the pack again keeps it
    calibration_file(in_force.pack_id).unlink()
    assert ModelPack.load().scores == model


def test_a_damaged_calibration_is_never_ignored(model: ScoreModel) -> None:
    path = calibration_file(ModelPack.load().pack_id)
    path.parent.mkdir()
    path.write_text("{")
    with pytest.raises(PackDamaged, match=path.name):
        ModelPack.load()


def keep(known: KnownOutcomes, url: str, tree: Tree, pack_id: str) -> None:
    kind = {Tree.CITY: city.ImpostorScore, Tree.PROVINCE: province.ImpostorScore}[tree]
    database = Database(url)
    upgrade(database, tree)
    with database.write() as session:
        pairs = zip(known.scores.tolist(), known.templates.tolist(), strict=True)
        session.add_all([kind(pack_id=pack_id, score=score, templates=templates) for score, templates in pairs])
    database.close()


def test_scores_are_read_from_the_databases_of_city_and_province(model: ScoreModel, tmp_path: Path) -> None:
    known, pack_id = known_outcomes(), ModelPack.load().pack_id
    urls = [f"sqlite:///{tmp_path / name}.db" for name in ("hangzhou", "province")]
    for url, tree, half in zip(urls, (Tree.CITY, Tree.PROVINCE), (slice(0, 300), slice(300, 600)), strict=True):
        keep(KnownOutcomes(known.scores[half], known.templates[half]), url, tree, pack_id)
        keep(known_outcomes(shift=0.2), url, tree, "another-pack-00000000")
    both = ("--city-database", urls[0], "--province-database", urls[1])
    printed = json.loads(run(*both, "--json").stdout.splitlines()[-1])
    refitted, _ = recalibrated(model, joined([known]))
    assert printed["tail"] == [list(point) for point in refitted.tail]
    files = [tmp_path / name for name in ("hangzhou.csv", "province.csv")]
    for url, path in zip(urls, files, strict=True):
        assert "300 scores" in run("--city-database", url, "--export", path).stdout
    carried = [option for path in files for option in ("--scores", path)]
    printed = json.loads(run(*carried, "--json").stdout.splitlines()[-1])
    assert printed["tail"] == [list(point) for point in refitted.tail]
    with pytest.raises(ScoresUnusable, match="cannot be written"):
        raise run("--city-database", urls[0], "--export", files[0]).exception


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "cannot be read"),
        ("score\n0.3\n", "columns `score` and `templates`"),
        ("score,templates\nhigh,3\n", "cannot be read"),
        ("score,templates\n0.3\n", "cannot be read"),
        ("score,templates\n1.5,3\n", "line 2: not a cosine"),
        ("score,templates\nnan,3\n", "line 2: not a cosine"),
        ("score,templates\n0.3,0\n", "line 2: not a cosine"),
        ("score,templates,pack_id\n0.3,9,mine\n0.3,9,other\n", "line 3: of pack other, not mine"),
    ],
)
def test_bad_scores_are_named(tmp_path: Path, content: str | None, says: str) -> None:
    path = tmp_path / "scores.csv"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ScoresUnusable, match=says):
        read_scores(path, "mine")


def test_what_cannot_be_calibrated_is_refused(model: ScoreModel, tmp_path: Path) -> None:
    for option in (["--apply"], ["--export", tmp_path / "scores.csv"]):
        with pytest.raises(InvalidInput, match="nothing new"):
            raise run(*option).exception
    with pytest.raises(TooFewScores, match="about 500 are needed"):
        raise run("--scores", write(known_outcomes(searches=100), tmp_path / "few.csv"), "--apply").exception
    with pytest.raises(ScoresUnusable, match="not the database of a city"):
        of_database(f"sqlite:///{tmp_path / 'empty.db'}", "mine")
    assert ModelPack.load().scores == model
