package graph

import (
	"fmt"
	"math"
	"sort"
	"strings"
)

// head is what recognition finds: the last convolutions' results and what they
// mean.
type head struct {
	out             *Value
	tail            []*Node  // from the convolutions to the output, in order
	box, cls        []*Value // by rising stride
	strides         []float32
	regMax, classes int
}

func notYOLO(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrNotYOLOv8, fmt.Errorf(format, args...))
}

// replaceHead finds the file's decoding tail, proves by computing it that it
// is YOLOv8's, and puts a Detect node in its place.
func replaceHead(g *Graph) error {
	h, err := findHead(g)
	if err != nil {
		return err
	}
	if err := h.verify(g); err != nil {
		return err
	}
	n := h.node()
	for s := range h.box {
		n.In = append(n.In, h.box[s], h.cls[s])
	}
	gone := map[*Node]bool{}
	for _, t := range h.tail {
		gone[t] = true
	}
	removeNodes(g, gone)
	h.out.Quant = nil
	g.Nodes, g.Outputs = append(g.Nodes, n), []*Value{h.out}
	return DropDead(g)
}

// node is the Detect node, as yet without inputs.
func (h *head) node() *Node {
	return &Node{Name: "detect", Op: "Detect", Out: []*Value{h.out}, Attrs: map[string]Attr{
		"strides": {Kind: AttrFloats, Floats: h.strides},
		"reg_max": {Kind: AttrInt, I: int64(h.regMax)},
		"classes": {Kind: AttrInt, I: int64(h.classes)},
	}}
}

// findHead walks back from the output to the last convolutions and pairs them
// by the size of their maps and their number of channels.
func findHead(g *Graph) (*head, error) {
	out, err := detections(g)
	if err != nil {
		return nil, err
	}
	h := &head{out: out, classes: out.Shape[1] - 4}
	convs := h.walkBack(g)
	if len(convs) == 0 || len(convs)%2 != 0 {
		return nil, notYOLO("%d convolutions lead to output %q, want two a scale", len(convs), out.Name)
	}
	in := g.Inputs[0].Shape
	scales := map[int][]*Value{}
	for _, v := range convs {
		if len(v.Shape) != 4 || v.Shape[2] < 1 || v.Shape[3] < 1 || in[2]%v.Shape[2] != 0 || in[2]/v.Shape[2]*v.Shape[3] != in[3] {
			return nil, notYOLO("map %q of %v is no whole fraction of the input's %v", v.Name, v.Shape, in)
		}
		s := in[2] / v.Shape[2]
		scales[s] = append(scales[s], v)
	}
	var order []int
	anchors := 0
	for s, maps := range scales {
		if len(maps) != 2 {
			return nil, notYOLO("%d maps with stride %d, want a box and a class map", len(maps), s)
		}
		order = append(order, s)
		anchors += maps[0].Shape[2] * maps[0].Shape[3]
	}
	sort.Ints(order)
	if anchors != out.Shape[2] {
		return nil, notYOLO("output %q has %d columns for %d anchors", out.Name, out.Shape[2], anchors)
	}
	for _, s := range order {
		box, cls, err := h.tell(scales[s][0], scales[s][1])
		if err != nil {
			return nil, err
		}
		h.box, h.cls = append(h.box, box), append(h.cls, cls)
		h.strides = append(h.strides, float32(s))
	}
	for s, b := range h.box {
		if b.Shape[1] != h.box[0].Shape[1] {
			return nil, notYOLO("box maps %q and %q have %d and %d channels", h.box[0].Name, h.box[s].Name, h.box[0].Shape[1], b.Shape[1])
		}
	}
	h.regMax = h.box[0].Shape[1] / 4
	return h, nil
}

// detections chooses the output [1, 4+classes, anchors]: one called output0,
// else the first of that rank.
func detections(g *Graph) (*Value, error) {
	var out *Value
	for _, o := range g.Outputs {
		if len(o.Shape) == 3 && o.Shape[0] == 1 && o.Shape[1] > 4 && o.Const == nil && (out == nil || o.Name == "output0") {
			out = o
		}
	}
	if out == nil {
		var have []string
		for _, o := range g.Outputs {
			have = append(have, fmt.Sprintf("%q %v", o.Name, o.Shape))
		}
		return nil, notYOLO("outputs are %s, want [1, 4+classes, anchors]", strings.Join(have, ", "))
	}
	return out, nil
}

// walkBack collects the tail and the results of the convolutions that it
// begins at. DFL's own convolution belongs to the tail.
func (h *head) walkBack(g *Graph) []*Value {
	var convs []*Value
	want := map[*Value]bool{h.out: true}
	for i := len(g.Nodes) - 1; i >= 0; i-- {
		n := g.Nodes[i]
		hit := false
		for _, o := range n.Out {
			hit = hit || o != nil && want[o]
		}
		if !hit {
			continue
		}
		if n.Op == "Conv" && !isDFL(n) {
			convs = append(convs, n.Out[0])
			continue
		}
		h.tail = append(h.tail, n)
		for _, in := range n.In {
			if in != nil {
				want[in] = true
			}
		}
	}
	for i, j := 0, len(h.tail)-1; i < j; i, j = i+1, j-1 {
		h.tail[i], h.tail[j] = h.tail[j], h.tail[i]
	}
	return convs
}

// isDFL tells whether a convolution is the fixed one that takes the mean of
// the distribution: one output channel with weights 0, 1, 2, … (approximately
// when they were quantized).
func isDFL(n *Node) bool {
	w := n.In[1]
	if w.Const == nil || len(w.Const.Shape) != 4 || w.Const.Shape[0] != 1 || w.Const.Len() < 2 || w.Const.Len() != w.Const.Shape[1] {
		return false
	}
	for i, v := range constArray(w).load().f {
		if math.Abs(float64(v)-float64(i)) > 0.07 {
			return false
		}
	}
	return true
}

// tell says which of two maps of one scale holds the boxes: the one that has
// not as many channels as there are classes. Where both have, the one that
// alone leads to DFL's softmax does, or, where they are joined before it, the
// first operand of the Concat.
func (h *head) tell(a, b *Value) (box, cls *Value, err error) {
	switch {
	case a.Shape[1] == h.classes && b.Shape[1] == h.classes:
		box, cls = a, b
		if soft := h.reaches(b); soft && !h.reaches(a) {
			box, cls = b, a
		} else if soft {
			for _, n := range h.tail {
				if n.Op == "Concat" && len(n.In) == 2 && n.In[0] == b && n.In[1] == a {
					box, cls = b, a
				}
			}
		}
	case a.Shape[1] == h.classes:
		box, cls = b, a
	case b.Shape[1] == h.classes:
		box, cls = a, b
	default:
		return nil, nil, notYOLO("maps %q and %q have %d and %d channels, none the %d classes of output %q",
			a.Name, b.Name, a.Shape[1], b.Shape[1], h.classes, h.out.Name)
	}
	if box.Shape[1]%4 != 0 || box.Shape[1] < 8 {
		return nil, nil, notYOLO("box map %q has %d channels, want 4·reg_max", box.Name, box.Shape[1])
	}
	return box, cls, nil
}

// reaches tells whether a map's numbers go into a softmax.
func (h *head) reaches(v *Value) bool {
	from := map[*Value]bool{v: true}
	for _, n := range h.tail {
		for _, in := range n.In {
			if in == nil || !from[in] {
				continue
			}
			if n.Op == "Softmax" {
				return true
			}
			for _, o := range n.Out {
				from[o] = true
			}
		}
	}
	return false
}

// verify computes the file's own tail and the Detect formula on the same
// random maps and compares. Grids in the tail are dropped and DFL's quantized
// weights made whole first: the engine decodes in float32.
func (h *head) verify(g *Graph) error {
	t := &Graph{Opset: g.Opset, Nodes: h.tail, Outputs: []*Value{h.out}}
	for _, n := range h.tail {
		if n.Op == "Conv" && n.In[1].Const != nil && n.In[1].Quant != nil {
			w := constArray(n.In[1]).load().f
			snap(w, n.In[1].Quant)
			n.In[1] = &Value{Name: n.In[1].Name, DType: Float32, Const: FloatTensor(w, n.In[1].Const.Shape...)}
		}
		for _, v := range append(append([]*Value(nil), n.In...), n.Out...) {
			if v != nil && v.Const == nil {
				v.Quant = nil
			}
		}
	}
	if err := h.measure(); err != nil {
		return err
	}
	have, detect := map[*Value]*array{}, &call{opset: g.Opset, n: h.node()}
	var samples []*samples
	random := uint32(0x9e3779b9)
	for s := range h.box {
		for _, v := range []*Value{h.box[s], h.cls[s]} {
			v.Quant = nil
			a := (&array{dt: Float32, shape: v.Shape}).alloc()
			samples = append(samples, fill(a, &random))
			have[v] = a
			detect.in = append(detect.in, a)
		}
	}
	d, err := detectionOf(detect)
	if err != nil {
		return notYOLO("%w", err)
	}
	got, err := evalNodes(t, have)
	if err != nil {
		return notYOLO("its decoding cannot be computed: %w", err)
	}
	if want := []int{1, 4 + d.classes, d.anchors}; !sameShape(got[0].shape, want) {
		return notYOLO("output %q is %v, want %v", h.out.Name, got[0].shape, want)
	}
	return h.compare(g, got[0].f, d.decode(detect.in, samples))
}

// samples are the distinct pixels of a random map: few, so that their
// exponentials are computed once, and scattered, so that every anchor counts.
type samples struct {
	channels [][]float32 // [channel][sample]
	at       []uint8     // sample of each pixel
}

// distinct is the number of samples.
const distinct = 64

// fill makes a map of random numbers from −4 to 4; random is the state of an
// xorshift32 (Marsaglia 2003).
func fill(a *array, random *uint32) *samples {
	next := func() uint32 {
		*random ^= *random << 13
		*random ^= *random >> 17
		*random ^= *random << 5
		return *random
	}
	pixels := a.shape[2] * a.shape[3]
	s := &samples{channels: make([][]float32, a.shape[1]), at: make([]uint8, pixels)}
	for i := range s.at {
		s.at[i] = uint8(next() % distinct)
	}
	for c := range s.channels {
		s.channels[c] = make([]float32, distinct)
		for i := range s.channels[c] {
			s.channels[c][i] = float32(int32(next())) / (1 << 29)
		}
		out := a.f[c*pixels:][:pixels]
		for i, at := range s.at {
			out[i] = s.channels[c][at]
		}
	}
	return s
}

// decode is evalDetect's result for maps made of samples.
func (d *detection) decode(maps []*array, s []*samples) []float32 {
	out := make([]float32, (4+d.classes)*d.anchors)
	first := 0
	for scale, stride := range d.strides {
		box, cls := s[2*scale], s[2*scale+1]
		var sides [distinct][4]float32
		for i := range sides {
			for k := range 4 {
				bins := make([]float32, d.regMax)
				for bin := range bins {
					bins[bin] = box.channels[k*d.regMax+bin][i]
				}
				sides[i][k] = expectation(bins, d.regMax, 1)
			}
		}
		for p, at := range box.at {
			for k, v := range anchorBox(sides[at], p, maps[2*scale].shape[3]) {
				out[k*d.anchors+first+p] = v * stride
			}
		}
		for k, logits := range cls.channels {
			var scores [distinct]float32
			for i, x := range logits {
				scores[i] = sigmoid(x)
			}
			dst := out[(4+k)*d.anchors+first:]
			for p, at := range cls.at {
				dst[p] = scores[at]
			}
		}
		first += len(box.at)
	}
	return out
}

// measure refuses a tail whose computation needs far more memory or time than
// YOLOv8's, all of whose results together have about ten times the maps' elements.
func (h *head) measure() error {
	budget := 0
	for s := range h.box {
		budget += 64 * (h.box[s].Shape[1] + h.cls[s].Shape[1]) * h.box[s].Shape[2] * h.box[s].Shape[3]
	}
	for _, n := range h.tail {
		for _, o := range n.Out {
			if o == nil {
				continue
			}
			size, err := elements(o.Shape)
			if err != nil {
				return notYOLO("node %s: %w", n, err)
			}
			if budget -= size * terms(n); budget < 0 {
				return notYOLO("its decoding makes more numbers than YOLOv8's at node %s", n)
			}
		}
	}
	return nil
}

// compare reports the first row of the output that is not what YOLOv8 gives.
// Tolerances: float32 rounding in another order of operations.
func (h *head) compare(g *Graph, got, want []float32) error {
	n := h.out.Shape[2]
	for row := range 4 + h.classes {
		tol := 2e-5
		if row < 4 {
			tol = 2e-5 * float64(max(g.Inputs[0].Shape[2], g.Inputs[0].Shape[3]))
		}
		for i := row * n; i < (row+1)*n; i++ {
			if d := math.Abs(float64(got[i] - want[i])); !(d <= tol) {
				what := "class score"
				if row < 4 {
					what = [4]string{"box centre x", "box centre y", "box width", "box height"}[row]
				}
				return notYOLO("output %q row %d (%s) is %g where YOLOv8 gives %g%s", h.out.Name, row, what, got[i], want[i],
					h.explain(g, got, want, row))
			}
		}
	}
	return nil
}

// explain names the usual other formats.
func (h *head) explain(g *Graph, got, want []float32, row int) string {
	n := h.out.Shape[2]
	in := g.Inputs[0].Shape
	like := func(f func(p int) float64) bool {
		for p := row * n; p < (row+1)*n; p++ {
			if d := math.Abs(float64(got[p]) - f(p)); !(d <= 1e-3*math.Max(1, math.Abs(f(p)))) {
				return false
			}
		}
		return true
	}
	switch {
	case row >= 4 && like(func(p int) float64 { return math.Log(float64(want[p]) / (1 - float64(want[p]))) }):
		return ": the scores lack their sigmoid"
	case row >= 4:
		return ""
	case like(func(p int) float64 { return float64(want[p]) / float64(in[3-row%2]) }):
		return ": the boxes are divided by the image size; export them in pixels"
	case row == 0 && like(func(p int) float64 { return float64(want[p]) - float64(want[p+2*n])/2 }):
		return ": the boxes are corners (x1, y1, x2, y2); export centres and sizes"
	}
	return ""
}
