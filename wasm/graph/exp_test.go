package graph

import (
	"math"
	"testing"
)

func TestExp(t *testing.T) {
	for x := -60.0; x < 60; x += 0.0137 {
		if got, want := exp(x), math.Exp(x); math.Abs(got-want) > 1e-9*want {
			t.Fatalf("exp(%g) = %g, want %g", x, got, want)
		}
	}
	if !math.IsNaN(exp(math.NaN())) {
		t.Error("exp(NaN) is a number")
	}
	if s := sigmoid(-1e30); s != 0 {
		t.Errorf("sigmoid(-1e30) = %g", s)
	}
	if s := sigmoid(1e30); s != 1 {
		t.Errorf("sigmoid(1e30) = %g", s)
	}
	if s := silu(-1e30); s != 0 {
		t.Errorf("silu(-1e30) = %g", s)
	}
}

func BenchmarkSigmoid(b *testing.B) {
	x := make([]float32, 1<<16)
	for i := range x {
		x[i] = float32(i%97)/10 - 5
	}
	for b.Loop() {
		for i, v := range x {
			x[i] = sigmoid(v) * 5
		}
	}
}
