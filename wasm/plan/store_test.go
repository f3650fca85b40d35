package plan

import (
	"testing"

	"eagleeye/wasm/graph"
)

// TestReprs checks where a grid spreads: to what only picks among the elements
// of gridded values, and back to what only such nodes read.
func TestReprs(t *testing.T) {
	u8 := func(scale float32) *graph.Quant {
		return &graph.Quant{DType: graph.Uint8, Scale: []float32{scale}, Zero: []int32{3}}
	}
	type node struct {
		op  string
		in  []int // values: 0 is the picture, n the result of nodes[n-1]
		own *graph.Quant
	}
	for _, c := range []struct {
		name  string
		nodes []node
		want  []float32 // scale of each result, 0: float32
	}{
		{"no grid", []node{{"Conv", []int{0}, nil}, {"MaxPool", []int{1}, nil}, {"Conv", []int{2}, nil}}, []float32{0, 0, 0}},
		{"forwards", []node{{"Conv", []int{0}, u8(1)}, {"MaxPool", []int{1}, nil}, {"Upsample", []int{2}, nil}, {"Conv", []int{3}, nil}}, []float32{1, 1, 1, 0}},
		{"forwards through equal members", []node{{"Conv", []int{0}, u8(1)}, {"Conv", []int{0}, u8(1)}, {"Concat", []int{1, 2}, nil}, {"Conv", []int{3}, nil}}, []float32{1, 1, 1, 0}},
		{"not through unequal ones", []node{{"Conv", []int{0}, u8(1)}, {"Conv", []int{0}, u8(2)}, {"Concat", []int{1, 2}, nil}, {"Conv", []int{3}, nil}}, []float32{1, 2, 0, 0}},
		{"backwards", []node{{"Conv", []int{0}, nil}, {"Slice", []int{1}, u8(2)}, {"Concat", []int{1, 2}, u8(2)}, {"Conv", []int{3}, nil}}, []float32{2, 2, 2, 0}},
		{"backwards over two", []node{{"Conv", []int{0}, nil}, {"MaxPool", []int{1}, nil}, {"Concat", []int{1, 2}, u8(2)}, {"Conv", []int{3}, nil}}, []float32{2, 2, 2, 0}},
		{"not to what a convolution reads", []node{{"Conv", []int{0}, nil}, {"MaxPool", []int{1}, u8(2)}, {"Conv", []int{1}, nil}, {"Conv", []int{2}, nil}}, []float32{0, 2, 0, 0}},
		{"not to what an addition reads", []node{{"Conv", []int{0}, nil}, {"MaxPool", []int{1}, u8(2)}, {"Add", []int{1, 1}, u8(2)}, {"Conv", []int{2}, nil}}, []float32{0, 2, 2, 0}},
		{"not to what has readers on two grids", []node{{"Conv", []int{0}, nil}, {"MaxPool", []int{1}, u8(2)}, {"Upsample", []int{1}, u8(1)}, {"Conv", []int{2}, nil}}, []float32{0, 2, 1, 0}},
		{"not to an output", []node{{"Conv", []int{0}, u8(1)}, {"MaxPool", []int{1}, nil}}, []float32{1, 0}},
		{"an own grid stays", []node{{"Conv", []int{0}, u8(1)}, {"MaxPool", []int{1}, u8(2)}, {"Conv", []int{2}, nil}}, []float32{1, 2, 0}},
	} {
		g := &graph.Graph{Inputs: []*graph.Value{{Name: "images"}}}
		vals := []*graph.Value{g.Inputs[0]}
		for _, n := range c.nodes {
			v := &graph.Value{Name: n.op, Quant: n.own}
			var in []*graph.Value
			for _, i := range n.in {
				in = append(in, vals[i])
			}
			vals = append(vals, v)
			g.Nodes = append(g.Nodes, &graph.Node{Op: n.op, In: in, Out: []*graph.Value{v}})
		}
		g.Outputs = vals[len(vals)-1:]
		r, err := reprs(g)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		for i, want := range c.want {
			if got := r[vals[i+1]]; got.scale != want || got.u8 != (want != 0) {
				t.Errorf("%s: result %d is %+v, want scale %v", c.name, i+1, got, want)
			}
		}
	}
}
