//go:build !js

package kernels

import (
	"fmt"
	"math"
	"testing"
)

// convCase is a convolution over random data: a Src of H×W pixels with a
// border of dil·(K−1)/2 and room for slices.
type convCase struct {
	name            string
	op              Op
	inC, outC       int
	k, stride, dil  int
	h, w            int // of the output
	inExtra         int // slots beside inC in the source's pixels (a slice)
	outExtra        int // slots beside outC in the destination's pixels
	panels          int32
	act             int32
	res             bool
	merged, garbled bool // garbled: channels in shuffled slots
	slots8          bool // input slots in eights, not fours
}

// build writes the case into an image, as a step.
func (c convCase) build(im *image) {
	d, p, w := c.desc(im)
	tiles := int32(c.h) * ((d.OutC/8 + c.panels - 1) / c.panels)
	if w, ok := w.([]int8); ok {
		_, start, err := PackConvU8(w, im.rng.Int32N(256), p)
		if err != nil {
			panic(err)
		}
		step(im, c.op, ByteConvDesc{d, put(im, start...)}, tiles)
		return
	}
	step(im, c.op, d, tiles)
}

// desc writes the case's data into an image and returns its descriptor, with
// the weights and their packing.
func (c convCase) desc(im *image) (d ConvDesc, p *Packing, weights any) {
	inC4, outC8 := (c.inC+3)/4*4, (c.outC+7)/8*8
	if c.slots8 {
		inC4 = (c.inC + 7) / 8 * 8
	}
	p = &Packing{ConvShape: ConvShape{c.outC, c.inC, c.k, c.k}, InPhys: inC4, OutPhys: outC8, Merged: c.merged}
	if c.garbled {
		p.InMap, p.OutMap = im.rng.Perm(inC4)[:c.inC], im.rng.Perm(outC8)[:c.outC]
	}
	in, out := int32(2), int32(1)
	switch c.op {
	case OpConvF32:
		in = 4
	case OpConvU8, OpConvU8F32:
		in = 1
	}
	if c.op != OpConvI16 && c.op != OpConvU8 {
		out = 4
	}
	pix := int32(inC4+c.inExtra) * in
	rows := int32((c.h-1)*c.stride + (c.k-1)*c.dil + 1)
	cols := int32((c.w-1)*c.stride + (c.k-1)*c.dil + 1)
	var src uint32
	n := c.outC * c.inC * c.k * c.k
	d = ConvDesc{
		OutH: int32(c.h), OutW: int32(c.w), OutC: int32(outC8),
		NRuns: int32(p.NRuns()), RunLen: int32(p.RunLen()),
		TilePanels: c.panels, Act: c.act,
		ResScale: 0.03, ResZero: 77, OutInv: 21.5, OutZero: int32(im.rng.IntN(256)),
	}
	elements := int(rows * cols * pix / in)
	switch in {
	case 1:
		src = extremes(im, elements)
		w := laneWeights(im.rng, p)
		packed, _, err := PackConvU8(w, 0, p)
		if err != nil {
			panic(err)
		}
		d.Weights, weights = put(im, packed...), w
	case 4:
		src = im.floats(elements, 1)
		w := make([]float32, n)
		for i := range w {
			w[i] = im.rng.Float32() - 0.5
		}
		packed, err := PackConvF32(w, p)
		if err != nil {
			panic(err)
		}
		d.Weights, weights = put(im, packed...), w
	default:
		q := make([]int16, elements)
		for i := range q {
			q[i] = int16(im.rng.IntN(511) - 255)
		}
		src = put(im, q...)
		w := make([]int16, n)
		for i := range w {
			w[i] = int16(im.rng.IntN(255) - 127)
		}
		packed, err := PackConvI16(w, p)
		if err != nil {
			panic(err)
		}
		d.Weights, weights = put(im, packed...), w
	}
	scale := make([]float32, c.outC)
	for i := range scale {
		scale[i] = (im.rng.Float32() + 0.1) / 20000
	}
	d.Scale, d.Bias = put(im, PackOutputs(scale, p)...), im.floats(outC8, 1)
	d.Runs = put(im, p.Runs(int(cols*pix), int(pix), c.dil, c.dil)...)
	d.Src = Map{src + uint32(c.inExtra/8*4*int(in)), cols * pix * int32(c.stride), pix * int32(c.stride)}
	dstPix := int32(outC8+c.outExtra) * out
	place := func() Map {
		bytes := int(int32(c.h*c.w) * dstPix)
		addr := im.alloc(bytes)
		if out == 4 {
			addr = im.floats(bytes/4, 3)
		}
		return Map{addr + uint32(c.outExtra/8*4*int(out)), int32(c.w) * dstPix, dstPix}
	}
	d.Dst = place()
	if c.res {
		d.Res = place()
	}
	if c.act == ActSiLUFixed {
		c.useFixed(im, &d)
	}
	return d, p, weights
}

// useFixed takes random step sizes for ActSiLUFixed. Outputs of floats have
// ActSiLU instead.
func (c convCase) useFixed(im *image, d *ConvDesc) {
	d.Act = ActSiLU
	if c.op != OpConvI16 && c.op != OpConvU8 {
		return
	}
	size := float32(math.Exp(im.rng.Float64()*4 - 4.6))
	d.Act, d.OutInv, d.ResScale = ActSiLUFixed, 1/size, size*im.rng.Float32()*3.9
	f, unit, ok := NewFixedSiLU(size, d.OutZero, d.ResScale, d.ResZero)
	if !ok {
		panic(fmt.Sprintf("step size %v", size))
	}
	d.Fixed = f
	scale, bias := view[float32](im.mem, d.Scale, int(d.OutC)), view[float32](im.mem, d.Bias, int(d.OutC))
	for i := range scale {
		scale[i] *= unit
		bias[i] = bias[i]*unit + roundMagic
	}
}

// fuzzAct is the activation of a fuzzed convolution.
func fuzzAct(flags uint8, seed uint64) int32 {
	return []int32{ActNone, ActSiLU, ActNone, ActSiLUFixed}[seed%2*2+uint64(flags&1)]
}

var convOps = []Op{OpConvI16, OpConvI16F32, OpConvF32, OpConvU8, OpConvU8F32}

func TestConv(t *testing.T) {
	cases := []convCase{
		{name: "1×1", inC: 8, outC: 8, k: 1, stride: 1, dil: 1, h: 3, w: 5, panels: 1},
		{name: "3×3 merged", inC: 16, outC: 16, k: 3, stride: 1, dil: 1, h: 4, w: 8, panels: 1, merged: true},
		{name: "3×3 stride 2 SiLU", inC: 16, outC: 24, k: 3, stride: 2, dil: 1, h: 3, w: 7, panels: 2, act: ActSiLU, merged: true},
		{name: "stem", inC: 3, outC: 16, k: 3, stride: 2, dil: 1, h: 6, w: 10, panels: 2, act: ActSiLU, merged: true},
		{name: "slice to slice", inC: 16, outC: 16, k: 3, stride: 1, dil: 1, h: 4, w: 6, inExtra: 16, outExtra: 32, panels: 1, act: ActSiLU},
		{name: "residual", inC: 16, outC: 16, k: 3, stride: 1, dil: 1, h: 4, w: 5, outExtra: 8, panels: 1, act: ActSiLU, res: true},
		{name: "fixed SiLU", inC: 16, outC: 16, k: 1, stride: 1, dil: 1, h: 4, w: 6, inExtra: 16, outExtra: 32, panels: 1, act: ActSiLUFixed},
		{name: "fixed SiLU and residual", inC: 16, outC: 24, k: 3, stride: 1, dil: 1, h: 4, w: 5, outExtra: 8, panels: 2, act: ActSiLUFixed, res: true},
		{name: "residual without activation", inC: 8, outC: 8, k: 1, stride: 1, dil: 1, h: 2, w: 4, panels: 1, res: true},
		{name: "5×5", inC: 4, outC: 8, k: 5, stride: 1, dil: 1, h: 3, w: 4, panels: 1, merged: true},
		{name: "dilation 2", inC: 12, outC: 8, k: 3, stride: 1, dil: 2, h: 3, w: 4, panels: 1},
		{name: "72 channels", inC: 72, outC: 72, k: 3, stride: 1, dil: 1, h: 2, w: 9, panels: 4, merged: true},
		{name: "odd channels in shuffled slots", inC: 21, outC: 19, k: 3, stride: 1, dil: 1, h: 2, w: 6, panels: 2, merged: true, garbled: true},
	}
	for w := 1; w <= 11; w++ {
		cases = append(cases, convCase{name: fmt.Sprintf("width %d", w), inC: 4, outC: 8, k: 3, stride: 1, dil: 1, h: 1, w: w, panels: 1, merged: true})
	}
	m := newMachine(t, 1)
	for _, op := range convOps {
		for i, c := range cases {
			c.op = op
			t.Run(op.String()+"/"+c.name, func(t *testing.T) {
				im := newImage(uint64(i))
				c.build(im)
				prog := put(im, im.steps...)
				im.alloc(16)
				im.compareOn(t, m, prog)
			})
		}
	}
}

// FuzzConv compares module and oracle bit for bit on any small convolution,
// the float one too: all round after each operation.
func FuzzConv(f *testing.F) {
	f.Add(uint64(1), uint8(0), uint8(3), uint8(8), uint8(3), uint8(2), uint8(1), uint8(2), uint8(5), uint8(0), uint8(0), uint8(0xff))
	f.Add(uint64(2), uint8(2), uint8(20), uint8(30), uint8(1), uint8(1), uint8(2), uint8(3), uint8(9), uint8(8), uint8(16), uint8(1))
	f.Fuzz(fuzzConv)
}

func fuzzConv(t *testing.T, seed uint64, op, inC, outC, k, stride, dil, h, w, inExtra, outExtra, flags uint8) {
	c := convCase{
		op: convOps[int(op)%len(convOps)], inC: 1 + int(inC)%40, outC: 1 + int(outC)%40, k: 1 + int(k)%5,
		stride: 1 + int(stride)%3, dil: 1 + int(dil)%2, h: 1 + int(h)%4, w: 1 + int(w)%12,
		inExtra: int(inExtra) % 32 / 8 * 8, outExtra: int(outExtra) % 32 / 8 * 8,
		panels: 1 + int32(flags>>4)%3, act: fuzzAct(flags, seed), res: flags&2 != 0, garbled: flags&4 != 0,
	}
	c.merged = flags&8 != 0 && c.dil == 1 && c.inExtra == 0
	im := newImage(seed)
	c.build(im)
	im.compare(t)
}

func TestWiden(t *testing.T) {
	for _, c := range []struct {
		name                       string
		h, w, ch, srcPix, dstExtra int32
		pad                        int32
	}{
		{"dense", 3, 5, 16, 16, 0, 1},
		{"one pixel", 1, 1, 4, 4, 0, 2},
		{"no border", 2, 7, 12, 12, 0, 0},
		{"slice", 3, 4, 20, 48, 0, 1},
		{"gaps in the destination", 2, 3, 8, 16, 8, 1},
		{"72 channels", 2, 2, 72, 72, 0, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			im := newImage(uint64(c.w))
			dstPix := 2 * (c.ch + c.dstExtra)
			dstRow := dstPix * (c.w + 2*c.pad)
			d := WidenDesc{
				Src: Map{im.alloc(int(c.h * c.w * c.srcPix)), c.w * c.srcPix, c.srcPix},
				Dst: Map{im.alloc(int(dstRow*(c.h+2*c.pad))) + uint32(c.pad*(dstRow+dstPix)), dstRow, dstPix},
				H:   c.h, W: c.w, C: c.ch, Zero: 131, Pad: c.pad,
			}
			step(im, OpWiden, d, c.h)
			d.Src, d.Inv = im.placeWide(c.h, c.w, c.srcPix), 900
			d.Dst.Addr = im.alloc(int(dstRow*(c.h+2*c.pad))) + uint32(c.pad*(dstRow+dstPix))
			step(im, OpWidenF32, d, c.h)
			im.compare(t)
		})
	}
}

// placeWide places a map of float32 of ch channels a pixel, some of which are
// beyond I16 once they are multiplied by 900, or halfway, or not numbers.
func (im *image) placeWide(h, w, ch int32) Map {
	m := im.placeFloats(h, w, ch, 40, layout{})
	copy(view[float32](im.mem, m.Addr, 4), []float32{float32(math.NaN()), float32(math.Inf(1)), 2.5 / 900, float32(math.Inf(-1))})
	return m
}

func FuzzWiden(f *testing.F) {
	f.Add(uint64(1), uint8(2), uint8(5), uint8(3), uint8(4), uint8(0), uint8(1), uint8(131))
	f.Fuzz(fuzzWiden)
}

func fuzzWiden(t *testing.T, seed uint64, h, w, ch, srcExtra, dstExtra, pad, zero uint8) {
	im := newImage(seed)
	d := WidenDesc{H: 1 + int32(h)%5, W: 1 + int32(w)%9, C: 4 + int32(ch)%20*4, Zero: int32(zero), Pad: int32(pad) % 3}
	srcPix, dstPix := d.C+int32(srcExtra)%3*8, 2*(d.C+int32(dstExtra)%3*8)
	dstRow := dstPix * (d.W + 2*d.Pad)
	d.Src = Map{im.alloc(int(d.H * d.W * srcPix)), d.W * srcPix, srcPix}
	d.Dst = Map{im.alloc(int(dstRow*(d.H+2*d.Pad))) + uint32(d.Pad*(dstRow+dstPix)), dstRow, dstPix}
	step(im, OpWiden, d, d.H)
	d.Src, d.Inv = im.placeWide(d.H, d.W, srcPix), 1+float32(zero)*8
	d.Dst.Addr = im.alloc(int(dstRow*(d.H+2*d.Pad))) + uint32(d.Pad*(dstRow+dstPix))
	step(im, OpWidenF32, d, d.H)
	im.compare(t)
}
