package mot

import (
	"math"
	"math/rand/v2"
	"testing"
)

// at is a box of 10×10 at x.
func at(id int, x float64) Box { return Box{ID: id, X1: x, X2: x + 10, Y2: 10} }

func TestByHand(t *testing.T) {
	type frame struct{ truth, found []Box }
	one := func(id int) frame { return frame{[]Box{at(1, 0)}, []Box{at(id, 0)}} }
	ignored := at(1, 0)
	ignored.Ignored = true
	other := at(7, 0)
	other.Class = 1
	for _, c := range []struct {
		name       string
		frames     []frame
		mota, idf1 float64
		switches   int
	}{
		{"perfect", []frame{one(7), one(7), one(7), one(7)}, 1, 1, 0},
		{"missed once", []frame{one(7), {[]Box{at(1, 0)}, nil}, one(7), one(7)}, 0.75, 2 * 3.0 / (4 + 3), 0},
		{"one too many", []frame{one(7), {[]Box{at(1, 0)}, []Box{at(7, 0), at(8, 50)}}, one(7), one(7)}, 0.75, 2 * 4.0 / (4 + 5), 0},
		// A switch in the middle: two of four boxes under the number that suits best.
		{"a switch", []frame{one(7), one(7), one(8), one(8)}, 0.75, 0.5, 1},
		{"there and back", []frame{one(7), one(8), one(7), one(7)}, 0.5, 0.75, 2},
		// Two that pass and swap numbers: two switches, half of the boxes right.
		{"swapped", []frame{
			{[]Box{at(1, 0), at(2, 50)}, []Box{at(7, 0), at(8, 50)}},
			{[]Box{at(1, 50), at(2, 0)}, []Box{at(7, 0), at(8, 50)}},
		}, 0.5, 0.5, 2},
		{"overlap of exactly a half", []frame{{[]Box{at(1, 0)}, []Box{{ID: 7, X2: 10, Y2: 5}}}}, 1, 1, 0},
		{"less than a half", []frame{{[]Box{at(1, 0)}, []Box{at(7, 4)}}}, -1, 0, 0},
		{"another class", []frame{{[]Box{at(1, 0)}, []Box{other}}}, -1, 0, 0},
		{"ignored and found", []frame{one(7), {[]Box{ignored}, []Box{at(7, 0)}}, one(7)}, 1, 1, 0},
		{"ignored and not found", []frame{one(7), {[]Box{ignored}, nil}, one(7)}, 1, 1, 0},
		// The pair of the frame before stays, though another box fits better now.
		{"kept pair", []frame{one(7), {[]Box{at(1, 0)}, []Box{at(8, 0), at(7, 3)}}}, 0.5, 2 * 2.0 / (2 + 3), 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			j := New()
			for _, f := range c.frames {
				j.Add(f.truth, f.found)
			}
			r := j.Result()
			if math.Abs(r.MOTA-c.mota) > 1e-12 || math.Abs(r.IDF1-c.idf1) > 1e-12 || r.Switches != c.switches {
				t.Errorf("%v, want MOTA %.3f, IDF1 %.3f, %d switches", r, c.mota, c.idf1, c.switches)
			}
		})
	}
}

// best tries all pairings.
func best(rows, cols int, gain func(r, c int) float64, r int, used int) float64 {
	if r == rows {
		return 0
	}
	top := best(rows, cols, gain, r+1, used)
	for c := range cols {
		if g := gain(r, c); g > 0 && used>>c&1 == 0 {
			top = max(top, g+best(rows, cols, gain, r+1, used|1<<c))
		}
	}
	return top
}

func TestAssign(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		rows, cols := rng.IntN(6), rng.IntN(6)
		table := make([]float64, rows*cols)
		for i := range table {
			if rng.IntN(3) > 0 {
				table[i] = float64(rng.IntN(100)) / 10
			}
		}
		gain := func(r, c int) float64 { return table[r*cols+c] }
		got, seen := 0.0, map[int]bool{}
		for r, c := range Assign(rows, cols, gain) {
			if c < 0 {
				continue
			}
			if seen[c] || gain(r, c) <= 0 {
				t.Fatalf("column %d twice, or of no gain", c)
			}
			seen[c] = true
			got += gain(r, c)
		}
		if want := best(rows, cols, gain, 0, 0); math.Abs(got-want) > 1e-9 {
			t.Fatalf("%d×%d: %v, the best is %v", rows, cols, got, want)
		}
	}
}
