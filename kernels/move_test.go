//go:build !js

package kernels

import (
	"fmt"
	"testing"
)

// Kernels that only move data: copy, border, upsample.

func copyStep(im *image, s size, src, dst layout) {
	step(im, OpCopy, CopyDesc{Src: im.place(s.h, s.w, s.c, src), Dst: im.place(s.h, s.w, s.c, dst),
		H: s.h, W: s.w, Bytes: s.c}, s.h)
}

func borderStep(im *image, s size, pad int32, gap int32) {
	step(im, OpFillBorder, BorderDesc{Dst: im.place(s.h, s.w, s.c, layout{gap: gap, pad: pad}),
		H: s.h, W: s.w, Bytes: s.c, Pad: pad, Value: im.rng.Uint32()}, s.h)
}

func upsampleStep(im *image, s size, factor int32, src, dst layout) {
	step(im, OpUpsample, UpsampleDesc{Src: im.place(s.h, s.w, s.c, src),
		Dst: im.place(s.h*factor, s.w*factor, s.c, dst), H: s.h, W: s.w, Bytes: s.c, Factor: factor}, s.h)
}

func TestCopy(t *testing.T) {
	for _, s := range append(oddSizes, size{2, 3, 4}, size{2, 3, 20}) {
		for name, l := range layouts {
			t.Run(fmt.Sprintf("%v/%s", s, name), func(t *testing.T) {
				im := newImage(3)
				copyStep(im, s, l, layout{})
				copyStep(im, s, layout{}, l)
				copyStep(im, s, l, l)
				im.compare(t)
			})
		}
	}
}

func TestFillBorder(t *testing.T) {
	for _, s := range append(oddSizes, size{2, 3, 4}, size{1, 4, 12}) {
		t.Run(fmt.Sprint(s), func(t *testing.T) {
			im := newImage(4)
			for pad := range int32(4) {
				borderStep(im, s, pad, 0)
				borderStep(im, s, pad, 8)
			}
			im.compare(t)
		})
	}
}

func TestUpsample(t *testing.T) {
	for _, s := range oddSizes {
		for name, l := range layouts {
			t.Run(fmt.Sprintf("%v/%s", s, name), func(t *testing.T) {
				im := newImage(5)
				for factor := int32(1); factor <= 3; factor++ {
					upsampleStep(im, s, factor, l, layout{})
					upsampleStep(im, s, factor, layout{}, l)
				}
				im.compare(t)
			})
		}
	}
}

func FuzzMove(f *testing.F) {
	f.Add(uint64(1))
	f.Fuzz(fuzzMove)
}

func fuzzMove(t *testing.T, seed uint64) {
	im := newImage(seed)
	for range 4 {
		copyStep(im, im.randomSize(), im.randomLayout(), im.randomLayout())
		borderStep(im, im.randomSize(), im.rng.Int32N(4), 8*im.rng.Int32N(2))
		upsampleStep(im, im.randomSize(), 1+im.rng.Int32N(4), im.randomLayout(), im.randomLayout())
	}
	im.compare(t)
}
