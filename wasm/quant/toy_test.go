package quant

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"

	"eagleeye/wasm/graph"
)

// toy builds graphs as exporters write them: SiLU is Sigmoid and Mul.
type toy struct {
	*rand.Rand
	g     *graph.Graph
	image *graph.Value
}

func newToy(seed uint64, size int) *toy {
	image := &graph.Value{Name: "images", DType: graph.Float32, Shape: []int{1, 3, size, size}}
	return &toy{
		Rand:  rand.New(rand.NewPCG(seed, 77)),
		g:     &graph.Graph{Name: "toy", Opset: 13, Inputs: []*graph.Value{image}, Meta: map[string]string{"stride": "8"}},
		image: image,
	}
}

func (t *toy) node(op, name string, attrs map[string]graph.Attr, outs int, in ...*graph.Value) []*graph.Value {
	n := &graph.Node{Name: name, Op: op, In: in, Attrs: attrs}
	for i := range outs {
		id := name
		if outs > 1 {
			id = fmt.Sprint(name, "_", i)
		}
		n.Out = append(n.Out, &graph.Value{Name: id, DType: graph.Float32})
	}
	t.g.Nodes = append(t.g.Nodes, n)
	return n.Out
}

func ints(v ...int64) graph.Attr { return graph.Attr{Kind: graph.AttrInts, Ints: v} }
func num(v int64) graph.Attr     { return graph.Attr{Kind: graph.AttrInt, I: v} }

func int64s(name string, v ...int64) *graph.Value {
	t := &graph.Tensor{DType: graph.Int64, Shape: []int{len(v)}}
	for _, x := range v {
		t.Data = binary.LittleEndian.AppendUint64(t.Data, uint64(x))
	}
	return &graph.Value{Name: name, DType: graph.Int64, Shape: t.Shape, Const: t}
}

func (t *toy) floats(name string, gain float64, shape ...int) *graph.Value {
	n := 1
	for _, d := range shape {
		n *= d
	}
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(t.NormFloat64() * gain)
	}
	return &graph.Value{Name: name, DType: graph.Float32, Shape: shape, Const: graph.FloatTensor(x, shape...)}
}

func (t *toy) conv(name string, x *graph.Value, in, out, k, stride int) *graph.Value {
	pad := int64(k / 2)
	s := int64(stride)
	return t.node("Conv", name, map[string]graph.Attr{
		"kernel_shape": ints(int64(k), int64(k)), "strides": ints(s, s), "pads": ints(pad, pad, pad, pad),
		"dilations": ints(1, 1), "group": num(1),
	}, 1, x, t.floats(name+".weight", 1/float64(in*k), out, in, k, k), t.floats(name+".bias", 0.3, out))[0]
}

func (t *toy) silu(name string, x *graph.Value, in, out, k, stride int) *graph.Value {
	y := t.conv(name, x, in, out, k, stride)
	s := t.node("Sigmoid", name+".sig", nil, 1, y)[0]
	return t.node("Mul", name+".act", nil, 1, y, s)[0]
}

// toyDetector has one of everything that matters here: a C2f block with its
// split, residual and concat, pooled and upsampled concats, and a head with two
// branches that meet in a decode tail with a convolution of its own.
func toyDetector(seed uint64) *graph.Graph {
	t := newToy(seed, 16)
	x := t.silu("stem", t.image, 3, 8, 3, 2)
	x = t.silu("c2f.cv1", x, 8, 16, 1, 1)
	half := t.node("Split", "split", map[string]graph.Attr{"axis": num(1)}, 2, x, int64s("halves", 8, 8))
	m := t.silu("c2f.m1", half[1], 8, 8, 3, 1)
	m = t.silu("c2f.m2", m, 8, 8, 3, 1)
	sum := t.node("Add", "add", nil, 1, half[1], m)[0]
	cat := t.node("Concat", "cat", map[string]graph.Attr{"axis": num(1)}, 1, half[0], half[1], sum)[0]
	x = t.silu("c2f.cv2", cat, 24, 16, 1, 1)
	down := t.silu("down", x, 16, 16, 3, 2)
	pool := t.node("MaxPool", "pool", map[string]graph.Attr{
		"kernel_shape": ints(5, 5), "strides": ints(1, 1), "pads": ints(2, 2, 2, 2),
	}, 1, down)[0]
	cat = t.node("Concat", "sppf", map[string]graph.Attr{"axis": num(1)}, 1, down, pool)[0]
	y := t.silu("sppf.cv2", cat, 32, 16, 1, 1)
	up := t.node("Resize", "up", map[string]graph.Attr{
		"mode": {Kind: graph.AttrString, S: "nearest"}, "coordinate_transformation_mode": {Kind: graph.AttrString, S: "asymmetric"},
		"nearest_mode": {Kind: graph.AttrString, S: "floor"},
	}, 1, y, nil, &graph.Value{Name: "scales", DType: graph.Float32, Shape: []int{4}, Const: graph.FloatTensor([]float32{1, 1, 2, 2}, 4)})[0]
	cat = t.node("Concat", "neck", map[string]graph.Attr{"axis": num(1)}, 1, up, x)[0]
	x = t.silu("neck.cv", cat, 32, 16, 1, 1)

	box := t.conv("box.out", t.silu("box.cv", x, 16, 8, 3, 1), 8, 16, 1, 1)
	cls := t.conv("cls.out", t.silu("cls.cv", x, 16, 8, 3, 1), 8, 5, 1, 1)
	head := t.node("Concat", "head", map[string]graph.Attr{"axis": num(1)}, 1, box, cls)[0]
	flat := t.node("Reshape", "flat", nil, 1, head, int64s("flatshape", 1, 21, 64))[0]
	part := t.node("Split", "parts", map[string]graph.Attr{"axis": num(1)}, 2, flat, int64s("partsizes", 16, 5))
	d := t.node("Reshape", "dist", nil, 1, part[0], int64s("distshape", 1, 4, 4, 64))[0]
	d = t.node("Transpose", "bins", map[string]graph.Attr{"perm": ints(0, 2, 1, 3)}, 1, d)[0]
	d = t.node("Softmax", "soft", map[string]graph.Attr{"axis": num(1)}, 1, d)[0]
	d = t.node("Conv", "dfl", map[string]graph.Attr{"kernel_shape": ints(1, 1)}, 1, d,
		&graph.Value{Name: "dfl.weight", DType: graph.Float32, Shape: []int{1, 4, 1, 1}, Const: graph.FloatTensor([]float32{0, 1, 2, 3}, 1, 4, 1, 1)})[0]
	d = t.node("Reshape", "boxes", nil, 1, d, int64s("boxshape", 1, 4, 64))[0]
	s := t.node("Sigmoid", "scores", nil, 1, part[1])[0]
	out := t.node("Concat", "output0", map[string]graph.Attr{"axis": num(1)}, 1, d, s)[0]
	out.Shape = []int{1, 9, 64}
	t.g.Outputs = []*graph.Value{out}
	return t.g
}
