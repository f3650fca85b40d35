// Package form holds what the formats of build/export share: their options, the
// graph that they write and the numbers of the head's decoding. It may import
// wasm/graph.
package form

import (
	"errors"
	"fmt"
	"slices"

	"eagleeye/wasm/graph"
)

// Precision is how weights are stored and convolutions computed.
type Precision string

const (
	Float32 Precision = "fp32"
	Float16 Precision = "fp16" // weights are float16, arithmetic is the runtime's
	Int8    Precision = "int8" // of a quantized model: convolutions in int8
)

// Options choose the form of a file.
type Options struct {
	Precision     Precision // "" is Float32
	Width, Height int       // of the input; 0: the model's own
}

var (
	// ErrUnsupported marks models that a format cannot hold in the form asked for.
	ErrUnsupported = errors.New("the format has no form")
	// ErrPrecision marks a precision that is none of the three.
	ErrPrecision = errors.New("no such precision")
	// ErrFloat says that int8 was asked of a float model.
	ErrFloat = errors.New("the model is not quantized; quantize it first")
)

// Check refuses options that suit no model.
func Check(o Options) error {
	switch o.Precision {
	case "", Float32, Float16, Int8:
	default:
		return fmt.Errorf("%w: %q, want %s, %s or %s", ErrPrecision, o.Precision, Float32, Float16, Int8)
	}
	if o.Width < 0 || o.Height < 0 || (o.Width == 0) != (o.Height == 0) {
		return fmt.Errorf("an input of %d×%d pixels: want two positive sides, or neither", o.Width, o.Height)
	}
	return nil
}

// Prepare returns the graph to write. Float precisions of a quantized model use
// its rounded weights and drop the grids of activations.
func Prepare(g *graph.Graph, o Options) (*graph.Graph, error) {
	if err := Check(o); err != nil {
		return nil, err
	}
	if o.Precision != Int8 {
		g = graph.FloatOnly(g)
	}
	p, err := graph.Prepare(g, o.Height, o.Width)
	if err != nil {
		return nil, err
	}
	if o.Precision == Int8 && !slices.ContainsFunc(p.Nodes, func(n *graph.Node) bool { return n.Op == "Conv" && n.In[1].Quant != nil }) {
		return nil, ErrFloat
	}
	return p, nil
}

// Ints returns a list attribute, or def where it is absent.
func Ints(n *graph.Node, name string, def ...int64) []int64 {
	if v := n.Ints(name); len(v) == len(def) {
		return v
	}
	return def
}

// SameGrid says whether two activations lie on one grid.
func SameGrid(a, b *graph.Quant) bool {
	return a != nil && b != nil && a.DType == b.DType && a.Scale[0] == b.Scale[0] && a.Zero[0] == b.Zero[0]
}

// OnGridOf returns the value on whose grid a node's result lies before any
// rounding: its input where the node only moves values, nil else.
func OnGridOf(n *graph.Node) *graph.Value {
	switch n.Op {
	case "MaxPool", "Upsample", "Slice":
		return n.In[0]
	case "Concat":
		for _, v := range n.In {
			if !SameGrid(v.Quant, n.In[0].Quant) {
				return nil
			}
		}
		return n.In[0]
	}
	return nil
}

// Scales returns the scale of each output channel of int8 weights.
func Scales(w *graph.Value) []float32 {
	scale := make([]float32, w.Shape[0])
	for c := range scale {
		scale[c] = w.Quant.Scale[min(c, len(w.Quant.Scale)-1)]
	}
	return scale
}

// Weights returns weights as numbers.
func Weights(w *graph.Value) []float32 {
	if w.Quant == nil {
		return w.Const.Floats()
	}
	scale, f := Scales(w), make([]float32, len(w.Const.Data))
	per := len(f) / len(scale)
	for i, q := range w.Const.Data {
		f[i] = scale[i/per] * float32(int8(q))
	}
	return f
}

// Head is what the decoding of a Detect node needs, for one size of the input.
type Head struct {
	Bins, Classes int
	Means         []float32 // 0, 1, … Bins−1: the numbers that a side's distribution is over
	X, Y          []float32 // of the cells' centres, in cells, level after level
	Stride        []float32 // of each cell, in pixels
}

// HeadOf reads a Detect node.
func HeadOf(n *graph.Node) Head {
	h := Head{Bins: int(n.Int("reg_max", 0)), Classes: int(n.Int("classes", 0))}
	for i := range h.Bins {
		h.Means = append(h.Means, float32(i))
	}
	for i, s := range n.Attrs["strides"].Floats {
		for y := range n.In[2*i].Shape[2] {
			for x := range n.In[2*i].Shape[3] {
				h.X, h.Y, h.Stride = append(h.X, float32(x)+0.5), append(h.Y, float32(y)+0.5), append(h.Stride, s)
			}
		}
	}
	return h
}
