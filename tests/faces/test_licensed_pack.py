"""A licensed pack's folder is taken over, runs, and makes templates that fit no other pack's gallery."""

import json
from pathlib import Path

import numpy as np
import pytest
from licensed_pack import POINTS, detector, recogniser, white_cell, write_licensed_folder
from typer.testing import CliRunner, Result

from yingbin.errors import YingbinError
from yingbin.faces.cli import app
from yingbin.faces.engine import FaceEngine
from yingbin.faces.licensed import PackExists, add_licensed_pack
from yingbin.faces.pack import MANIFEST, ModelPack, PackDamaged, PackMismatch, PackNotFound, list_packs
from yingbin.galleries import protect


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_licensed_folder(tmp_path / "buffalo_l")


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("YINGBIN_MODELS_ROOT", str(tmp_path / "root"))
    return tmp_path / "root"


def run(folder: Path, *more: str, answer: str | None = None) -> Result:
    return CliRunner().invoke(app, ["add", str(folder), "--licence", str(folder / "LICENCE.txt"), *more], input=answer)


def test_the_folder_becomes_a_pack_that_detects_and_embeds(folder: Path, root: Path) -> None:
    result = run(folder, "--accept-licence", "--json")
    assert result.exit_code == 0, result.exception
    assert "For this bank only." in result.stdout
    assert json.loads(result.stdout.splitlines()[-1])["dimension"] == 512
    pack = ModelPack.load("buffalo_l", root)
    assert (pack.dimension, pack.licence_name) == (512, "For this bank only.")
    assert pack.scores.basis.startswith("assumed")
    assert sorted(path.name for path in pack.folder.iterdir()) == [
        "MODEL.LICENSE", "det_10g.onnx", "manifest.json", "w600k_r50.onnx",
    ]  # fmt: skip  # no sex, no age (C17)
    engine = FaceEngine.load(pack)
    image = white_cell(160, 80)
    faces = engine.detect(image)
    assert len(faces) == 1
    np.testing.assert_allclose(faces[0].box, [144, 64, 176, 96], atol=1e-3)
    np.testing.assert_allclose(faces[0].landmarks, np.array([160, 80]) + 8 * POINTS, atol=1e-3)
    vector = engine.embed(image, faces[0])
    assert vector.shape == (512,)
    assert float(np.linalg.norm(vector)) == pytest.approx(1.0, abs=1e-5)


def test_its_templates_travel_as_probes_and_fit_no_other_gallery(folder: Path, root: Path) -> None:
    engine = FaceEngine.load(add_licensed_pack(folder, folder / "LICENCE.txt", "buffalo_l", root))
    image = white_cell(320, 160)
    vector = engine.embed(image, engine.detect(image)[0])
    box, city = protect.random_transform(512), protect.random_transform(512)
    sent = protect.encode_probe(protect.apply(box, vector))
    at_city = protect.apply(protect.between(box, city), protect.decode_probe(sent, 512))
    assert float(at_city @ protect.apply(city, vector)) == pytest.approx(1.0, abs=1e-3)
    with pytest.raises(protect.BadVector, match="772 bytes; this gallery takes 256"):
        protect.decode_probe(sent, 128)
    with pytest.raises(protect.BadVector, match="2048 bytes; this gallery takes 512"):
        protect.decode_template(protect.encode_template(vector), 128)


def test_nothing_is_added_before_the_licence_is_accepted(folder: Path, root: Path) -> None:
    declined = run(folder, answer="n\n")
    assert declined.exit_code == 1
    assert "For this bank only." in declined.stdout
    assert list_packs(root) == []
    assert run(folder, answer="y\n").exit_code == 0
    assert list_packs(root) == ["buffalo_l"]
    assert isinstance(run(folder, "--accept-licence").exception, PackExists)
    assert run(folder, "--accept-licence", "--name", "buffalo_l-2026").exit_code == 0


def test_preprocessing_is_written_down_as_the_layout_has_it(folder: Path, root: Path) -> None:
    def preprocessing(name: str) -> list[dict[str, float]]:
        pack = add_licensed_pack(folder, folder / "LICENCE.txt", name, root)
        tasks = json.loads((pack.folder / MANIFEST).read_text("utf-8"))["tasks"]
        return [tasks[task]["preprocessing"] for task in ("detection", "recognition")]

    assert preprocessing("usual") == [{"mean": 127.5, "std": 128.0}, {"mean": 127.5, "std": 127.5}]
    inside = recogniser(names=("Sub_0", "Mul_1"))  # the graph takes 0..255
    (folder / "w600k_r50.onnx").write_bytes(inside.SerializeToString())
    assert preprocessing("inside")[1] == {"mean": 0.0, "std": 1.0}


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        ({"det_10g": None}, PackMismatch, "SCRFD with landmarks.*found none"),
        ({"det_500m": detector()}, PackMismatch, r"found det_10g\.onnx, det_500m\.onnx"),
        ({"glintr100": recogniser()}, PackMismatch, r"ArcFace.*glintr100\.onnx, w600k_r50\.onnx"),
        ({"w600k_r50": b"no model"}, PackDamaged, r"w600k_r50\.onnx is not an ONNX model"),
        ({"manifest.json": b"{}"}, PackMismatch, "manifest of its own"),
        ({"LICENCE.txt": None}, PackNotFound, r"LICENCE\.txt"),
        (dict.fromkeys(("det_10g", "w600k_r50", "genderage", "2d106det", "1k3d68")), PackNotFound, "no ONNX"),
    ],
)
def test_a_folder_of_another_layout_is_refused_and_leaves_nothing(
    folder: Path, root: Path, change: dict[str, object], error: type[YingbinError], says: str
) -> None:
    for name, content in change.items():
        path = folder / (name if "." in name else f"{name}.onnx")
        if content is None:
            path.unlink()
        else:
            path.write_bytes(content if isinstance(content, bytes) else content.SerializeToString())  # type: ignore[attr-defined]
    with pytest.raises(error, match=says):
        add_licensed_pack(folder, folder / "LICENCE.txt", "buffalo_l", root)
    assert list_packs(root) == []


@pytest.mark.parametrize("name", ["", "../up", "a b", "x" * 65])
def test_a_name_that_is_no_folder_is_refused(folder: Path, root: Path, name: str) -> None:
    with pytest.raises(PackMismatch, match="--name"):
        add_licensed_pack(folder, folder / "LICENCE.txt", name, root)
