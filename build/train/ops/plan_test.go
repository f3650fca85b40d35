package ops

import (
	"slices"
	"testing"

	"eagleeye/build/train/simd"
)

// TestPlans compares the products over moved reads with the plain loops, at
// sizes with several bands, panels, chunks and pieces, on every level of the
// processor.
func TestPlans(t *testing.T) {
	was := simd.Current()
	defer simd.Use(was)
	for _, c := range []convCase{
		{name: "3x3 large", b: 2, i: 20, o: 12, h: 70, w: 90, k: 3, a: ConvAttrs{Stride: 1, Pad: 1}},
		{name: "3x3 small, many images", b: 9, i: 16, o: 24, h: 5, w: 5, k: 3, a: ConvAttrs{Stride: 1, Pad: 1}},
		{name: "3x3 stride 2", b: 2, i: 3, o: 16, h: 160, w: 130, k: 3, a: ConvAttrs{Stride: 2, Pad: 1}},
		{name: "3x3 stride 2, many channels", b: 1, i: 70, o: 40, h: 20, w: 22, k: 3, a: ConvAttrs{Stride: 2, Pad: 1}},
		{name: "1x1 large", b: 2, i: 33, o: 20, h: 64, w: 80, k: 1, a: ConvAttrs{Stride: 1}},
		{name: "1x1 small", b: 3, i: 64, o: 8, h: 7, w: 7, k: 1, a: ConvAttrs{Stride: 1}},
		{name: "groups", b: 2, i: 24, o: 36, h: 30, w: 20, k: 3, a: ConvAttrs{Stride: 1, Pad: 1, Groups: 4}},
		{name: "5x5", b: 1, i: 4, o: 8, h: 40, w: 50, k: 5, a: ConvAttrs{Stride: 1, Pad: 2}},
		{name: "7x7 stride 4", b: 1, i: 3, o: 8, h: 41, w: 50, k: 7, a: ConvAttrs{Stride: 4, Pad: 3}},
	} {
		g := c.geometry()
		p := newPlan(g)
		x, w := random(1, c.b*c.i*c.h*c.w), random(2, c.o*g.k())
		dz := random(3, g.out().TotalSize())
		wantZ, wantX, wantW := make([]float32, len(dz)), make([]float32, len(x)), make([]float32, len(w))
		plainConv(g, x, w, wantZ)
		plainConvBack(g, x, w, dz, wantX, wantW)
		x = append(slices.Clone(x), make([]float32, slack)...)
		for l := simd.Portable; l <= simd.AVX512; l++ {
			if !simd.Use(l) {
				continue
			}
			t.Run(c.name+" "+l.String(), func(t *testing.T) {
				z, dx, dw := random(4, len(wantZ)), random(5, len(wantX)), random(6, len(wantW))
				p.forward(x, w, z, func(int, int, int, int) {})
				near(t, "forward", z, wantZ, 1e-5)
				planes := random(7, p.B*p.O*p.gradSize+7*p.gradSize+slack)
				for i := range p.B * p.O {
					p.place(planes[i*p.gradSize:][:p.gradSize], dz[i*p.OH*p.OW:], 0, p.OH)
				}
				p.inputGradient(planes, w, dx)
				near(t, "input's gradient", dx, wantX, 1e-5)
				p.weightGradient(planes, x, dw)
				near(t, "weights' gradient", dw, wantW, 1e-5)
			})
		}
	}
}
