//go:build !js

package kernels

import (
	"fmt"
	"math"
	"testing"
	"unsafe"
)

// detectScale is one scale of a random head.
type detectScale struct {
	h, w, classes, regMax int32
	stride                float32
	logit                 float32
	gap                   int32 // channels beyond the classes, with high logits
}

// step adds the scale's step with fresh Params and returns their address and
// the candidates'.
func (s detectScale) step(im *image, values float32) (params, out uint32, d DetectDesc) {
	box := im.placeFloats(s.h, s.w, 4*s.regMax, values, layout{})
	pad := s.classes + s.gap
	cls := im.placeFloats(s.h, s.w, pad, values, layout{})
	for y := range s.h {
		for x := range s.w {
			v := view[float32](im.mem, cls.pixel(y, x), int(pad))
			for i := s.classes; i < pad; i++ {
				v[i] = 1e9
			}
			if s.classes > 1 && im.rng.IntN(3) == 0 { // equals
				v[im.rng.Int32N(s.classes)] = v[0]
			}
		}
	}
	params = put(im, DetectParams{Logit: s.logit})
	out = put(im, make([]Candidate, s.h*s.w)...)
	d = DetectDesc{Box: box, Cls: cls, H: s.h, W: s.w, Classes: s.classes, RegMax: s.regMax,
		Stride: s.stride, Anchor0: 100, Params: params, Out: out}
	step(im, OpDetect, d, s.h)
	return params, out, d
}

func TestDetect(t *testing.T) {
	for _, classes := range []int32{1, 3, 4, 80, 81} {
		for _, regMax := range []int32{4, 16, 32} {
			for _, logit := range []float32{-1e9, 0, 3, 1e9, float32(math.Inf(-1)), float32(math.NaN())} {
				t.Run(fmt.Sprintf("%d classes/%d bins/logit %g", classes, regMax, logit), func(t *testing.T) {
					im := newImage(9)
					s := detectScale{4, 5, classes, regMax, 8, logit, 7}
					s.step(im, 4)
					s.step(im, 40)
					im.compare(t)
				})
			}
		}
	}
}

func TestDetectSurvivesNonNumbers(t *testing.T) {
	inf := float32(math.Inf(1))
	for name, v := range map[string]float32{"NaN": float32(math.NaN()), "inf": inf, "-inf": -inf} {
		t.Run(name, func(t *testing.T) {
			im := newImage(10)
			_, out, d := detectScale{3, 4, 5, 16, 8, -1, 3}.step(im, 4)
			for i := range int32(12) {
				cls := view[float32](im.mem, d.Cls.pixel(i/4, i%4), 5)
				for c := range cls {
					if i%3 == 0 || c == int(i)%5 {
						cls[c] = v
					}
				}
				if i%2 == 0 {
					view[float32](im.mem, d.Box.pixel(i/4, i%4), 64)[5*i] = v
				}
			}
			// NaN results have no certain bits: compare as numbers.
			im.compare(t, floatRegion{out, 12 * int(unsafe.Sizeof(Candidate{})) / 4, 0})
		})
	}
}

// The oracle against float64 arithmetic on a head whose answer is known.
func TestDetectDecodes(t *testing.T) {
	im := newImage(11)
	params, out, d := detectScale{2, 3, 3, 16, 16, 0.5, 5}.step(im, 4)
	for i := range int32(6) {
		for c := range int32(3) {
			view[float32](im.mem, d.Cls.pixel(i/3, i%3), 3)[c] = -5
		}
	}
	view[float32](im.mem, d.Cls.pixel(1, 2), 3)[1] = 2
	view[float32](im.mem, d.Cls.pixel(1, 2), 3)[2] = 2
	bins := view[float32](im.mem, d.Box.pixel(1, 2), 64)
	var dist [4]float64
	for side := range 4 {
		num, den := 0.0, 0.0
		for b, v := range bins[16*side : 16*side+16] {
			v = float32(math.Mod(float64(v), 9))
			bins[16*side+b] = v
			num += float64(b) * math.Exp(float64(v))
			den += math.Exp(float64(v))
		}
		dist[side] = num / den
	}
	Ref(im.mem, OpDetect, im.steps[0].Desc, 0, 2)
	if n := at[DetectParams](im.mem, params).Count; n != 1 {
		t.Fatalf("%d candidates, want 1", n)
	}
	got := *at[Candidate](im.mem, out)
	for i, p := range [][2]float64{
		{float64(got.X1), (2.5 - dist[0]) * 16}, {float64(got.Y1), (1.5 - dist[1]) * 16},
		{float64(got.X2), (2.5 + dist[2]) * 16}, {float64(got.Y2), (1.5 + dist[3]) * 16},
	} {
		if math.Abs(p[0]-p[1]) > 1e-4 {
			t.Errorf("coordinate %d = %g, want %g", i, p[0], p[1])
		}
	}
	if got.Logit != 2 || got.Class != 1 || got.Anchor != 100+5 {
		t.Errorf("candidate %+v, want logit 2, class 1, anchor 105", got)
	}
	im.compare(t)
}

func FuzzDetect(f *testing.F) {
	f.Add(uint64(1), uint8(80), float32(0))
	f.Add(uint64(2), uint8(1), float32(-7))
	f.Fuzz(fuzzDetect)
}

func fuzzDetect(t *testing.T, seed uint64, classes uint8, logit float32) {
	im := newImage(seed)
	detectScale{1 + im.rng.Int32N(6), 1 + im.rng.Int32N(6), 1 + int32(classes), 4 * (1 + im.rng.Int32N(6)),
		float32(int32(8) << im.rng.IntN(3)), logit, im.rng.Int32N(9)}.step(im, 12)
	im.compare(t)
}
