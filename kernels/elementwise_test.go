//go:build !js

package kernels

import (
	"fmt"
	"math"
	"testing"
)

// Kernels of one value at a time: add, mul, requant and kin, sigmoid, SiLU,
// softmax.

func addStep(im *image, op Op, s size, a, b, dst layout) {
	d := AddDesc{H: s.h, W: s.w, C: s.c}
	if op == OpAddU8 {
		d.A, d.B, d.Dst = im.place(s.h, s.w, s.c, a), im.place(s.h, s.w, s.c, b), im.place(s.h, s.w, s.c, dst)
		d.AScale, d.BScale = im.rng.Float32()*0.1, im.rng.Float32()*0.1
		d.AZero, d.BZero, d.OutZero = im.rng.Int32N(256), im.rng.Int32N(256), im.rng.Int32N(256)
		d.OutInv = 1 / (0.001 + im.rng.Float32()*0.2)
	} else {
		d.A, d.B = im.placeFloats(s.h, s.w, s.c, 9, a), im.placeFloats(s.h, s.w, s.c, 9, b)
		d.Dst = im.place(s.h, s.w, 4*s.c, dst)
	}
	step(im, op, d, s.h)
}

func requantStep(im *image, op Op, s size, src, dst layout) {
	d := RequantDesc{H: s.h, W: s.w, C: s.c, SrcScale: im.rng.Float32() * 0.1, SrcZero: im.rng.Int32N(256),
		OutInv: 1 / (0.001 + im.rng.Float32()*0.2), OutZero: im.rng.Int32N(256)}
	if op == OpQuantize {
		d.Src = im.placeFloats(s.h, s.w, s.c, 20, src)
		nan := view[float32](im.mem, d.Src.Addr, 3)
		nan[0], nan[1], nan[2] = float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1))
	} else {
		d.Src = im.place(s.h, s.w, s.c, src)
	}
	if op == OpDequantize {
		d.Dst = im.place(s.h, s.w, 4*s.c, dst)
	} else {
		d.Dst = im.place(s.h, s.w, s.c, dst)
	}
	step(im, op, d, s.h)
}

func eltStep(im *image, op Op, s size, src, dst layout) {
	step(im, op, EltDesc{Src: im.placeFloats(s.h, s.w, s.c, 12, src), Dst: im.place(s.h, s.w, 4*s.c, dst),
		H: s.h, W: s.w, C: s.c}, s.h)
}

// elementwise lists the kernels with a step of random content.
var elementwise = map[Op]func(im *image, op Op, s size, in, out layout){
	OpAddU8:      func(im *image, op Op, s size, in, out layout) { addStep(im, op, s, in, out, out) },
	OpAddF32:     func(im *image, op Op, s size, in, out layout) { addStep(im, op, s, in, out, out) },
	OpMulF32:     func(im *image, op Op, s size, in, out layout) { addStep(im, op, s, out, in, out) },
	OpRequant:    requantStep,
	OpQuantize:   requantStep,
	OpDequantize: requantStep,
	OpSigmoidF32: eltStep,
	OpSiLUF32:    eltStep,
	OpSoftmaxF32: eltStep,
}

func TestElementwise(t *testing.T) {
	for op, add := range elementwise {
		for _, s := range oddSizes {
			for name, l := range layouts {
				t.Run(fmt.Sprintf("%v/%v/%s", op, s, name), func(t *testing.T) {
					im := newImage(7)
					add(im, op, s, l, layout{})
					add(im, op, s, layout{}, l)
					add(im, op, s, layout{}, layout{})
					im.compare(t)
				})
			}
		}
	}
}

func TestSoftmaxOfOddChannels(t *testing.T) {
	for _, c := range []int32{1, 3, 5, 80, 81} {
		im := newImage(8)
		eltStep(im, OpSoftmaxF32, size{2, 3, c}, layout{}, layout{gap: 4})
		im.compare(t)
	}
}

func FuzzElementwise(f *testing.F) {
	f.Add(uint64(1))
	f.Fuzz(fuzzElementwise)
}

func fuzzElementwise(t *testing.T, seed uint64) {
	im := newImage(seed)
	for op := range NumOps {
		if add := elementwise[op]; add != nil {
			add(im, op, im.randomSize(), im.randomLayout(), im.randomLayout())
		}
	}
	im.compare(t)
}
