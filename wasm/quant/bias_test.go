package quant

import (
	"math"
	"math/rand/v2"
	"testing"
)

// A bias that is off by a constant is found again, up to the ridge and the
// curvature; a channel deep in SiLU's flat part is left alone.
func TestCorrectionFindsAShift(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	const pixels = 4000
	shift := []float32{0.05, -0.03, 0, 0.05}
	mean := []float64{0.5, 1, 0, -30}
	float, int8ed := make([]float32, 4*pixels), make([]float32, 4*pixels)
	for i := range float {
		c := i / pixels
		float[i] = float32(mean[c] + r.NormFloat64())
		int8ed[i] = float[i] - shift[c] + float32(r.NormFloat64()*0.02)
	}
	var whole, a, b Correction
	if err := whole.Add(float, int8ed, 4); err != nil {
		t.Fatal(err)
	}
	got := whole.Shift()
	for c, want := range []float32{0.05, -0.03, 0, 0} {
		if math.Abs(float64(got[c]-want)) > 0.003 {
			t.Errorf("channel %d: shift %g, want %g", c, got[c], want)
		}
	}
	// Halves of the picture, merged, give the same.
	half := func(x []float32, k int) []float32 {
		var h []float32
		for c := range 4 {
			h = append(h, x[c*pixels+k*pixels/2:c*pixels+(k+1)*pixels/2]...)
		}
		return h
	}
	for k, c := range []*Correction{&a, &b} {
		if err := c.Add(half(float, k), half(int8ed, k), 4); err != nil {
			t.Fatal(err)
		}
	}
	if err := a.Merge(&b); err != nil {
		t.Fatal(err)
	}
	for c, v := range a.Shift() {
		if math.Abs(float64(v-got[c])) > 1e-6 {
			t.Errorf("channel %d: %g merged, %g whole", c, v, got[c])
		}
	}
}

// The shift lowers the error behind SiLU where the mean before it would raise
// it: nine pixels of ten are background whose error does not matter.
func TestCorrectionIgnoresTheBackground(t *testing.T) {
	var float, int8ed []float32
	for i := range 1000 {
		x, e := float32(-12), float32(1)
		if i%10 == 0 {
			x, e = 3, -0.1
		}
		float, int8ed = append(float, x), append(int8ed, x+e)
	}
	var c Correction
	if err := c.Add(float, int8ed, 1); err != nil {
		t.Fatal(err)
	}
	d := c.Shift()[0]
	if d < 0.08 || d > 0.12 {
		t.Errorf("shift %g, want 0.1 within a fifth", d)
	}
}

func TestCorrectionRefuses(t *testing.T) {
	var c Correction
	for _, try := range []struct{ x, y, channels int }{{4, 5, 1}, {5, 5, 2}, {4, 4, 0}} {
		if err := c.Add(make([]float32, try.x), make([]float32, try.y), try.channels); err == nil {
			t.Errorf("%+v accepted", try)
		}
	}
	if err := c.Add(make([]float32, 4), make([]float32, 4), 2); err != nil {
		t.Fatal(err)
	}
	if err := c.Merge(&Correction{num: make([]float64, 3), den: make([]float64, 3)}); err == nil {
		t.Error("merged other channels")
	}
}
