"""Rewrites YuNet's twelve outputs into SCRFD's nine, so that insightface loads it as any other detector.

YuNet (Wu, Peng, Yu 2023, "YuNet: A Tiny Millisecond-level Face Detector") gives per stride a class score, an
objectness, a box as centre offset and log size, and five landmarks. SCRFD gives score, distances to the four sides,
landmarks, for two anchors a cell: the second anchor here is a copy with score 0. insightface feeds RGB, YuNet wants
BGR.
"""

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, ValueInfoProto
from onnx.helper import make_node, make_tensor_value_info
from onnx.numpy_helper import from_array

from yingbin.faces.dequantise import name_axis, replace_graph

_STRIDES = (8, 16, 32)
_CONSTANTS: dict[str, NDArray[np.int64] | NDArray[np.float32]] = {
    "bgr_order": np.array([2, 1, 0], np.int64),
    "half": np.array(0.5, np.float32),
    "zero": np.array(0.0, np.float32),
    "first": np.array([0], np.int64),
    "middle": np.array([2], np.int64),
    "last": np.array([4], np.int64),
    "last_axis": np.array([2], np.int64),
    "column_1": np.array([-1, 1], np.int64),
    "columns_4": np.array([-1, 4], np.int64),
    "columns_10": np.array([-1, 10], np.int64),
}


def rewrite_as_scrfd(model: ModelProto) -> None:
    """Give a folded fp32 YuNet the interface of SCRFD with landmarks, in place.

    Input `image_rgb` (1, 3, H, W) f32 in 0..255, H and W multiples of 32 that may differ. Outputs, for strides 8, 16
    and 32, two rows a cell: three times score (n, 1), three times distances (n, 4) and landmarks (n, 10), in units of
    the stride.
    """
    graph = model.graph
    swap = make_node("Gather", ["image_rgb", "bgr_order"], [graph.input[0].name], axis=1)
    tail = [node for stride in _STRIDES for node in (*_score(stride), *_box(stride), *_landmarks(stride))]
    replace_graph(
        graph,
        nodes=[swap, *graph.node, *tail],
        weights=[*graph.initializer, *(from_array(array, name) for name, array in _CONSTANTS.items())],
        inputs=[_image_input(graph.input[0])],
        outputs=[
            make_tensor_value_info(f"{kind}_{stride}_scrfd", TensorProto.FLOAT, [None, width])
            for kind, width in (("score", 1), ("box", 4), ("kps", 10))
            for stride in _STRIDES
        ],
    )


def _image_input(original: ValueInfoProto) -> ValueInfoProto:
    image = ValueInfoProto()
    image.CopyFrom(original)
    image.name = "image_rgb"
    name_axis(image, 2, "height")
    name_axis(image, 3, "width")
    return image


def _score(s: int) -> list[NodeProto]:
    """Score = sqrt(class * objectness), as cv2.FaceDetectorYN computes it; both are sigmoids already."""
    return [
        make_node("Mul", [f"cls_{s}", f"obj_{s}"], [f"product_{s}"]),
        make_node("Sqrt", [f"product_{s}"], [f"score_{s}"]),
        make_node("Mul", [f"score_{s}", "zero"], [f"no_score_{s}"]),
        make_node("Concat", [f"score_{s}", f"no_score_{s}"], [f"scores_{s}"], axis=2),
        make_node("Reshape", [f"scores_{s}", "column_1"], [f"score_{s}_scrfd"]),
    ]


def _box(s: int) -> list[NodeProto]:
    """Centre offset and log size become distances: left, top = size/2 - offset; right, bottom = size/2 + offset."""
    return [
        make_node("Slice", [f"bbox_{s}", "first", "middle", "last_axis"], [f"offset_{s}"]),
        make_node("Slice", [f"bbox_{s}", "middle", "last", "last_axis"], [f"log_size_{s}"]),
        make_node("Exp", [f"log_size_{s}"], [f"size_{s}"]),
        make_node("Mul", [f"size_{s}", "half"], [f"half_size_{s}"]),
        make_node("Sub", [f"half_size_{s}", f"offset_{s}"], [f"left_top_{s}"]),
        make_node("Add", [f"half_size_{s}", f"offset_{s}"], [f"right_bottom_{s}"]),
        make_node("Concat", [f"left_top_{s}", f"right_bottom_{s}"] * 2, [f"boxes_{s}"], axis=2),
        make_node("Reshape", [f"boxes_{s}", "columns_4"], [f"box_{s}_scrfd"]),
    ]


def _landmarks(s: int) -> list[NodeProto]:
    return [
        make_node("Concat", [f"kps_{s}"] * 2, [f"kps_twice_{s}"], axis=2),
        make_node("Reshape", [f"kps_twice_{s}", "columns_10"], [f"kps_{s}_scrfd"]),
    ]
