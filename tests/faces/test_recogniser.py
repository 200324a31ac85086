import cv2
import numpy as np
import pytest
from insightface.model_zoo import get_model

from yingbin.faces.pack import ModelPack
from yingbin.faces.recogniser import fastest


@pytest.fixture
def recogniser() -> object:
    pack = ModelPack.load()
    model = get_model(str(pack.folder / "recognition.onnx"), providers=["CPUExecutionProvider"])
    model.input_mean, model.input_std = 0.0, 1.0
    return model


def test_whichever_is_faster_the_vector_is_the_same(recogniser: object) -> None:
    crop = np.random.default_rng(5).integers(0, 256, (112, 112, 3), np.uint8)
    ours, reference = fastest(recogniser)(crop), recogniser.get_feat(crop).reshape(-1)  # type: ignore[attr-defined]
    assert float(ours @ reference) / float(np.linalg.norm(ours) * np.linalg.norm(reference)) > 0.9999


def test_a_network_that_opencv_runs_differently_or_not_at_all_stays_in_the_runtime(
    recogniser: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    crop = np.full((112, 112, 3), 90, np.uint8)
    expected = recogniser.get_feat(crop).reshape(-1)  # type: ignore[attr-defined]
    real = cv2.dnn.blobFromImage

    def mirrored(image: np.ndarray, *args: object, **named: object) -> np.ndarray:
        return np.ascontiguousarray(real(image, *args, **named)[..., ::-1])

    monkeypatch.setattr("yingbin.faces.recogniser.cv2.dnn.blobFromImage", mirrored)
    assert np.array_equal(fastest(recogniser)(crop), expected)
    monkeypatch.setattr(recogniser, "model_file", "nothing.onnx")
    assert np.array_equal(fastest(recogniser)(crop), expected)
