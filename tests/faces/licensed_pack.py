"""A pack in the layout of licensed ones (SCRFD and ArcFace), of a few weights. It knows no faces: it proves the path.

The detector's "face" is a white cell of 8 x 8 pixels, aligned to 8, on black: a box of 16 px to each side of the
cell's top left corner, landmarks around it.
"""

from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper
from onnx.numpy_helper import from_array

SIDE = 2.0
POINTS = np.array([(-1, -1), (1, -1), (0, 0), (-0.8, 1), (0.8, 1)], np.float32)
"""Units of the stride."""


def detector() -> onnx.ModelProto:
    """Return SCRFD's interface: nine outputs, strides 8, 16 and 32, two anchors a cell, any input size."""
    nodes, weights, outputs = [], [], []
    for kind, width in (("score", 1), ("bbox", 4), ("kps", 10)):
        for stride in (8, 16, 32):
            name = f"{kind}_{stride}"
            kernel = np.zeros((2 * width, 3, stride, stride), np.float32)
            bias = np.tile({"score": [-90.0], "bbox": [SIDE] * 4, "kps": POINTS.ravel()}[kind], 2)
            if (kind, stride) == ("score", 8):
                kernel += 20 / kernel[0].size  # white is +1, black -1: the logit is 10 or -30
                bias = np.full(2, -10.0)
            weights += [
                from_array(kernel, f"{name}_w"),
                from_array(bias.astype(np.float32), f"{name}_b"),
                from_array(np.array([-1, width]), f"{name}_shape"),
            ]
            nodes += [
                helper.make_node("Conv", ["input.1", f"{name}_w", f"{name}_b"], [f"{name}_map"], strides=[stride] * 2),
                helper.make_node("Transpose", [f"{name}_map"], [f"{name}_cells"], perm=[0, 2, 3, 1]),
                helper.make_node("Reshape", [f"{name}_cells", f"{name}_shape"], [f"{name}_rows"]),
                helper.make_node("Sigmoid" if kind == "score" else "Identity", [f"{name}_rows"], [name]),
            ]
            outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, width]))
    return model(nodes, weights, [1, 3, "height", "width"], outputs)


def recogniser(dimension: int = 512, *, names: tuple[str, str] = ("Conv_0", "PRelu_1")) -> onnx.ModelProto:
    """Return ArcFace's interface: (n, 3, 112, 112) to (n, dimension)."""
    rng = np.random.default_rng(1)
    weights = [
        from_array(rng.standard_normal((8, 3, 7, 7)).astype(np.float32), "w"),
        from_array(np.full((8, 1, 1), 0.25, np.float32), "slope"),
        from_array(rng.standard_normal((8 * 4 * 4, dimension)).astype(np.float32), "fc"),
    ]
    nodes = [
        helper.make_node("Conv", ["input.1", "w"], ["a"], name=names[0], strides=[7, 7]),
        helper.make_node("PRelu", ["a", "slope"], ["b"], name=names[1]),
        helper.make_node("AveragePool", ["b"], ["c"], kernel_shape=[4, 4], strides=[4, 4]),
        helper.make_node("Flatten", ["c"], ["d"]),
        helper.make_node("MatMul", ["d", "fc"], ["683"]),
    ]
    output = helper.make_tensor_value_info("683", TensorProto.FLOAT, ["n", dimension])
    return model(nodes, weights, ["n", 3, 112, 112], [output])


def attribute(side_px: int) -> onnx.ModelProto:
    """Return a model that such packs also hold and Yingbin must leave alone (C17): sex and age, more landmarks."""
    nodes = [helper.make_node("GlobalAveragePool", ["data"], ["a"]), helper.make_node("Flatten", ["a"], ["fc1"])]
    output = helper.make_tensor_value_info("fc1", TensorProto.FLOAT, ["n", 3])
    return model(nodes, [], ["n", 3, side_px, side_px], [output], "data")


def model(
    nodes: list[onnx.NodeProto],
    weights: list[TensorProto],
    shape: list[int | str],
    outputs: list[onnx.ValueInfoProto],
    input_name: str = "input.1",
) -> onnx.ModelProto:
    image = helper.make_tensor_value_info(input_name, TensorProto.FLOAT, shape)
    graph = helper.make_graph(nodes, "tiny", [image], outputs, weights)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(made)
    return made


def write_licensed_folder(folder: Path) -> Path:
    """Write the files of a `buffalo_l`, tiny."""
    folder.mkdir()
    for name, content in {
        "det_10g": detector(),
        "w600k_r50": recogniser(),
        "genderage": attribute(96),
        "2d106det": attribute(192),
        "1k3d68": attribute(192),
    }.items():
        (folder / f"{name}.onnx").write_bytes(content.SerializeToString())
    (folder / "LICENCE.txt").write_text("For this bank only.\n")
    return folder


def white_cell(left: int, top: int) -> NDArray[np.uint8]:
    """Return a black picture, u8 (384, 640, 3), with one "face"."""
    image = np.zeros((384, 640, 3), np.uint8)
    image[top : top + 8, left : left + 8] = 255
    return image
