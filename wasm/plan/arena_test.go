package plan

import (
	"math/rand/v2"
	"testing"
)

// checkArena fails if two buffers share a byte while both are live.
func checkArena(t *testing.T, bufs []*buffer, total int64) {
	t.Helper()
	for i, a := range bufs {
		if a.first > a.last {
			continue
		}
		if a.addr < 0 || a.addr%align != 0 || a.addr+a.size > total {
			t.Fatalf("buffer %d lies at %d+%d in an arena of %d", i, a.addr, a.size, total)
		}
		for j, b := range bufs[:i] {
			if a.overlaps(b) && a.addr < b.addr+b.size && b.addr < a.addr+a.size {
				t.Fatalf("buffers %d and %d overlap: steps %d–%d and %d–%d, bytes %d+%d and %d+%d",
					i, j, a.first, a.last, b.first, b.last, a.addr, a.size, b.addr, b.size)
			}
		}
	}
}

func TestArenaNeverOverlaps(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 300 {
		bufs := make([]*buffer, 1+r.IntN(60))
		for i := range bufs {
			first := r.IntN(50)
			bufs[i] = &buffer{size: 1 + r.Int64N(5000), first: first, last: first + r.IntN(12)}
		}
		checkArena(t, bufs, place(bufs))
	}
}

func TestArenaReusesMemory(t *testing.T) {
	var bufs []*buffer
	for i := range 20 { // a chain: two live at a time
		bufs = append(bufs, &buffer{size: 6400, first: i, last: i + 1})
	}
	if total := place(bufs); total != 2*6400 {
		t.Errorf("a chain of 20 buffers takes %d bytes, want those of 2", total)
	}
}
