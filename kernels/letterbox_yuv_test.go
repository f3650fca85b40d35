//go:build !js

package kernels

import (
	"fmt"
	"math"
	"testing"
)

// yuvCase is a letterboxCase of planes.
type yuvCase struct {
	letterboxCase
	nv12, full bool
	matrix     YUVMatrix
}

func (c yuvCase) step(im *image) {
	pix := 4 + 12*c.float + c.pix
	row, half := c.srcW+c.rowGap, (c.srcW+1)/2
	d := LetterboxYUVDesc{ChromaRow: half + c.rowGap, ChromaStep: 1}
	rows := (c.srcH + 1) / 2
	src := im.alloc(int(row*c.srcH) + 16)
	if c.nv12 {
		d.ChromaRow, d.ChromaStep = 2*half+c.rowGap, 2
		d.U = im.alloc(int(d.ChromaRow*rows) + 16)
		d.V = d.U + 1
	} else {
		d.U = im.alloc(int(d.ChromaRow*rows) + 16)
		d.V = im.alloc(int(d.ChromaRow*rows) + 16)
	}
	pitch := LetterboxYUVPitch(int(c.srcW))
	d.Scratch, d.ScratchStep = im.alloc(2*pitch), int32(2*pitch)
	d.Box = LetterboxDesc{
		Src: src, SrcW: c.srcW, SrcH: c.srcH, SrcRow: row,
		Dst:  Map{im.alloc(int(pix*c.dstW*c.dstH) + int(c.pad*c.dstH)), pix*c.dstW + c.pad, pix},
		DstW: c.dstW, DstH: c.dstH, Left: c.left, Top: c.top, NewW: c.newW, NewH: c.newH,
		XTab:  put(im, LetterboxXTable(int(c.srcW), int(c.newW))...),
		YTab:  put(im, LetterboxYTable(int(c.srcH), int(c.newH))...),
		Float: c.float,
	}
	c.matrix.Set(&d, c.full)
	step(im, OpLetterboxYUV, d, c.dstH)
}

func TestLetterboxYUV(t *testing.T) {
	for _, c := range []letterboxCase{
		{name: "copy with bars above and below", srcW: 16, srcH: 8, dstW: 16, dstH: 16, top: 4, newW: 16, newH: 8},
		{name: "copy with bars at the sides", srcW: 24, srcH: 7, dstW: 40, dstH: 7, left: 9, newW: 24, newH: 7},
		{name: "copy of an odd width", srcW: 7, srcH: 5, dstW: 9, dstH: 5, left: 1, newW: 7, newH: 5},
		{name: "down", srcW: 37, srcH: 29, dstW: 20, dstH: 20, top: 2, newW: 20, newH: 16},
		{name: "half", srcW: 32, srcH: 24, dstW: 16, dstH: 16, top: 2, newW: 16, newH: 12},
		{name: "up", srcW: 5, srcH: 9, dstW: 32, dstH: 32, left: 7, newW: 18, newH: 32},
		{name: "one pixel", srcW: 1, srcH: 1, dstW: 8, dstH: 8, newW: 8, newH: 8},
		{name: "rows with gaps", srcW: 11, srcH: 6, dstW: 8, dstH: 8, top: 2, newW: 8, newH: 4, rowGap: 20},
		{name: "destination pixels with gaps", srcW: 16, srcH: 6, dstW: 16, dstH: 8, top: 1, newW: 16, newH: 6, pix: 4, pad: 8},
	} {
		for i := range 8 {
			y := yuvCase{c, i&1 != 0, i&2 != 0, []YUVMatrix{BT601, BT709, BT2020}[i%3]}
			y.float = int32(i / 4)
			t.Run(fmt.Sprintf("%s/nv12=%v/full=%v/float=%d", c.name, y.nv12, y.full, y.float), func(t *testing.T) {
				im := newImage(uint64(i))
				y.step(im)
				im.compare(t)
			})
		}
	}
}

func FuzzLetterboxYUV(f *testing.F) {
	f.Add(uint64(1), uint8(20), uint8(13), uint8(16), uint8(16), uint8(0))
	f.Add(uint64(2), uint8(3), uint8(60), uint8(9), uint8(32), uint8(7))
	f.Add(uint64(3), uint8(31), uint8(9), uint8(40), uint8(40), uint8(0x83))
	f.Fuzz(fuzzLetterboxYUV)
}

func fuzzLetterboxYUV(t *testing.T, seed uint64, srcW, srcH, dstW, dstH, kind uint8) {
	im := newImage(seed)
	c := yuvCase{letterboxCase: letterboxCase{srcW: int32(srcW) + 1, srcH: int32(srcH) + 1, dstW: int32(dstW)%64 + 1, dstH: int32(dstH)%64 + 1},
		nv12: kind&1 != 0, full: kind&2 != 0, matrix: []YUVMatrix{BT601, BT709, BT2020}[seed%3]}
	c.float = int32(kind >> 2 & 1)
	if kind&0x80 != 0 && c.srcW <= c.dstW && c.srcH <= c.dstH {
		c.newW, c.newH = c.srcW, c.srcH
	} else {
		c.newW, c.newH = 1+im.rng.Int32N(c.dstW), 1+im.rng.Int32N(c.dstH)
	}
	c.left, c.top = im.rng.Int32N(c.dstW-c.newW+1), im.rng.Int32N(c.dstH-c.newH+1)
	c.pix, c.pad, c.rowGap = 4*im.rng.Int32N(2), 4*im.rng.Int32N(4), im.rng.Int32N(7)
	c.step(im)
	im.compare(t)
}

// The coefficients are those of the standards: every colour's Y'CbCr, computed
// in real numbers and rounded, comes back within what rounding Y, U and V to a
// step can move it, and the fixed point by half a step more.
func TestYUVMatrixRoundTrip(t *testing.T) {
	for name, m := range map[string]YUVMatrix{"601": BT601, "709": BT709, "2020": BT2020} {
		for _, full := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/full=%v", name, full), func(t *testing.T) {
				var d LetterboxYUVDesc
				m.Set(&d, full)
				yGain, cGain, zero := 219.0/255, 224.0/255, 16.0
				if full {
					yGain, cGain, zero = 1, 1, 0
				}
				term := func(p uint32, a, b float64) float64 {
					return (a*float64(int16(p)) + b*float64(int16(p>>16))) / (1 << yuvBits)
				}
				worst := 0.0
				for i := range 16 * 16 * 16 {
					r, g, b := float64(i%16*17), float64(i/16%16*17), float64(i/256*17)
					luma := m.Red*r + (1-m.Red-m.Blue)*g + m.Blue*b
					y := math.Round(luma*yGain+zero) - float64(d.YZero)
					u := math.Round((b - luma) / (2 * (1 - m.Blue)) * cGain)
					v := math.Round((r - luma) / (2 * (1 - m.Red)) * cGain)
					worst = max(worst, math.Abs(term(d.R, y, v)-r), math.Abs(term(d.B, y, u)-b),
						math.Abs(term(d.G, y, v)+term(d.GU, 0, u)-g))
				}
				limit := 0.5*(1/yGain+2*(1-m.Blue)/cGain) + 0.5
				if worst > limit || worst < 0.5 {
					t.Errorf("colours come back off by %.2f, at most %.2f can be", worst, limit)
				}
			})
		}
	}
}
