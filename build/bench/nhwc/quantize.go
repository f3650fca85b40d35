package nhwc

import (
	"fmt"
	"math"
)

// Range is the smallest and the largest number that a value took.
type Range struct{ Min, Max float32 }

// grid says how the numbers of an int8 tensor are stored: real = scale·(q−zero).
// A constant of convolution weights has a scale for each output channel.
type grid struct {
	scale []float32
	zero  int64
}

// grids chooses a grid for every tensor of the network, from its input to the
// maps of the head; what follows the first Reshape stays float, as decoding in
// bytes ruins boxes. ranges are those of the graph's values by name.
//
// Runtimes want one grid for the members of a concatenation, and for what
// pooling, slicing and resizing read and write.
func (n *Net) grids(ranges map[string]Range) (map[int]grid, error) {
	group := make([]int, len(n.Tensors))
	for i := range group {
		group[i] = i
	}
	find := func(i int) int {
		for group[i] != i {
			i = group[i]
		}
		return i
	}
	fixed, whole := map[int]grid{}, map[int]Range{}
	for _, o := range n.body() {
		switch o.Kind {
		case Concat, Slice, MaxPool, Upsample:
			for _, i := range o.In {
				group[find(i)] = find(o.Out)
			}
		case Sigmoid: // LiteRT's kernel asks for just this grid
			fixed[o.Out] = grid{[]float32{1.0 / 256}, -128}
		}
	}
	named := append([]int{n.Input}, outputs(n.body())...)
	for _, i := range named {
		if _, ok := fixed[i]; ok {
			continue
		}
		r, ok := ranges[n.Tensors[i].Name]
		if !ok {
			return nil, fmt.Errorf("%w: no range for %q", ErrUnsupported, n.Tensors[i].Name)
		}
		root := find(i)
		w := whole[root]
		whole[root] = Range{min(w.Min, r.Min, 0), max(w.Max, r.Max, 0)}
	}
	out := fixed
	for _, i := range named {
		if _, ok := out[i]; !ok {
			out[i] = gridOf(whole[find(i)])
		}
	}
	return out, nil
}

func gridOf(r Range) grid {
	scale := max((r.Max-r.Min)/255, 1e-8)
	zero := math.Round(float64(-r.Min/scale)) - 128
	return grid{[]float32{scale}, int64(min(max(zero, -128), 127))}
}

// body are the operations before the head's decoding.
func (n *Net) body() []Op {
	for i, o := range n.Ops {
		if o.Kind == Reshape {
			return n.Ops[:i]
		}
	}
	return n.Ops
}

func outputs(ops []Op) (out []int) {
	for _, o := range ops {
		out = append(out, o.Out)
	}
	return out
}

// weights rounds a convolution's weights [O,…] to int8, symmetrically, with the
// largest of each output channel at 127.
func weights(t Tensor) ([]byte, grid) {
	rest := len(t.Data) / t.Shape[0]
	g := grid{scale: make([]float32, t.Shape[0])}
	out := make([]byte, len(t.Data))
	for o := range g.scale {
		row := t.Data[o*rest : (o+1)*rest]
		top := float32(0)
		for _, v := range row {
			top = max(top, float32(math.Abs(float64(v))))
		}
		g.scale[o] = max(top/127, 1e-8)
		for i, v := range row {
			out[o*rest+i] = byte(int8(math.Round(float64(v / g.scale[o]))))
		}
	}
	return out, g
}
