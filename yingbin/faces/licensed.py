"""Takes over a licensed insightface pack: a folder the operator provides, as `buffalo_l` or `antelopev2` come.

Such a folder has no manifest; insightface tells its files apart by their shapes, and so does this, once, and writes
down what it found. Of the files only the detector (SCRFD with landmarks) and the recogniser (ArcFace) are taken.
"""

import re
import shutil
import tempfile
from pathlib import Path
from typing import Final

import onnx

from yingbin.errors import Conflict
from yingbin.faces.engine import FaceEngine
from yingbin.faces.pack import (
    CROP_PX,
    LICENCE,
    MANIFEST,
    ModelPack,
    PackDamaged,
    PackMismatch,
    PackNotFound,
    write_manifest,
)

_SCRFD_OUTPUTS: Final = 9
"""Score, box and landmarks at strides 8, 16 and 32."""
_SCRFD_INPUT: Final = {"mean": 127.5, "std": 128.0}
_ARCFACE_INPUT: Final = {"mean": 127.5, "std": 127.5}
_NORMALISED_INSIDE: Final = {"mean": 0.0, "std": 1.0}
_FIRST_NODES: Final = 8
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class PackExists(Conflict):
    """A pack of that name is there already; galleries may be bound to it."""

    code = "pack_exists"


def add_licensed_pack(folder: Path, licence: Path, name: str, root: Path) -> ModelPack:
    """Copy the two models of `folder` and the licence's text to `<root>/models/<name>`, prove them, return the pack.

    Its score statistics are assumed until `yingbin eval faces --statistics` has measured them. Raises `PackExists`,
    `PackNotFound`, `PackDamaged` or `PackMismatch`, and then nothing was added.
    """
    if not _NAME.fullmatch(name):
        raise PackMismatch(f"--name {name!r}: letters, digits, dots, dashes and underscores only")
    models = root / "models"
    if (models / name).exists():
        raise PackExists(f"{models / name} is there already: choose another --name, or remove it first")
    detector, recogniser = _find_models(folder)
    models.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=models, prefix=f".{name}-") as workshop:
        made = Path(workshop) / "models" / name
        made.mkdir(parents=True)
        try:
            shutil.copyfile(licence, made / LICENCE)
            for path in (detector, recogniser):
                shutil.copyfile(path, made / path.name)
        except OSError as error:
            raise PackNotFound(f"the pack cannot be copied: {error}") from error
        graph = _load(recogniser).graph
        write_manifest(
            made,
            name,
            f"licensed pack {name}",
            detection=(detector.name, _SCRFD_INPUT),
            recognition=(recogniser.name, _arcface_input(graph), _dimension(recogniser, graph)),
        )
        FaceEngine.load(ModelPack.load(name, Path(workshop)))
        made.rename(models / name)
    return ModelPack.load(name, root)


def read_licence(path: Path) -> str:
    """Return the text to be accepted. Raises `PackNotFound`."""
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PackNotFound(f"--licence {path} cannot be read: {error}") from error


def _find_models(folder: Path) -> tuple[Path, Path]:
    """Return detector and recogniser. Raises `PackNotFound`, `PackDamaged`, `PackMismatch`."""
    if (folder / MANIFEST).exists():
        raise PackMismatch(f"{folder} has a manifest of its own: copy the folder as it is to the models root")
    files = sorted(folder.glob("*.onnx"))
    if not files:
        raise PackNotFound(f"{folder}: there is no ONNX file in it")
    graphs = {path: _load(path).graph for path in files}
    detectors = [path for path, graph in graphs.items() if len(graph.output) == _SCRFD_OUTPUTS]
    recognisers = [path for path, graph in graphs.items() if len(graph.output) == 1 and _side_px(graph) == CROP_PX]
    for what, found in (
        (f"a detector with {_SCRFD_OUTPUTS} outputs (SCRFD with landmarks)", detectors),
        (f"a recogniser of {CROP_PX} x {CROP_PX} pixels (ArcFace)", recognisers),
    ):
        if len(found) != 1:
            names = ", ".join(path.name for path in found) or "none"
            raise PackMismatch(f"{folder}: exactly one file must be {what}; found {names}")
    return detectors[0], recognisers[0]


def _load(path: Path) -> onnx.ModelProto:
    try:
        return onnx.load(path, load_external_data=False)
    except Exception as error:  # protobuf's DecodeError, OSError, ValueError
        raise PackDamaged(f"{path} is not an ONNX model: {error}") from error


def _side_px(graph: onnx.GraphProto) -> int:
    """Return height and width of the only image input, or 0."""
    weights = {weight.name for weight in graph.initializer}
    inputs = [value for value in graph.input if value.name not in weights]
    sides = {size.dim_value for size in inputs[0].type.tensor_type.shape.dim[2:]} if len(inputs) == 1 else set()
    return sides.pop() if len(sides) == 1 else 0


def _arcface_input(graph: onnx.GraphProto) -> dict[str, float]:
    """Return mean and std as insightface has them for packs without a manifest: by the first nodes' names."""
    names = [node.name for node in graph.node[:_FIRST_NODES]]
    inside = [any(name.startswith(kind) for name in names) for kind in (("Sub", "_minus"), ("Mul", "_mul"))]
    return _NORMALISED_INSIDE if all(inside) else _ARCFACE_INPUT


def _dimension(path: Path, graph: onnx.GraphProto) -> int:
    size = graph.output[0].type.tensor_type.shape.dim
    if len(size) != 2 or size[1].dim_value < 1:
        raise PackMismatch(f"{path}: the output states no number of values, so it is no ArcFace recogniser")
    return int(size[1].dim_value)
