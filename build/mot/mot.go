// Package mot judges a tracker by sequences whose truth is known: MOTA by the
// CLEAR metrics (Bernardin and Stiefelhagen, "Evaluating Multiple Object
// Tracking Performance", 2008) and IDF1 (Ristani et al., "Performance Measures
// and a Data Set for Multi-Target, Multi-Camera Tracking", 2016). It imports
// nothing of ours.
package mot

import (
	"fmt"
	"math"
	"slices"
)

// Box is an object in a frame, in pixels. Ignored truth neither has to be found
// nor counts against what finds it.
type Box struct {
	ID, Class      int
	X1, Y1, X2, Y2 float64
	Ignored        bool
}

// Overlap is the IoU from which a box counts as found.
const Overlap = 0.5

// Result is what came out.
type Result struct {
	Truth    int // boxes to be found
	Found    int // boxes given, without those on ignored truth
	Missed   int
	False    int
	Switches int // of an object's number
	IDTrue   int // boxes under the number that suits its object over the whole sequence
	MOTA     float64
	IDF1     float64
}

func (r Result) String() string {
	return fmt.Sprintf("MOTA %.3f, IDF1 %.3f (%d boxes, %d missed, %d false, %d switches)", r.MOTA, r.IDF1, r.Truth, r.Missed, r.False, r.Switches)
}

// Judge gathers the frames of a sequence.
type Judge struct {
	r     Result
	last  map[int]int    // truth's number → the number it was last found under
	pairs map[[2]int]int // frames in which truth and found overlap
	truth map[int]int    // frames by number
	found map[int]int
}

// New returns a judge that has seen nothing.
func New() *Judge {
	return &Judge{last: map[int]int{}, pairs: map[[2]int]int{}, truth: map[int]int{}, found: map[int]int{}}
}

// Add takes the next frame. Numbers may not repeat within a frame.
func (j *Judge) Add(truth, found []Box) {
	gain := func(t, f Box) float64 {
		if t.Class != f.Class {
			return 0
		}
		if o := iou(t, f); o >= Overlap {
			return o
		}
		return 0
	}
	// A pair of the frame before stays as long as it is good (CLEAR); the rest are
	// paired for the most pairs first and the largest overlap second.
	paired, free := map[int]int{}, map[int]bool{}
	for f := range found {
		free[f] = true
	}
	for t := range truth {
		for f := range found {
			if free[f] && j.last[truth[t].ID] == found[f].ID && gain(truth[t], found[f]) > 0 {
				paired[t] = f
				delete(free, f)
				break
			}
		}
	}
	var rows, cols []int
	for t := range truth {
		if _, ok := paired[t]; !ok {
			rows = append(rows, t)
		}
	}
	for f := range found {
		if free[f] {
			cols = append(cols, f)
		}
	}
	for r, c := range Assign(len(rows), len(cols), func(r, c int) float64 {
		if g := gain(truth[rows[r]], found[cols[c]]); g > 0 {
			return 1000 + g
		}
		return 0
	}) {
		if c >= 0 {
			paired[rows[r]] = cols[c]
		}
	}

	ignored := map[int]bool{}
	for t, f := range paired {
		if truth[t].Ignored {
			ignored[f] = true
		}
	}
	for t := range truth {
		f, ok := paired[t]
		id := truth[t].ID
		switch {
		case truth[t].Ignored:
			if ok {
				j.last[id] = found[f].ID
			}
			continue
		case !ok:
			j.r.Missed++
		default:
			if before, seen := j.last[id]; seen && before != found[f].ID {
				j.r.Switches++
			}
			j.last[id] = found[f].ID
		}
		j.r.Truth++
		j.truth[id]++
	}
	for f := range found {
		if ignored[f] {
			continue
		}
		j.r.Found++
		j.found[found[f].ID]++
		used := false
		for t := range truth {
			if g, ok := paired[t]; ok && g == f {
				used = true
			}
			if !truth[t].Ignored && gain(truth[t], found[f]) > 0 {
				j.pairs[[2]int{truth[t].ID, found[f].ID}]++
			}
		}
		if !used {
			j.r.False++
		}
	}
}

// Result tells what came out so far.
func (j *Judge) Result() Result {
	r := j.r
	var truths, founds []int
	for id := range j.truth {
		truths = append(truths, id)
	}
	for id := range j.found {
		founds = append(founds, id)
	}
	slices.Sort(truths)
	slices.Sort(founds)
	for t, f := range Assign(len(truths), len(founds), func(t, f int) float64 {
		return float64(j.pairs[[2]int{truths[t], founds[f]}])
	}) {
		if f >= 0 {
			r.IDTrue += j.pairs[[2]int{truths[t], founds[f]}]
		}
	}
	if r.Truth > 0 {
		r.MOTA = 1 - float64(r.Missed+r.False+r.Switches)/float64(r.Truth)
	}
	if n := r.Truth + r.Found; n > 0 {
		r.IDF1 = 2 * float64(r.IDTrue) / float64(n)
	}
	return r
}

func iou(a, b Box) float64 {
	w, h := min(a.X2, b.X2)-max(a.X1, b.X1), min(a.Y2, b.Y2)-max(a.Y1, b.Y1)
	if !(w > 0 && h > 0) {
		return 0
	}
	i := w * h
	return i / ((a.X2-a.X1)*(a.Y2-a.Y1) + (b.X2-b.X1)*(b.Y2-b.Y1) - i)
}

// Assign pairs rows with columns for the largest sum of gains and returns each
// row's column, -1 for none. Pairs of gain 0 are not made. It is Kuhn and
// Munkres' method on a square table.
func Assign(rows, cols int, gain func(r, c int) float64) []int {
	n := max(rows, cols)
	cost := func(i, j int) float64 {
		if i >= rows || j >= cols {
			return 0
		}
		return -gain(i, j)
	}
	u, v := make([]float64, n+1), make([]float64, n+1)
	owner, way := make([]int, n+1), make([]int, n+1)
	for i := 1; i <= n; i++ {
		owner[0] = i
		least, used := make([]float64, n+1), make([]bool, n+1)
		for j := range least {
			least[j] = math.Inf(1)
		}
		j0 := 0
		for {
			used[j0] = true
			i0, delta, j1 := owner[j0], math.Inf(1), 0
			for j := 1; j <= n; j++ {
				if used[j] {
					continue
				}
				if c := cost(i0-1, j-1) - u[i0] - v[j]; c < least[j] {
					least[j], way[j] = c, j0
				}
				if least[j] < delta {
					delta, j1 = least[j], j
				}
			}
			for j := range used {
				if used[j] {
					u[owner[j]] += delta
					v[j] -= delta
				} else {
					least[j] -= delta
				}
			}
			if j0 = j1; owner[j0] == 0 {
				break
			}
		}
		for j0 != 0 {
			owner[j0] = owner[way[j0]]
			j0 = way[j0]
		}
	}
	out := make([]int, rows)
	for i := range out {
		out[i] = -1
	}
	for j := 1; j <= cols; j++ {
		if i := owner[j]; i >= 1 && i <= rows && gain(i-1, j-1) > 0 {
			out[i-1] = j - 1
		}
	}
	return out
}
