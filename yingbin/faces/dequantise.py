"""Turns the block-quantised ONNX graphs of the OpenCV Zoo into plain fp32 ones.

ONNX Runtime 1.32 cannot run the block-quantised YuNet, OpenCV 5.0 not the SFace. Folding the weights once removes the
operator; outputs change by less than 2e-6.
"""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from onnx import AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto
from onnx.helper import get_attribute_value, make_attribute
from onnx.numpy_helper import from_array, to_array


def fold_quantised_weights(model: ModelProto) -> None:
    """Replace every constant `DequantizeLinear` (and the `Reshape` of its result) by an fp32 initializer, in place.

    Initializers that the graph also lists as inputs stop being inputs, so the graph keeps its one true input (the
    image).
    """
    graph = model.graph
    constants = {tensor.name: tensor for tensor in graph.initializer}
    folded: dict[str, NDArray[np.float32]] = {}
    kept: list[NodeProto] = []
    for node in graph.node:
        if node.op_type == "DequantizeLinear":
            folded[node.output[0]] = _dequantise(node, constants)
        elif node.op_type == "Reshape" and node.input[0] in folded:
            folded[node.output[0]] = folded[node.input[0]].reshape(to_array(constants[node.input[1]]))
        else:
            kept.append(node)
    used = {name for node in kept for name in node.input}
    weights = [tensor for tensor in graph.initializer if tensor.name in used]
    weights += [from_array(array, name) for name, array in folded.items() if name in used]
    replace_graph(
        graph,
        nodes=kept,
        weights=weights,
        inputs=_true_inputs(graph.input, weights, used),
        outputs=list(graph.output),
    )


def replace_graph(
    graph: GraphProto,
    *,
    nodes: Sequence[NodeProto],
    weights: Sequence[TensorProto],
    inputs: Sequence[ValueInfoProto],
    outputs: Sequence[ValueInfoProto],
) -> None:
    """Exchange the graph's content; inferred shapes are dropped because they no longer hold."""
    del graph.node[:], graph.initializer[:], graph.input[:], graph.output[:], graph.value_info[:]
    graph.node.extend(nodes)
    graph.initializer.extend(weights)
    graph.input.extend(inputs)
    graph.output.extend(outputs)


def name_axis(value: ValueInfoProto, axis: int, symbol: str) -> None:
    """Make one axis of a graph input or output dynamic under the name `symbol`."""
    dimension = value.type.tensor_type.shape.dim[axis]
    dimension.ClearField("dim_value")
    dimension.dim_param = symbol


def _true_inputs(
    inputs: Iterable[ValueInfoProto], weights: Iterable[TensorProto], used: set[str]
) -> list[ValueInfoProto]:
    constant = {tensor.name for tensor in weights}
    return [value for value in inputs if value.name in used and value.name not in constant]


def _dequantise(node: NodeProto, constants: Mapping[str, TensorProto]) -> NDArray[np.float32]:
    """Return (x - zero) * scale, with per-tensor, per-axis or blocked scales (ONNX operator set 21)."""
    quantised, scale, zero = (to_array(constants[name]).astype(np.float32) for name in node.input)
    axis, block = _integer(node, "axis", 1), _integer(node, "block_size", 0)
    if block:
        wanted = np.arange(quantised.shape[axis])
        scale, zero = (np.take(np.repeat(part, block, axis=axis), wanted, axis=axis) for part in (scale, zero))
    elif scale.size > 1:
        shape = [1] * quantised.ndim
        shape[axis] = -1
        scale, zero = scale.reshape(shape), zero.reshape(shape)
    return ((quantised - zero) * scale).astype(np.float32)


def _integer(node: NodeProto, name: str, default: int) -> int:
    found: AttributeProto = next((a for a in node.attribute if a.name == name), make_attribute(name, default))
    return int(get_attribute_value(found))
