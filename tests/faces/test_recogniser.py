from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from insightface.model_zoo import get_model

from yingbin.faces import recogniser as module
from yingbin.faces.pack import ModelPack
from yingbin.faces.recogniser import run_without_prelu


class Recogniser:
    """What insightface offers of a recogniser, and how often each session was asked."""

    def __init__(self, path: Path) -> None:
        self._model = get_model(str(path), providers=["CPUExecutionProvider"])
        self._model.input_mean, self._model.input_std = 0.0, 1.0
        self.model_file, self.input_size = str(path), self._model.input_size

    @property
    def session(self) -> onnxruntime.InferenceSession:
        return self._model.session

    @session.setter
    def session(self, session: onnxruntime.InferenceSession) -> None:
        self._model.session = session

    def get_feat(self, crop: np.ndarray) -> np.ndarray:
        return np.asarray(self._model.get_feat(crop), np.float32)


@pytest.fixture
def recogniser() -> Recogniser:
    return Recogniser(ModelPack.load().folder / "recognition.onnx")


def _cosine(one: np.ndarray, other: np.ndarray) -> float:
    return float(one.ravel() @ other.ravel() / np.linalg.norm(one) / np.linalg.norm(other))


def test_the_rewritten_graph_gives_the_same_vectors(recogniser: Recogniser) -> None:
    crop = np.random.default_rng(5).integers(0, 256, (112, 112, 3), np.uint8)
    before, original = recogniser.get_feat(crop), recogniser.session
    run_without_prelu(recogniser, onnxruntime.SessionOptions())
    assert recogniser.session is not original
    assert _cosine(before, recogniser.get_feat(crop)) > 0.99999


def test_no_prelu_is_left(recogniser: Recogniser) -> None:
    raw = module._rewritten(onnx.load(recogniser.model_file))
    assert raw is not None
    model = onnx.load_from_string(raw)
    onnx.checker.check_model(model)
    kinds = Counter(node.op_type for node in model.graph.node)
    assert kinds["PRelu"] == 0
    assert kinds["Relu"] == 27


def test_a_graph_that_then_answers_differently_is_not_used(
    recogniser: Recogniser, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = recogniser.session
    real = module._scales
    monkeypatch.setattr(module, "_scales", lambda slope: [*real(slope)[:1], _zeros(real(slope)[1])])
    run_without_prelu(recogniser, onnxruntime.SessionOptions())
    assert recogniser.session is original


def test_a_model_without_prelu_stays_as_it_is() -> None:
    assert module._rewritten(onnx.load(ModelPack.load().folder / "detection.onnx")) is None


def _zeros(tensor: onnx.TensorProto) -> onnx.TensorProto:
    return onnx.numpy_helper.from_array(np.zeros(tuple(tensor.dims), np.float32), tensor.name)
