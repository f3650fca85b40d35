package tensorflow

import (
	"encoding/binary"
	"fmt"
	"math"

	"eagleeye/build/export/form"
	"eagleeye/wasm/graph"
)

// lowering turns a prepared graph into a file, node by node.
type lowering struct {
	file
	half   bool
	at     map[*graph.Value]int // the element that holds a value
	floats map[int]int          // its float form, where there is one
}

// nhwc is a NCHW shape with channels last.
func nhwc(s []int) []int { return []int{s[0], s[2], s[3], s[1]} }

// add makes an element.
func (l *lowering) add(e element) int {
	if e.name == "" {
		e.name = fmt.Sprintf("t%d", len(l.elements))
	}
	l.elements = append(l.elements, e)
	return len(l.elements) - 1
}

// constant makes an element with data.
func (l *lowering) constant(e element, data []byte) int {
	l.buffers = append(l.buffers, data)
	e.buffer = len(l.buffers) - 1
	return l.add(e)
}

func (l *lowering) indices(name string, v ...int) int {
	var data []byte
	for _, n := range v {
		data = binary.LittleEndian.AppendUint32(data, uint32(n))
	}
	return l.constant(element{name: name, kind: int32Type, shape: []int{len(v)}}, data)
}

// reals makes a float constant; weights shrink to float16 where asked for.
func (l *lowering) reals(name string, v []float32, weights bool, shape ...int) int {
	var data []byte
	if weights && l.half {
		for _, f := range v {
			data = binary.LittleEndian.AppendUint16(data, graph.Float32to16(f))
		}
		h := l.constant(element{name: name + "/half", kind: float16Type, shape: shape}, data)
		out := l.add(element{name: name, kind: float32Type, shape: shape})
		l.step(opDequantize, []int{h}, out, options{union: 38})
		return out
	}
	for _, f := range v {
		data = binary.LittleEndian.AppendUint32(data, math.Float32bits(f))
	}
	return l.constant(element{name: name, kind: float32Type, shape: shape}, data)
}

func (l *lowering) step(c opcode, in []int, out int, o options) {
	l.operators = append(l.operators, operator{c, in, []int{out}, o})
}

// computed makes an element for a step's result and adds the step.
func (l *lowering) computed(c opcode, in []int, e element, o options) int {
	out := l.add(e)
	l.step(c, in, out, o)
	return out
}

// like is the element of a value: on its grid where it has one. uint8 grids
// become int8 ones, shifted by 128.
func like(v *graph.Value) element {
	e := element{name: v.Name, kind: float32Type, shape: nhwc(v.Shape)}
	if q := v.Quant; q != nil {
		e.kind, e.scale, e.zero = int8Type, q.Scale[:1], []int64{int64(q.Zero[0]) - 128}
		if q.DType == graph.Int8 {
			e.zero[0] += 128
		}
	}
	return e
}

// input is float; a quantized model rounds it first.
func (l *lowering) input(v *graph.Value) {
	e := like(v)
	in := l.add(element{name: v.Name, kind: float32Type, shape: e.shape})
	l.inputs = []int{in}
	l.at[v] = in
	if e.kind == int8Type {
		e.name += "/int8"
		l.at[v] = l.computed(opQuantize, []int{in}, e, options{union: 89})
		l.floats[l.at[v]] = in
	}
}

// value returns the element of a value in float.
func (l *lowering) float(i int) int {
	e := l.elements[i]
	if e.kind == float32Type {
		return i
	}
	if f, ok := l.floats[i]; ok {
		return f
	}
	l.floats[i] = l.computed(opDequantize, []int{i}, element{name: e.name + "/float", kind: float32Type, shape: e.shape}, options{union: 38})
	return l.floats[i]
}

// on returns element i on the grid of e, rescaled where it lies on another.
func (l *lowering) on(i int, e element) int {
	from := l.elements[i]
	switch {
	case e.kind == float32Type:
		return l.float(i)
	case from.kind == int8Type && from.scale[0] == e.scale[0] && from.zero[0] == e.zero[0]:
		return i
	}
	return l.computed(opQuantize, []int{i}, element{name: from.name + "/to/" + e.name, kind: e.kind, shape: from.shape, scale: e.scale, zero: e.zero}, options{union: 89})
}

func (l *lowering) node(n *graph.Node) error {
	switch n.Op {
	case "Conv":
		return l.conv(n)
	case "MaxPool":
		return l.pool(n)
	case "Upsample":
		e := like(n.Out[0])
		size := l.indices(e.name+"/size", e.shape[1], e.shape[2])
		l.at[n.Out[0]] = l.computed(opResizeNearest, []int{l.on(l.at[n.In[0]], e), size}, e, options{union: 74})
	case "Concat":
		e := like(n.Out[0])
		var in []int
		for _, v := range n.In {
			in = append(in, l.on(l.at[v], e))
		}
		l.at[n.Out[0]] = l.computed(opConcatenation, in, e, options{union: 10, fields: []field{{0, int32(3)}}})
	case "Slice":
		e := like(n.Out[0])
		from := l.indices(e.name+"/begin", 0, 0, 0, int(n.Int("start", 0)))
		size := l.indices(e.name+"/size", e.shape...)
		l.at[n.Out[0]] = l.computed(opSlice, []int{l.on(l.at[n.In[0]], e), from, size}, e, options{union: 48})
	case "Add", "Mul":
		return l.binary(n)
	case "Sigmoid":
		l.at[n.Out[0]] = l.computed(opLogistic, []int{l.float(l.at[n.In[0]])}, floatLike(n.Out[0]), options{})
	case "SiLU":
		x := l.float(l.at[n.In[0]])
		e := floatLike(n.Out[0])
		s := l.computed(opLogistic, []int{x}, element{name: e.name + "/sigmoid", kind: float32Type, shape: e.shape}, options{})
		l.at[n.Out[0]] = l.computed(opMul, []int{x, s}, e, options{union: 21})
	case "Detect":
		return l.detect(n)
	default:
		return fmt.Errorf("%w for this operator", form.ErrUnsupported)
	}
	return nil
}

func floatLike(v *graph.Value) element {
	return element{name: v.Name, kind: float32Type, shape: nhwc(v.Shape)}
}

func (l *lowering) binary(n *graph.Node) error {
	e := like(n.Out[0])
	code, union := opAdd, byte(11)
	if n.Op == "Mul" {
		code, union = opMul, 21
	}
	var in []int
	for _, v := range n.In {
		if v.Const != nil || len(v.Shape) != 4 || v.Shape[1] != n.Out[0].Shape[1] {
			return fmt.Errorf("%w for constants or broadcasts", form.ErrUnsupported)
		}
		i := l.at[v]
		if e.kind == float32Type || l.elements[i].kind == float32Type {
			i = l.on(i, e)
		}
		in = append(in, i)
	}
	l.at[n.Out[0]] = l.computed(code, in, e, options{union: union})
	return nil
}

func (l *lowering) pool(n *graph.Node) error {
	k, s, p := window(n)
	e := like(n.Out[0])
	if !same(n.In[0].Shape, n.Out[0].Shape, k, s, p) && p != [4]int{} {
		return fmt.Errorf("%w for pooling with padding %v", form.ErrUnsupported, p)
	}
	padding := int8(0) // SAME
	if p == [4]int{} {
		padding = 1
	}
	l.at[n.Out[0]] = l.computed(opMaxPool2D, []int{l.on(l.at[n.In[0]], e)}, e, options{union: 5, fields: []field{
		{1, int32(s[1])}, {2, int32(s[0])}, {3, int32(k[1])}, {4, int32(k[0])}, {0, padding}}})
	return nil
}

// window returns kernel, strides (rows, columns) and pads (top, left, bottom,
// right) of a convolution or pooling.
func window(n *graph.Node) (k, s [2]int, p [4]int) {
	s = [2]int{1, 1}
	for i, v := range n.Ints("kernel_shape") {
		k[i] = int(v)
	}
	for i, v := range n.Ints("strides") {
		s[i] = int(v)
	}
	for i, v := range n.Ints("pads") {
		p[i] = int(v)
	}
	return k, s, p
}

// same says whether TensorFlow's SAME padding is the one that the node asks for.
func same(in, out []int, k, s [2]int, p [4]int) bool {
	for i := range 2 {
		size, o := in[2+i], out[2+i]
		if o != (size+s[i]-1)/s[i] {
			return false
		}
		total := max(0, (o-1)*s[i]+k[i]-size)
		if p[i] != total/2 || p[2+i] != total-total/2 {
			return false
		}
	}
	return true
}
