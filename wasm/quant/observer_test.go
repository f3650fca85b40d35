package quant

import (
	"math"
	"math/rand/v2"
	"testing"

	"eagleeye/wasm/graph"
)

// errorOf is the mean squared error of the values themselves on a grid.
func errorOf(x []float32, q graph.Quant) float64 {
	sum := 0.0
	for _, v := range x {
		n := math.RoundToEven(float64(v)/float64(q.Scale[0])) + float64(q.Zero[0])
		d := (max(0, min(255, n))-float64(q.Zero[0]))*float64(q.Scale[0]) - float64(v)
		sum += d * d
	}
	return sum / float64(len(x))
}

func TestGrid(t *testing.T) {
	for _, c := range []struct {
		name   string
		lo, hi float32
		scale  float32
		zero   int32
	}{
		{"image", 0, 1, 1.0 / 255, 0},
		{"SiLU", -0.278, 8.9, 9.178 / 255, 8},
		{"symmetric", -1, 1, 2.0 / 255, 127}, // the float32 step is a little over 2/255
		{"negative only", -2, 0, 2.0 / 255, 255},
		{"nothing", 0, 0, 1, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			q := Grid(c.lo, c.hi)
			if math.Abs(float64(q.Scale[0]-c.scale)) > 1e-7 || q.Zero[0] != c.zero || q.DType != graph.Uint8 {
				t.Errorf("got %+v, want scale %g zero %d", q, c.scale, c.zero)
			}
		})
	}
}

// The MSE observer is at least as good as min-max on the data it saw, clips a
// lone outlier, and comes within a percent of the best range of a full search.
func TestMSEFindsTheBestRange(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for _, c := range []struct {
		name string
		x    []float32
	}{
		{"SiLU", siluSample(r, 20000, 2)},
		{"SiLU with outliers", append(siluSample(r, 20000, 1), 40, 41, 42)},
		{"wide", siluSample(r, 20000, 60)},
		{"ReLU-like", append(make([]float32, 5000), 1, 2, 3, 4, 5)},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := histogramOf(t, c.x)
			lo, hi := MSE.Range(h, 0)
			got := errorOf(c.x, Grid(lo, hi))
			mlo, mhi := MinMax.Range(h, 0)
			if all := errorOf(c.x, Grid(mlo, mhi)); got > all*1.001 {
				t.Errorf("[%g, %g] has error %g, min-max [%g, %g] only %g", lo, hi, got, mlo, mhi, all)
			}
			best := math.Inf(1)
			for i := 1; i <= 60; i++ {
				for j := 0; j <= 20; j++ {
					best = min(best, errorOf(c.x, Grid(mlo*float32(j)/20, mhi*float32(i)/60)))
				}
			}
			if got > best*1.01 {
				t.Errorf("[%g, %g] has error %g, a full search finds %g", lo, hi, got, best)
			}
		})
	}
}

func TestPercentileCutsTheTail(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	x := append(siluSample(r, 100000, 1), 1000)
	h := histogramOf(t, x)
	if _, hi := Percentile.Range(h, 99.99); hi > 20 {
		t.Errorf("99.99 %% keeps up to %g of an outlier of 1000", hi)
	}
	if _, hi := MinMax.Range(h, 0); hi != 1000 {
		t.Errorf("min-max ends at %g", hi)
	}
}

func TestParseObserver(t *testing.T) {
	for _, name := range []string{"mse", "minmax", "percentile", "entropy"} {
		if o, err := ParseObserver(name); err != nil || string(o) != name {
			t.Errorf("%s: %q, %v", name, o, err)
		}
	}
	if _, err := ParseObserver("best"); err == nil {
		t.Error("best accepted")
	}
}

func TestWeights(t *testing.T) {
	w := graph.FloatTensor([]float32{
		1, -2, 0.5, 127.0 / 64,
		0, 0, 0, 0,
		1e-3, -1e-3, 0.5e-3, 0,
		1e-44, -1e-44, 0, 0,
	}, 4, 4, 1, 1)
	q, scale, err := Weights(w)
	if err != nil {
		t.Fatal(err)
	}
	want := []int8{64, -127, 32, 126, 0, 0, 0, 0, 127, -127, 64, 0, 0, 0, 0, 0}
	for i, b := range q.Data {
		if int8(b) != want[i] {
			t.Errorf("element %d is %d, want %d", i, int8(b), want[i])
		}
	}
	if q.DType != graph.Int8 || len(scale) != 4 || scale[1] != 1 || scale[3] != 1 {
		t.Errorf("%v %v", q.DType, scale)
	}
}

func TestWeightsStayWithinHalfAStep(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	for range 50 {
		out, per := 1+r.IntN(9), 1+r.IntN(40)
		x := make([]float32, out*per)
		for i := range x {
			x[i] = float32(r.NormFloat64() * math.Exp(3*r.NormFloat64()))
		}
		q, scale, err := Weights(graph.FloatTensor(x, out, per, 1, 1))
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range x {
			s := float64(scale[i/per])
			if d := math.Abs(float64(int8(q.Data[i]))*s - float64(v)); d > s*0.50001 {
				t.Fatalf("element %d: %g off by %g with a step of %g", i, v, d, s)
			}
		}
	}
}

func TestWeightsRefuse(t *testing.T) {
	nan := float32(math.NaN())
	for _, c := range []struct {
		name string
		w    *graph.Tensor
	}{
		{"NaN", graph.FloatTensor([]float32{1, nan}, 2, 1)},
		{"infinity", graph.FloatTensor([]float32{1, float32(math.Inf(-1))}, 1, 2)},
		{"int8", &graph.Tensor{DType: graph.Int8, Shape: []int{1, 1}, Data: []byte{1}}},
		{"short", &graph.Tensor{DType: graph.Float32, Shape: []int{2, 1}, Data: []byte{0, 0, 0, 0}}},
		{"no channels", graph.FloatTensor(nil, 0, 3)},
	} {
		if _, _, err := Weights(c.w); err == nil {
			t.Errorf("%s accepted", c.name)
		}
	}
}
