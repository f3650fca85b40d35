package tensorflow

import (
	"eagleeye/build/export/form"
	"eagleeye/wasm/graph"
)

// detect writes the decoding of the head's maps: the expectation of each
// side's distribution, boxes around the cells' centres, scores by sigmoid.
// It stays in float, in any precision.
func (l *lowering) detect(n *graph.Node) error {
	head, in := form.HeadOf(n), l.elements[l.inputs[0]].shape
	var boxes, scores []int
	for i := 0; i < len(n.In); i += 2 {
		flat := func(v *graph.Value) int {
			return l.reshape(l.float(l.at[v]), 1, v.Shape[2]*v.Shape[3], v.Shape[1])
		}
		boxes, scores = append(boxes, flat(n.In[i])), append(scores, flat(n.In[i+1]))
	}
	var centres, scale []float32 // cells' centres in cells, strides in parts of the input
	for i, s := range head.Stride {
		w, h := s/float32(in[2]), s/float32(in[1])
		centres, scale = append(centres, head.X[i], head.Y[i]), append(scale, w, h, w, h)
	}
	bins, classes, total := head.Bins, head.Classes, len(head.Stride)
	real := func(name string, shape ...int) element { return element{name: name, kind: float32Type, shape: shape} }
	join := func(name string, parts []int, channels int) int {
		return l.computed(opConcatenation, parts, real(name, 1, total, channels), options{union: 10, fields: []field{{0, int32(1)}}})
	}
	dist := l.reshape(join("detect/distributions", boxes, 4*bins), 1, total, 4, bins)
	prob := l.computed(opSoftmax, []int{dist}, real("detect/probabilities", 1, total, 4, bins), options{union: 9, fields: []field{{0, float32(1)}}})
	weights := l.reals("detect/bins", head.Means, false, 1, 1, 1, bins)
	none := l.reals("detect/no bias", []float32{0}, false, 1)
	sides := l.computed(opConv2D, []int{prob, weights, none}, real("detect/sides", 1, total, 4, 1), options{union: 1, fields: []field{
		{1, int32(1)}, {2, int32(1)}, {4, int32(1)}, {5, int32(1)}, {0, int8(1)}}})
	sides = l.reshape(sides, 1, total, 4)
	size := l.indices("detect/half", 1, total, 2)
	near := l.computed(opSlice, []int{sides, l.indices("detect/near", 0, 0, 0), size}, real("detect/left top", 1, total, 2), options{union: 48})
	far := l.computed(opSlice, []int{sides, l.indices("detect/far", 0, 0, 2), size}, real("detect/right bottom", 1, total, 2), options{union: 48})
	// centre = cell + (far − near)/2, size = far + near
	gap := l.computed(opSub, []int{far, near}, real("detect/gap", 1, total, 2), options{union: 28})
	half := l.computed(opMul, []int{gap, l.reals("detect/one half", []float32{0.5}, false, 1)}, real("detect/offset", 1, total, 2), options{union: 21})
	centre := l.computed(opAdd, []int{half, l.reals("detect/cells", centres, false, 1, total, 2)}, real("detect/centre", 1, total, 2), options{union: 11})
	extent := l.computed(opAdd, []int{far, near}, real("detect/size", 1, total, 2), options{union: 11})
	last := options{union: 10, fields: []field{{0, int32(2)}}}
	box := l.computed(opConcatenation, []int{centre, extent}, real("detect/cells' boxes", 1, total, 4), last)
	box = l.computed(opMul, []int{box, l.reals("detect/strides", scale, false, 1, total, 4)}, real("detect/boxes", 1, total, 4), options{union: 21})
	score := l.computed(opLogistic, []int{join("detect/logits", scores, classes)}, real("detect/scores", 1, total, classes), options{})
	all := l.computed(opConcatenation, []int{box, score}, real("detect/rows", 1, total, 4+classes), last)
	out := l.computed(opTranspose, []int{all, l.indices("detect/order", 0, 2, 1)}, real(n.Out[0].Name, 1, 4+classes, total), options{union: 26})
	l.outer = []int{out}
	return nil
}

func (l *lowering) reshape(x int, shape ...int) int {
	e := l.elements[x]
	name := e.name + "/rows"
	to := l.indices(name+"/shape", shape...)
	return l.computed(opReshape, []int{x, to}, element{name: name, kind: e.kind, shape: shape}, options{union: 17})
}
