package onnx

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"

	"eagleeye/wasm/graph"

	"google.golang.org/protobuf/encoding/protowire"
)

// ErrGraph tells that a graph cannot be written as an ONNX file.
var ErrGraph = errors.New("onnx: the graph cannot be written")

// irVersions maps opsets to the IR version they were released with (onnx/onnx,
// docs/Versioning.md), from opset 11 on.
var irVersions = [...]uint64{6, 7, 7, 7, 8, 8, 8, 8, 9, 9, 10}

// codes inverts dtypes.
var codes = func() map[graph.DType]uint64 {
	m := map[graph.DType]uint64{}
	for code, dt := range dtypes {
		m[dt] = code
	}
	return m
}()

// Write encodes a graph of standard ONNX operators, explicit QuantizeLinear and
// DequantizeLinear included; graphs that Prepare has fused are refused. The same
// graph gives the same bytes: initializers come in order of first use, attributes
// and metadata sorted. Read gives the graph back, save for float16 tensors, which
// it widens, and for the types of intermediate values, which are not written.
func Write(g *graph.Graph) ([]byte, error) {
	if g.Opset < minOpset || g.Opset > maxOpset {
		return nil, fmt.Errorf("%w: opset %d, can be %d to %d", ErrGraph, g.Opset, minOpset, maxOpset)
	}
	body, err := appendGraph(g)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrGraph, err)
	}
	out := make([]byte, 0, len(body)+4096)
	out = appendInt(out, 1, irVersions[g.Opset-minOpset])
	out = appendString(out, 2, "eagleeye")
	out = appendBytes(out, 7, body)
	out = appendBytes(out, 8, appendInt(appendString(nil, 1, ""), 2, uint64(g.Opset)))
	for _, key := range slices.Sorted(maps.Keys(g.Meta)) {
		out = appendBytes(out, 14, appendString(appendString(nil, 1, key), 2, g.Meta[key]))
	}
	if len(out) > maxFile {
		return nil, fmt.Errorf("%w: %d MiB is more than is read back", ErrGraph, len(out)>>20)
	}
	return out, nil
}

// writer collects what nodes refer to.
type writer struct {
	known  map[string]*graph.Value // defined so far
	consts []*graph.Value          // by first use
}

func appendGraph(g *graph.Graph) ([]byte, error) {
	w := &writer{known: map[string]*graph.Value{}}
	for _, v := range g.Inputs {
		if err := w.define(v); err != nil {
			return nil, fmt.Errorf("input: %w", err)
		}
	}
	var nodes, out []byte
	for _, n := range g.Nodes {
		b, err := w.node(n)
		if err != nil {
			return nil, fmt.Errorf("%s %q: %w", n.Op, n.Name, err)
		}
		nodes = appendBytes(nodes, 1, b)
	}
	size := len(nodes)
	for _, v := range w.consts {
		size += len(v.Const.Data) + len(v.Name) + 128
	}
	out = slices.Grow(nodes, size)
	out = appendString(out, 2, g.Name)
	for _, v := range w.consts {
		head, err := tensorHead(v.Const)
		if err != nil {
			return nil, fmt.Errorf("constant %q: %w", v.Name, err)
		}
		head = appendString(head, 8, v.Name)
		// The payload goes straight into the graph's bytes.
		raw := protowire.SizeTag(9) + protowire.SizeBytes(len(v.Const.Data))
		out = protowire.AppendTag(out, 5, protowire.BytesType)
		out = protowire.AppendVarint(out, uint64(len(head)+raw))
		out = append(out, head...)
		out = appendBytes(out, 9, v.Const.Data)
	}
	for i, list := range [2][]*graph.Value{g.Inputs, g.Outputs} {
		for _, v := range list {
			if w.known[v.Name] != v || v.Const != nil {
				return nil, fmt.Errorf("output %q is computed by no node", v.Name)
			}
			b, err := valueInfo(v)
			if err != nil {
				return nil, err
			}
			out = appendBytes(out, protowire.Number(11+i), b)
		}
	}
	return out, nil
}

// define notes a value that is made once, under its own name.
func (w *writer) define(v *graph.Value) error {
	switch {
	case v == nil || v.Name == "":
		return errors.New("a value without a name")
	case w.known[v.Name] != nil:
		return fmt.Errorf("%q is defined twice", v.Name)
	case v.Quant != nil:
		return fmt.Errorf("%q holds its quantization implicitly: write the graph as it was before Prepare", v.Name)
	}
	w.known[v.Name] = v
	return nil
}

func (w *writer) node(n *graph.Node) ([]byte, error) {
	in := n.In
	for len(in) > 0 && in[len(in)-1] == nil {
		in = in[:len(in)-1]
	}
	spec, ok := graph.Ops[n.Op]
	for _, fused := range []string{"act", "factor", "start"} { // attributes of Prepare's forms
		if _, has := n.Attrs[fused]; has {
			ok = false
		}
	}
	if !ok || !arity(len(in), spec.MinIn, spec.MaxIn) || len(n.Out) == 0 || !arity(len(n.Out), spec.MinOut, spec.MaxOut) {
		return nil, fmt.Errorf("no standard operator with %d inputs and %d outputs: write the graph as it was before Prepare", len(in), len(n.Out))
	}
	var b []byte
	for i, v := range in {
		switch {
		case v == nil && i >= spec.MinIn:
			b = appendString(b, 1, "")
			continue
		case v == nil:
			return nil, fmt.Errorf("input %d is missing", i)
		case v.Const != nil && w.known[v.Name] == nil:
			if err := w.define(v); err != nil {
				return nil, err
			}
			w.consts = append(w.consts, v)
		case w.known[v.Name] != v:
			return nil, fmt.Errorf("input %q is made by no earlier node", v.Name)
		}
		b = appendString(b, 1, v.Name)
	}
	for _, v := range n.Out {
		if err := w.define(v); err != nil {
			return nil, err
		}
		b = appendString(b, 2, v.Name)
	}
	if n.Name != "" {
		b = appendString(b, 3, n.Name)
	}
	b = appendString(b, 4, n.Op)
	for _, name := range slices.Sorted(maps.Keys(n.Attrs)) {
		at, err := appendAttr(appendString(nil, 1, name), n.Attrs[name])
		if err != nil {
			return nil, fmt.Errorf("attribute %q: %w", name, err)
		}
		b = appendBytes(b, 5, at)
	}
	return b, nil
}

func appendAttr(b []byte, a graph.Attr) ([]byte, error) {
	code := map[graph.AttrKind]uint64{graph.AttrFloat: 1, graph.AttrInt: 2, graph.AttrString: 3, graph.AttrTensor: 4, graph.AttrFloats: 6, graph.AttrInts: 7}[a.Kind]
	switch a.Kind {
	case graph.AttrFloat:
		b = protowire.AppendTag(b, 2, protowire.Fixed32Type)
		b = protowire.AppendFixed32(b, math.Float32bits(a.F))
	case graph.AttrInt:
		b = appendInt(b, 3, uint64(a.I))
	case graph.AttrString:
		b = appendString(b, 4, a.S)
	case graph.AttrTensor:
		if a.T == nil {
			return nil, errors.New("no tensor")
		}
		t, err := tensorHead(a.T)
		if err != nil {
			return nil, err
		}
		b = appendBytes(b, 5, appendBytes(t, 9, a.T.Data))
	case graph.AttrFloats: // unpacked, as proto2 writes them
		for _, f := range a.Floats {
			b = protowire.AppendTag(b, 7, protowire.Fixed32Type)
			b = protowire.AppendFixed32(b, math.Float32bits(f))
		}
	case graph.AttrInts:
		for _, v := range a.Ints {
			b = appendInt(b, 8, uint64(v))
		}
	default:
		return nil, fmt.Errorf("kind %d", a.Kind)
	}
	return appendInt(b, 20, code), nil
}

// tensorHead encodes the dimensions and type of a tensor.
func tensorHead(t *graph.Tensor) ([]byte, error) {
	code, ok := codes[t.DType]
	if !ok || len(t.Shape) > maxRank {
		return nil, fmt.Errorf("%s of rank %d", t.DType, len(t.Shape))
	}
	var b []byte
	for _, d := range t.Shape {
		if d < 0 {
			return nil, fmt.Errorf("shape %s", shapeString(t.Shape))
		}
		b = appendInt(b, 1, uint64(d))
	}
	if err := checkPayload(t); err != nil {
		return nil, err
	}
	if !finite(t) {
		return nil, ErrNotFinite
	}
	return appendInt(b, 2, code), nil
}

// valueInfo declares an input or output; unknown dimensions get names.
func valueInfo(v *graph.Value) ([]byte, error) {
	code, ok := codes[v.DType]
	if !ok {
		return nil, fmt.Errorf("value %q is %s", v.Name, v.DType)
	}
	t := appendInt(nil, 1, code)
	if v.Shape != nil {
		var shape []byte
		for i, d := range v.Shape {
			var dim []byte
			if d >= 0 {
				dim = appendInt(nil, 1, uint64(d))
			} else {
				dim = appendString(nil, 2, v.Name+"_dim"+strconv.Itoa(i))
			}
			shape = appendBytes(shape, 1, dim)
		}
		t = appendBytes(t, 2, shape)
	}
	return appendBytes(appendString(nil, 1, v.Name), 2, appendBytes(nil, 1, t)), nil
}

func appendInt(b []byte, num protowire.Number, v uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(b, num, protowire.VarintType), v)
}

func appendBytes(b []byte, num protowire.Number, v []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, num, protowire.BytesType), v)
}

func appendString(b []byte, num protowire.Number, s string) []byte {
	return protowire.AppendString(protowire.AppendTag(b, num, protowire.BytesType), s)
}
