package plan

import (
	"strings"
	"testing"

	"eagleeye/wasm/graph"
)

func ints(v ...int64) graph.Attr { return graph.Attr{Kind: graph.AttrInts, Ints: v} }
func num(v int64) graph.Attr     { return graph.Attr{Kind: graph.AttrInt, I: v} }

// TestRefused hands Build graphs that break its contract: errors, no panics.
func TestRefused(t *testing.T) {
	value := func(name string, shape ...int) *graph.Value { return &graph.Value{Name: name, Shape: shape} }
	weights := func(shape ...int) *graph.Value {
		n := 1
		for _, d := range shape {
			n *= d
		}
		return &graph.Value{Name: "w", Shape: shape, Const: graph.FloatTensor(make([]float32, n), shape...)}
	}
	image := func() *graph.Value { return value("images", 1, 3, 8, 8) }
	conv := func(in *graph.Value, out *graph.Value, w *graph.Value, attrs map[string]graph.Attr) *graph.Node {
		return &graph.Node{Name: "c", Op: "Conv", In: []*graph.Value{in, w, nil}, Out: []*graph.Value{out}, Attrs: attrs}
	}
	one := func(n *graph.Node) *graph.Graph {
		x := image()
		y := value("y", 1, 8, 8, 8)
		n.In = append([]*graph.Value{y}, n.In...)
		return &graph.Graph{Inputs: []*graph.Value{x}, Nodes: []*graph.Node{conv(x, y, weights(8, 3, 1, 1), nil), n}, Outputs: n.Out}
	}
	square := func(k int64) graph.Attr { return ints(k, k) }
	nan := weights(8, 3, 1, 1)
	copy(nan.Const.Data, []byte{0, 0, 0xc0, 0x7f})
	short := weights(8, 3, 1, 1)
	short.Const.Data = short.Const.Data[:10]
	gridded := value("y", 1, 8, 8, 8)
	gridded.Quant = &graph.Quant{DType: graph.Uint8, Scale: []float32{1, 2}, Zero: []int32{0, 0}}
	for _, c := range []struct {
		name string
		g    *graph.Graph
		want string
	}{
		{"no input", &graph.Graph{}, "inputs"},
		{"grey picture", &graph.Graph{Inputs: []*graph.Value{value("images", 1, 1, 8, 8)}}, "want [1 3"},
		{"unknown shape", one(&graph.Node{Op: "SiLU", Out: []*graph.Value{value("z")}}), "shape"},
		{"huge", one(&graph.Node{Op: "SiLU", Out: []*graph.Value{value("z", 1, 8, 1<<20, 8)}}), "too large"},
		{"unknown operator", one(&graph.Node{Op: "Einsum", Out: []*graph.Value{value("z", 1, 8, 8, 8)}}), "Einsum"},
		{"computed nowhere", one(&graph.Node{Op: "Add", In: []*graph.Value{value("q", 1, 8, 8, 8)}, Out: []*graph.Value{value("z", 1, 8, 8, 8)}}), "no earlier node"},
		{"missing operand", one(&graph.Node{Op: "Add", In: []*graph.Value{nil}, Out: []*graph.Value{value("z", 1, 8, 8, 8)}}), "no earlier node"},
		{"broadcast", func() *graph.Graph {
			g := one(&graph.Node{Op: "SiLU", Out: []*graph.Value{value("s", 1, 8, 8, 8)}})
			g.Nodes = append(g.Nodes, &graph.Node{Op: "Mul", In: []*graph.Value{g.Nodes[1].Out[0], g.Nodes[0].Out[0]}, Out: []*graph.Value{value("z", 1, 8, 4, 8)}})
			return g
		}(), "broadcast"},
		{"softmax of padded channels", func() *graph.Graph {
			x, y := image(), value("y", 1, 5, 8, 8)
			soft := &graph.Node{Op: "Softmax", In: []*graph.Value{y}, Out: []*graph.Value{value("z", 1, 5, 8, 8)}}
			return &graph.Graph{Inputs: []*graph.Value{x}, Nodes: []*graph.Node{conv(x, y, weights(5, 3, 1, 1), nil), soft}, Outputs: soft.Out}
		}(), "multiple of 8"},
		{"slice outside", one(&graph.Node{Op: "Slice", Out: []*graph.Value{value("z", 1, 8, 8, 8)}, Attrs: map[string]graph.Attr{"start": num(4), "end": num(12)}}), "channels 4 to 12"},
		{"concat along height", one(&graph.Node{Op: "Concat", Out: []*graph.Value{value("z", 1, 8, 8, 8)}, Attrs: map[string]graph.Attr{"axis": num(2)}}), "axis 2"},
		{"oblong pool", one(&graph.Node{Op: "MaxPool", Out: []*graph.Value{value("z", 1, 8, 8, 8)}, Attrs: map[string]graph.Attr{"kernel_shape": ints(3, 5)}}), "square"},
		{"pool beside the map", one(&graph.Node{Op: "MaxPool", Out: []*graph.Value{value("z", 1, 8, 20, 20)}, Attrs: map[string]graph.Attr{"kernel_shape": square(3), "pads": ints(1, 1, 9, 9)}}), "outside"},
		{"pool of padding", one(&graph.Node{Op: "MaxPool", Out: []*graph.Value{value("z", 1, 8, 8, 8)}, Attrs: map[string]graph.Attr{"kernel_shape": square(3), "pads": ints(3, 3, 3, 3)}}), "outside"},
		{"upsample by another factor", one(&graph.Node{Op: "Upsample", Out: []*graph.Value{value("z", 1, 8, 24, 24)}, Attrs: map[string]graph.Attr{"factor": num(2)}}), "does not become"},
		{"weights of another shape", one(&graph.Node{Op: "Conv", In: []*graph.Value{weights(8, 4, 1, 1)}, Out: []*graph.Value{value("z", 1, 8, 8, 8)}}), "do not fit"},
		{"flat weights", one(&graph.Node{Op: "Conv", In: []*graph.Value{weights(8)}, Out: []*graph.Value{value("z", 1, 8, 8, 8)}}), "weights of shape"},
		{"stride 0", one(&graph.Node{Op: "Conv", In: []*graph.Value{weights(8, 8, 1, 1)}, Out: []*graph.Value{value("z", 1, 8, 8, 8)}, Attrs: map[string]graph.Attr{"strides": square(0)}}), "strides 0x0"},
		{"huge dilation", one(&graph.Node{Op: "Conv", In: []*graph.Value{weights(8, 8, 3, 3)}, Out: []*graph.Value{value("z", 1, 8, 8, 8)}, Attrs: map[string]graph.Attr{"dilations": square(1 << 20)}}), "too large"},
		{"unknown activation", one(&graph.Node{Op: "Conv", In: []*graph.Value{weights(8, 8, 1, 1)}, Out: []*graph.Value{value("z", 1, 8, 8, 8)}, Attrs: map[string]graph.Attr{"act": {Kind: graph.AttrString, S: "Mish"}}}), "Mish"},
		{"NaN weight", &graph.Graph{Inputs: []*graph.Value{image()}}, "NaN"},
		{"short weights", &graph.Graph{Inputs: []*graph.Value{image()}}, "bytes for shape"},
		{"grid a channel", &graph.Graph{Inputs: []*graph.Value{image()}}, "per tensor"},
		{"picture pooled", &graph.Graph{Inputs: []*graph.Value{image()}}, "only a convolution"},
	} {
		in := func() *graph.Value { return c.g.Inputs[0] }
		switch c.name {
		case "NaN weight":
			c.g.Nodes = []*graph.Node{conv(in(), value("y", 1, 8, 8, 8), nan, nil)}
		case "short weights":
			c.g.Nodes = []*graph.Node{conv(in(), value("y", 1, 8, 8, 8), short, nil)}
		case "grid a channel":
			c.g.Nodes = []*graph.Node{conv(in(), gridded, weights(8, 3, 1, 1), nil)}
		case "picture pooled":
			c.g.Nodes = []*graph.Node{{Op: "MaxPool", In: c.g.Inputs, Out: []*graph.Value{value("y", 1, 3, 8, 8)}}}
		}
		if _, err := Build(c.g, Options{}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want an error with %q", c.name, err, c.want)
		}
	}
}

// TestDetectRefused covers the head.
func TestDetectRefused(t *testing.T) {
	build := func(box, cls []int, attrs map[string]graph.Attr) error {
		in := &graph.Value{Name: "images", Shape: []int{1, 3, 8, 8}}
		g := &graph.Graph{Inputs: []*graph.Value{in}}
		var maps []*graph.Value
		for _, shape := range [][]int{box, cls} {
			w := graph.FloatTensor(make([]float32, 3*shape[1]), shape[1], 3, 1, 1)
			y := &graph.Value{Name: "y", Shape: shape}
			g.Nodes = append(g.Nodes, &graph.Node{Op: "Conv", In: []*graph.Value{in, {Shape: w.Shape, Const: w}, nil}, Out: []*graph.Value{y}})
			maps = append(maps, y)
		}
		g.Nodes = append(g.Nodes, &graph.Node{Op: "Detect", In: maps, Out: []*graph.Value{{Name: "output0"}}, Attrs: attrs})
		_, err := Build(g, Options{})
		return err
	}
	attrs := func(regMax, classes int64, strides ...float32) map[string]graph.Attr {
		return map[string]graph.Attr{"reg_max": num(regMax), "classes": num(classes), "strides": {Kind: graph.AttrFloats, Floats: strides}}
	}
	box, cls := []int{1, 64, 8, 8}, []int{1, 5, 8, 8}
	if err := build(box, cls, attrs(16, 5, 8)); err != nil {
		t.Errorf("a good head: %v", err)
	}
	for name, err := range map[string]error{
		"no strides":     build(box, cls, attrs(16, 5)),
		"more strides":   build(box, cls, attrs(16, 5, 8, 16)),
		"other classes":  build(box, cls, attrs(16, 6, 8)),
		"other bins":     build(box, cls, attrs(8, 5, 8)),
		"odd bins":       build([]int{1, 20, 8, 8}, cls, attrs(5, 5, 8)),
		"no classes":     build(box, cls, attrs(16, 0, 8)),
		"maps of a size": build([]int{1, 64, 4, 4}, cls, attrs(16, 5, 8)),
	} {
		if err == nil || !strings.Contains(err.Error(), "detect") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
