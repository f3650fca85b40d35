package track

import (
	"math"
	"math/rand/v2"
	"testing"

	"eagleeye/build/mot"
)

// TestAssign compares sums of gains with build/mot's solver, which is compared
// with trying all pairings.
func TestAssign(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	var a assigner
	for try := range 600 {
		rows, cols := rng.IntN(9), rng.IntN(9)
		if try%50 == 0 {
			rows, cols = 40, 35
		}
		table := make([]float64, rows*cols)
		a.reset(rows, cols)
		for i := range table {
			if rng.IntN(4) == 0 {
				table[i] = 0.01 + rng.Float64()
				a.offer(i/cols, i%cols, table[i])
			}
		}
		a.solve()
		gain := func(r, c int) float64 { return table[r*cols+c] }
		sum := func(match func(r int) int) (sum float64) {
			seen := map[int]bool{}
			for r := range rows {
				c := match(r)
				if c < 0 {
					continue
				}
				if seen[c] || gain(r, c) == 0 {
					t.Fatalf("try %d: column %d twice, or never offered", try, c)
				}
				seen[c] = true
				sum += gain(r, c)
			}
			return sum
		}
		best := mot.Assign(rows, cols, gain)
		got, want := sum(func(r int) int { return int(a.match[r]) }), sum(func(r int) int { return best[r] })
		if math.Abs(got-want) > 1e-9 {
			t.Fatalf("try %d, %d×%d: %v, the best is %v", try, rows, cols, got, want)
		}
	}
}
