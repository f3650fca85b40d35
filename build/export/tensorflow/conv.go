package tensorflow

import (
	"encoding/binary"
	"fmt"
	"math"

	"eagleeye/build/export/form"
	"eagleeye/wasm/graph"
)

// conv writes a convolution, its SiLU (as x·logistic(x)) and its residual.
// Integers are used where input, weights and result have grids; the layers
// before the decoding, whose results have none, compute in float.
func (l *lowering) conv(n *graph.Node) error {
	y := n.Out[0]
	x, w := l.at[n.In[0]], n.In[1]
	silu := n.Str("act", "") == "SiLU"
	integer := w.Quant != nil && l.elements[x].kind == int8Type && y.Quant != nil
	pre := element{name: y.Name, kind: float32Type, shape: nhwc(y.Shape)}
	if integer {
		pre = like(y)
	} else {
		x = l.float(x)
	}
	final := pre
	residual := len(n.In) > 3 && n.In[3] != nil
	if residual {
		pre.name += "/sum of"
		if integer {
			pre.scale, pre.zero = withoutResidual(y, n.In[3])
		}
	}
	activated := pre
	if silu {
		pre.name += "/conv"
		if integer {
			pre.scale, pre.zero = beforeSiLU(pre.scale[0], pre.zero[0])
		}
	}
	c, err := l.product(n, x, pre, integer)
	if err != nil {
		return err
	}
	if silu {
		s := element{name: activated.name + "/sigmoid", kind: pre.kind, shape: pre.shape}
		if integer {
			s.scale, s.zero = []float32{1.0 / 256}, []int64{-128} // the grid that the format prescribes
		}
		c = l.computed(opMul, []int{c, l.computed(opLogistic, []int{c}, s, options{})}, activated, options{union: 21})
	}
	if residual {
		r := l.at[n.In[3]]
		if !integer {
			r = l.float(r)
		}
		c = l.computed(opAdd, []int{c, r}, final, options{union: 11})
	}
	if y.Quant != nil && !integer {
		q := like(y)
		q.name += "/int8"
		c = l.computed(opQuantize, []int{c}, q, options{union: 89})
	}
	l.at[y] = c
	return nil
}

// product writes the convolution itself.
func (l *lowering) product(n *graph.Node, x int, out element, integer bool) (int, error) {
	k, s, p := window(n)
	d := [2]int32{1, 1}
	for i, v := range n.Ints("dilations") {
		d[i] = int32(v)
	}
	w := n.In[1]
	shape, in := w.Shape, n.In[0].Shape
	groups := int(n.Int("group", 1))
	depthwise := groups > 1 && groups == in[1]
	if groups > 1 && !depthwise {
		return 0, fmt.Errorf("%w for convolutions of %d groups", form.ErrUnsupported, groups)
	}
	padding := int8(1) // VALID
	switch {
	case d == [2]int32{1, 1} && same(in, n.Out[0].Shape, k, s, p):
		padding = 0 // SAME
	case p != [4]int{}:
		e := l.elements[x]
		pads := l.indices(out.name+"/pads", 0, 0, p[0], p[2], p[1], p[3], 0, 0)
		l.elements[pads].shape = []int{4, 2}
		x = l.computed(opPad, []int{x, pads}, element{name: out.name + "/padded", kind: e.kind, scale: e.scale, zero: e.zero,
			shape: []int{1, e.shape[1] + p[0] + p[2], e.shape[2] + p[1] + p[3], e.shape[3]}}, options{union: 22})
	}
	weights, bias, err := l.weights(n, x, out.name, depthwise, integer)
	if err != nil {
		return 0, err
	}
	if depthwise {
		return l.computed(opDepthwise, []int{x, weights, bias}, out, options{union: 2, fields: []field{
			{1, int32(s[1])}, {2, int32(s[0])}, {3, int32(shape[0] / groups)}, {5, d[1]}, {6, d[0]}, {0, padding}}}), nil
	}
	return l.computed(opConv2D, []int{x, weights, bias}, out, options{union: 1, fields: []field{
		{1, int32(s[1])}, {2, int32(s[0])}, {4, d[1]}, {5, d[0]}, {0, padding}}}), nil
}

// weights writes weights as [O,kh,kw,I] (depthwise: [1,kh,kw,O]) and biases,
// which integers hold as int32 in units of the products.
func (l *lowering) weights(n *graph.Node, x int, name string, depthwise, integer bool) (w, b int, err error) {
	v := n.In[1]
	o, i, h, width := v.Shape[0], v.Shape[1], v.Shape[2], v.Shape[3]
	shape := []int{o, h, width, i}
	axis := 0
	if depthwise {
		shape, axis = []int{1, h, width, o}, 3
	}
	place := func(oc, ic, k int) int {
		if depthwise {
			return k*o + oc
		}
		return (oc*h*width+k)*i + ic
	}
	var bias []float32
	if len(n.In) > 2 && n.In[2] != nil {
		bias = n.In[2].Const.Floats()
	} else {
		bias = make([]float32, o)
	}
	if !integer {
		from := form.Weights(v)
		to := make([]float32, len(from))
		for at, f := range from {
			to[place(at/(i*h*width), at/(h*width)%i, at%(h*width))] = f
		}
		return l.reals(name+"/weights", to, true, shape...), l.reals(name+"/bias", bias, false, o), nil
	}
	scale := form.Scales(v)
	data := make([]byte, len(v.Const.Data))
	for at, q := range v.Const.Data {
		data[place(at/(i*h*width), at/(h*width)%i, at%(h*width))] = q
	}
	w = l.constant(element{name: name + "/weights", kind: int8Type, shape: shape, scale: scale, zero: make([]int64, o), axis: axis}, data)
	units := make([]float32, o)
	var ints []byte
	for c, f := range bias {
		units[c] = l.elements[x].scale[0] * scale[c]
		q := math.RoundToEven(float64(f) / (float64(l.elements[x].scale[0]) * float64(scale[c])))
		if math.Abs(q) > math.MaxInt32 {
			return 0, 0, fmt.Errorf("%w: bias %g of channel %d overflows 32 bits at the scale of its products", form.ErrUnsupported, f, c)
		}
		ints = binary.LittleEndian.AppendUint32(ints, uint32(int32(q)))
	}
	b = l.constant(element{name: name + "/bias", kind: int32Type, shape: []int{o}, scale: units, zero: make([]int64, o)}, ints)
	return w, b, nil
}

// siluFloor is where SiLU has come within a tenth of a percent of zero's
// neighbourhood: what lies below it acts as if it were there.
const siluFloor = -6

// beforeSiLU chooses the grid of a convolution whose SiLU lies on the grid of
// scale and zero (int8). The format rounds between the two: the range ends
// where the result's does, and begins where SiLU is flat.
func beforeSiLU(scale float32, zero int64) ([]float32, []int64) {
	top := float64(scale) * float64(127-zero)
	return grid(siluFloor, max(top, 0.1))
}

// withoutResidual chooses the grid of a SiLU to which a residual is added: the
// sum's range less the residual's.
func withoutResidual(sum, residual *graph.Value) ([]float32, []int64) {
	q, r := sum.Quant, residual.Quant
	top := float64(q.Scale[0]) * float64(255-q.Zero[0])
	if r != nil {
		top += float64(r.Scale[0]) * float64(r.Zero[0])
	}
	return grid(-0.2785, max(top, 0.1)) // SiLU's minimum
}

// grid spans lo..hi with 256 steps, zero among them.
func grid(lo, hi float64) ([]float32, []int64) {
	scale := (hi - lo) / 255
	zero := math.RoundToEven(-lo/scale) - 128
	return []float32{float32(scale)}, []int64{int64(zero)}
}

// outputsLast turns float weights [O,kh,kw,I] into [kh,kw,I,O], and depthwise
// ones [1,kh,kw,C] into [kh,kw,C,1].
func outputsLast(shape []int, data []byte) ([]int, []byte) {
	o, rest := shape[0], len(data)/4/shape[0]
	out := make([]byte, len(data))
	for c := range o {
		for k := range rest {
			copy(out[(k*o+c)*4:][:4], data[(c*rest+k)*4:])
		}
	}
	return []int{shape[1], shape[2], shape[3], o}, out
}

// halves turns float32 into float16.
func halves(data []byte) []byte {
	var out []byte
	for i := 0; i < len(data); i += 4 {
		f := math.Float32frombits(binary.LittleEndian.Uint32(data[i:]))
		out = binary.LittleEndian.AppendUint16(out, graph.Float32to16(f))
	}
	return out
}
