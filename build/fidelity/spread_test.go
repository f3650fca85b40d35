package fidelity

import (
	"math"
	"math/rand/v2"
	"testing"
)

// One anchor an image, so that the figures are means of independent numbers,
// whose deviation is known.
func TestCompare(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	n := 400
	a, b := make([]Sum, n), make([]Sum, n)
	for i := range a {
		b[i] = Sum{1, 0.01, 0.1}
		a[i] = Sum{1, 0.01, 0.1 + 0.05*rng.NormFloat64()}
	}
	d, err := Compare(a, b, 300)
	if err != nil {
		t.Fatal(err)
	}
	if d.RMSScore != 0 || d.RMSSpread > 1e-12 {
		t.Errorf("equal scores differ by %g ± %g", d.RMSScore, d.RMSSpread)
	}
	if want := 0.05 / math.Sqrt(float64(n)); math.Abs(d.LossSpread/want-1) > 0.2 || math.Abs(d.MeanLoss) > 3*want {
		t.Errorf("loss differs by %g ± %g, want 0 ± %g", d.MeanLoss, d.LossSpread, want)
	}
	if same, _ := Compare(a, a, 10); same.MeanLoss != 0 || same.LossSpread != 0 {
		t.Errorf("a model differs from itself: %+v", same)
	}
	if _, err := Compare(a, b[1:], 10); err == nil {
		t.Error("different images were compared")
	}
}
