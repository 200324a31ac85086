"""`yingbin eval faces` on a few packaged portraits, and on what cannot be judged."""

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner, Result

from bench.eval_cli import app
from bench.eval_faces import judge_faces
from bench.face_set import FaceSet, ManifestUnusable, Photo, PhotoUnreadable, TooFewPeople, all_pairs
from bench.pack_statistics import StatisticsUnwritten, measured_model
from demo.cast import load_cast, portrait
from yingbin.faces.pack import PackExtras
from yingbin.faces.scores import ScoreModel
from yingbin.faces.tail import TooFewScores
from yingbin.plots import PlotUnusable


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four people with three photos each, one stranger, one photo without a face: `faces/manifest.csv`, `pairs.csv`."""
    folder = tmp_path_factory.mktemp("data")
    (folder / "faces").mkdir()
    lines = ["path,person_id,set"]
    for actor in load_cast().actor[:5]:
        image = portrait(actor)
        smaller = cv2.resize(image, None, fx=0.8, fy=0.8, interpolation=cv2.INTER_AREA)
        looks = [image, cv2.flip(image, 1), cv2.convertScaleAbs(smaller, alpha=0.8)]
        for number, look in enumerate(looks if len(lines) < 13 else looks[:1]):
            path = f"faces/{actor.person}_{number}.png"
            cv2.imwrite(str(folder / path), look)
            lines.append(f"{path},cast/{actor.person},cast")
    first = lines[1].split(",")[1]
    cv2.imwrite(str(folder / "faces/wall.png"), np.full((200, 200, 3), 120, np.uint8))
    lines.append(f"faces/wall.png,{first},cast")
    (folder / "faces" / "manifest.csv").write_text("\n".join(lines) + "\n")
    paths = [line.split(",")[0] for line in lines[1:]]
    pairs = [(paths[0], paths[1], 1), (paths[0], paths[3], 0), (paths[4], paths[6], 0), (paths[3], paths[4], 1)]
    (folder / "faces" / "pairs.csv").write_text("a,b,same\n" + "".join(f"{a},{b},{same}\n" for a, b, same in pairs))
    return folder / "faces"


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["faces", *(str(argument) for argument in arguments)])


def figures_of(result: Result) -> dict[str, Any]:
    assert result.exit_code == 0, result.exception
    figures: dict[str, Any] = json.loads(result.stdout.splitlines()[-1])
    return figures


def test_every_agreed_figure_is_there_and_synthetic_people_are_called_so(data: Path, tmp_path: Path) -> None:
    plot = tmp_path / "det.svg"
    result = run("--manifest", data / "manifest.csv", "--distractors", 3000, "--plot", plot, "--json")
    figures = figures_of(result)
    assert (figures["people"], figures["photos"], figures["failure_to_acquire"]) == (
        5,
        14,
        pytest.approx(1 / 14, abs=1e-5),
    )
    assert figures["genuine_pairs"] == 3 * 3 + 6
    # Three of the first person's six genuine pairs hold the photo of a wall: misses at every threshold.
    assert figures["tar_at_far_1e2"] == figures["tar_at_far_1e3"] == pytest.approx(12 / 15, abs=1e-5)
    assert 0.8 < figures["auc"] < 1.0
    assert 0.0 < figures["eer"] < 1.0
    one = figures["open_set"]
    assert one["gallery_n"] <= 2
    assert one["probes_mated"] + one["probes_non_mated"] + 2 == 14
    assert one["fpir"] == 0.0
    assert 0.0 <= one["fnir_ci"][0] <= one["fnir"] <= one["fnir_ci"][1] <= 1.0
    assert one["fpir_demonstrated"] is False
    assert 0 < one["fpir_modelled"] <= one["fpir_modelled_upper"] <= 1.01e-4
    assert one["fixed"]["threshold"] == 0.363 < one["threshold"]
    assert "not demonstrated" in result.stderr
    sizes = figures["synthetic"]["open_set"]
    assert [row["synthetic_n"] for row in sizes] == [1000, 3000]
    assert all(row["synthetic"] is True for row in sizes)
    assert one["threshold"] < sizes[0]["threshold"] < sizes[1]["threshold"]
    assert "SYNTHETIC" in result.stderr
    assert "SYNTHETIC" in plot.read_text("utf-8")


def test_only_listed_pairs_are_compared(data: Path) -> None:
    figures = figures_of(run("--manifest", data / "manifest.csv", "--pairs", data / "pairs.csv", "--json"))
    assert (figures["genuine_pairs"], figures["impostor_pairs"]) == (2, 2)
    assert (figures["auc"], figures["eer"]) == (1.0, 0.0)
    assert figures["open_set"]["probes_non_mated"] > 0


@pytest.mark.parametrize(
    ("content", "error", "says"),
    [
        (None, ManifestUnusable, "cannot be read"),
        ("path,person\na,b\n", ManifestUnusable, "column 'person_id' is missing"),
        ("path,person_id\n", ManifestUnusable, "no row"),
        ("path,person_id\n,x\n", ManifestUnusable, "line 2"),
        ("path,person_id\na,x\na,x\n", ManifestUnusable, "a is listed twice"),
        ("path,person_id\na,x\nb,x\n", TooFewPeople, "2 photos of 1 people"),
        ("path,person_id\na,x\nb,y\n", TooFewPeople, "two photos of one"),
        ("path,person_id\nnowhere.png,x\nb,x\nc,y\n", PhotoUnreadable, r"nowhere\.png"),
        ("path,person_id\nfaces/manifest.csv,x\nb,x\nc,y\n", PhotoUnreadable, "not a photo"),
        (b"\xff\xfe\x00", ManifestUnusable, "cannot be read"),
    ],
)
def test_a_manifest_that_cannot_be_used_is_named(
    tmp_path: Path, content: str | bytes | None, error: type[Exception], says: str
) -> None:
    path = tmp_path / "faces" / "manifest.csv"
    path.parent.mkdir()
    if content is not None:
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(error, match=says):
        raise run("--manifest", path).exception


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("a,b\nx,y\n", "column 'same' is missing"),
        ("a,b,same\n{0},nobody.png,0\n", "'nobody.png' is not in the manifest"),
        ("a,b,same\n{0},{1},maybe\n", "'maybe'; it must be 1 or 0"),
        ("a,b,same\n{0},{1},0\n", "line 2: `same` is 0, but"),
        ("a,b,same\n{0},{1},1\n", "are both needed"),
    ],
)
def test_pairs_that_cannot_be_used_are_named(data: Path, tmp_path: Path, content: str, says: str) -> None:
    paths = [line.split(",")[0] for line in (data / "manifest.csv").read_text().splitlines()[1:3]]
    (tmp_path / "pairs.csv").write_text(content.format(*paths))
    with pytest.raises(ManifestUnusable, match=says):
        raise run("--manifest", data / "manifest.csv", "--pairs", tmp_path / "pairs.csv").exception


@pytest.mark.parametrize(
    ("name", "says"), [("det.pdf", r"must end in \.png or \.svg"), ("no/det.png", "does not exist")]
)
def test_a_plot_that_cannot_be_written_is_refused_before_the_work(
    data: Path, tmp_path: Path, name: str, says: str
) -> None:
    with pytest.raises(PlotUnusable, match=says):
        raise run("--manifest", data / "manifest.csv", "--plot", tmp_path / name).exception


def drawn_people(people: int, each: int) -> FaceSet:
    rng = np.random.default_rng(2)
    numbers = np.repeat(np.arange(people), each)
    centres = rng.standard_normal((people, 128))
    vectors = centres[numbers] + 0.6 * rng.standard_normal((len(numbers), 128))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    photos = [Photo(f"{number}.jpg", str(person), "") for number, person in enumerate(numbers)]
    return FaceSet(photos, numbers, vectors.astype(np.float32), np.ones(len(numbers), np.bool_))


def test_a_packs_statistics_are_measured_and_fit_the_manifests_place(tmp_path: Path) -> None:
    faces = drawn_people(60, 4)
    model = measured_model(faces, all_pairs(faces.people))
    assert model.impostor_mean == pytest.approx(0.0, abs=0.01)
    assert model.impostor_sd == pytest.approx(128**-0.5, abs=0.01)
    assert all(low[1] < high[1] for low, high in pairwise(model.tail))
    assert all(cosine <= bound for (_, cosine), (_, bound) in zip(model.tail_estimate, model.tail, strict=True))
    assert model.fit_for_templates > 1000
    assert "60 people" in model.basis
    assert judge_faces(faces, None, model).figures["open_set"]["fnir"] <= 0.05


def test_statistics_need_enough_scores_and_a_new_file(data: Path, tmp_path: Path) -> None:
    arguments = ["--manifest", data / "manifest.csv", "--statistics"]
    with pytest.raises(TooFewScores, match="are needed"):
        raise run(*arguments, tmp_path / "yingbin.json").exception
    assert not (tmp_path / "yingbin.json").exists()


def test_existing_statistics_are_never_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import msgspec

    from bench import pack_statistics

    path = tmp_path / "yingbin.json"
    monkeypatch.setattr(pack_statistics, "measured_model", lambda *_: ScoreModel(basis="measured"))
    faces = drawn_people(2, 2)
    pack_statistics.write_statistics(faces, None, path)
    assert msgspec.json.decode(path.read_bytes(), type=PackExtras).scores.basis == "measured"
    with pytest.raises(StatisticsUnwritten, match="name a new file"):
        pack_statistics.write_statistics(faces, None, path)
