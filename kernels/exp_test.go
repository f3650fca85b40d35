//go:build !js

package kernels

import (
	"math"
	"testing"
)

func TestExpAccuracy(t *testing.T) {
	worst := 0.0
	for x := float32(-87); x <= 88; x += 0.00137 {
		want := math.Exp(float64(x))
		if e := math.Abs(float64(expf32(x))-want) / want; e > worst {
			worst = e
		}
	}
	if worst > 2e-7 {
		t.Fatalf("relative error %g, want ≤ 2e-7", worst)
	}
}

func TestExpEnds(t *testing.T) {
	inf := float32(math.Inf(1))
	for _, c := range []struct {
		name    string
		x, want float32
	}{
		{"zero", 0, 1},
		{"negative zero", float32(math.Copysign(0, -1)), 1},
		{"below the clamp", -1e9, expf32(expMin)},
		{"above the clamp", 1e9, expf32(expMax)},
		{"-inf", -inf, expf32(expMin)},
		{"+inf", inf, expf32(expMax)},
	} {
		if got := expf32(c.x); got != c.want {
			t.Errorf("%s: exp(%g) = %g, want %g", c.name, c.x, got, c.want)
		}
	}
	if y := expf32(float32(math.NaN())); y == y {
		t.Errorf("exp(NaN) = %g, want NaN", y)
	}
	if y := sigmoidf32(-1e30); y < 0 || y > 1e-37 {
		t.Errorf("sigmoid(-1e30) = %g, want about 0", y)
	}
	if y := sigmoidf32(1e30); y != 1 {
		t.Errorf("sigmoid(1e30) = %g, want 1", y)
	}
	for x := float32(-30); x < 30; x += 0.11 {
		want := float64(x) / (1 + math.Exp(-float64(x)))
		if e := math.Abs(float64(siluf32(x)) - want); e > 3e-7*math.Abs(want)+1e-12 {
			t.Errorf("silu(%g) = %g, want %g", x, siluf32(x), want)
		}
	}
}
