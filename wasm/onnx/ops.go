package onnx

import (
	"slices"
	"strings"
)

// arity bounds the inputs and outputs of an operator; need is how many of the
// first inputs may not be omitted.
type arity struct{ need, in, out int }

const many = 1 << 10

// operators lists what a file may hold, from the operator schemas of opset 11 to
// 21 (outputs that only training uses are left out).
var operators = map[string]arity{
	"Add": {2, 2, 1}, "Sub": {2, 2, 1}, "Mul": {2, 2, 1}, "Div": {2, 2, 1}, "Pow": {2, 2, 1}, "Mod": {2, 2, 1},
	"Equal": {2, 2, 1}, "Less": {2, 2, 1}, "Greater": {2, 2, 1}, "And": {2, 2, 1}, "Or": {2, 2, 1}, "Not": {1, 1, 1}, "Where": {3, 3, 1},
	"Min": {1, many, 1}, "Max": {1, many, 1}, "Sum": {1, many, 1}, "Clip": {1, 3, 1},
	"Neg": {1, 1, 1}, "Abs": {1, 1, 1}, "Exp": {1, 1, 1}, "Log": {1, 1, 1}, "Sqrt": {1, 1, 1}, "Floor": {1, 1, 1}, "Ceil": {1, 1, 1},
	"Round": {1, 1, 1}, "Reciprocal": {1, 1, 1}, "Sigmoid": {1, 1, 1}, "HardSigmoid": {1, 1, 1}, "HardSwish": {1, 1, 1}, "Relu": {1, 1, 1}, "LeakyRelu": {1, 1, 1}, "Tanh": {1, 1, 1},
	"Softmax": {1, 1, 1}, "Identity": {1, 1, 1}, "Cast": {1, 1, 1}, "Dropout": {1, 3, 1},
	"Conv": {2, 3, 1}, "MatMul": {2, 2, 1}, "Gemm": {2, 3, 1}, "BatchNormalization": {5, 5, 1}, "MaxPool": {1, 1, 1}, "AveragePool": {1, 1, 1}, "GlobalAveragePool": {1, 1, 1},
	"Concat": {1, many, 1}, "Split": {1, 2, many}, "Slice": {3, 5, 1}, "Resize": {1, 4, 1}, "Upsample": {2, 2, 1}, "Pad": {2, 4, 1},
	"Reshape": {2, 2, 1}, "Transpose": {1, 1, 1}, "Flatten": {1, 1, 1}, "Squeeze": {1, 2, 1}, "Unsqueeze": {1, 2, 1}, "Expand": {2, 2, 1}, "Tile": {2, 2, 1},
	"Constant": {0, 0, 1}, "ConstantOfShape": {1, 1, 1}, "Shape": {1, 1, 1}, "Size": {1, 1, 1}, "Range": {3, 3, 1},
	"Gather": {2, 2, 1}, "GatherElements": {2, 2, 1}, "GatherND": {2, 2, 1}, "TopK": {2, 2, 2}, "ReduceMax": {1, 2, 1}, "ReduceMin": {1, 2, 1}, "ReduceSum": {1, 2, 1}, "ReduceMean": {1, 2, 1}, "ReduceProd": {1, 2, 1}, "ArgMax": {1, 1, 1}, "ArgMin": {1, 1, 1},
	"QuantizeLinear": {2, 3, 1}, "DequantizeLinear": {2, 3, 1},
}

// supportedList names the operators for messages.
func supportedList() string {
	names := make([]string, 0, len(operators))
	for op := range operators {
		names = append(names, op)
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}
