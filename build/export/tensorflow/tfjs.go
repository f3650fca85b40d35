package tensorflow

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"

	"eagleeye/build/export/form"
	"eagleeye/wasm/graph"
)

// JSModel is the content of a TensorFlow.js graph model: the file of the
// graph, model.json, and the weights, which lie beside it as WeightsFile.
type JSModel struct{ JSON, Weights []byte }

// WeightsFile is where model.json looks for the weights.
const WeightsFile = "group1-shard1of1.bin"

// ErrJSFloat refuses int8: the format has no integer arithmetic.
var ErrJSFloat = fmt.Errorf("%w: TensorFlow.js computes in float; take fp32 or fp16", form.ErrUnsupported)

// EncodeJS returns g, as read from a file, as a TensorFlow.js graph model
// (tf.loadGraphModel). Input and output are those of Encode.
func EncodeJS(g *graph.Graph, o form.Options) (*JSModel, error) {
	if o.Precision == form.Int8 {
		return nil, ErrJSFloat
	}
	l, p, err := lower(g, o, false)
	if err != nil {
		return nil, err
	}
	j := &jsWriter{lowering: l, half: o.Precision == form.Float16, moved: map[int]bool{}}
	return j.encode(g.Meta, p.Inputs[0].Shape)
}

// jsWriter turns the operators of a float file into nodes of a GraphDef in
// protobuf's JSON form.
type jsWriter struct {
	*lowering
	half    bool
	moved   map[int]bool // weights, stored with output channels last
	nodes   []any
	weights []any
	data    []byte
}

type dict = map[string]any

func text(s string) dict { return dict{"s": base64.StdEncoding.EncodeToString([]byte(s))} }

func numbers(v ...int) dict {
	words := make([]string, len(v))
	for i, n := range v {
		words[i] = strconv.Itoa(n)
	}
	return dict{"list": dict{"i": words}}
}

func dims(shape []int) dict {
	d := make([]dict, len(shape))
	for i, n := range shape {
		d[i] = dict{"size": strconv.Itoa(n)}
	}
	return dict{"dim": d}
}

var (
	floatType = dict{"type": "DT_FLOAT"}
	intType   = dict{"type": "DT_INT32"}
)

func (j *jsWriter) name(i int) string { return fmt.Sprintf("n%d", i) }

// constants writes the elements that have data.
func (j *jsWriter) constants() {
	for i, e := range j.elements {
		if e.buffer == 0 {
			continue
		}
		shape, data, kind, word := e.shape, j.buffers[e.buffer], floatType, "float32"
		if e.kind == int32Type {
			kind, word = intType, "int32"
		}
		if j.moved[i] {
			shape, data = outputsLast(shape, data)
		}
		w := dict{"name": j.name(i), "shape": shape, "dtype": word}
		if j.half && word == "float32" {
			w["quantization"] = dict{"dtype": "float16", "original_dtype": "float32"}
			data = halves(data)
		}
		j.nodes = append(j.nodes, dict{"name": j.name(i), "op": "Const", "attr": dict{"dtype": kind,
			"value": dict{"tensor": dict{"dtype": kind["type"], "tensorShape": dims(shape)}}}})
		j.weights = append(j.weights, w)
		j.data = append(j.data, data...)
	}
}

// node writes an operator. Convolutions become two nodes: TensorFlow adds the
// bias apart.
func (j *jsWriter) node(o operator) error {
	out := j.name(o.out[0])
	in := make([]string, len(o.in))
	for i, v := range o.in {
		in[i] = j.name(v)
	}
	add := func(name, op string, in []string, attrs dict) {
		attrs["T"] = floatType
		j.nodes = append(j.nodes, dict{"name": name, "op": op, "input": in, "attr": attrs})
	}
	value := func(slot int) int {
		for _, f := range o.options.fields {
			if f.slot == slot {
				switch v := f.value.(type) {
				case int8:
					return int(v)
				case int32:
					return int(v)
				}
			}
		}
		return 0
	}
	padding := text("SAME")
	if value(0) == 1 {
		padding = text("VALID")
	}
	nhwc := text("NHWC")
	switch o.code {
	case opConv2D, opDepthwise:
		attrs := dict{"strides": numbers(1, value(2), value(1), 1), "padding": padding, "data_format": nhwc}
		op := "Conv2D"
		if o.code == opDepthwise {
			op = "DepthwiseConv2dNative"
			attrs["dilations"] = numbers(1, value(6), value(5), 1)
		} else {
			attrs["dilations"] = numbers(1, value(5), value(4), 1)
		}
		add(out+"/conv", op, in[:2], attrs)
		add(out, "BiasAdd", []string{out + "/conv", in[2]}, dict{"data_format": nhwc})
	case opMaxPool2D:
		add(out, "MaxPool", in, dict{"ksize": numbers(1, value(4), value(3), 1), "strides": numbers(1, value(2), value(1), 1),
			"padding": padding, "data_format": nhwc})
	case opConcatenation:
		axis := out + "/axis"
		j.nodes = append(j.nodes, dict{"name": axis, "op": "Const", "attr": dict{"dtype": intType,
			"value": dict{"tensor": dict{"dtype": "DT_INT32", "tensorShape": dims(nil)}}}})
		j.weights = append(j.weights, dict{"name": axis, "shape": []int{}, "dtype": "int32"})
		j.data = append(j.data, byte(value(0)), 0, 0, 0)
		add(out, "ConcatV2", append(in, axis), dict{"N": dict{"i": strconv.Itoa(len(in))}, "Tidx": intType})
	case opResizeNearest:
		add(out, "ResizeNearestNeighbor", in, dict{"align_corners": dict{"b": false}, "half_pixel_centers": dict{"b": false}})
	default:
		op, ok := map[opcode]string{opAdd: "AddV2", opMul: "Mul", opSub: "Sub", opLogistic: "Sigmoid", opReshape: "Reshape",
			opSoftmax: "Softmax", opPad: "Pad", opTranspose: "Transpose", opSlice: "Slice"}[o.code]
		if !ok {
			return fmt.Errorf("%w for operator %d", form.ErrUnsupported, o.code)
		}
		add(out, op, in, dict{})
	}
	return nil
}

func (j *jsWriter) encode(meta map[string]string, input []int) (*JSModel, error) {
	for _, o := range j.operators {
		if o.code == opConv2D || o.code == opDepthwise {
			j.moved[o.in[1]] = true
		}
	}
	in, out := j.elements[j.inputs[0]], j.elements[j.outer[0]]
	j.nodes = append(j.nodes, dict{"name": j.name(j.inputs[0]), "op": "Placeholder",
		"attr": dict{"dtype": floatType, "shape": dict{"shape": dims(in.shape)}}})
	j.constants()
	for _, o := range j.operators {
		if err := j.node(o); err != nil {
			return nil, err
		}
	}
	end := func(i int, e element) dict {
		return dict{e.name: dict{"name": j.name(i) + ":0", "dtype": "DT_FLOAT", "tensorShape": dims(e.shape)}}
	}
	model, err := json.Marshal(dict{
		"format": "graph-model", "generatedBy": "Eagle Eye", "convertedBy": "Eagle Eye",
		"signature":           dict{"inputs": end(j.inputs[0], in), "outputs": end(j.outer[0], out)},
		"modelTopology":       dict{"node": j.nodes, "library": dict{}, "versions": dict{"producer": 1882}},
		"weightsManifest":     []any{dict{"paths": []string{WeightsFile}, "weights": j.weights}},
		"userDefinedMetadata": metadata(meta, input[2], input[3]),
	})
	if err != nil {
		return nil, err
	}
	return &JSModel{model, j.data}, nil
}
