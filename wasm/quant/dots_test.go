package quant

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"eagleeye/kernels"
	"eagleeye/wasm/graph"
)

// The lanes of DotWeights are those of the kernels, and keeping within them
// costs less than leaving out a bit.
func TestDotWeights(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, c := range []struct{ out, in, kh, kw, groups int }{
		{32, 16, 3, 3, 1}, {24, 48, 1, 1, 1}, {8, 20, 5, 1, 1}, {8, 8, 2, 2, 2}, {6, 1, 3, 3, 6}, {9, 12, 1, 1, 3},
	} {
		t.Run(fmt.Sprintf("%+v", c), func(t *testing.T) {
			per := c.in * c.kh * c.kw
			w := make([]float32, c.out*per)
			for i := range w { // heavy tails, as trained weights have
				w[i] = float32(rng.NormFloat64() * math.Exp(rng.NormFloat64()))
			}
			ft := graph.FloatTensor(w, c.out, c.in, c.kh, c.kw)
			q, scale, err := DotWeights(ft, c.groups)
			if err != nil {
				t.Fatal(err)
			}
			_, wide, err := Weights(ft)
			if err != nil {
				t.Fatal(err)
			}
			inputs := c.in * c.groups
			packing := kernels.Packing{ConvShape: kernels.ConvShape{OutC: c.out, InC: inputs, KH: c.kh, KW: c.kw}, InPhys: (inputs + 7) / 8 * 8, OutPhys: (c.out + 7) / 8 * 8}
			full := make([]int8, c.out*inputs*c.kh*c.kw) // as one group
			for o := range c.out {
				if scale[o] < wide[o] {
					t.Errorf("channel %d has scale %v, less than %v", o, scale[o], wide[o])
				}
				cut, coarse := 0.0, 0.0
				for i := range per {
					n := int8(q.Data[o*per+i])
					full[(o*inputs+o/(c.out/c.groups)*c.in)*c.kh*c.kw+i] = n
					v := float64(w[o*per+i])
					d := v - float64(n)*float64(scale[o])
					cut += d * d
					step := 2 * float64(wide[o])
					d = v - math.RoundToEven(v/step)*step
					coarse += d * d
				}
				if cut > coarse && per > 30 {
					t.Errorf("channel %d: squared error %v, with 7 bits %v", o, cut, coarse)
				}
			}
			for _, packing.Merged = range []bool{false, true} {
				if _, _, err := kernels.PackConvU8(full, 0, &packing); err != nil {
					t.Errorf("merged %v: %v", packing.Merged, err)
				}
			}
		})
	}
}

// A channel that is within bounds is rounded as Weights rounds it.
func TestDotWeightsWithinBounds(t *testing.T) {
	w := graph.FloatTensor([]float32{1, -1, 0, 0.5, 0, 0, 0, -0.25}, 1, 8, 1, 1)
	q, scale, err := DotWeights(w, 1)
	if err != nil {
		t.Fatal(err)
	}
	want, wantScale, err := Weights(w)
	if err != nil {
		t.Fatal(err)
	}
	if string(q.Data) != string(want.Data) || scale[0] != wantScale[0] {
		t.Errorf("%v × %v, want %v × %v", q.Data, scale, want.Data, wantScale)
	}
}

func TestDotWeightsRefuse(t *testing.T) {
	for name, w := range map[string]*graph.Tensor{
		"rank 2": graph.FloatTensor([]float32{1, 2}, 1, 2),
		"NaN":    graph.FloatTensor([]float32{float32(math.NaN())}, 1, 1, 1, 1),
		"groups": graph.FloatTensor([]float32{1, 2, 3}, 3, 1, 1, 1),
	} {
		if _, _, err := DotWeights(w, 2); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}
