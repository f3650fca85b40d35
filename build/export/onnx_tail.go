package export

import (
	"slices"

	"eagleeye/build/export/form"
	"eagleeye/wasm/graph"
)

// detect writes the decoding: softmax over each side's bins, their mean by a
// 1×1 convolution, boxes about the cells' centres, sigmoid of the classes.
func (w *onnxWriter) detect(n *graph.Node) {
	h := form.HeadOf(n)
	bins, classes := int64(h.Bins), int64(h.Classes)
	var boxes, scores []*graph.Value
	for i := 0; i < len(n.In); i += 2 {
		boxes = append(boxes, w.op("Reshape", "", nil, w.at[n.In[i]], w.ints(0, 4*bins, -1)))
		scores = append(scores, w.op("Reshape", "", nil, w.at[n.In[i+1]], w.ints(0, classes, -1)))
	}
	x := w.op("Reshape", "", nil, w.op("Concat", "", axis(2), boxes...), w.ints(0, 4, bins, -1))
	// Before opset 13 Softmax flattens what follows its axis: bring the bins last.
	x = w.op("Transpose", "", perm(0, 3, 1, 2), x)
	x = w.op("Softmax", "", axis(3), x)
	x = w.op("Transpose", "", perm(0, 3, 2, 1), x)
	x = w.op("Conv", "", map[string]graph.Attr{"kernel_shape": list(1, 1), "strides": list(1, 1), "pads": list(0, 0, 0, 0), "dilations": list(1, 1), "group": number(1)},
		x, w.floats("", h.Means, 1, h.Bins, 1, 1))
	x = w.op("Reshape", "", nil, x, w.ints(0, 4, -1))
	near, far := w.slice("", x, 0, 2), w.slice("", x, 2, 4)
	cells, scale := w.cells(n, h)
	low, high := w.op("Sub", "", nil, cells, near), w.op("Add", "", nil, cells, far)
	centre := w.op("Div", "", nil, w.op("Add", "", nil, low, high), w.floats("", []float32{2}))
	box := w.op("Mul", "", nil, w.op("Concat", "", axis(1), centre, w.op("Sub", "", nil, high, low)), scale)
	score := w.op("Sigmoid", "", nil, w.op("Concat", "", axis(2), scores...))
	out := w.op("Concat", n.Out[0].Name, axis(1), box, score)
	out.Shape = []int{1, 4 + h.Classes, len(h.Stride)}
	if w.o.Dynamic {
		out.Shape = []int{-1, 4 + h.Classes, -1}
	}
	w.g.Outputs = []*graph.Value{out}
}

func perm(v ...int64) map[string]graph.Attr { return map[string]graph.Attr{"perm": list(v...)} }

// cells returns the centres of the maps' cells, in cells, as [1,2,N] x then y,
// and the strides [1,N].
func (w *onnxWriter) cells(n *graph.Node, h form.Head) (cells, scale *graph.Value) {
	if total := len(h.Stride); !w.o.Dynamic {
		return w.floats("", slices.Concat(h.X, h.Y), 1, 2, total), w.floats("", h.Stride, 1, total)
	}
	var xy, sizes []*graph.Value
	for i, s := range n.Attrs["strides"].Floats {
		c, st := w.level(w.at[n.In[2*i]], s)
		xy, sizes = append(xy, c), append(sizes, st)
	}
	return w.op("Concat", "", axis(2), xy...), w.op("Concat", "", axis(1), sizes...)
}

// level computes the same from the shape of a map.
func (w *onnxWriter) level(of *graph.Value, stride float32) (xy, scale *graph.Value) {
	shape := w.op("Shape", "", nil, of)
	shape.DType = graph.Int64
	dim := func(i int64) *graph.Value {
		d := w.op("Gather", "", axis(0), shape, w.scalar(i))
		d.DType = graph.Int64
		return d
	}
	count := func(size *graph.Value) *graph.Value { // 0.5, 1.5, …
		f := w.op("Cast", "", map[string]graph.Attr{"to": number(1)}, size)
		r := w.op("Range", "", nil, w.floats("", []float32{0}), f, w.floats("", []float32{1}))
		return w.op("Add", "", nil, r, w.floats("", []float32{0.5}))
	}
	grid := w.op("Slice", "", nil, shape, w.ints(2), w.ints(4), w.ints(0))
	grid.DType = graph.Int64
	row := w.op("Expand", "", nil, count(dim(3)), grid)
	column := w.op("Expand", "", nil, w.op("Reshape", "", nil, count(dim(2)), w.ints(-1, 1)), grid)
	flat := func(v *graph.Value) *graph.Value { return w.op("Reshape", "", nil, v, w.ints(1, 1, -1)) }
	x := flat(row)
	xy = w.op("Concat", "", axis(1), x, flat(column))
	zero := w.op("Mul", "", nil, w.op("Reshape", "", nil, x, w.ints(1, -1)), w.floats("", []float32{0}))
	return xy, w.op("Add", "", nil, zero, w.floats("", []float32{stride}))
}
