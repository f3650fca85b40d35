package zoo

import (
	"encoding/binary"

	"eagleeye/wasm/graph"
)

// The tail of a model exported with dynamic=True computes from the shapes of the
// feature maps what is constant in a static one.

// scalar is an int64 constant of rank 0.
func (n *net) scalar(name string, v int64) *graph.Value {
	if old := n.consts[name]; old != nil {
		return old
	}
	n.consts[name] = n.constant(name, graph.Int64, []int{}, binary.LittleEndian.AppendUint64(nil, uint64(v)))
	return n.consts[name]
}

// dim is a dimension of a value, as a scalar.
func (n *net) dim(scope string, of *graph.Value, axis int64) *graph.Value {
	shape := n.node(scope, "Shape", 1, nil, of)[0]
	return n.node(scope, "Gather", 1, axisAttr(0), shape, n.scalar([]string{"/batch_axis", "/channel_axis", "/row_axis", "/column_axis"}[axis], axis))[0]
}

// unsqueeze adds an axis; up to opset 12 it is an attribute.
func (n *net) unsqueeze(scope string, v *graph.Value, axis int64) *graph.Value {
	if n.c.Opset < 13 {
		return n.node(scope, "Unsqueeze", 1, map[string]graph.Attr{"axes": ints(axis)}, v)[0]
	}
	return n.node(scope, "Unsqueeze", 1, nil, v, n.int64s(map[int64]string{0: "/first", -1: "/last"}[axis], axis))[0]
}

// shape joins scalars to a shape.
func (n *net) shape(scope string, dims ...*graph.Value) *graph.Value {
	in := make([]*graph.Value, len(dims))
	for i, d := range dims {
		in[i] = n.unsqueeze(scope, d, 0)
	}
	return n.node(scope, "Concat", 1, axisAttr(0), in...)[0]
}

// centres counts 0.5, 1.5, … up to a size.
func (n *net) centres(scope string, size *graph.Value) *graph.Value {
	single := func(name string, v float32) *graph.Value {
		if n.consts[name] == nil {
			n.consts[name] = n.constant(name, graph.Float32, []int{}, float32s([]float32{v}))
		}
		return n.consts[name]
	}
	x := n.node(scope, "Cast", 1, map[string]graph.Attr{"to": integer(1)}, size)[0]
	x = n.node(scope, "Range", 1, nil, single("/zero", 0), x, single("/one", 1))[0]
	x = n.node(scope, "Add", 1, nil, x, single("/half", 0.5))[0]
	if n.c.Half {
		x = n.node(scope, "Cast", 1, map[string]graph.Attr{"to": integer(10)}, x)[0]
	}
	return x
}

// dynamicAnchors computes what anchors makes beforehand: cell centres [1,2,A] and
// strides [1,A].
func (n *net) dynamicAnchors(scope string, heads []tensor) (xy, strides *graph.Value) {
	var points, scales []*graph.Value
	flip := map[string]graph.Attr{"perm": ints(1, 0)}
	for _, head := range heads {
		h, w := n.dim(scope, head.v, 2), n.dim(scope, head.v, 3)
		grid := n.shape(scope, h, w)
		xs, ys := n.centres(scope, w), n.centres(scope, h)
		ys = n.node(scope, "Reshape", 1, nil, ys, n.int64s("/column", -1, 1))[0]
		xs = n.node(scope, "Expand", 1, nil, xs, grid)[0]
		ys = n.node(scope, "Expand", 1, nil, ys, grid)[0]
		both := n.node(scope, "Concat", 1, axisAttr(-1), n.unsqueeze(scope, xs, -1), n.unsqueeze(scope, ys, -1))[0]
		points = append(points, n.node(scope, "Reshape", 1, nil, both, n.int64s("/pairs", -1, 2))[0])
		area := n.node(scope, "Mul", 1, nil, h, w)[0]
		stride := n.floats("", []int{1}, []float32{float32(n.c.Size / head.w)})
		scales = append(scales, n.node(scope, "ConstantOfShape", 1,
			map[string]graph.Attr{"value": {Kind: graph.AttrTensor, T: stride.Const}}, n.shape(scope, area, n.scalar("/unit", 1)))[0])
	}
	xy = n.node(scope, "Concat", 1, axisAttr(0), points...)[0]
	xy = n.unsqueeze(scope, n.node(scope, "Transpose", 1, flip, xy)[0], 0)
	strides = n.node(scope, "Concat", 1, axisAttr(0), scales...)[0]
	return xy, n.node(scope, "Transpose", 1, flip, strides)[0]
}
