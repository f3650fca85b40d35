//go:build !js

package kernels

import (
	"unsafe"

	"eagleeye/kernels/asm"
)

// The convolutions of bytes. An inner step takes 4 bytes of a pixel against 4
// weights of each of the panel's channels. Relaxed SIMD multiplies them and adds
// pairs in 16 bits in one instruction (pmaddubsw on x86, as XNNPACK's and
// gemmlowp's kernels use it); two steps are added in 16 bits before they are
// widened, which saves every other widening: five multiplications and additions
// for 32 products. Weights within laneLimit make that exact.
var (
	convU8    = convKind{bytes: true, pixels: 4}
	convU8F32 = convKind{bytes: true, floatOut: true, pixels: 4}
)

// byteTile is what a registerTile of bytes has besides.
type byteTile struct {
	starts, start asm.Local   // first sums of all channels, of the panel's
	ones          asm.Local   // 16-bit ones
	w             []asm.Local // weights of two steps
	a             asm.Local   // a second broadcast
}

func (r *registerTile) newByteTile() *byteTile {
	var d ByteConvDesc
	return &byteTile{
		starts: r.field(unsafe.Offsetof(d.Start)), start: r.Local(asm.I32),
		ones: r.Let(asm.VecI16(1)), w: r.Locals(asm.V128, 4), a: r.Local(asm.V128),
	}
}

// startPanel turns to the first sums of a panel.
func (r *registerTile) startPanel(index asm.Local) {
	r.Set(r.byte.start, asm.I32Add(r.byte.starts, asm.I32Mul(index, asm.Int(4*panelWidth))))
}

// clearBytes emits acc = the first sums.
func (r *registerTile) clearBytes() {
	for i, acc := range r.acc {
		if i < 2 {
			r.Set(acc, asm.V128Load(r.byte.start, uint32(16*i)))
		} else {
			r.Set(acc, r.acc[i%2])
		}
	}
}

// accumulateBytes is accumulate for bytes: two steps at a time, and one where a
// run leaves it.
func (r *registerTile) accumulateBytes(n asm.Local) {
	r.Set(r.end, asm.I32Add(r.p[0], n))
	r.While(asm.I32LeU(asm.I32Add(r.p[0], asm.Int(8)), r.end), func() { r.byteSteps(2) })
	r.If(asm.I32LtU(r.p[0], r.end), func() { r.byteSteps(1) })
}

// byteSteps emits one or two inner steps and advances the pointers.
func (r *registerTile) byteSteps(n int) {
	b := r.byte
	for i := range 2 * n {
		r.Set(b.w[i], asm.V128Load(r.w, uint32(16*i)))
	}
	broadcast := []asm.Local{r.a, b.a}
	for i := range r.pixels {
		for s := range n {
			r.Set(broadcast[s], asm.V128Load32Splat(r.p[i], uint32(4*s)))
		}
		for j := range 2 {
			acc := r.acc[2*i+j]
			if !r.variant.Relaxed {
				for s := range n {
					r.addExact(acc, b.w[2*s+j], broadcast[s])
				}
				continue
			}
			sum := asm.I16x8RelaxedDotI8x16I7x16S(b.w[j], broadcast[0])
			if n == 2 {
				sum = asm.I16x8Add(sum, asm.I16x8RelaxedDotI8x16I7x16S(b.w[2+j], broadcast[1]))
			}
			r.Set(acc, asm.I32x4Add(acc, asm.I32x4DotI16x8S(sum, b.ones)))
		}
	}
	for _, p := range r.p {
		r.Add(p, asm.Int(int32(4*n)))
	}
	r.Add(r.w, asm.Int(int32(32*n)))
}

// addExact emits acc += the sums of 4 products w·a, w signed and a unsigned, in
// plain SIMD. It is slow: planners use bytes only where SIMD is relaxed.
func (r *registerTile) addExact(acc, w, a asm.Local) {
	r.Set(r.wv[0], asm.I32x4DotI16x8S(asm.I16x8ExtendLowI8x16S(w), asm.I16x8ExtendLowI8x16U(a)))
	r.Set(r.wv[1], asm.I32x4DotI16x8S(asm.I16x8ExtendHighI8x16S(w), asm.I16x8ExtendHighI8x16U(a)))
	even := asm.I8x16Shuffle(r.wv[0], r.wv[1], [16]byte{0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27})
	odd := asm.I8x16Shuffle(r.wv[0], r.wv[1], [16]byte{4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31})
	r.Set(acc, asm.I32x4Add(acc, asm.I32x4Add(even, odd)))
}

// refConvU8 is the oracle of OpConvU8, refConvU8F32 of OpConvU8F32.
func refConvU8(mem []byte, desc uint32, begin, end int32) {
	d := at[ByteConvDesc](mem, desc)
	d.Conv.each(begin, end, func(y, x, o int32) {
		d.Conv.finishU8(mem, y, x, o, d.sum(mem, y, x, o))
	})
}

func refConvU8F32(mem []byte, desc uint32, begin, end int32) {
	d := at[ByteConvDesc](mem, desc)
	d.Conv.each(begin, end, func(y, x, o int32) {
		v := d.Conv.affine(mem, o, d.sum(mem, y, x, o))
		d.Conv.storeFloat(mem, y, x, o, d.Conv.activate(v, SiLUApprox))
	})
}

// sum is acc of a convolution of bytes.
func (d *ByteConvDesc) sum(mem []byte, y, x, o int32) int32 {
	c := &d.Conv
	n := int(c.RunLen)
	weights := view[int8](mem, c.Weights, int(c.OutC*c.NRuns*c.RunLen))
	acc := *at[int32](mem, d.Start+uint32(4*o))
	for i, off := range view[int32](mem, c.Runs, int(c.NRuns)) {
		w := weights[(int(o/panelWidth*c.NRuns)+i)*n*panelWidth+4*int(o%panelWidth):]
		for k, v := range mem[c.Src.pixel(y, x)+uint32(off):][:n] {
			acc += int32(v) * int32(w[k/4*4*panelWidth+k%4])
		}
	}
	return acc
}
