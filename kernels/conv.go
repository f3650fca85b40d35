//go:build !js

package kernels

import (
	"unsafe"

	"eagleeye/kernels/asm"
)

// convKind is what the convolution kernels differ in. A step of the inner loop
// takes 4 bytes of a pixel (two I16 or one F32 element) and 32 bytes of a weight
// panel.
type convKind struct {
	floatIn, floatOut bool
	scaled            bool // the epilogue gets floats in the units of the output
	bytes             bool // U8 × I8 (see conv_bytes.go)
	pixels            int  // of a register tile
}

// The register tiles leave room in the 15 vector registers of V8: sums, two
// weight vectors, one broadcast, one product.
var (
	convI16    = convKind{pixels: 4}
	convI16F32 = convKind{floatOut: true, pixels: 4}
	convF32    = convKind{floatIn: true, floatOut: true, pixels: 5}
)

// channels is the byte offset of a panel's first channel in an output pixel.
func (k convKind) channels(panel asm.Local) asm.Expr {
	return asm.I32Mul(panel, asm.Int(panelWidth*k.outElement()))
}

// element is the size of an input element in bytes.
func (k convKind) element() int32 {
	switch {
	case k.floatIn:
		return 4
	case k.bytes:
		return 1
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

// convolution is a direct convolution kernel being emitted: the descriptor in
// locals and the state of its loops.
type convolution struct {
	*registerTile
	src, dst, res    mapLocals
	outW             asm.Local
	runs, run        asm.Local // table of runs, its current entry
	runEnd, runBytes asm.Local
	weights          asm.Local   // of the current panel
	srcRow           asm.Local   // current row
	dstRow, resRow   asm.Local   // current row at the panel's channels
	x                []asm.Local // column of each pixel of the tile
	finish           *epilogue
}

// emit emits the kernel: for each tile's row and panels, the row in groups of
// pixels. Panels are the outer loop: one panel and the rows of the window stay
// in the first-level cache.
func (k convKind) emit(e *emitter) {
	var d ConvDesc
	c := &convolution{registerTile: e.newRegisterTile(k)}
	c.src = e.mapField(unsafe.Offsetof(d.Src))
	c.dst = e.mapField(unsafe.Offsetof(d.Dst))
	c.res = e.mapField(unsafe.Offsetof(d.Res))
	outH := e.field(unsafe.Offsetof(d.OutH))
	c.outW = e.field(unsafe.Offsetof(d.OutW))
	c.runs = e.field(unsafe.Offsetof(d.Runs))
	nRuns := e.field(unsafe.Offsetof(d.NRuns))
	c.runEnd = e.Let(asm.I32Add(c.runs, asm.I32Shl(nRuns, asm.Int(2))))
	c.runBytes = e.Let(asm.I32Mul(e.field(unsafe.Offsetof(d.RunLen)), asm.Int(k.element())))
	panelBytes := e.Let(asm.I32Mul(nRuns, asm.I32Shl(c.runBytes, asm.Int(3))))
	c.run, c.weights = e.Local(asm.I32), e.Local(asm.I32)
	c.srcRow, c.dstRow, c.resRow = e.Local(asm.I32), e.Local(asm.I32), e.Local(asm.I32)
	c.x = e.Locals(asm.I32, k.pixels)
	c.finish = c.newEpilogue(
		func(i int) asm.Value { return asm.I32Add(c.dstRow, asm.I32Mul(c.x[i], c.dst.pix)) },
		func(i int) asm.Value { return asm.I32Add(c.resRow, asm.I32Mul(c.x[i], c.res.pix)) })
	row := e.Local(asm.I32)
	panels := e.newPanels(panelBytes)

	e.tiles(func(t asm.Local) {
		e.Set(row, asm.I32RemU(t, outH))
		e.Set(c.srcRow, asm.I32Add(c.src.addr, asm.I32Mul(row, c.src.row)))
		panels.each(asm.I32DivU(t, outH), func() {
			e.Set(c.weights, panels.weights)
			c.finish.panel(panels.index)
			if k.bytes {
				c.startPanel(panels.index)
			}
			for _, m := range []struct {
				row asm.Local
				mapLocals
			}{{c.dstRow, c.dst}, {c.resRow, c.res}} {
				e.Set(m.row, asm.I32Add(asm.I32Add(m.addr, asm.I32Mul(row, m.mapLocals.row)), k.channels(panels.index)))
			}
			c.row()
		})
	})
}

// row emits one panel of one row. Pixels of the last group beyond the row's end
// repeat its last pixel, which is harmless.
func (c *convolution) row() {
	c.For(c.x[0], asm.Int(0), c.outW, int32(c.pixels), func() {
		lastX := asm.I32Sub(c.outW, asm.Int(1))
		for i := 1; i < c.pixels; i++ {
			c.minimum(c.x[i], asm.I32Add(c.x[0], asm.Int(int32(i))), lastX)
		}
		c.sum()
		c.finish.emit()
	})
}

// sum emits acc = the products over all runs for one group of pixels.
func (c *convolution) sum() {
	c.clear()
	c.Set(c.w, c.weights)
	c.Set(c.run, c.runs)
	c.DoWhile(func() {
		c.Set(c.p[0], asm.I32Add(c.srcRow, asm.I32Load(c.run, 0)))
		for i := c.pixels - 1; i >= 0; i-- {
			c.Set(c.p[i], asm.I32Add(c.p[0], asm.I32Mul(c.x[i], c.src.pix)))
		}
		c.accumulate(c.runBytes)
		c.Add(c.run, asm.Int(4))
	}, asm.I32LtU(c.run, c.runEnd))
}
