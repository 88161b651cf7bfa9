"""Writes test/fixtures/models/: one tiny network as ONNX (weights inside; weights beside it; NHWC with a fixed batch; with branches and a
function) and as a TensorFlow.js graph model, and what NumPy and PyTorch compute of it.

    python3 -m venv venv && venv/bin/pip install torch==2.13.0 numpy onnx==1.23.1
    venv/bin/python scripts/make-model-fixtures.py

A 3 × 3 convolution of stride 2 to four channels, ReLU, the mean over space, and a dense layer to five numbers, "logits".
Weights and images come from a hash that the test computes too (`pattern`).
"""

import base64
import json
import shutil
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch.nn import functional as F

out = Path(__file__).parent.parent / "test/fixtures/models"
mean, std = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def pattern(count, salt):
    """Uniform in [-1, 1): murmur3's finaliser of the index, as in make-network-fixtures.py."""
    x = ((np.arange(count, dtype=np.uint64) + 1) * 2654435761 + salt * 40503) & 0xFFFFFFFF
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35), (16, 1)):
        x ^= x >> np.uint64(shift)
        x = (x * factor) & 0xFFFFFFFF
    return x.astype(np.float64) / 2147483648 - 1


weights = {  # filter (out, in, h, w)
    "filter": pattern(4 * 3 * 9, 1).reshape(4, 3, 3, 3).astype(np.float32),
    "shift": pattern(4, 2).astype(np.float32),
    "dense": pattern(20, 3).reshape(4, 5).astype(np.float32),
    "offset": pattern(5, 4).astype(np.float32),
}


def onnx_model(layout, batch, side):
    shape = [batch, 3, side, side] if layout == "NCHW" else [batch, side, side, 3]
    turn = [] if layout == "NCHW" else [helper.make_node("Transpose", ["image"], ["channels_first"], perm=[0, 3, 1, 2])]
    nodes = [
        *turn,
        helper.make_node("Conv", ["channels_first" if turn else "image", "filter", "shift"], ["map"], strides=[2, 2], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["map"], ["features"]),
        helper.make_node("GlobalAveragePool", ["features"], ["mean"]),
        helper.make_node("Flatten", ["mean"], ["flat"]),
        helper.make_node("Gemm", ["flat", "dense", "offset"], ["logits"]),
    ]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [batch, 5])],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model)
    return model


def branching_model():
    """The same convolution; then, within a branch, a constant of its own is added to the tensor outside, and a function doubles it."""
    whole = onnx_model("NCHW", "n", "s")
    half = numpy_helper.from_array(np.float32(0.5).reshape(1), "half")
    branch = lambda name: helper.make_graph(
        [helper.make_node("Add", ["features", "half"], [name])], name, [], [helper.make_tensor_value_info(name, TensorProto.FLOAT, None)], [half]
    )
    nodes = [
        *whole.graph.node[:2],
        helper.make_node("If", ["yes"], ["either"], then_branch=branch("then"), else_branch=branch("else")),
        helper.make_node("Twice", ["either"], ["twice"], domain="own"),
    ]
    graph = helper.make_graph(
        nodes,
        "branching",
        whole.graph.input,
        [helper.make_tensor_value_info("twice", TensorProto.FLOAT, ["n", 4, "h", "w"])],
        [*whole.graph.initializer[:2], numpy_helper.from_array(np.array(True), "yes")],
    )
    opset = helper.make_opsetid("", 17)
    twice = helper.make_function("own", "Twice", ["x"], ["y"], [helper.make_node("Add", ["x", "x"], ["y"])], [opset])
    model = helper.make_model(graph, opset_imports=[opset, helper.make_opsetid("own", 1)], functions=[twice], ir_version=8)
    onnx.checker.check_model(model)
    return model


def tfjs_model():
    """The GraphDef in JSON, as TensorFlow's converter writes it."""
    attr = {"type": "DT_FLOAT"}
    shape = {"shape": {"dim": [{"size": str(side)} for side in (-1, -1, -1, 3)]}}
    values = {"filter": weights["filter"].transpose(2, 3, 1, 0), "shift": weights["shift"], "dense": weights["dense"], "offset": weights["offset"]}
    dims = lambda value: {"dim": [{"size": str(side)} for side in value.shape]}
    text = lambda word: {"s": base64.b64encode(word.encode()).decode()}
    nodes = [
        {"name": "image", "op": "Placeholder", "attr": {"dtype": attr, "shape": shape}},
        *({"name": name, "op": "Const", "attr": {"dtype": attr, "value": {"tensor": {"dtype": "DT_FLOAT", "tensorShape": dims(value)}}}} for name, value in values.items()),
        {"name": "axes", "op": "Const", "attr": {"dtype": {"type": "DT_INT32"}, "value": {"tensor": {"dtype": "DT_INT32", "tensorShape": {"dim": [{"size": "2"}]}}}}},
        {"name": "pads", "op": "Const", "attr": {"dtype": {"type": "DT_INT32"}, "value": {"tensor": {"dtype": "DT_INT32", "tensorShape": {"dim": [{"size": "4"}, {"size": "2"}]}}}}},
        {"name": "padded", "op": "Pad", "input": ["image", "pads"], "attr": {"T": attr}},
        {"name": "convolved", "op": "Conv2D", "input": ["padded", "filter"], "attr": {
            "T": attr, "strides": {"list": {"i": ["1", "2", "2", "1"]}}, "padding": text("VALID"), "data_format": text("NHWC"),
            "dilations": {"list": {"i": ["1", "1", "1", "1"]}}}},
        {"name": "map", "op": "BiasAdd", "input": ["convolved", "shift"], "attr": {"T": attr, "data_format": text("NHWC")}},
        {"name": "features", "op": "Relu", "input": ["map"], "attr": {"T": attr}},
        {"name": "mean", "op": "Mean", "input": ["features", "axes"], "attr": {"T": attr, "keep_dims": {"b": False}}},
        {"name": "product", "op": "MatMul", "input": ["mean", "dense"], "attr": {"T": attr, "transpose_a": {"b": False}, "transpose_b": {"b": False}}},
        {"name": "logits", "op": "BiasAdd", "input": ["product", "offset"], "attr": {"T": attr, "data_format": text("NHWC")}},
    ]
    specs = [{"name": name, "shape": list(value.shape), "dtype": "float32"} for name, value in values.items()]
    integers = {"axes": np.array([1, 2], np.int32), "pads": np.array([[0, 0], [1, 1], [1, 1], [0, 0]], np.int32)}
    specs += [{"name": name, "shape": list(value.shape), "dtype": "int32"} for name, value in integers.items()]
    data = b"".join(value.astype("<f4").tobytes() for value in values.values())
    data += b"".join(value.astype("<i4").tobytes() for value in integers.values())
    model = {
        "format": "graph-model", "generatedBy": "2.13.0", "convertedBy": "TensorFlow.js Converter v4.22.0",
        "signature": {
            "inputs": {"image": {"name": "image:0", "dtype": "DT_FLOAT", "tensorShape": shape["shape"]}},
            "outputs": {"logits": {"name": "logits:0", "dtype": "DT_FLOAT", "tensorShape": {"dim": [{"size": "-1"}, {"size": "5"}]}}},
        },
        "modelTopology": {"node": nodes, "library": {}, "versions": {"producer": 1286}},
        # Two shards, as large models have them: the cut is within a tensor.
        "weightsManifest": [{"paths": ["group1-shard1of2.bin", "group1-shard2of2.bin"], "weights": specs}],
    }
    return model, data


def run(pixels, size):
    x = torch.tensor(pixels / 255).permute(0, 3, 1, 2)
    if size:
        x = F.interpolate(x, size=(size, size), mode="bilinear", align_corners=False)
    x = (x - torch.tensor(mean, dtype=torch.float64)[:, None, None]) / torch.tensor(std, dtype=torch.float64)[:, None, None]
    w = {name: torch.tensor(value.astype(np.float64)) for name, value in weights.items()}
    features = F.relu(F.conv2d(x, w["filter"], w["shift"], stride=2, padding=1)).mean((2, 3))
    rounded = lambda t: [float(f"{v:.9g}") for v in t.reshape(-1).tolist()]
    return {"size": size, "features": rounded(features), "logits": rounded(features @ w["dense"] + w["offset"])}


shutil.rmtree(out, ignore_errors=True)
(out / "tfjs").mkdir(parents=True)
onnx.save(onnx_model("NCHW", "n", "s"), out / "tiny.onnx")
onnx.save(onnx_model("NHWC", 2, 12), out / "tiny-fixed.onnx")
onnx.save(
    onnx_model("NCHW", "n", "s"), out / "tiny-outside.onnx",
    save_as_external_data=True, location="tiny-outside.data", size_threshold=64, convert_attribute=False,
)
onnx.save(branching_model(), out / "branching.onnx")
model, data = tfjs_model()
(out / "tfjs/model.json").write_text(json.dumps(model) + "\n")
(out / "tfjs/group1-shard1of2.bin").write_bytes(data[:250])
(out / "tfjs/group1-shard2of2.bin").write_bytes(data[250:])
count, side = 5, 8
pixels = np.floor(128 + 127.9 * pattern(count * side * side * 3, 5)).astype(np.uint8).reshape(count, side, side, 3)
cases = [run(pixels.astype(np.float64), size) for size in (None, 12)]
(out / "expected.json").write_text(json.dumps({"torch": torch.__version__, "count": count, "side": side, "cases": cases}) + "\n")
for path in sorted(out.rglob("*.*")):
    print(f"{path}: {path.stat().st_size} bytes")
