package graph

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// net builds graphs for tests; weights come from its source of random numbers.
type net struct {
	g   *Graph
	rng *rand.Rand
	n   int
}

func newNet(seed uint64, c, h, w int) (*net, *Value) {
	b := &net{g: &Graph{Opset: 17, Meta: map[string]string{}}, rng: rand.New(rand.NewPCG(seed, 1))}
	x := &Value{Name: "images", DType: Float32, Shape: []int{1, c, h, w}}
	b.g.Inputs = []*Value{x}
	return b, x
}

func (b *net) floats(n int, scale float32) []float32 {
	f := make([]float32, n)
	for i := range f {
		f[i] = float32(b.rng.NormFloat64()) * scale
	}
	return f
}

func (b *net) constant(t *Tensor) *Value {
	b.n++
	return &Value{Name: fmt.Sprintf("const%d", b.n), DType: t.DType, Shape: t.Shape, Const: t}
}

func (b *net) list(v ...int64) *Value { return b.constant(IntTensor(v)) }

func (b *net) real(v ...float32) *Value {
	if len(v) == 1 {
		return b.constant(FloatTensor(v))
	}
	return b.constant(FloatTensor(v, len(v)))
}

// op appends a node with one result.
func (b *net) op(name string, attrs map[string]Attr, in ...*Value) *Value {
	return b.ops(name, 1, attrs, in...)[0]
}

func (b *net) ops(name string, outs int, attrs map[string]Attr, in ...*Value) []*Value {
	b.n++
	n := &Node{Name: fmt.Sprintf("%s%d", name, b.n), Op: name, In: in, Attrs: map[string]Attr{}}
	for k, a := range attrs {
		n.Attrs[k] = a
	}
	for k := range outs {
		n.Out = append(n.Out, &Value{Name: fmt.Sprintf("%s_out%d", n.Name, k)})
	}
	b.g.Nodes = append(b.g.Nodes, n)
	return n.Out
}

func ints(v ...int64) Attr { return Attr{Kind: AttrInts, Ints: v} }
func num(v int64) Attr     { return Attr{Kind: AttrInt, I: v} }
func str(v string) Attr    { return Attr{Kind: AttrString, S: v} }

// conv appends a convolution with "same" padding and a bias.
func (b *net) conv(x *Value, in, out, k, stride int) *Value {
	w := b.constant(FloatTensor(b.floats(out*in*k*k, 1/float32(in*k)), out, in, k, k))
	p := int64(k / 2)
	return b.op("Conv", map[string]Attr{"strides": ints(int64(stride), int64(stride)), "pads": ints(p, p, p, p), "kernel_shape": ints(int64(k), int64(k))},
		x, w, b.real(b.floats(out, 0.3)...))
}

func (b *net) silu(x *Value) *Value {
	s := b.op("Sigmoid", nil, x)
	if b.rng.IntN(2) == 0 {
		return b.op("Mul", nil, s, x)
	}
	return b.op("Mul", nil, x, s)
}

func (b *net) concat(axis int64, in ...*Value) *Value {
	return b.op("Concat", map[string]Attr{"axis": num(axis)}, in...)
}

func (b *net) qdq(x *Value, scale float32, zero int64, dt DType) *Value {
	s, z := b.constant(FloatTensor([]float32{scale})), b.constant(intTensor(dt, []int64{zero}, []int{}))
	return b.op("DequantizeLinear", nil, b.op("QuantizeLinear", nil, x, s, z), s, z)
}

// input makes seeded numbers for the graph's input.
func (b *net) input() map[string]*Tensor {
	s := b.g.Inputs[0].Shape
	n := s[1] * s[2] * s[3]
	return map[string]*Tensor{"images": FloatTensor(b.floats(n, 1), s...)}
}

// detect appends YOLOv8's decoding of two scales. A dynamic tail computes its
// anchors from the maps' shapes, a static one has them as constants.
// Box and class maps are joined at once and split again, or (as newer files do)
// kept apart.
func (b *net) detect(box, cls [2]*Value, hw [2][2]int, stride [2]float32, regMax, classes int, o options) {
	var flat, apart, anchors, steps []*Value
	for s := range box {
		if o.apart {
			flat = append(flat, b.op("Reshape", nil, box[s], b.list(1, int64(4*regMax), -1)))
			apart = append(apart, b.op("Reshape", nil, cls[s], b.list(1, int64(classes), -1)))
		} else {
			joined := b.concat(1, box[s], cls[s])
			flat = append(flat, b.op("Reshape", nil, joined, b.list(1, int64(4*regMax+classes), -1)))
		}
		if o.dynamic {
			a, st := b.anchors(box[s], stride[s])
			anchors, steps = append(anchors, a), append(steps, st)
			continue
		}
		h, w := hw[s][0], hw[s][1]
		xy, st := make([]float32, 2*h*w), make([]float32, h*w)
		for i := range st {
			xy[i], xy[h*w+i], st[i] = float32(i%w)+0.5, float32(i/w)+0.5, stride[s]
		}
		anchors = append(anchors, b.constant(FloatTensor(xy, 1, 2, h*w)))
		steps = append(steps, b.constant(FloatTensor(st, 1, h*w)))
	}
	parts := []*Value{b.concat(2, flat...), nil}
	if o.apart {
		parts[1] = b.concat(2, apart...)
	} else {
		parts = b.ops("Split", 2, map[string]Attr{"axis": num(1)}, parts[0], b.list(int64(4*regMax), int64(classes)))
	}
	dfl := b.op("Reshape", nil, parts[0], b.list(1, 4, int64(regMax), -1))
	dfl = b.op("Softmax", map[string]Attr{"axis": num(1)}, b.op("Transpose", map[string]Attr{"perm": ints(0, 2, 1, 3)}, dfl))
	bins := make([]float32, regMax)
	for i := range bins {
		bins[i] = float32(i)
	}
	dfl = b.op("Conv", nil, dfl, b.constant(FloatTensor(bins, 1, regMax, 1, 1)))
	dfl = b.op("Reshape", nil, dfl, b.list(1, 4, -1))
	lt := b.op("Slice", nil, dfl, b.list(0), b.list(2), b.list(1))
	rb := b.op("Slice", nil, dfl, b.list(2), b.list(4), b.list(1))
	at := b.concat(2, anchors...)
	tl, br := b.op("Sub", nil, at, lt), b.op("Add", nil, at, rb)
	centre := b.op("Div", nil, b.op("Add", nil, tl, br), b.real(2))
	boxes := b.concat(1, centre, b.op("Sub", nil, br, tl))
	boxes = b.op("Mul", nil, boxes, b.concat(1, steps...))
	out := b.concat(1, boxes, b.op("Sigmoid", nil, parts[1]))
	out.Name = "output0"
	b.g.Outputs = []*Value{out}
}

// anchors computes the cell centres [1,2,h·w] and strides [1,h·w] of a map as
// files exported with dynamic=True do.
func (b *net) anchors(m *Value, stride float32) (xy, steps *Value) {
	shape := b.op("Shape", nil, m)
	scalar := func(v int64) *Value { return b.constant(intTensor(Int64, []int64{v}, []int{})) }
	axis := func(index int64) (n, line *Value) {
		n = b.op("Gather", map[string]Attr{"axis": num(0)}, shape, scalar(index))
		line = b.op("Range", nil, scalar(0), n, scalar(1))
		line = b.op("Cast", map[string]Attr{"to": num(1)}, line)
		return n, b.op("Add", nil, line, b.real(0.5))
	}
	h, y := axis(2)
	w, x := axis(3)
	dims := b.concat(0, b.op("Unsqueeze", nil, h, b.list(0)), b.op("Unsqueeze", nil, w, b.list(0)))
	grid := func(line *Value, axis int64) *Value {
		e := b.op("Expand", nil, b.op("Unsqueeze", nil, line, b.list(axis)), dims)
		return b.op("Reshape", nil, e, b.list(1, 1, -1))
	}
	xy = b.concat(1, grid(x, 0), grid(y, 1))
	count := b.op("Mul", nil, h, w)
	fill := b.op("ConstantOfShape", map[string]Attr{"value": {Kind: AttrTensor, T: FloatTensor([]float32{stride}, 1)}},
		b.concat(0, b.list(1), b.op("Unsqueeze", nil, count, b.list(0))))
	return xy, fill
}

type options struct {
	dynamic bool // anchors computed from shapes
	apart   bool // box and class maps never joined
	classes int  // 3 when 0
}

// tiny is a detector in the manner of YOLOv8 with two scales (strides 2 and 4):
// a C2f block with a residual, pooling, upsampling, a head of two maps a scale.
func tiny(seed uint64, h, w int, o options) *net {
	b, x := newNet(seed, 3, h, w)
	const regMax = 4
	classes := max(o.classes, 3)
	x = b.silu(b.conv(x, 3, 8, 3, 2))
	p1 := b.c2f(x)
	x = b.silu(b.conv(p1, 8, 8, 3, 2))
	m := b.op("MaxPool", map[string]Attr{"kernel_shape": ints(5, 5), "pads": ints(2, 2, 2, 2)}, x)
	p2 := b.silu(b.conv(b.concat(1, x, m), 16, 8, 1, 1))
	up := b.op("Resize", map[string]Attr{"mode": str("nearest"), "coordinate_transformation_mode": str("asymmetric"), "nearest_mode": str("floor")},
		p2, nil, b.real(1, 1, 2, 2))
	p1 = b.silu(b.conv(b.concat(1, up, p1), 16, 8, 1, 1))
	var box, cls [2]*Value
	for s, p := range []*Value{p1, p2} {
		box[s] = b.conv(b.silu(b.conv(p, 8, 8, 3, 1)), 8, 4*regMax, 1, 1)
		cls[s] = b.conv(b.silu(b.conv(p, 8, 8, 3, 1)), 8, classes, 1, 1)
	}
	b.detect(box, cls, [2][2]int{{h / 2, w / 2}, {h / 4, w / 4}}, [2]float32{2, 4}, regMax, classes, o)
	return b
}

func (b *net) c2f(x *Value) *Value {
	x = b.silu(b.conv(x, 8, 8, 1, 1))
	parts := b.ops("Split", 2, map[string]Attr{"axis": num(1)}, x, b.list(4, 4))
	y := b.silu(b.conv(b.silu(b.conv(parts[1], 4, 4, 3, 1)), 4, 4, 3, 1))
	y = b.op("Add", nil, parts[1], y)
	return b.silu(b.conv(b.concat(1, parts[0], parts[1], y), 12, 8, 1, 1))
}

func count(g *Graph, op string) int {
	n := 0
	for _, m := range g.Nodes {
		if m.Op == op {
			n++
		}
	}
	return n
}

// same evaluates two graphs on the same input and compares their outputs.
func same(t *testing.T, a, b *Graph, in map[string]*Tensor, tol float64) {
	t.Helper()
	x, err := Eval(a, in)
	if err != nil {
		t.Fatal(err)
	}
	y, err := Eval(b, in)
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range a.Outputs {
		got, want := y[b.Outputs[k].Name], x[v.Name]
		if !sameShape(got.Shape, want.Shape) {
			t.Fatalf("output %d is %v, want %v", k, got.Shape, want.Shape)
		}
		p, q := got.Floats(), want.Floats()
		for i := range q {
			if d := float64(p[i] - q[i]); !(d <= tol && d >= -tol) {
				t.Fatalf("output %d, element %d: %g, want %g", k, i, p[i], q[i])
			}
		}
	}
}
