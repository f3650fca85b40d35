//go:build !js

package kernels

import (
	"fmt"
	"testing"
)

func poolStep(im *image, op Op, s size, k, stride, pad int32, src, dst layout) {
	outH, outW := (s.h+2*pad-k)/stride+1, (s.w+2*pad-k)/stride+1
	d := PoolDesc{InH: s.h, InW: s.w, OutH: outH, OutW: outW, C: s.c, K: k, Stride: stride, Pad: pad}
	if op == OpMaxPoolU8 {
		d.Src, d.Dst = im.place(s.h, s.w, s.c, src), im.place(outH, outW, s.c, dst)
	} else {
		d.Src, d.Dst = im.placeFloats(s.h, s.w, s.c, 5, src), im.place(outH, outW, 4*s.c, dst)
	}
	step(im, op, d, outH)
}

func TestMaxPool(t *testing.T) {
	for _, c := range []struct {
		name           string
		s              size
		k, stride, pad int32
	}{
		{"SPPF", size{6, 7, 24}, 5, 1, 2},
		{"SPPF smaller than its window", size{1, 2, 16}, 5, 1, 2},
		{"SPPF of one pixel", size{1, 1, 8}, 5, 1, 2},
		{"5 wide without padding", size{7, 6, 8}, 5, 1, 0},
		{"5 wide, stride 2", size{9, 8, 8}, 5, 2, 2},
		{"2 by 2", size{8, 6, 40}, 2, 2, 0},
		{"2 by 2 leaving a row over", size{7, 5, 8}, 2, 2, 0},
		{"3 by 3", size{5, 5, 16}, 3, 1, 1},
		{"3 by 3, stride 2", size{9, 7, 16}, 3, 2, 1},
		{"13 wide", size{4, 20, 8}, 13, 1, 6},
		{"1 by 1", size{3, 3, 8}, 1, 1, 0},
	} {
		for _, op := range []Op{OpMaxPoolU8, OpMaxPoolF32} {
			for name, l := range layouts {
				t.Run(fmt.Sprintf("%s/%v/%s", c.name, op, name), func(t *testing.T) {
					im := newImage(6)
					poolStep(im, op, c.s, c.k, c.stride, c.pad, l, layout{})
					poolStep(im, op, c.s, c.k, c.stride, c.pad, layout{}, l)
					im.compare(t)
				})
			}
		}
	}
}

func FuzzMaxPool(f *testing.F) {
	f.Add(uint64(1), uint8(5), uint8(1), uint8(2))
	f.Add(uint64(2), uint8(3), uint8(2), uint8(1))
	f.Fuzz(fuzzMaxPool)
}

func fuzzMaxPool(t *testing.T, seed uint64, k, stride, pad uint8) {
	im := newImage(seed)
	kk := int32(k)%9 + 1
	p, st := int32(pad)%kk, int32(stride)%4+1
	for _, op := range []Op{OpMaxPoolU8, OpMaxPoolF32} {
		s := im.randomSize()
		s.h, s.w = max(s.h, kk-2*p), max(s.w, kk-2*p)
		poolStep(im, op, s, kk, st, p, im.randomLayout(), im.randomLayout())
	}
	im.compare(t)
}
