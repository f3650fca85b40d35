package quant

import (
	"math"
	"math/rand/v2"
	"testing"
)

// The divergence by its definition: two whole distributions, then the sum.
func divergenceOracle(at, weight []float64, lo, hi float32) float64 {
	grid := Grid(lo, hi)
	inside := func(x float64) bool { return x >= float64(lo) && x <= float64(hi) }
	level := func(x float64) float64 { return math.RoundToEven(x / float64(grid.Scale[0])) }
	p, q := map[int]float64{}, map[int]float64{}
	seen, points := map[float64]float64{}, map[float64]float64{}
	first, last := -1, -1
	for i, x := range at {
		if inside(x) {
			if first < 0 {
				first = i
			}
			last = i
			seen[level(x)] += weight[i]
			points[level(x)]++
		}
	}
	total, kept := 0.0, 0.0
	for i, x := range at {
		total += weight[i]
		switch {
		case inside(x):
			p[i] += weight[i]
			kept += weight[i]
		case x < float64(lo):
			p[first] += weight[i]
		default:
			p[last] += weight[i]
		}
	}
	for i := range p {
		q[i] = seen[level(at[i])] / points[level(at[i])] / kept
	}
	sum := 0.0
	for i := range p {
		sum += p[i] / total * math.Log(p[i]/total/q[i])
	}
	return sum
}

func TestDivergence(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var h Histogram
	x := make([]float32, 20000)
	for i := range x {
		x[i] = float32(max(-0.28, rng.NormFloat64()*rng.ExpFloat64()))
	}
	if err := h.Add(x); err != nil {
		t.Fatal(err)
	}
	at, weight := h.bins()
	for _, r := range [][2]float32{{h.Min, h.Max}, {h.Min, h.Max / 2}, {-0.1, 1}, {0, h.Max}, {0, 0.3}} {
		got, want := divergence(at, weight, r[0], r[1]), divergenceOracle(at, weight, r[0], r[1])
		if math.Abs(got-want) > 1e-9*max(1, want) {
			t.Errorf("[%g, %g]: %g, want %g", r[0], r[1], got, want)
		}
	}
}

func TestEntropyCutsOutliers(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	bulk := make([]float32, 50000)
	for i := range bulk {
		bulk[i] = float32(math.Abs(rng.NormFloat64()))
	}
	for _, c := range []struct {
		name     string
		outliers []float32
		from, to float32
	}{
		{"none", nil, 2.5, 6},
		{"a few far out", []float32{20, 21, 22}, 2.2, 8},
	} {
		var h Histogram
		if err := h.Add(append(c.outliers, bulk...)); err != nil {
			t.Fatal(err)
		}
		if lo, hi := Entropy.Range(&h, 0); lo != 0 || hi < c.from || hi > c.to {
			t.Errorf("%s: [%g, %g], want the bulk's end, %g to %g", c.name, lo, hi, c.from, c.to)
		}
	}
	var zeros Histogram
	if err := zeros.Add(make([]float32, 10)); err != nil {
		t.Fatal(err)
	}
	if lo, hi := Entropy.Range(&zeros, 0); lo != 0 || hi != 0 {
		t.Errorf("zeros have [%g, %g]", lo, hi)
	}
}
