//go:build !js

package kernels

import (
	"unsafe"

	"eagleeye/kernels/asm"
)

// registerTile is the inner loop of all convolutions: sums of some pixels by one
// panel of output channels, kept in registers.
type registerTile struct {
	*emitter
	convKind
	acc []asm.Local // sums: [pixel][2]
	p   []asm.Local // input of each pixel
	w   asm.Local   // weights
	end asm.Local   // where p[0] stops
	wv  []asm.Local // two vectors of weights
	a   asm.Local   // a broadcast

	byte *byteTile // convolutions of bytes
}

func (e *emitter) newRegisterTile(k convKind) *registerTile {
	r := &registerTile{
		emitter: e, convKind: k,
		acc: e.Locals(asm.V128, 2*k.pixels), p: e.Locals(asm.I32, k.pixels),
		w: e.Local(asm.I32), end: e.Local(asm.I32),
		wv: e.Locals(asm.V128, 2), a: e.Local(asm.V128),
	}
	if k.bytes {
		r.byte = r.newByteTile()
	}
	return r
}

// clear emits acc = 0, or the first sums.
func (r *registerTile) clear() {
	if r.bytes {
		r.clearBytes()
		return
	}
	for _, a := range r.acc {
		r.Set(a, asm.VecI32(0))
	}
}

// unroll is the number of inner steps of a round of the inner loop; a run is a
// multiple of 4 elements, which leaves 2 steps of I16.
const unroll = 4

// accumulate emits acc += the products of n bytes of every pixel at p with the
// weights at w; both advance.
func (r *registerTile) accumulate(n asm.Local) {
	if r.bytes {
		r.accumulateBytes(n)
		return
	}
	r.Set(r.end, asm.I32Add(r.p[0], n))
	const round = 4 * unroll
	r.While(asm.I32LeU(asm.I32Add(r.p[0], asm.Int(round)), r.end), func() { r.steps(unroll) })
	if !r.floatIn {
		r.If(asm.I32LtU(r.p[0], r.end), func() { r.steps(unroll / 2) })
	}
}

// steps emits n inner steps and advances the pointers. Each broadcasts 4 bytes
// of every pixel against two vectors of weights.
func (r *registerTile) steps(n int) {
	for s := range n {
		for j, w := range r.wv {
			r.Set(w, asm.V128Load(r.w, uint32(32*s+16*j)))
		}
		for i := range r.pixels {
			r.Set(r.a, asm.V128Load32Splat(r.p[i], uint32(4*s)))
			for j, w := range r.wv {
				acc := r.acc[2*i+j]
				if r.floatIn {
					r.Set(acc, asm.F32x4Add(acc, asm.F32x4Mul(w, r.a)))
				} else {
					r.Set(acc, asm.I32x4Add(acc, asm.I32x4DotI16x8S(w, r.a)))
				}
			}
		}
	}
	for _, x := range r.p {
		r.Add(x, asm.Int(int32(4*n)))
	}
	r.Add(r.w, asm.Int(int32(32*n)))
}

// panelLoop walks the panels of a tile of a ConvDesc.
type panelLoop struct {
	*emitter
	perTile, count asm.Local
	start, bytes   asm.Local // weights of panel 0, bytes of a panel
	index, last    asm.Local
	weights        asm.Local // of the current panel
}

func (e *emitter) newPanels(bytes asm.Local) *panelLoop {
	var d ConvDesc
	return &panelLoop{
		emitter: e,
		perTile: e.field(unsafe.Offsetof(d.TilePanels)),
		count:   e.Let(asm.I32ShrU(e.field(unsafe.Offsetof(d.OutC)), asm.Int(3))),
		start:   e.field(unsafe.Offsetof(d.Weights)), bytes: bytes,
		index: e.Local(asm.I32), last: e.Local(asm.I32), weights: e.Local(asm.I32),
	}
}

// each runs body for every panel of a panel group.
func (l *panelLoop) each(group asm.Expr, body func()) {
	l.Set(l.index, asm.I32Mul(group, l.perTile))
	l.minimum(l.last, asm.I32Add(l.index, l.perTile), l.count)
	l.Set(l.weights, asm.I32Add(l.start, asm.I32Mul(l.index, l.bytes)))
	l.While(asm.I32LtS(l.index, l.last), func() {
		body()
		l.Add(l.weights, l.bytes)
		l.Add(l.index, asm.Int(1))
	})
}

// minimum emits x = min(v, limit), signed; the limit is evaluated twice.
func (e *emitter) minimum(x asm.Local, v, limit asm.Value) {
	e.Set(x, v)
	e.Set(x, asm.Select(x, limit, asm.I32LtS(x, limit)))
}
