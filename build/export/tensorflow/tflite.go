package tensorflow

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"

	"eagleeye/build/export/form"
	"eagleeye/wasm/graph"
	"eagleeye/wasm/yolo"
)

// Encode returns g, as read from a file, as a TensorFlow Lite model whose
// input is [1,H,W,3] RGB in 0..1. Float precisions of a quantized model use its
// rounded weights and drop the grids of activations. Metadata lie behind the
// model as a zip file, where Ultralytics' loaders look for them.
func Encode(g *graph.Graph, o form.Options) ([]byte, error) {
	l, p, err := lower(g, o, o.Precision == form.Float16)
	if err != nil {
		return nil, err
	}
	in := p.Inputs[0].Shape
	return appendMetadata(l.encode(), metadata(g.Meta, in[2], in[3]))
}

// lower turns g into operators with channels last, its weights float16 where
// half says so; the prepared graph comes with them.
func lower(g *graph.Graph, o form.Options, half bool) (*lowering, *graph.Graph, error) {
	p, err := form.Prepare(g, o)
	if err != nil {
		return nil, nil, err
	}
	l := &lowering{
		file: file{buffers: [][]byte{nil}, description: "YOLOv8 detector by Eagle Eye"},
		half: half, at: map[*graph.Value]int{}, floats: map[int]int{},
	}
	l.input(p.Inputs[0])
	for _, n := range p.Nodes {
		if err := l.node(n); err != nil {
			return nil, nil, fmt.Errorf("%s %q: %w", n.Op, n.Name, err)
		}
	}
	return l, p, nil
}

// metadata gathers what the model's file says of itself; h×w is its input.
func metadata(meta map[string]string, h, w int) map[string]any {
	m := map[string]any{"imgsz": []int{h, w}}
	for k, v := range meta {
		n, err := strconv.Atoi(v)
		switch {
		case k == "imgsz":
		case k == "names":
			m[k] = names(v)
		case err == nil && (k == "stride" || k == "batch"):
			m[k] = n
		default:
			m[k] = v
		}
	}
	return m
}

// appendMetadata puts a zip file with metadata.json behind a model: readers of
// the model start at its front, readers of zip files at its end.
func appendMetadata(model []byte, m map[string]any) ([]byte, error) {
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return nil, err
	}
	var tail bytes.Buffer
	z := zip.NewWriter(&tail)
	z.SetOffset(int64(len(model)))
	f, err := z.Create("metadata.json")
	if err != nil {
		return nil, err
	}
	if _, err := f.Write(text); err != nil {
		return nil, err
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return append(model, tail.Bytes()...), nil
}

// names turns a Python dictionary of class names into a JSON object where it
// is one; else it stays text.
func names(text string) any {
	list, err := yolo.ParseNames(text)
	if err != nil {
		return text
	}
	m := make(map[string]string, len(list))
	for i, n := range list {
		m[strconv.Itoa(i)] = n
	}
	return m
}
