package kernels

import (
	"unsafe"

	"eagleeye/kernels/asm"
)

// panelWidth is the number of output channels of a weight panel: two vectors of
// 32-bit sums.
const panelWidth = 8

// convKind is what the convolution kernels differ in. A step of the inner loop
// takes 4 bytes of a pixel (two I16 or one F32 element) and 32 bytes of a weight
// panel.
type convKind struct {
	floatIn, floatOut bool
	pixels            int // of a register tile
}

// The register tiles leave room in the 15 vector registers of V8: sums, two
// weight vectors, one broadcast, one product.
var (
	convI16    = convKind{pixels: 4}
	convI16F32 = convKind{floatOut: true, pixels: 4}
	convF32    = convKind{floatIn: true, floatOut: true, pixels: 5}
)

// element is the size of an input element in bytes.
func (k convKind) element() int32 {
	if k.floatIn {
		return 4
	}
	return 2
}

// outElement is the size of an output element in bytes.
func (k convKind) outElement() int32 {
	if k.floatOut {
		return 4
	}
	return 1
}

// convolution is a convolution kernel being emitted: the descriptor in locals
// and the state of its loops.
type convolution struct {
	*emitter
	convKind

	src, dst, res      mapLocals
	outW, runs, runEnd asm.Local
	runBytes           asm.Local
	weights, scale     asm.Local // of the current panel
	bias               asm.Local
	srcRow             asm.Local   // current row
	dstRow, resRow     asm.Local   // current row at the panel's channels
	x                  []asm.Local // column of each pixel of the tile
	acc                []asm.Local // sums: [pixel][2]
	p                  []asm.Local // input of each pixel
	w, run, end        asm.Local   // inner loop: weights, run table, end of p[0]
	wv                 []asm.Local // two vectors of weights
	a                  asm.Local   // a broadcast
	finish             *epilogue
}

// emit emits the kernel: for each tile's row and panels, the row in groups of
// pixels. Panels are the outer loop: one panel and the rows of the window stay
// in the first-level cache.
func (k convKind) emit(e *emitter) {
	var d ConvDesc
	c := &convolution{emitter: e, convKind: k}
	c.src = e.mapField(unsafe.Offsetof(d.Src))
	c.dst = e.mapField(unsafe.Offsetof(d.Dst))
	c.res = e.mapField(unsafe.Offsetof(d.Res))
	outH, outC := e.field(unsafe.Offsetof(d.OutH)), e.field(unsafe.Offsetof(d.OutC))
	c.outW = e.field(unsafe.Offsetof(d.OutW))
	c.runs = e.field(unsafe.Offsetof(d.Runs))
	nRuns := e.field(unsafe.Offsetof(d.NRuns))
	c.runEnd = e.Let(asm.I32Add(c.runs, asm.I32Shl(nRuns, asm.Int(2))))
	c.runBytes = e.Let(asm.I32Mul(e.field(unsafe.Offsetof(d.RunLen)), asm.Int(k.element())))
	panelBytes := e.Let(asm.I32Mul(nRuns, asm.I32Shl(c.runBytes, asm.Int(3))))
	tilePanels := e.field(unsafe.Offsetof(d.TilePanels))
	weights, scale := e.field(unsafe.Offsetof(d.Weights)), e.field(unsafe.Offsetof(d.Scale))
	bias := e.field(unsafe.Offsetof(d.Bias))
	panels := e.Let(asm.I32ShrU(outC, asm.Int(3)))
	c.weights, c.scale, c.bias = e.Local(asm.I32), e.Local(asm.I32), e.Local(asm.I32)
	c.srcRow, c.dstRow, c.resRow = e.Local(asm.I32), e.Local(asm.I32), e.Local(asm.I32)
	c.x = e.Locals(asm.I32, k.pixels)
	c.acc = e.Locals(asm.V128, 2*k.pixels)
	c.p = e.Locals(asm.I32, k.pixels)
	c.w, c.run, c.end = e.Local(asm.I32), e.Local(asm.I32), e.Local(asm.I32)
	c.wv, c.a = e.Locals(asm.V128, 2), e.Local(asm.V128)
	c.finish = c.newEpilogue()
	row, panel, last := e.Local(asm.I32), e.Local(asm.I32), e.Local(asm.I32)

	e.tiles(func(t asm.Local) {
		e.Set(row, asm.I32RemU(t, outH))
		e.Set(last, asm.I32Mul(asm.I32DivU(t, outH), tilePanels))
		e.Set(panel, last)
		e.Set(last, asm.I32Add(last, tilePanels))
		e.Set(last, asm.Select(last, panels, asm.I32LtS(last, panels)))
		e.Set(c.srcRow, asm.I32Add(c.src.addr, asm.I32Mul(row, c.src.row)))
		e.Set(c.weights, asm.I32Add(weights, asm.I32Mul(panel, panelBytes)))
		e.While(asm.I32LtS(panel, last), func() {
			channels := func(size int32) asm.Expr { return asm.I32Mul(panel, asm.Int(panelWidth*size)) }
			e.Set(c.scale, asm.I32Add(scale, channels(4)))
			e.Set(c.bias, asm.I32Add(bias, channels(4)))
			for _, m := range []struct {
				row asm.Local
				mapLocals
			}{{c.dstRow, c.dst}, {c.resRow, c.res}} {
				e.Set(m.row, asm.I32Add(asm.I32Add(m.addr, asm.I32Mul(row, m.mapLocals.row)), channels(k.outElement())))
			}
			c.row()
			e.Add(c.weights, panelBytes)
			e.Add(panel, asm.Int(1))
		})
	})
}

// row emits one panel of one row. Pixels of the last group beyond the row's end
// repeat its last pixel, which is harmless.
func (c *convolution) row() {
	c.For(c.x[0], asm.Int(0), c.outW, int32(c.pixels), func() {
		lastX := asm.I32Sub(c.outW, asm.Int(1))
		for i := 1; i < c.pixels; i++ {
			x := c.x[i]
			c.Set(x, asm.I32Add(c.x[0], asm.Int(int32(i))))
			c.Set(x, asm.Select(x, lastX, asm.I32LtS(x, lastX)))
		}
		c.sum()
		c.finish.emit()
	})
}

// unroll is the number of inner steps of a round of the inner loop; a run is a
// multiple of 4 elements, which leaves 2 steps of I16.
const unroll = 4

// sum emits acc = the products over all runs for one group of pixels.
func (c *convolution) sum() {
	for _, a := range c.acc {
		c.Set(a, asm.VecI32(0))
	}
	p := c.p
	c.Set(c.w, c.weights)
	c.Set(c.run, c.runs)
	c.DoWhile(func() {
		c.Set(p[0], asm.I32Add(c.srcRow, asm.I32Load(c.run, 0)))
		for i := c.pixels - 1; i >= 0; i-- {
			c.Set(p[i], asm.I32Add(p[0], asm.I32Mul(c.x[i], c.src.pix)))
		}
		c.Set(c.end, asm.I32Add(p[0], c.runBytes))
		const round = 4 * unroll
		c.While(asm.I32LeU(asm.I32Add(p[0], asm.Int(round)), c.end), func() { c.steps(unroll) })
		if !c.floatIn {
			c.If(asm.I32LtU(p[0], c.end), func() { c.steps(unroll / 2) })
		}
		c.Add(c.run, asm.Int(4))
	}, asm.I32LtU(c.run, c.runEnd))
}

// steps emits n inner steps and advances the pointers. Each broadcasts 4 bytes
// of every pixel against two vectors of weights.
func (c *convolution) steps(n int) {
	w, wv, a := c.w, c.wv, c.a
	for s := range n {
		c.Set(wv[0], asm.V128Load(w, uint32(32*s)))
		c.Set(wv[1], asm.V128Load(w, uint32(32*s+16)))
		for i := range c.pixels {
			c.Set(a, asm.V128Load32Splat(c.p[i], uint32(4*s)))
			for j := range wv {
				acc := c.acc[2*i+j]
				if c.floatIn {
					c.Set(acc, asm.F32x4Add(acc, asm.F32x4Mul(wv[j], a)))
				} else {
					c.Set(acc, asm.I32x4Add(acc, asm.I32x4DotI16x8S(wv[j], a)))
				}
			}
		}
	}
	for _, x := range c.p {
		c.Add(x, asm.Int(int32(4*n)))
	}
	c.Add(w, asm.Int(int32(32*n)))
}
