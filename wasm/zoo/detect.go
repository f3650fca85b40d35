package zoo

import (
	"fmt"

	"eagleeye/wasm/graph"
)

// What the seeded head is set to, so that a picture gives some detections and
// not thousands: means and deviations of the logits. Bins farther out are less
// likely.
const (
	classMean, classDeviation       = -4.5, 1.2
	boxMean, boxSlope, boxDeviation = 1.0, -0.25, 1.5
)

// detect is the anchor-free head: at each of strides 8, 16, 32 a branch for the
// distributions of the box sides and one for the classes, then the decoding.
func (n *net) detect(path string, maps []tensor) {
	scope, classes := "/"+path, len(n.c.Classes)
	c2 := max(16, maps[0].c/4, 4*regMax)
	c3 := max(maps[0].c, min(classes, 100))
	branch := func(name string, i int, x tensor, mid int, deviation float64, bias []float32) tensor {
		at := func(j int) (string, string) {
			return fmt.Sprintf("%s/%s.%d/%s.%d.%d", scope, name, i, name, i, j), fmt.Sprintf("%s.%s.%d.%d", path, name, i, j)
		}
		s, p := at(0)
		x = n.convAt(s, p, x, mid, 3, 1)
		s, p = at(1)
		x = n.convAt(s, p, x, mid, 3, 1)
		s, p = at(2)
		if n.c.BN {
			return n.plain(s, p, x, bias)
		}
		return n.conv2d(s, p, x, len(bias), 1, 1, bias, func(q plane, w []float32) { q.normalize(w, bias, deviation) })
	}
	var heads []tensor
	for i, x := range maps {
		boxBias, classBias := make([]float32, 4*regMax), make([]float32, classes)
		for k := range boxBias {
			boxBias[k] = boxMean + boxSlope*float32(k%regMax)
		}
		for k := range classBias {
			classBias[k] = classMean
		}
		if n.c.BN {
			n.startBias(i, boxBias, classBias)
		}
		box := branch("cv2", i, x, c2, boxDeviation, boxBias)
		cls := branch("cv3", i, x, c3, classDeviation, classBias)
		heads = append(heads, n.concat(scope, 1, box, cls))
	}
	n.decode(scope, path, heads)
}

// decode is the tail: softmax over the bins and its mean (distribution focal
// loss, Li et al., 2020), distances to boxes, scores by sigmoid.
func (n *net) decode(scope, path string, heads []tensor) {
	classes := len(n.c.Classes)
	// The exporter's first ones of these are folded to constants of their names.
	n.counts[scope+"/Mul"], n.counts[scope+"/Add"], n.counts[scope+"/Div"] = 2, 1, 1
	t := n.tail(scope, heads)
	var parts []tensor
	for _, h := range heads {
		parts = append(parts, tensor{v: n.node(scope, "Reshape", 1, nil, h.v, t.flat)[0]})
	}
	all := n.concat(scope, 2, parts...)
	sides := n.split(scope, all.v, 4*regMax, int64(classes))

	dfl := scope + "/dfl"
	x := n.node(dfl, "Reshape", 1, nil, sides[0], t.bins)[0]
	x = n.node(dfl, "Transpose", 1, map[string]graph.Attr{"perm": ints(0, 2, 1, 3)}, x)[0]
	if n.c.Opset < 13 { // Softmax works on a flattened tail there: bring the bins last
		last := map[string]graph.Attr{"perm": ints(0, 3, 2, 1)}
		x = n.node(dfl, "Transpose", 1, last, x)[0]
		x = n.node(dfl, "Softmax", 1, axisAttr(3), x)[0]
		x = n.node(dfl, "Transpose", 1, last, x)[0]
	} else {
		x = n.node(dfl, "Softmax", 1, axisAttr(1), x)[0]
	}
	bins := make([]float32, regMax)
	for i := range bins {
		bins[i] = float32(i)
	}
	x = n.node(dfl+"/conv", "Conv", 1, convAttrs(1, 0, 1), x, n.floats(path+".dfl.conv.weight", []int{1, regMax, 1, 1}, bins))[0]
	x = n.node(dfl, "Reshape", 1, nil, x, t.sides)[0]

	two, one := n.int64s(scope+"/Mul_output_0", 2), n.int64s(scope+"/Constant_3_output_0", 1)
	lt := n.node(scope, "Slice", 1, nil, x, n.int64s(scope+"/Constant_4_output_0", 0), two, one)[0]
	rb := n.node(scope, "Slice", 1, nil, x, two, n.int64s(scope+"/Mul_1_output_0", 4), one)[0]
	low := n.node(scope, "Sub", 1, nil, t.low, lt)[0]
	high := n.node(scope, "Add", 1, nil, t.high, rb)[0]
	sum := n.node(scope, "Add", 1, nil, low, high)[0]
	centre := n.node(scope, "Div", 1, nil, sum, n.floats(scope+"/Constant_11_output_0", []int{}, []float32{2}))[0]
	size := n.node(scope, "Sub", 1, nil, high, low)[0]
	box := n.concat(scope, 1, tensor{v: centre}, tensor{v: size})
	pixels := n.node(scope, "Mul", 1, nil, box.v, t.strides)[0]
	scores := n.node(scope, "Sigmoid", 1, nil, sides[1])[0]
	out := n.concat(scope, 1, tensor{v: pixels}, tensor{v: scores}).v
	out.Name, out.DType, out.Shape = "output0", n.float(), []int{1, 4 + classes, t.total}
	if n.c.Dynamic {
		out.Shape = []int{-1, 4 + classes, -1}
	}
	n.g.Outputs = []*graph.Value{out}
}

// tailShapes is what the decoding needs of the picture's size.
type tailShapes struct {
	total              int          // anchors
	flat, bins, sides  *graph.Value // shapes to reshape to
	low, high, strides *graph.Value
}

func (n *net) tail(scope string, heads []tensor) (t tailShapes) {
	xy, strides := n.anchors(heads)
	t.total = len(strides)
	dfl, rows := scope+"/dfl", int64(4*regMax+len(n.c.Classes))
	if n.c.Dynamic {
		batch := n.dim(scope, heads[0].v, 0)
		var anchors *graph.Value // their number
		for _, h := range heads {
			area := n.node(scope, "Mul", 1, nil, n.dim(scope, h.v, 2), n.dim(scope, h.v, 3))[0]
			if anchors != nil {
				area = n.node(scope, "Add", 1, nil, anchors, area)[0]
			}
			anchors = area
		}
		four := n.scalar("/four", 4)
		t.flat = n.shape(scope, batch, n.scalar("/rows", rows), n.scalar("/rest", -1))
		t.bins = n.shape(dfl, batch, four, n.scalar("/reg_max", regMax), anchors)
		t.sides = n.shape(dfl, batch, four, anchors)
		t.low, t.strides = n.dynamicAnchors(scope, heads)
		t.high = t.low
		return t
	}
	t.flat = n.int64s(scope+"/Constant_output_0", 1, rows, -1)
	t.bins = n.int64s(dfl+"/Constant_output_0", 1, 4, regMax, int64(t.total))
	t.sides = n.int64s(dfl+"/Constant_1_output_0", 1, 4, int64(t.total))
	t.low = n.floats(scope+"/Constant_9_output_0", []int{1, 2, t.total}, xy)
	t.high = n.floats(scope+"/Constant_10_output_0", []int{1, 2, t.total}, xy)
	t.strides = n.floats(scope+"/Constant_12_output_0", []int{1, t.total}, strides)
	return t
}

// anchors returns the cell centres, in cells, as [2][anchors] x then y, and the
// stride of each anchor in pixels.
func (n *net) anchors(heads []tensor) (xy, strides []float32) {
	var xs, ys []float32
	for _, h := range heads {
		for y := range h.h {
			for x := range h.w {
				xs = append(xs, float32(x)+0.5)
				ys = append(ys, float32(y)+0.5)
				strides = append(strides, float32(n.c.Size/h.w))
			}
		}
	}
	return append(xs, ys...), strides
}
