package plan

import (
	"cmp"
	"slices"
)

// align is the alignment of every buffer: a cache line.
const align = 64

func alignUp(n int64) int64 { return (n + align - 1) / align * align }

// buffer is a stretch of the arena. It is live from the first step that writes
// it to the last one that touches it, both included.
type buffer struct {
	size        int64
	first, last int // steps; first > last: never used
	addr        int64
}

func (b *buffer) touch(step int) {
	b.first, b.last = min(b.first, step), max(b.last, step)
}

func (b *buffer) overlaps(o *buffer) bool { return b.first <= o.last && o.first <= b.last }

// place assigns addresses from 0 so that buffers live at the same time never
// overlap, and returns the bytes used. Large buffers first, each into the
// smallest gap that holds it: the "greedy by size" heuristic of Pisarchyk and
// Lee, Efficient Memory Management for Deep Neural Net Inference (2020).
func place(bufs []*buffer) int64 {
	order := slices.Clone(bufs)
	slices.SortStableFunc(order, func(a, b *buffer) int { return cmp.Compare(b.size, a.size) })
	var placed []*buffer // by address
	var total int64
	for _, b := range order {
		if b.first > b.last {
			continue
		}
		best, bestGap, end := int64(-1), int64(0), int64(0)
		for _, p := range placed {
			if !p.overlaps(b) {
				continue
			}
			if gap := p.addr - end; gap >= b.size && (best < 0 || gap < bestGap) {
				best, bestGap = end, gap
			}
			end = max(end, alignUp(p.addr+p.size))
		}
		if best < 0 {
			best = end
		}
		b.addr = best
		total = max(total, alignUp(b.addr+b.size))
		at, _ := slices.BinarySearchFunc(placed, b, func(x, y *buffer) int { return cmp.Compare(x.addr, y.addr) })
		placed = slices.Insert(placed, at, b)
	}
	return total
}
