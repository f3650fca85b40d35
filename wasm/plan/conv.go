package plan

import (
	"fmt"
	"math"

	"eagleeye/kernels"
	"eagleeye/wasm/graph"
)

// conv is a convolution's shape and weights.
type conv struct {
	n        *graph.Node
	o, i     int // output channels, input channels of a group
	kh, kw   int
	sy, sx   int
	dy, dx   int
	top, lft int
	inH, inW int
	oh, ow   int
	group    int
	silu     bool
	residual *graph.Value
}

func newConv(n *graph.Node) (*conv, error) {
	fail := func(format string, args ...any) (*conv, error) {
		return nil, fmt.Errorf("plan: conv %q: "+format, append([]any{n.Name}, args...)...)
	}
	if len(n.In) < 2 || n.In[1] == nil || n.In[1].Const == nil {
		return fail("the weights are not constant")
	}
	w, x, y := n.In[1].Const, n.In[0].Shape, n.Out[0].Shape
	if len(w.Shape) != 4 {
		return fail("weights of shape %v, want [out in height width]", w.Shape)
	}
	c := &conv{n: n, o: w.Shape[0], i: w.Shape[1], kh: w.Shape[2], kw: w.Shape[3],
		sy: 1, sx: 1, dy: 1, dx: 1, group: int(n.Int("group", 1)),
		inH: x[2], inW: x[3], oh: y[2], ow: y[3]}
	for _, a := range []struct {
		name string
		y, x *int
	}{{"strides", &c.sy, &c.sx}, {"dilations", &c.dy, &c.dx}, {"pads", &c.top, &c.lft}} {
		if v := n.Ints(a.name); len(v) >= 2 {
			*a.y, *a.x = int(v[0]), int(v[1])
		}
	}
	switch {
	case c.sy < 1 || c.sx < 1 || c.dy < 1 || c.dx < 1 || c.top < 0 || c.lft < 0 || c.kh < 1 || c.kw < 1 || c.group < 1:
		return fail("strides %dx%d, dilations %dx%d, pads %d and %d, kernel %dx%d, %d groups", c.sy, c.sx, c.dy, c.dx, c.top, c.lft, c.kh, c.kw, c.group)
	case c.i*c.group != x[1] || c.o != y[1] || c.o%c.group != 0:
		return fail("weights %v with %d groups do not fit %v → %v", w.Shape, c.group, x, y)
	case c.kh > 64 || c.kw > 64 || c.border() > 1024:
		return fail("kernel %dx%d with dilation %dx%d is too large", c.kh, c.kw, c.dy, c.dx)
	}
	switch act := n.Str("act", ""); act {
	case "":
	case "SiLU":
		c.silu = true
	default:
		return fail("unknown activation %q", act)
	}
	if len(n.In) > 3 && n.In[3] != nil {
		c.residual = n.In[3]
		if r := c.residual.Shape; len(r) != 4 || r[1] != y[1] || r[2] != y[2] || r[3] != y[3] {
			return fail("adds %v to %v", r, y)
		}
	}
	return c, nil
}

// border is the number of pixels that windows reach outside the input.
func (c *conv) border() int {
	bottom := (c.oh-1)*c.sy + (c.kh-1)*c.dy - c.top - (c.inH - 1)
	right := (c.ow-1)*c.sx + (c.kw-1)*c.dx - c.lft - (c.inW - 1)
	return max(0, c.top, c.lft, bottom, right)
}

func (c *conv) macs() int64 {
	return int64(c.o) * int64(c.i) * int64(c.kh*c.kw) * int64(c.oh) * int64(c.ow)
}

// kind names the step for people.
func (c *conv) kind(op kernels.Op, alg algorithm) string {
	s := fmt.Sprintf("conv %dx%d", c.kh, c.kw)
	if c.sy > 1 || c.sx > 1 {
		s += fmt.Sprintf("/%d", c.sy)
	}
	switch op {
	case kernels.OpConvF32:
		s += " f32"
	case kernels.OpConvI16:
		s += " i16"
	case kernels.OpConvU8:
		s += " i8"
	case kernels.OpConvU8F32:
		s += " i8→f32"
	default:
		s += " i16→f32"
	}
	if c.silu {
		s += " silu"
	}
	if c.residual != nil {
		s += " add"
	}
	return s + algorithms[alg]
}

// bias returns one float32 an output channel, zeros without a bias.
func (c *conv) bias() ([]float32, error) {
	out := make([]float32, c.o)
	if len(c.n.In) < 3 || c.n.In[2] == nil {
		return out, nil
	}
	t := c.n.In[2].Const
	if t == nil || t.DType != graph.Float32 || len(t.Data) != 4*c.o {
		return nil, fmt.Errorf("plan: conv %q: the bias is not %d constant float32", c.n.Name, c.o)
	}
	for i := range out {
		out[i] = float32At(t.Data, i)
		if math.IsNaN(float64(out[i])) || math.IsInf(float64(out[i]), 0) {
			return nil, fmt.Errorf("plan: conv %q: bias %d is %v", c.n.Name, i, out[i])
		}
	}
	return out, nil
}

// numbers are a convolution's weights [o][i·kh·kw], with the scale of each output
// channel: real weight = number·scale. q has them where they are integers of 8
// bits, else w.
type numbers struct {
	q     []int8
	w     []float32
	scale []float32
}

// floats returns all numbers as float32.
func (n numbers) floats() []float32 {
	if n.q == nil {
		return n.w
	}
	w := make([]float32, len(n.q))
	for i, v := range n.q {
		w[i] = float32(v)
	}
	return w
}

// magnitudes returns Σ|number| of each output channel.
func (n numbers) magnitudes() []float64 {
	sums := make([]float64, len(n.scale))
	for o := range sums {
		if n.q != nil {
			per, sum := len(n.q)/len(sums), int32(0)
			for _, v := range n.q[o*per : (o+1)*per] {
				sum += max(int32(v), -int32(v))
			}
			sums[o] = float64(sum)
			continue
		}
		per, sum := len(n.w)/len(sums), 0.0
		for _, v := range n.w[o*per : (o+1)*per] {
			sum += math.Abs(float64(v))
		}
		sums[o] = sum
	}
	return sums
}

// weights reads the weights. Float ones have scale 1.
func (c *conv) weights() (n numbers, err error) {
	v, k := c.n.In[1], c.i*c.kh*c.kw
	t, q := v.Const, v.Quant
	n.scale = make([]float32, c.o)
	fail := func(format string, args ...any) (numbers, error) {
		return numbers{}, fmt.Errorf("plan: conv %q: weights %q "+format, append([]any{c.n.Name, v.Name}, args...)...)
	}
	if len(t.Data) != c.o*k*t.DType.Size() {
		return fail("have %d bytes for shape %v", len(t.Data), t.Shape)
	}
	switch t.DType {
	case graph.Float32:
		n.w = make([]float32, c.o*k)
		for i := range n.w {
			n.w[i] = float32At(t.Data, i)
			if math.IsNaN(float64(n.w[i])) || math.IsInf(float64(n.w[i]), 0) {
				return fail("hold %v at %d", n.w[i], i)
			}
		}
		for i := range n.scale {
			n.scale[i] = 1
		}
		return n, nil
	case graph.Int8, graph.Uint8:
	default:
		return fail("are %v, want float32 or int8", t.DType)
	}
	if q == nil || len(q.Zero) != len(q.Scale) || len(q.Scale) != 1 && (len(q.Scale) != c.o || q.Axis != 0) {
		return fail("are %v without one scale an output channel", t.DType)
	}
	n.q = make([]int8, c.o*k)
	narrow, signed := true, t.DType == graph.Int8
	number := func(i int, zero int32) int32 {
		x := int32(t.Data[i])
		if signed {
			x = int32(int8(x))
		}
		return x - zero
	}
	zeros := make([]int32, c.o)
	for o := range c.o {
		at := min(o, len(q.Scale)-1)
		n.scale[o], zeros[o] = q.Scale[at], q.Zero[at]
		if !(n.scale[o] >= 0) || math.IsInf(float64(n.scale[o]), 0) {
			return fail("have scale %v", n.scale[o])
		}
		for i := o * k; i < (o+1)*k; i++ {
			x := number(i, zeros[o])
			n.q[i] = int8(x)
			narrow = narrow && x == int32(n.q[i])
		}
	}
	if !narrow {
		n.q, n.w = nil, make([]float32, c.o*k)
		for i := range n.w {
			n.w[i] = float32(number(i, zeros[i/k]))
		}
	}
	return n, nil
}

// integers makes int16 weights for inputs of at most reach in size. Weights that
// are integers already stay; float ones get the finest scale a channel at
// which the 32-bit sum cannot overflow: Σ|w|·reach < 2^31.
func (c *conv) integers(n numbers, reach int32) ([]int16, error) {
	k := c.i * c.kh * c.kw
	out := make([]int16, c.o*k)
	float := c.n.In[1].Const.DType == graph.Float32
	limit := float64(math.MaxInt32)/float64(reach) - float64(k) // k: rounding up
	for o := range c.o {
		to := out[o*k : (o+1)*k]
		switch {
		case n.q != nil:
			for i, v := range n.q[o*k : (o+1)*k] {
				to[i] = int16(v)
			}
		case float:
			roundRow(to, n.w[o*k:(o+1)*k], &n.scale[o], limit)
		default:
			for i, v := range n.w[o*k : (o+1)*k] {
				to[i] = int16(v)
			}
		}
		var total int64
		for _, q := range to {
			if q < 0 {
				q = -q
			}
			total += int64(q)
		}
		if total*int64(reach) > math.MaxInt32 {
			return nil, fmt.Errorf("plan: conv %q: the sums of output channel %d do not fit 32 bits", c.n.Name, o)
		}
	}
	return out, nil
}

// roundRow rounds a channel's float weights at the finest scale at which they
// are 16-bit integers whose magnitudes add up to limit at most.
func roundRow(out []int16, row []float32, scale *float32, limit float64) {
	var most, sum float64
	for _, v := range row {
		a := math.Abs(float64(v))
		if a > most { // max is a slow call in the tab
			most = a
		}
		sum += a
	}
	s := max(most/math.MaxInt16, sum/max(limit, 1))
	if s == 0 {
		s = 1
	}
	*scale = float32(s)
	if *scale == 0 || float64(*scale)*math.MaxInt16 < most {
		*scale = math.Nextafter32(*scale, math.MaxFloat32)
	}
	for i, v := range row {
		out[i] = int16(math.RoundToEven(float64(v) / float64(*scale)))
	}
}

// packing says how the kernels find the channels of x and y. A row of taps is
// one run where x has its pixels to itself.
func (c *conv) packing(x, y ref) *kernels.Packing {
	slots := func(l Layout) []int {
		m := make([]int, l.Channels())
		for i := range m {
			m[i] = l.Stored(i)
		}
		return m
	}
	return &kernels.Packing{
		ConvShape: kernels.ConvShape{OutC: c.o, InC: c.i * c.group, KH: c.kh, KW: c.kw},
		InMap:     slots(x.lay), InPhys: x.width(),
		OutMap: slots(y.lay), OutPhys: y.width(),
	}
}

// dense returns the weights of a group convolution as those of an ordinary one,
// with zeros between the groups.
func dense[T int8 | int16 | float32](c *conv, w []T) []T {
	if c.group == 1 {
		return w
	}
	taps, per := c.kh*c.kw, c.o/c.group
	out := make([]T, c.o*c.i*c.group*taps)
	for o := range c.o {
		at := (o*c.group + o/per) * c.i * taps
		copy(out[at:], w[o*c.i*taps:(o+1)*c.i*taps])
	}
	return out
}

func float32At(b []byte, i int) float32 {
	b = b[4*i:][:4]
	return math.Float32frombits(uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 | uint32(b[3])<<24)
}
