"""Whom a city knows in its tests, and the model pack they were made with: raw templates, no photos."""

import hashlib
import json
from pathlib import Path

import numpy as np

from yingbin.faces.pack import ModelPack
from yingbin.galleries.protect import (
    Vector,
    normalise,
)

DIMENSION = 128
PACK = "tiny"


def face(seed: int) -> Vector:
    """Return a person's raw template."""
    return normalise(np.random.default_rng(seed).standard_normal(DIMENSION).astype(np.float32))


def make_pack(root: Path) -> ModelPack:
    """Make a model pack in form only: the city needs its id, dimension and statistics, and never runs it."""
    folder = root / "models" / PACK
    folder.mkdir(parents=True)
    tasks = {}
    for name in ("detection", "recognition"):
        (folder / f"{name}.onnx").write_bytes(name.encode())
        digest = hashlib.sha256(name.encode()).hexdigest()
        tasks[name] = {"file": f"{name}.onnx", "sha256": digest, "preprocessing": {"mean": 0.0, "std": 1.0}}
    tasks["recognition"]["embedding_dimension"] = DIMENSION
    (folder / "LICENCE").write_text("none\n")
    (folder / "manifest.json").write_text(
        json.dumps({"manifest_version": 2, "model_id": PACK, "license": "LICENCE", "tasks": tasks})
    )
    return ModelPack.load(PACK, root)
