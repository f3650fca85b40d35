//go:build !js

package kernels

import (
	"math"
	"unsafe"

	"eagleeye/kernels/asm"
)

// refSigmoid is the oracle of OpSigmoidF32, refSiLU that of OpSiLUF32.
func refSigmoid(mem []byte, desc uint32, begin, end int32) {
	refUnaryF32(mem, desc, begin, end, sigmoidf32)
}

func refSiLU(mem []byte, desc uint32, begin, end int32) {
	refUnaryF32(mem, desc, begin, end, siluf32)
}

func refUnaryF32(mem []byte, desc uint32, begin, end int32, op func(x float32) float32) {
	d := at[EltDesc](mem, desc)
	for y := begin; y < end; y++ {
		for x := range d.W {
			dst := view[float32](mem, d.Dst.pixel(y, x), int(d.C))
			for i, v := range view[float32](mem, d.Src.pixel(y, x), int(d.C)) {
				dst[i] = op(v)
			}
		}
	}
}

// emitSigmoid emits OpSigmoidF32, emitSiLU OpSiLUF32.
func emitSigmoid(e *emitter) { emitUnaryF32(e, e.sigmoid) }

func emitSiLU(e *emitter) {
	emitUnaryF32(e, func(x asm.Value) asm.Expr { return e.silu(e.Let(x)) })
}

func emitUnaryF32(e *emitter, op func(x asm.Value) asm.Expr) {
	var d EltDesc
	maps := []mapLocals{e.mapField(unsafe.Offsetof(d.Src)), e.mapField(unsafe.Offsetof(d.Dst))}
	w, c := e.field(unsafe.Offsetof(d.W)), e.field(unsafe.Offsetof(d.C))
	e.walk(maps, []int32{4, 4}, w, c, 4, func(p []asm.Local) {
		e.Do(asm.V128Store(p[1], 0, op(asm.V128Load(p[0], 0))))
	})
}

// refSoftmax is the oracle of OpSoftmaxF32. The sum runs over the channels in
// order; NaN is passed over by the maximum and poisons the rest of its pixel.
func refSoftmax(mem []byte, desc uint32, begin, end int32) {
	d := at[EltDesc](mem, desc)
	for y := begin; y < end; y++ {
		for x := range d.W {
			src := view[float32](mem, d.Src.pixel(y, x), int(d.C))
			dst := view[float32](mem, d.Dst.pixel(y, x), int(d.C))
			peak, sum := float32(math.Inf(-1)), float32(0)
			for _, v := range src {
				if peak < v {
					peak = v
				}
			}
			for i, v := range src {
				dst[i] = expf32(v - peak)
				sum += dst[i]
			}
			for i := range dst {
				dst[i] /= sum
			}
		}
	}
}

// emitSoftmax emits OpSoftmaxF32, one channel at a time in all lanes: graphs
// that reach it are rare (the head's own softmax is in OpDetect) and their
// channel counts odd.
func emitSoftmax(e *emitter) {
	var d EltDesc
	src, dst := e.mapField(unsafe.Offsetof(d.Src)), e.mapField(unsafe.Offsetof(d.Dst))
	w := e.field(unsafe.Offsetof(d.W))
	bytes := e.Let(asm.I32Shl(e.field(unsafe.Offsetof(d.C)), asm.Int(2)))
	from, to, x, c := e.Local(asm.I32), e.Local(asm.I32), e.Local(asm.I32), e.Local(asm.I32)
	peak, sum := e.Local(asm.V128), e.Local(asm.V128)
	in := func() asm.Expr { return asm.V128Load32Splat(asm.I32Add(from, c), 0) }
	e.tiles(func(y asm.Local) {
		e.Set(from, asm.I32Add(src.addr, asm.I32Mul(y, src.row)))
		e.Set(to, asm.I32Add(dst.addr, asm.I32Mul(y, dst.row)))
		e.For(x, asm.Int(0), w, 1, func() {
			e.Set(peak, asm.VecF32(float32(math.Inf(-1))))
			e.For(c, asm.Int(0), bytes, 4, func() { e.Set(peak, asm.F32x4Pmax(peak, in())) })
			e.Set(sum, asm.VecF32(0))
			e.For(c, asm.Int(0), bytes, 4, func() {
				v := e.exp(asm.F32x4Sub(in(), peak))
				e.Do(asm.V128Store32Lane(asm.I32Add(to, c), 0, v, 0))
				e.Set(sum, asm.F32x4Add(sum, v))
			})
			e.For(c, asm.Int(0), bytes, 4, func() {
				at := e.Let(asm.I32Add(to, c))
				e.Do(asm.V128Store32Lane(at, 0, asm.F32x4Div(asm.V128Load32Splat(at, 0), sum), 0))
			})
			e.Add(from, src.pix)
			e.Add(to, dst.pix)
		})
	})
}
