package plan

import (
	"fmt"
	"unsafe"

	"eagleeye/kernels"
	"eagleeye/wasm/graph"
)

// Group convolutions become dense ones, so a small file can ask for much memory:
// maxWeights bounds the weights of a convolution, in elements, maxImage the bytes
// of all that is packed.
const (
	maxWeights = 1 << 26
	maxImage   = 1 << 30
)

// panelBytes is about how many bytes of weights a tile uses for all its pixels:
// they should stay in the first-level cache beside a few rows of input.
const panelBytes = 24 << 10

// conv emits a convolution: on bytes or int16 when its input is quantized, else
// on float32.
func (b *builder) conv(n *graph.Node) error {
	c, err := newConv(n)
	if err != nil {
		return err
	}
	in, y := b.fine(c, b.refs[n.In[0]]), b.refs[n.Out[0]]
	if size := int64(y.width()) * int64(in.width()) * int64(c.kh*c.kw); size > maxWeights {
		return fmt.Errorf("plan: conv %q: %d weights as a dense matrix are too many", n.Name, size)
	}
	if b.fixed > maxImage {
		return fmt.Errorf("plan: conv %q: the weights before it take %d MiB already, the limit is %d: choose a smaller model", n.Name, b.fixed>>20, maxImage>>20)
	}
	to, res := b.epilogue(c, in, y)
	x, op := b.operand(n, in, to)
	d := kernels.ConvDesc{OutH: int32(c.oh), OutW: int32(c.ow), OutC: int32(y.width()),
		ResScale: res.scale, ResZero: res.zero, OutZero: to.zero}
	if to.u8 {
		d.OutInv = 1 / to.scale
	}
	if c.silu {
		d.Act = kernels.ActSiLU
	}
	wanted := direct
	if !in.fine {
		wanted = c.algorithm(x, y, op, b.exact)
	}
	alg, err := b.weights(c, &d, in, to, res, wanted)
	if err != nil {
		return err
	}
	start := b.firstSums(n)
	s := step{op: alg.op(op)}
	s.Name, s.Kind, s.MACs = n.Name, c.kind(op, alg), c.macs()
	s.Bytes = int64(y.width()) * int64(c.kh*c.kw*x.width()*x.size)
	s.Work = c.work(alg, x.width(), y.width())
	var blockRows int
	if alg == direct {
		s.tiles = b.window(c, &d, x, y)
	} else {
		rows, size, scratch := c.winogradBlocks(alg, x)
		blockRows, d.RunLen = rows, int32(x.width())
		s.tiles, d.TilePanels = c.winogradTiles(rows, size, y.width()/lane, b.threads)
		b.scratchSize = max(b.scratchSize, int64(scratch))
	}

	srcs := []ref{x}
	if c.residual != nil {
		srcs = append(srcs, res)
	}
	b.emit(s, func() []byte {
		d := d
		d.Src, d.Dst = b.place(x), b.place(to)
		d.Src.Addr -= uint32(int32(c.top)*d.Src.Row + int32(c.lft)*d.Src.Pix)
		d.Src.Row *= int32(c.sy)
		d.Src.Pix *= int32(c.sx)
		if c.residual != nil {
			d.Res = b.place(res)
		}
		if alg != direct {
			return kernels.Bytes(&kernels.WinogradDesc{Conv: d, BlockRows: int32(blockRows),
				Scratch: uint32(b.scratch), ScratchStep: int32(b.scratchSize)})
		}
		if start != 0 {
			return kernels.Bytes(&kernels.ByteConvDesc{Conv: d, Start: start})
		}
		return kernels.Bytes(&d)
	}, to, srcs...)
	if to.area != y.area {
		b.convert(n.Name, "conv", to, y)
	}
	return nil
}

// epilogue chooses what the kernel writes and the residual it adds. It writes
// y's representation, except where it cannot: float sums and float residuals
// are quantized afterwards.
func (b *builder) epilogue(c *conv, x, y ref) (to, res ref) {
	to = y
	if c.residual != nil {
		res = b.refs[c.residual]
	}
	if y.u8 && (!x.u8 || c.residual != nil && !res.u8) {
		to = b.temp(y, float)
	}
	if c.residual != nil && res.u8 != to.u8 {
		res = b.as(c.residual, float)
	}
	return to, res
}

// operand returns the input in the form that the kernel reads, and the kernel.
func (b *builder) operand(n *graph.Node, x, to ref) (ref, kernels.Op) {
	_, bytes := b.bytes[n]
	b.plan.Quantized = b.plan.Quantized || x.u8
	switch {
	case !x.u8:
		return b.border(n.In[0], x), kernels.OpConvF32
	case bytes && to.u8:
		return b.border(n.In[0], x), kernels.OpConvU8
	case bytes:
		return b.border(n.In[0], x), kernels.OpConvU8F32
	case to.u8:
		return b.widen(n.In[0], x), kernels.OpConvI16
	}
	return b.widen(n.In[0], x), kernels.OpConvI16F32
}

// window fills in how a direct kernel walks over its input, and returns the
// number of tiles.
func (b *builder) window(c *conv, d *kernels.ConvDesc, x, y ref) int {
	a, _ := x.area.root(x.at)
	pack := c.packing(x, y)
	pack.Merged = c.merged(x, a)
	d.NRuns, d.RunLen = int32(pack.NRuns()), int32(pack.RunLen())
	d.Runs = b.put(bytesOf(pack.Runs(a.row(), a.pix(), c.dy, c.dx)), 16)
	panels := y.width() / lane
	d.TilePanels = int32(max(1, min(panelBytes/(lane*c.kh*c.kw*x.width()*x.size), panels)))
	return c.oh * ((panels + int(d.TilePanels) - 1) / int(d.TilePanels))
}

// weights packs weights, scales and bias into the image for the wanted
// algorithm, or where they do not fit it for the next simpler one, which it
// returns.
func (b *builder) weights(c *conv, d *kernels.ConvDesc, x, y, res ref, wanted algorithm) (algorithm, error) {
	bw, bytes := b.bytes[c.n]
	n := bw.numbers
	if !bytes {
		var err error
		if n, err = c.weights(); err != nil {
			return 0, err
		}
	}
	bias, err := c.bias()
	if err != nil {
		return 0, err
	}
	pack := c.packing(x, y)
	b.plan.Params += int64(c.o*c.i*c.kh*c.kw + len(bias))
	b.bound(c, x, n, bias)
	unit := c.fixSiLU(d, n, bias, x, y, res)
	d.Bias = b.put(bytesOf(kernels.PackOutputs(bias, pack)), 16)
	if x.u8 {
		if bytes {
			d.Scale = b.put(bytesOf(kernels.PackOutputs(sumScales(n.scale, x, unit), pack)), 16)
			d.Weights = b.put(bytesOf(bw.packed), 64)
			return direct, nil
		}
		return b.quantizedWeights(c, d, x, n, unit, pack, wanted)
	}
	w := n.floats()
	per := len(w) / c.o
	for o, s := range n.scale {
		for i := o * per; i < (o+1)*per; i++ {
			w[i] *= s
		}
	}
	pack32 := kernels.PackConvF32
	if wanted == winograd23 {
		pack32 = kernels.PackWinogradF32
	}
	packed, err := pack32(dense(c, w), pack)
	if err != nil {
		return 0, fmt.Errorf("plan: conv %q: %w", c.n.Name, err)
	}
	d.Weights = b.put(bytesOf(packed), 64)
	return wanted, nil
}

// quantizedWeights packs the weights and scales of a convolution of bytes.
func (b *builder) quantizedWeights(c *conv, d *kernels.ConvDesc, x ref, n numbers, unit float32, pack *kernels.Packing, wanted algorithm) (algorithm, error) {
	if wanted == winograd43 {
		if b.winograd43(c, d, x, n, sumScales(n.scale, x, unit), pack) == nil {
			return winograd43, nil
		}
		wanted = winograd23
	}
	reach := x.reach()
	q, err := c.integers(n, reach)
	if err != nil {
		return 0, err
	}
	d.Scale = b.put(bytesOf(kernels.PackOutputs(sumScales(n.scale, x, unit), pack)), 16)
	q = dense(c, q)
	if wanted == winograd23 {
		if packed, ok := c.packWinograd(q, pack, reach); ok {
			d.Weights = b.put(bytesOf(packed), 64)
			return winograd23, nil
		}
	}
	packed, err := kernels.PackConvI16(q, pack)
	if err != nil {
		return 0, fmt.Errorf("plan: conv %q: %w", c.n.Name, err)
	}
	d.Weights = b.put(bytesOf(packed), 64)
	return direct, nil
}

// sumScales returns the scales of the sums: of the weights times the input's,
// for results that count in units of 1/unit.
func sumScales(scale []float32, x ref, unit float32) []float32 {
	out := make([]float32, len(scale))
	for i, s := range scale {
		out[i] = float32(float64(s) * float64(x.scale) * float64(unit))
	}
	return out
}

// fixSiLU chooses the fixed-point SiLU where it is possible: for bytes whose
// numbers fit it, whatever the input. It takes the biases to its units and
// returns how many of those are 1; else it changes nothing and returns 1.
func (c *conv) fixSiLU(d *kernels.ConvDesc, n numbers, bias []float32, x, y, res ref) (unit float32) {
	if !c.silu || !x.u8 || !y.u8 {
		return 1
	}
	fixed, unit, ok := kernels.NewFixedSiLU(y.scale, y.zero, res.scale, res.zero)
	reach := float64(x.reach()) * float64(x.scale) * float64(unit)
	units, sums := make([]float32, c.o), n.magnitudes()
	for o := 0; o < c.o && ok; o++ {
		units[o], ok = kernels.FixedBias(float32(bias[o]*unit), sums[o]*float64(n.scale[o])*reach)
	}
	if !ok {
		return 1
	}
	copy(bias, units)
	d.Act, d.Fixed = kernels.ActSiLUFixed, fixed
	return unit
}

// widen returns the centred int16 copy of a quantized or fine value that all its
// convolutions share; its border serves the widest of them.
func (b *builder) widen(v *graph.Value, x ref) ref {
	if w, ok := b.widened[v]; ok {
		return w
	}
	pad := 0
	for _, n := range b.g.Nodes {
		if n.Op == "Conv" && n.In[0] == v {
			if c, err := newConv(n); err == nil {
				pad = max(pad, c.border())
			}
		}
	}
	w := ref{h: x.h, w: x.w, lay: x.lay, size: 2}
	w.area = &area{h: x.h, w: x.w, width: x.width(), size: 2, pad: pad}
	b.widened[v] = w
	s := step{op: kernels.OpWiden, tiles: x.h}
	if x.fine {
		s.op = kernels.OpWidenF32
	}
	s.Name, s.Kind = v.Name, "widen"
	b.emit(s, func() []byte {
		return kernels.Bytes(&kernels.WidenDesc{Src: b.place(x), Dst: b.place(w), H: int32(x.h), W: int32(x.w),
			C: int32(x.width()), Zero: x.zero, Pad: int32(pad), Inv: 1 / x.scale})
	}, w, x)
	return w
}

// border fills what lies around a value that convolutions read as it is, once.
func (b *builder) border(v *graph.Value, x ref) ref {
	a, _ := x.area.root(x.at)
	if a.pad == 0 || b.bordered[v] {
		return x
	}
	needed := false
	for _, n := range b.g.Nodes {
		_, bytes := b.bytes[n]
		if n.Op == "Conv" && n.In[0] == v && (bytes || !x.u8) {
			c, err := newConv(n)
			needed = needed || err == nil && c.border() > 0
		}
	}
	if !needed {
		return x
	}
	b.bordered[v] = true
	s := step{op: kernels.OpFillBorder, tiles: x.h}
	s.Name, s.Kind = v.Name, "border"
	b.emit(s, func() []byte {
		return kernels.Bytes(&kernels.BorderDesc{Dst: b.place(x), H: int32(x.h), W: int32(x.w),
			Bytes: int32(x.width() * x.size), Pad: int32(a.pad), Value: uint32(x.zero) * 0x01010101})
	}, x)
	b.steps[len(b.steps)-1].Bytes = int64(a.bytes()) - int64(a.h*a.w*a.pix())
	return x
}

// bytesOf views a slice as its little-endian bytes (see kernels.Bytes).
func bytesOf[T int8 | int16 | int32 | float32 | float64](s []T) []byte {
	if len(s) == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(&s[0])), len(s)*int(unsafe.Sizeof(s[0])))
}
