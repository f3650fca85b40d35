"""Writes ops.jsonl: one operator a line with the result that ONNX Runtime gives.

Run: python3 ops.py > ops.jsonl   (needs numpy, onnx, onnxruntime)
Tensors are [type, shape, elements]; a missing optional input is null.
"""

import json
import sys

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto as T
from onnx import helper as H
from onnx import numpy_helper as N

rng = np.random.default_rng(3)


def pack(a):
    a = np.asarray(a)
    flat = a.astype(np.float64).ravel().tolist()
    num = [float(f"{v:.7g}") for v in flat] if a.dtype.kind == "f" else [int(v) for v in flat]
    if a.dtype == np.int64:
        num = a.ravel().tolist()
    return [str(a.dtype), list(a.shape), num]


def case(name, op, ins, opset=17, nout=1, **attrs):
    ins = [None if a is None else np.asarray(a) for a in ins]
    inits = [N.from_array(a, f"i{k}") for k, a in enumerate(ins) if a is not None]
    names = ["" if a is None else f"i{k}" for k, a in enumerate(ins)]
    outs = [f"o{k}" for k in range(nout)]
    g = H.make_graph([H.make_node(op, names, outs, **attrs)], "g", [], [onnx.ValueInfoProto(name=o) for o in outs], inits)
    m = H.make_model(g, opset_imports=[H.make_opsetid("", opset)])
    m.ir_version = 8
    m = onnx.shape_inference.infer_shapes(m)
    options = ort.SessionOptions()
    options.log_severity_level = 4
    want = ort.InferenceSession(m.SerializeToString(), options, providers=["CPUExecutionProvider"]).run(outs, {})
    line = {"name": name, "op": op, "opset": opset, "in": [None if a is None else pack(a) for a in ins], "out": [pack(a) for a in want], "attrs": {}}
    for k, v in attrs.items():
        line["attrs"][k] = pack(N.to_array(v)) if isinstance(v, onnx.TensorProto) else v
    json.dump(line, sys.stdout, separators=(",", ":"))
    print()


def f(*s):
    return np.round(rng.standard_normal(s), 2).astype(np.float32)


def i64(*v):
    return np.array(v, np.int64)


for op in ["Add", "Sub", "Mul", "Div"]:
    case(op + "-same", op, [f(2, 3, 4), f(2, 3, 4)])
    case(op + "-b1", op, [f(1, 4, 7), f(1, 7)])
    case(op + "-b2", op, [f(3, 1, 5), f(2, 1)])
    case(op + "-sc", op, [f(2, 3), np.float32(2.5)])
    case(op + "-i", op, [i64(7, -7, 9, -9), i64(2, 2, -4, -4)])
case("Pow", "Pow", [np.abs(f(2, 3)), np.float32(1.7)])
case("Powi", "Pow", [i64(2, 3, -4), i64(3, 2, 3)])
case("Equal", "Equal", [i64(1, 2, 3), i64(1, -1, 3)])
case("Less", "Less", [f(3, 4), f(4)])
case("Greater", "Greater", [f(3, 4), f(3, 1)])
case("Mod", "Mod", [i64(7, -7, 7, -7, 6), i64(3, 3, -3, -3, 3)])
case("Max3", "Max", [f(3, 4), f(4), f(3, 1)])
case("Min1", "Min", [f(3, 4)])
for op in ["Sigmoid", "Exp", "Sqrt", "Floor", "Ceil", "Neg", "Abs", "Relu", "Tanh", "Identity"]:
    case(op, op, [np.abs(f(3, 5)) * 3 if op == "Sqrt" else f(3, 5) * 3])
case("Log", "Log", [np.abs(f(3, 5)) + 0.1])
case("Negi", "Neg", [i64(1, -2)])
case("Clip11", "Clip", [f(3, 5), np.float32(-0.5), np.float32(0.5)])
case("Clip6", "Clip", [f(3, 5)], opset=6, min=-0.3, max=0.4)
case("Cliplo", "Clip", [f(3, 5), np.float32(-0.5)])
case("Where", "Where", [np.array([[True], [False], [True]]), f(3, 4), f(4)])
case("Wherei", "Where", [np.array([True, False]), i64(1, 2), i64(-1)])
for t, nm in [(T.INT64, "i64"), (T.INT32, "i32"), (T.FLOAT, "f"), (T.BOOL, "b"), (T.UINT8, "u8"), (T.INT8, "i8")]:
    case("Castf-" + nm, "Cast", [np.array([1.7, -1.7, 0, 100.9, 0.3], np.float32) if nm != "u8" else np.array([1.7, 0, 200.2], np.float32)], to=t)
    case("Casti-" + nm, "Cast", [i64(300, -3, 0, 5)], to=t)
for op, ax in [(11, 1), (11, -1), (11, 2), (13, 1), (13, -1), (17, 0)]:
    case(f"Softmax{op}{ax}", "Softmax", [f(2, 2, 3, 2)], opset=op, axis=ax)
case("Softmax11def", "Softmax", [f(2, 3, 4)], opset=11)
case("Softmax13def", "Softmax", [f(2, 3, 4)], opset=13)
for k, (ks, s, p, d, g) in enumerate(
    [
        ((3, 3), (1, 1), (1, 1, 1, 1), (1, 1), 1),
        ((3, 3), (2, 2), (1, 1, 1, 1), (1, 1), 1),
        ((1, 1), (1, 1), (0, 0, 0, 0), (1, 1), 1),
        ((3, 2), (2, 1), (0, 1, 2, 1), (1, 2), 1),
        ((3, 3), (1, 1), (1, 1, 1, 1), (1, 1), 2),
        ((3, 3), (1, 1), (2, 2, 2, 2), (2, 2), 4),
        ((5, 5), (3, 2), (2, 1, 0, 3), (1, 1), 1),
    ]
):
    case(f"Conv{k}", "Conv", [f(1, 4, 6, 5), f(4, 4 // g, *ks), f(4)], kernel_shape=ks, strides=s, pads=p, dilations=d, group=g)
case("Conv-nobias", "Conv", [f(1, 2, 5, 6), f(2, 2, 3, 3)])
for a in ["SAME_UPPER", "SAME_LOWER", "VALID"]:
    case("Conv-" + a, "Conv", [f(1, 2, 5, 6), f(2, 2, 3, 3)], auto_pad=a, strides=[2, 2])
    case("MaxPool-" + a, "MaxPool", [f(1, 2, 5, 6)], auto_pad=a, strides=[2, 2], kernel_shape=[3, 3])
    case("Conv4-" + a, "Conv", [f(1, 2, 6, 7), f(2, 2, 4, 3)], auto_pad=a, strides=[2, 3])
case("MaxPool5", "MaxPool", [f(1, 3, 7, 6) - 9], kernel_shape=[5, 5], pads=[2, 2, 2, 2])
case("MaxPool2", "MaxPool", [f(1, 3, 7, 6)], kernel_shape=[2, 2], strides=[2, 2])
case("MaxPool32", "MaxPool", [f(2, 3, 7, 6)], kernel_shape=[3, 2], strides=[2, 1], pads=[1, 0, 0, 1])
case("MaxPoold", "MaxPool", [f(1, 2, 7, 8)], kernel_shape=[3, 2], dilations=[2, 3])
case("BN", "BatchNormalization", [f(2, 3, 4, 5), f(3), f(3), f(3), np.abs(f(3))], epsilon=1e-3)
case("BN9", "BatchNormalization", [f(2, 3, 4), f(3), f(3), f(3), np.abs(f(3))], opset=9)
x = f(1, 1, 4, 3)
for ct in ["asymmetric", "half_pixel", "pytorch_half_pixel", "align_corners"]:
    for nm in ["floor", "ceil", "round_prefer_floor", "round_prefer_ceil"]:
        for nm2, sc in [("2", [1, 1, 2, 2]), ("3", [1, 1, 3, 3]), ("h", [1, 1, 0.5, 1.5])]:
            case(f"Resize-{ct}-{nm}-{nm2}", "Resize", [x, None, np.array(sc, np.float32)], mode="nearest", coordinate_transformation_mode=ct, nearest_mode=nm)
case("Resize-sizes", "Resize", [x, None, None, i64(1, 1, 8, 6)], mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor")
case("Resize-sizes2", "Resize", [x, None, None, i64(1, 1, 7, 4)], mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor")
case("Resize-11", "Resize", [x, np.zeros(0, np.float32), np.array([1, 1, 2, 2], np.float32)], opset=11, mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor")
case("Resize-11s", "Resize", [x, np.zeros(0, np.float32), np.zeros(0, np.float32), i64(1, 1, 8, 6)], opset=11, mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor")
case("Resize-10", "Resize", [x, np.array([1, 1, 2, 2], np.float32)], opset=10, mode="nearest")
case("Resize-18ax", "Resize", [x, None, np.array([2, 2], np.float32)], opset=18, mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor", axes=[2, 3])
case("Resize-19ax", "Resize", [x, None, None, i64(6, 8)], opset=19, mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor", axes=[3, 2])
case("Upsample9", "Upsample", [x, np.array([1, 1, 2, 2], np.float32)], opset=9, mode="nearest")
case("Upsample7", "Upsample", [x], opset=7, mode="nearest", scales=[1.0, 1.0, 2.0, 3.0])
case("Concat1", "Concat", [f(2, 3, 4), f(2, 1, 4), f(2, 2, 4)], axis=1)
case("Concat-1", "Concat", [f(2, 3), f(2, 4)], axis=-1)
case("Concati", "Concat", [i64(1), i64(2, 3)], axis=0)
case("Split13", "Split", [f(2, 6, 3), i64(1, 5)], nout=2, axis=1)
case("Split11", "Split", [f(2, 6, 3)], opset=11, nout=3, axis=1, split=[1, 2, 3])
case("Split-eq", "Split", [f(2, 6, 3)], nout=3, axis=-2)
case("Split18", "Split", [f(2, 7, 3)], opset=18, nout=3, axis=1, num_outputs=3)
case("Split-0", "Split", [f(4, 3)], nout=2)
case("Slice1", "Slice", [f(3, 8, 5), i64(1), i64(4), i64(1)])
case("Slice-step", "Slice", [f(3, 8, 5), i64(-1, 4), i64(-100, -4), i64(1, 2), i64(-2, -1)])
case("Slice-neg", "Slice", [f(3, 8, 5), i64(-3), i64(2**63 - 1), i64(-2)])
case("Slice9", "Slice", [f(3, 8, 5)], opset=9, starts=[1, 2], ends=[3, 1000], axes=[0, 1])
case("Slice-noaxes", "Slice", [f(3, 8, 5), i64(1, 2), i64(2, 9)])
case("Slice-empty", "Slice", [f(3, 8, 5), i64(5), i64(2), i64(1)])
case("Slice-i", "Slice", [i64(1, 2, 3, 4), i64(2), i64(4), i64(0)])
case("Slice-negstep-min", "Slice", [f(3, 8), i64(2**31), i64(-(2**62)), i64(1), i64(-3)])
case("Reshape", "Reshape", [f(2, 3, 4), i64(0, -1)])
case("Reshape2", "Reshape", [f(2, 3, 4), i64(4, 1, -1, 2)])
case("Reshape-sc", "Reshape", [f(1), np.zeros(0, np.int64)])
case("Reshape0", "Reshape", [np.zeros((0, 3), np.float32), i64(0, 3)], allowzero=1)
for a in (0, 1, 2, 3, -1):
    case(f"Flatten{a}", "Flatten", [f(2, 3, 4)], axis=a)
case("Squeeze13", "Squeeze", [f(1, 3, 1, 4), i64(0, 2)])
case("Squeeze11", "Squeeze", [f(1, 3, 1, 4)], opset=11, axes=[-2])
case("Squeezeall", "Squeeze", [f(1, 3, 1, 4)])
case("Unsq13", "Unsqueeze", [f(3, 4), i64(0, -1)])
case("Unsq11", "Unsqueeze", [f(3, 4)], opset=11, axes=[1, 3])
case("Transp", "Transpose", [f(2, 3, 4, 5)], perm=[0, 2, 1, 3])
case("Transp2", "Transpose", [f(2, 3, 4, 5)], perm=[3, 0, 2, 1])
case("Transpdef", "Transpose", [f(2, 3, 4)])
case("Transpi", "Transpose", [rng.integers(0, 9, (2, 3))])
case("CoS", "ConstantOfShape", [i64(2, 3)], value=N.from_array(np.array([7], np.int64)))
case("CoSdef", "ConstantOfShape", [i64(2, 3)])
case("CoSempty", "ConstantOfShape", [np.zeros(0, np.int64)])
case("Shape", "Shape", [f(2, 3, 4)])
case("Shape15", "Shape", [f(2, 3, 4, 5)], opset=15, start=1, end=-1)
case("Shape15n", "Shape", [f(2, 3, 4, 5)], opset=15, start=-2)
case("Gather", "Gather", [f(3, 4, 5), i64(0, -1)], axis=1)
case("Gather0", "Gather", [i64(4, 5, 6), np.array(1, np.int64)])
case("Gather2", "Gather", [f(3, 4), np.array([[0, 1], [2, 0]], np.int64)], axis=0)
case("Range", "Range", [np.int64(2), np.int64(9), np.int64(3)])
case("Rangef", "Range", [np.float32(0), np.float32(2), np.float32(0.3)])
case("Rangen", "Range", [np.int64(5), np.int64(0), np.int64(-2)])
case("Range0", "Range", [np.int64(5), np.int64(0), np.int64(2)])
case("Expand", "Expand", [f(3, 1), i64(2, 1, 4)])
case("Expand2", "Expand", [f(3, 4), i64(1, 1)])
case("Expandi", "Expand", [np.array(5, np.int64), i64(2, 2)])
case("Tile", "Tile", [f(2, 3), i64(2, 3)])
for op in ["ReduceMax", "ReduceMin", "ReduceSum", "ReduceMean"]:
    if op == "ReduceSum":
        case(op, op, [f(2, 3, 4), i64(1)])
        case(op + "2", op, [f(2, 3, 4), i64(-1, 0)], keepdims=0)
        case(op + "noop", op, [f(2, 3)], noop_with_empty_axes=1)
    else:
        case(op, op, [f(2, 3, 4)], axes=[1])
        case(op + "2", op, [f(2, 3, 4)], axes=[-1, 0], keepdims=0)
        case(op + "18", op, [f(2, 3, 4), i64(1)], opset=18)
    case(op + "all", op, [f(2, 3, 4)])
    case(op + "all0", op, [f(2, 3, 4)], keepdims=0)
case("ArgMax", "ArgMax", [f(2, 5, 4)], axis=1)
case("ArgMax0", "ArgMax", [rng.integers(0, 2, (2, 5, 4)).astype(np.float32)], axis=-1, keepdims=0)
case("ArgMaxl", "ArgMax", [rng.integers(0, 2, (2, 5, 4)).astype(np.float32)], axis=1, select_last_index=1)
case("Q", "QuantizeLinear", [f(3, 4) * 20, np.float32(0.25), np.uint8(100)])
case("Qi8", "QuantizeLinear", [f(3, 4) * 20, np.float32(0.25), np.int8(-3)])
case("Qhalf", "QuantizeLinear", [np.array([0.5, 1.5, 2.5, -0.5, -1.5, 300, -300], np.float32), np.float32(1), np.uint8(10)])
case("Qpc", "QuantizeLinear", [f(3, 4) * 20, np.array([0.25, 0.5, 1], np.float32), np.array([0, 1, 2], np.int8)], axis=0)
case("Qdef", "QuantizeLinear", [f(3, 4) * 20, np.float32(0.25)])
case("Q21", "QuantizeLinear", [f(3, 4) * 20, np.float32(0.001), np.uint16(3)], opset=21)
case("Q21t", "QuantizeLinear", [f(3, 4) * 20, np.float32(0.25)], opset=21, output_dtype=T.INT8)
case("DQ", "DequantizeLinear", [rng.integers(0, 255, (3, 4)).astype(np.uint8), np.float32(0.25), np.uint8(100)])
case("DQpc", "DequantizeLinear", [rng.integers(-128, 127, (3, 4)).astype(np.int8), np.array([0.25, 0.5, 1, 2], np.float32), np.zeros(4, np.int8)], axis=1)
case("DQ32", "DequantizeLinear", [rng.integers(-99999, 99999, (3,)).astype(np.int32), np.array([0.25, 0.5, 1], np.float32)], axis=0)
case("DQnz", "DequantizeLinear", [rng.integers(-128, 127, (3, 4)).astype(np.int8), np.float32(0.3)])
