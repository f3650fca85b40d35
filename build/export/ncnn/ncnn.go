// Package ncnn writes detectors in ncnn's form: a text of layers (.param) and
// their weights (.bin). It may import
// build/export/form and wasm/graph.
//
// The input is blob "in0", RGB in 0..1 as c, h, w; the result is blob "out0",
// [4+classes][anchors] with centre and size in pixels of the input, as
// Ultralytics exports it. Sources: ncnn's wiki pages "param and model file
// structure" and "operation param weight table".
package ncnn

import (
	"fmt"
	"strconv"
	"strings"

	"eagleeye/build/export/form"
	"eagleeye/wasm/graph"
	"eagleeye/wasm/yolo"
)

// Model is the content of the files of a model. Metadata is YAML, as
// Ultralytics writes beside them.
type Model struct{ Param, Bin, Metadata []byte }

// Encode returns g, as read from a file, in ncnn's form. In int8, ncnn's grids
// of activations are symmetric: each covers the larger side of the model's own.
func Encode(g *graph.Graph, o form.Options) (*Model, error) {
	p, err := form.Prepare(g, o)
	if err != nil {
		return nil, err
	}
	w := &writer{half: o.Precision == form.Float16, names: map[*graph.Value]string{}, left: map[*graph.Value][]string{}}
	uses := map[*graph.Value]int{}
	for _, n := range p.Nodes {
		for _, v := range n.In {
			if v != nil && v.Const == nil {
				uses[v]++
			}
		}
	}
	w.uses = uses
	w.layer("Input", "in0", nil, "in0")
	w.made(p.Inputs[0], "in0")
	for _, n := range p.Nodes {
		if err := w.node(n); err != nil {
			return nil, fmt.Errorf("%s %q: %w", n.Op, n.Name, err)
		}
	}
	param := fmt.Sprintf("7767517\n%d %d\n%s", w.layers, w.blobs, w.text.String())
	in := p.Inputs[0].Shape
	return &Model{[]byte(param), w.bin, metadata(g.Meta, in[2], in[3])}, nil
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
