//go:build !js

package kernels

import (
	"fmt"
	"testing"
)

// letterboxCase is a letterbox without its memory.
type letterboxCase struct {
	name             string
	srcW, srcH       int32
	dstW, dstH       int32
	left, top        int32
	newW, newH       int32
	pix, pad, rowGap int32 // bytes a destination pixel over its dense size, a source row over its
	float            int32
}

func (c letterboxCase) step(im *image) {
	pix := 4 + 12*c.float + c.pix
	row := c.srcW*4 + c.rowGap
	src := im.alloc(int(row*c.srcH) + 4)
	dst := im.alloc(int(pix*c.dstW*c.dstH) + int(c.pad*c.dstH))
	step(im, OpLetterbox, LetterboxDesc{
		Src: src, SrcW: c.srcW, SrcH: c.srcH, SrcRow: row,
		Dst:  Map{dst, pix*c.dstW + c.pad, pix},
		DstW: c.dstW, DstH: c.dstH, Left: c.left, Top: c.top, NewW: c.newW, NewH: c.newH,
		XTab:  put(im, LetterboxXTable(int(c.srcW), int(c.newW))...),
		YTab:  put(im, LetterboxYTable(int(c.srcH), int(c.newH))...),
		Float: c.float,
	}, c.dstH)
}

func TestLetterbox(t *testing.T) {
	for _, c := range []letterboxCase{
		{name: "copy with bars above and below", srcW: 16, srcH: 8, dstW: 16, dstH: 16, top: 4, newW: 16, newH: 8},
		{name: "copy of an odd width", srcW: 7, srcH: 5, dstW: 9, dstH: 5, left: 1, newW: 7, newH: 5},
		{name: "down", srcW: 37, srcH: 29, dstW: 20, dstH: 20, top: 2, newW: 20, newH: 16},
		{name: "half", srcW: 32, srcH: 24, dstW: 16, dstH: 16, top: 2, newW: 16, newH: 12},
		{name: "up with bars at the sides", srcW: 5, srcH: 9, dstW: 32, dstH: 32, left: 7, newW: 18, newH: 32},
		{name: "one pixel", srcW: 1, srcH: 1, dstW: 8, dstH: 8, newW: 8, newH: 8},
		{name: "one column", srcW: 1, srcH: 7, dstW: 8, dstH: 8, left: 3, newW: 1, newH: 8},
		{name: "one row", srcW: 9, srcH: 1, dstW: 8, dstH: 8, top: 3, newW: 8, newH: 1},
		{name: "source rows with gaps", srcW: 11, srcH: 6, dstW: 8, dstH: 8, top: 2, newW: 8, newH: 4, rowGap: 20},
		{name: "destination pixels with gaps", srcW: 11, srcH: 6, dstW: 8, dstH: 8, top: 2, newW: 8, newH: 4, pix: 4, pad: 8},
	} {
		for c.float = range int32(2) {
			t.Run(fmt.Sprintf("%s/float=%d", c.name, c.float), func(t *testing.T) {
				im := newImage(2)
				c.step(im)
				im.compare(t)
			})
		}
	}
}

// Edges count alone horizontally; vertically the edge row stands in.
func TestLetterboxTables(t *testing.T) {
	for _, c := range []struct {
		name     string
		src, dst int
		x, y     [][3]int32 // index, weights
	}{
		{"same", 3, 3,
			[][3]int32{{0, 2048, 0}, {1, 2048, 0}, {1, 0, 2048}},
			[][3]int32{{0, 2048, 0}, {1, 2048, 0}, {2, 2048, 0}}},
		{"double", 2, 4,
			[][3]int32{{0, 2048, 0}, {0, 1536, 512}, {0, 512, 1536}, {0, 0, 2048}},
			[][3]int32{{-1, 512, 1536}, {0, 1536, 512}, {0, 512, 1536}, {1, 1536, 512}}},
		{"half", 4, 2,
			[][3]int32{{0, 1024, 1024}, {2, 1024, 1024}},
			[][3]int32{{0, 1024, 1024}, {2, 1024, 1024}}},
		{"single", 1, 2,
			[][3]int32{{0, 2048, 0}, {0, 2048, 0}},
			[][3]int32{{-1, 512, 1536}, {0, 1536, 512}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for name, p := range map[string]struct {
				got  []int32
				want [][3]int32
			}{"x": {LetterboxXTable(c.src, c.dst), c.x}, "y": {LetterboxYTable(c.src, c.dst), c.y}} {
				for i, w := range p.want {
					if p.got[2*i] != w[0] || p.got[2*i+1] != w[1]|w[2]<<16 {
						t.Errorf("%s[%d] = %d, %#x, want %v", name, i, p.got[2*i], p.got[2*i+1], w)
					}
				}
			}
		})
	}
}

func FuzzLetterbox(f *testing.F) {
	f.Add(uint64(1), uint8(20), uint8(13), uint8(16), uint8(16), false)
	f.Add(uint64(2), uint8(3), uint8(60), uint8(9), uint8(32), true)
	f.Fuzz(fuzzLetterbox)
}

func fuzzLetterbox(t *testing.T, seed uint64, srcW, srcH, dstW, dstH uint8, float bool) {
	im := newImage(seed)
	c := letterboxCase{srcW: int32(srcW) + 1, srcH: int32(srcH) + 1, dstW: int32(dstW)%64 + 1, dstH: int32(dstH)%64 + 1}
	c.newW, c.newH = 1+im.rng.Int32N(c.dstW), 1+im.rng.Int32N(c.dstH)
	c.left, c.top = im.rng.Int32N(c.dstW-c.newW+1), im.rng.Int32N(c.dstH-c.newH+1)
	c.pix, c.pad, c.rowGap = 4*im.rng.Int32N(2), 4*im.rng.Int32N(4), 4*im.rng.Int32N(4)
	if float {
		c.float = 1
	}
	c.step(im)
	im.compare(t)
}
