package plan

import (
	"fmt"
	"math"

	"eagleeye/kernels"
	"eagleeye/wasm/graph"
)

// conversion keys the copies of a value in another representation.
type conversion struct {
	v  *graph.Value
	to repr
}

// lower emits the steps of every node, in order.
func (b *builder) lower() error {
	b.bordered = map[*graph.Value]bool{}
	b.widened = map[*graph.Value]ref{}
	b.converted = map[conversion]ref{}
	b.most = map[*graph.Value]float64{}
	if err := b.letterbox(b.g.Inputs[0]); err != nil {
		return err
	}
	for _, n := range b.g.Nodes {
		if n.Op != "Detect" {
			if err := b.node(n); err != nil {
				return err
			}
			b.passBound(n)
		}
	}
	if b.detect != nil { // last, so that it can run again alone
		return b.decode(b.detect)
	}
	return nil
}

func (b *builder) node(n *graph.Node) error {
	switch n.Op {
	case "Conv":
		return b.conv(n)
	case "MaxPool":
		return b.pool(n)
	case "Upsample":
		return b.upsample(n)
	case "Concat":
		return b.concat(n)
	case "Slice":
		if x, y := b.refs[n.In[0]], b.refs[n.Out[0]]; x.repr != y.repr {
			x.lay, x.at = y.lay, x.at+x.lay.Stored(int(n.Int("start", 0)))
			b.convert(n.Name, "slice", x, y)
		}
		return nil
	case "Add":
		return b.add(n)
	case "Mul":
		return b.float(n, kernels.OpMulF32)
	case "Sigmoid":
		return b.float(n, kernels.OpSigmoidF32)
	case "SiLU":
		return b.float(n, kernels.OpSiLUF32)
	case "Softmax":
		// The kernel writes no padding, which must be finite where it is read.
		if x := b.refs[n.In[0]]; !x.lay.dense() || x.width() != x.lay.Channels() {
			return fmt.Errorf("plan: softmax %q over %d channels, want a multiple of %d that is not cut apart", n.Name, x.lay.Channels(), lane)
		}
		return b.float(n, kernels.OpSoftmaxF32)
	}
	return fmt.Errorf("plan: %s %q cannot be lowered", n.Op, n.Name)
}

// emit appends a step that reads and writes whole values. desc is called when
// addresses are known.
func (b *builder) emit(s step, desc func() []byte, dst ref, src ...ref) {
	now := len(b.steps)
	s.Shape = fmt.Sprintf("%d×%d×%d", dst.lay.Channels(), dst.h, dst.w)
	for _, r := range append(src, dst) {
		buf := b.bufferOf(r)
		buf.touch(now)
		s.Bytes += int64(r.h) * int64(r.w) * int64(r.width()) * int64(r.size)
	}
	s.desc = desc
	b.steps = append(b.steps, s)
}

// bufferOf returns the buffer of a value's storage, made at its first use.
func (b *builder) bufferOf(r ref) *buffer {
	a, _ := r.area.root(r.at)
	if a.buf == nil {
		a.buf = &buffer{size: a.bytes(), first: math.MaxInt, last: -1}
		b.buffers = append(b.buffers, a.buf)
	}
	return a.buf
}

func (b *builder) place(r ref) kernels.Map { return r.place(b.arenaBase) }

// temp makes storage like r's in another element type.
func (b *builder) temp(r ref, to repr) ref {
	t := ref{repr: to, h: r.h, w: r.w, lay: r.lay, size: to.size()}
	t.area = &area{h: r.h, w: r.w, width: r.width(), size: t.size}
	return t
}

// as returns a value in a representation, converted once if it has another.
func (b *builder) as(v *graph.Value, to repr) ref {
	r := b.refs[v]
	if r.repr == to {
		return r
	}
	key := conversion{v, to}
	if c, ok := b.converted[key]; ok {
		return c
	}
	c := b.temp(r, to)
	b.convert(v.Name, "", r, c)
	b.converted[key] = c
	return c
}

// convert copies src to dst, which has the same layout and maybe another
// representation.
func (b *builder) convert(name, kind string, src, dst ref) {
	d := kernels.RequantDesc{H: int32(dst.h), W: int32(dst.w), C: int32(dst.width()),
		SrcScale: src.scale, SrcZero: src.zero, OutZero: dst.zero}
	if dst.u8 {
		d.OutInv = 1 / dst.scale
	}
	s := step{op: kernels.OpCopy, tiles: dst.h}
	s.Name, s.Kind = name, "copy"
	switch {
	case src.u8 && dst.u8 && src.repr != dst.repr:
		s.op, s.Kind = kernels.OpRequant, "requantize"
	case !src.u8 && dst.u8:
		s.op, s.Kind = kernels.OpQuantize, "quantize"
	case src.u8 && !dst.u8:
		s.op, s.Kind = kernels.OpDequantize, "dequantize"
	}
	if kind != "" {
		s.Kind = kind + " " + s.Kind
	}
	b.emit(s, func() []byte {
		if s.op == kernels.OpCopy {
			return kernels.Bytes(&kernels.CopyDesc{Src: b.place(src), Dst: b.place(dst),
				H: int32(dst.h), W: int32(dst.w), Bytes: int32(dst.width() * dst.size)})
		}
		d := d
		d.Src, d.Dst = b.place(src), b.place(dst)
		return kernels.Bytes(&d)
	}, dst, src)
}

func (b *builder) letterbox(v *graph.Value) error {
	r := b.refs[v]
	in := &b.plan.Input
	in.Width, in.Height = r.w, r.h
	s := step{op: kernels.OpLetterbox, tiles: r.h}
	s.Name, s.Kind = v.Name, "letterbox"
	b.emit(s, func() []byte {
		in.Desc = b.steps[0].at
		in.Letterbox = kernels.LetterboxDesc{Dst: b.place(r), DstW: int32(r.w), DstH: int32(r.h),
			XTab: in.XTab, YTab: in.YTab, Src: in.Source}
		if !r.u8 {
			in.Letterbox.Float = 1
		}
		return kernels.Bytes(&in.Letterbox)
	}, r)
	return nil
}

func (b *builder) pool(n *graph.Node) error {
	ks, ss, ps := n.Ints("kernel_shape"), n.Ints("strides"), n.Ints("pads")
	d := kernels.PoolDesc{K: 1, Stride: 1}
	square := func(v []int64, to *int32, from int64) bool {
		if len(v) < 2 {
			return len(v) == 0
		}
		*to = int32(v[0])
		return v[0] == v[1] && v[0] >= from && v[0] <= 1024
	}
	if !square(ks, &d.K, 1) || !square(ss, &d.Stride, 1) || !square(ps, &d.Pad, 0) {
		return fmt.Errorf("plan: maxpool %q: kernel %v, strides %v, pads %v: only square windows can be lowered", n.Name, ks, ss, ps)
	}
	for _, v := range n.Ints("dilations") {
		if v != 1 {
			return fmt.Errorf("plan: maxpool %q: dilation %d cannot be lowered", n.Name, v)
		}
	}
	y := b.refs[n.Out[0]]
	x := b.refs[n.In[0]]
	d.InH, d.InW, d.OutH, d.OutW, d.C = int32(x.h), int32(x.w), int32(y.h), int32(y.w), int32(y.width())
	if d.Pad >= d.K || (d.OutH-1)*d.Stride-d.Pad >= d.InH || (d.OutW-1)*d.Stride-d.Pad >= d.InW {
		return fmt.Errorf("plan: maxpool %q: windows of %d with padding %d lie outside %d×%d", n.Name, d.K, d.Pad, x.w, x.h)
	}
	b.through(n, fmt.Sprintf("maxpool %d", d.K), y.h, x.repr, func(x, y ref) (kernels.Op, func() []byte) {
		op := kernels.OpMaxPoolF32
		if x.u8 {
			op = kernels.OpMaxPoolU8
		}
		return op, func() []byte {
			d := d
			d.Src, d.Dst = b.place(x), b.place(y)
			return kernels.Bytes(&d)
		}
	})
	return nil
}

func (b *builder) upsample(n *graph.Node) error {
	x, y := b.refs[n.In[0]], b.refs[n.Out[0]]
	f := int(n.Int("factor", 0))
	if f < 1 || y.h != x.h*f || y.w != x.w*f {
		return fmt.Errorf("plan: upsample %q by %d: %d×%d does not become %d×%d", n.Name, f, x.w, x.h, y.w, y.h)
	}
	b.through(n, fmt.Sprintf("upsample %d", f), x.h, x.repr, func(x, y ref) (kernels.Op, func() []byte) {
		return kernels.OpUpsample, func() []byte {
			return kernels.Bytes(&kernels.UpsampleDesc{Src: b.place(x), Dst: b.place(y),
				H: int32(x.h), W: int32(x.w), Bytes: int32(x.width() * x.size), Factor: int32(f)})
		}
	})
	return nil
}

// through emits a node of one input that works in representation in, and
// converts its result when that is stored in another.
func (b *builder) through(n *graph.Node, kind string, tiles int, in repr, make func(x, y ref) (kernels.Op, func() []byte)) {
	x, y := b.as(n.In[0], in), b.refs[n.Out[0]]
	to := y
	if y.repr != in {
		to = b.temp(y, in)
	}
	s := step{tiles: tiles}
	s.Name, s.Kind = n.Name, kind
	var desc func() []byte
	s.op, desc = make(x, to)
	b.emit(s, desc, to, x)
	if y.repr != in {
		b.convert(n.Name, kind, to, y)
	}
}

func (b *builder) concat(n *graph.Node) error {
	if axis := n.Int("axis", 1); axis != 1 && axis != -3 {
		return fmt.Errorf("plan: concat %q along axis %d cannot be lowered", n.Name, axis)
	}
	y := b.refs[n.Out[0]]
	channels := 0
	for i, start := range memberStarts(n, y.lay) {
		x := b.refs[n.In[i]]
		if x.h != y.h || x.w != y.w {
			return fmt.Errorf("plan: concat %q joins %d×%d to %d×%d", n.Name, x.w, x.h, y.w, y.h)
		}
		channels += x.lay.Channels()
		slot := y
		slot.lay, slot.at = x.lay, y.at+start
		xa, xat := x.area.root(x.at)
		ya, yat := y.area.root(slot.at)
		if xa != ya || xat != yat {
			b.convert(n.Name, "concat", x, slot)
		}
	}
	if channels != y.lay.Channels() {
		return fmt.Errorf("plan: concat %q joins %d channels to %d", n.Name, channels, y.lay.Channels())
	}
	return nil
}

func (b *builder) add(n *graph.Node) error {
	if len(n.In) != 2 {
		return fmt.Errorf("plan: add %q has %d inputs", n.Name, len(n.In))
	}
	x, z, y := b.refs[n.In[0]], b.refs[n.In[1]], b.refs[n.Out[0]]
	if !x.u8 || !z.u8 || !y.u8 {
		return b.float(n, kernels.OpAddF32)
	}
	if err := sameShape(n); err != nil {
		return err
	}
	b.pair(n, kernels.OpAddU8, kernels.AddDesc{AScale: x.scale, BScale: z.scale, AZero: x.zero, BZero: z.zero,
		OutInv: 1 / y.scale, OutZero: y.zero}, x, z, y)
	return nil
}

func (b *builder) pair(n *graph.Node, op kernels.Op, d kernels.AddDesc, x, z, y ref) {
	d.H, d.W, d.C = int32(y.h), int32(y.w), int32(y.width())
	s := step{op: op, tiles: y.h}
	s.Name, s.Kind = n.Name, map[bool]string{true: "mul", false: "add"}[op == kernels.OpMulF32]
	b.emit(s, func() []byte {
		d := d
		d.A, d.B, d.Dst = b.place(x), b.place(z), b.place(y)
		return kernels.Bytes(&d)
	}, y, x, z)
}

// float emits an element-wise node in float32.
func (b *builder) float(n *graph.Node, op kernels.Op) error {
	if err := sameShape(n); err != nil {
		return err
	}
	if len(n.In) == 2 {
		y := b.refs[n.Out[0]]
		to := y
		if y.u8 {
			to = b.temp(y, float)
		}
		b.pair(n, op, kernels.AddDesc{}, b.as(n.In[0], float), b.as(n.In[1], float), to)
		if y.u8 {
			b.convert(n.Name, "", to, y)
		}
		return nil
	}
	kind := map[kernels.Op]string{kernels.OpSigmoidF32: "sigmoid", kernels.OpSiLUF32: "silu", kernels.OpSoftmaxF32: "softmax"}[op]
	b.through(n, kind, b.refs[n.Out[0]].h, float, func(x, y ref) (kernels.Op, func() []byte) {
		return op, func() []byte {
			d := kernels.EltDesc{Src: b.place(x), Dst: b.place(y), H: int32(y.h), W: int32(y.w), C: int32(y.width())}
			if op == kernels.OpSoftmaxF32 {
				d.C = int32(y.lay.Channels())
			}
			return kernels.Bytes(&d)
		}
	})
	return nil
}

func sameShape(n *graph.Node) error {
	want := map[string]int{"Add": 2, "Mul": 2}[n.Op]
	if want != 0 && len(n.In) != want {
		return fmt.Errorf("plan: %s %q has %d inputs", n.Op, n.Name, len(n.In))
	}
	y := n.Out[0].Shape
	for _, x := range n.In {
		for i := range y {
			if x.Shape[i] != y[i] {
				return fmt.Errorf("plan: %s %q combines %v to %v: broadcasting cannot be lowered", n.Op, n.Name, x.Shape, y)
			}
		}
	}
	return nil
}
