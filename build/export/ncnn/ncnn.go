// Package ncnn writes detectors in ncnn's form: a text of layers (.param) and
// their weights (.bin). It may import wasm/graph.
//
// The input is blob "in0", RGB in 0..1 as c, h, w; the result is blob "out0",
// [4+classes][anchors] with centre and size in pixels of the input, as
// Ultralytics exports it. Sources: ncnn's wiki pages "param and model file
// structure" and "operation param weight table".
package ncnn

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"eagleeye/wasm/graph"
	"eagleeye/wasm/yolo"
)

// Precision is how weights are stored and convolutions computed.
type Precision string

const (
	Float32 Precision = "fp32"
	Float16 Precision = "fp16"
	Int8    Precision = "int8" // of a quantized model: convolutions in int8
)

// Options choose the form of the files.
type Options struct {
	Precision     Precision
	Width, Height int // of the input; 0: the model's own
}

// Model is the content of the files of a model. Metadata is YAML, as
// Ultralytics writes beside them.
type Model struct{ Param, Bin, Metadata []byte }

// ErrUnsupported marks models that ncnn cannot hold in the form asked for.
var ErrUnsupported = errors.New("no ncnn form")

// Encode returns g, as read from a file, in ncnn's form. In int8, ncnn's grids
// of activations are symmetric: each covers the larger side of the model's own.
func Encode(g *graph.Graph, o Options) (*Model, error) {
	if o.Precision == "" {
		o.Precision = Float32
	}
	meta := g.Meta
	if o.Precision != Int8 {
		g = graph.FloatOnly(g)
	}
	p, err := graph.Prepare(g, o.Height, o.Width)
	if err != nil {
		return nil, err
	}
	w := &writer{half: o.Precision == Float16, names: map[*graph.Value]string{}, left: map[*graph.Value][]string{}}
	quantized := false
	uses := map[*graph.Value]int{}
	for _, n := range p.Nodes {
		quantized = quantized || n.Op == "Conv" && n.In[1].Quant != nil
		for _, v := range n.In {
			if v != nil && v.Const == nil {
				uses[v]++
			}
		}
	}
	if o.Precision == Int8 && !quantized {
		return nil, fmt.Errorf("%w: the model is not quantized; quantize it first", ErrUnsupported)
	}
	w.uses = uses
	w.layer("Input", "in0", nil, "in0")
	w.made(p.Inputs[0], "in0")
	for _, n := range p.Nodes {
		if err := w.node(n, p.Inputs[0].Shape); err != nil {
			return nil, fmt.Errorf("%s %q: %w", n.Op, n.Name, err)
		}
	}
	param := fmt.Sprintf("7767517\n%d %d\n%s", w.layers, w.blobs, w.text.String())
	in := p.Inputs[0].Shape
	return &Model{[]byte(param), w.bin, metadata(meta, in[2], in[3])}, nil
}

// metadata is the YAML that Ultralytics' loader reads.
func metadata(meta map[string]string, h, w int) []byte {
	var b strings.Builder
	for _, k := range []string{"description", "author", "version", "task", "stride", "batch"} {
		if v, ok := meta[k]; ok {
			if _, err := strconv.Atoi(v); err != nil {
				v = strconv.Quote(v)
			}
			fmt.Fprintf(&b, "%s: %s\n", k, v)
		}
	}
	fmt.Fprintf(&b, "imgsz:\n- %d\n- %d\n", h, w)
	if names, err := yolo.ParseNames(meta["names"]); err == nil {
		b.WriteString("names:\n")
		for i, n := range names {
			fmt.Fprintf(&b, "  %d: %s\n", i, strconv.Quote(n))
		}
	}
	return []byte(b.String())
}
