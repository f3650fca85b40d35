package ops

import "sync"

// scratch keeps the memory that operations need only while they run: the next
// one takes over what the last one gave back. What is borrowed holds old values.
var scratch struct {
	sync.Mutex
	free [][]float32
}

type loan struct{ v []float32 }

// borrow returns n values. The smallest fitting block is taken; if none fits,
// the largest is replaced, so that a graph's needs settle after its first run.
func borrow(n int) loan {
	scratch.Lock()
	defer scratch.Unlock()
	best, largest := -1, -1
	for i, b := range scratch.free {
		if cap(b) >= n && (best < 0 || cap(b) < cap(scratch.free[best])) {
			best = i
		}
		if largest < 0 || cap(b) > cap(scratch.free[largest]) {
			largest = i
		}
	}
	take := best
	if take < 0 {
		take = largest
	}
	var v []float32
	if take >= 0 {
		v = scratch.free[take]
		scratch.free = append(scratch.free[:take], scratch.free[take+1:]...)
	}
	if cap(v) < n {
		// Large blocks begin on a page, so vectors in them are aligned.
		v = make([]float32, max(n, 1<<14))
	}
	return loan{v[:n]}
}

func (l loan) free() {
	if l.v == nil {
		return
	}
	scratch.Lock()
	scratch.free = append(scratch.free, l.v[:cap(l.v)])
	scratch.Unlock()
}
