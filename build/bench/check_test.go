package bench

import (
	"testing"

	"eagleeye/wasm"
)

// A box that clipping has left without area is found again; another class or a
// box elsewhere is not.
func TestPair(t *testing.T) {
	flat := wasm.Detection{X1: 73, X2: 487, Class: 61}
	other, beside := flat, flat
	other.Class, beside.X1 = 60, 80
	box := wasm.Detection{X1: 10, Y1: 10, X2: 20, Y2: 20, Class: 1}
	near, far := box, box
	near.X2, far.X1, far.X2 = 21, 18, 28
	for name, c := range map[string]struct {
		a, b wasm.Detection
		want int
	}{
		"no area, equal":  {flat, flat, 1},
		"no area, class":  {flat, other, 0},
		"no area, beside": {flat, beside, 0},
		"near":            {box, near, 1},
		"far":             {box, far, 0},
	} {
		if got := len(pair([]wasm.Detection{c.a}, []wasm.Detection{c.b})); got != c.want {
			t.Errorf("%s: %d pairs, want %d", name, got, c.want)
		}
	}
}
