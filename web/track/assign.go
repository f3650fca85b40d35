package track

import "math"

// assigner pairs rows with columns so that the sum of the pairs' gains is the
// largest; only pairs that were offered may be made, and none has to be. The
// pairs that hang together are solved apart, each set by shortest augmenting
// paths (Jonker and Volgenant 1987), which is exact. It keeps its memory.
type assigner struct {
	rows, cols int
	offers     []offer
	parent     []int32 // union-find over rows, then columns
	match      []int32 // by row: the column, or -1

	members, others []int32 // of the set being solved
	gain            []float64
	u, v, least     []float64
	owner, way      []int32
	used            []bool
}

type offer struct {
	row, col int32
	gain     float64
}

// reset forgets all offers.
func (a *assigner) reset(rows, cols int) {
	a.rows, a.cols = rows, cols
	a.offers = a.offers[:0]
	a.parent = resize(a.parent, rows+cols)
	for i := range a.parent {
		a.parent[i] = int32(i)
	}
	a.match = resize(a.match, rows)
	for i := range a.match {
		a.match[i] = -1
	}
}

// resize returns s with n items, whatever they hold.
func resize[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n, n+n/2+8)
	}
	return s[:n]
}

// offer allows a pair. The gain has to be above 0.
func (a *assigner) offer(row, col int, gain float64) {
	a.offers = append(a.offers, offer{int32(row), int32(col), gain})
	r, c := a.root(int32(row)), a.root(int32(a.rows+col))
	a.parent[r] = c
}

func (a *assigner) root(i int32) int32 {
	for a.parent[i] != i {
		a.parent[i] = a.parent[a.parent[i]]
		i = a.parent[i]
	}
	return i
}

// solve fills match.
func (a *assigner) solve() {
	for i := range a.offers {
		root := a.root(a.offers[i].row)
		if a.offers[i].gain <= 0 { // solved with its set
			continue
		}
		a.set(root)
	}
}

// set solves the pairs of one root and marks their offers as done.
func (a *assigner) set(root int32) {
	a.members, a.others = a.members[:0], a.others[:0]
	for i := range a.parent {
		if a.root(int32(i)) != root {
			continue
		}
		if i < a.rows {
			a.members = append(a.members, int32(i))
		} else {
			a.others = append(a.others, int32(i-a.rows))
		}
	}
	turned := len(a.members) > len(a.others) // the solver wants no more rows than columns
	if turned {
		a.members, a.others = a.others, a.members
	}
	n, m := len(a.members), len(a.others)
	a.gain = resize(a.gain, n*m)
	clear(a.gain)
	for i := range a.offers {
		o := &a.offers[i]
		if a.root(o.row) != root {
			continue
		}
		row, col := o.row, o.col
		if turned {
			row, col = col, row
		}
		a.gain[index(a.members, row)*m+index(a.others, col)] = o.gain
		o.gain = 0
	}
	a.paths(n, m)
	for j := range m {
		i := a.owner[j+1]
		if i == 0 || a.gain[int(i-1)*m+j] <= 0 {
			continue // not paired, or paired only because every row has to be
		}
		row, col := a.members[i-1], a.others[j]
		if turned {
			row, col = col, row
		}
		a.match[row] = col
	}
}

// index finds a value in a rising list that holds it.
func index(s []int32, v int32) int {
	lo, hi := 0, len(s)
	for lo < hi {
		if mid := (lo + hi) / 2; s[mid] < v {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo
}

// paths pairs every one of n rows with one of m ≥ n columns at the largest sum
// of gains: owner[j] is the row of column j, both counted from 1, 0 for none.
// Each row is added along a shortest path under the potentials u and v.
func (a *assigner) paths(n, m int) {
	a.u, a.v, a.least = resize(a.u, n+1), resize(a.v, m+1), resize(a.least, m+1)
	a.owner, a.way, a.used = resize(a.owner, m+1), resize(a.way, m+1), resize(a.used, m+1)
	clear(a.u)
	clear(a.v)
	clear(a.owner)
	for row := 1; row <= n; row++ {
		a.owner[0] = int32(row)
		for j := range a.least {
			a.least[j], a.used[j] = math.Inf(1), false
		}
		col := 0
		for a.owner[col] != 0 {
			a.used[col] = true
			from, delta, next := int(a.owner[col]), math.Inf(1), 0
			for j := 1; j <= m; j++ {
				if a.used[j] {
					continue
				}
				if d := -a.gain[(from-1)*m+j-1] - a.u[from] - a.v[j]; d < a.least[j] {
					a.least[j], a.way[j] = d, int32(col)
				}
				if a.least[j] < delta {
					delta, next = a.least[j], j
				}
			}
			for j := 0; j <= m; j++ {
				if a.used[j] {
					a.u[a.owner[j]] += delta
					a.v[j] -= delta
				} else {
					a.least[j] -= delta
				}
			}
			col = next
		}
		for col != 0 {
			before := a.way[col]
			a.owner[col] = a.owner[before]
			col = int(before)
		}
	}
}
