package state

// Gate lets one picture at a time through to the worker, and the next one when
// the worker is nearly done, so that it lies ready; of the others only the newest
// counts: pictures that arrive meanwhile are not queued, and when their time
// comes the one on show then is taken.
type Gate struct {
	Dropped int // pictures that were never analysed
	busy    bool
	next    bool // one more is under way
	open    bool // the next to arrive may be that
	fresh   bool // a picture newer than those under way is on show
}

// Arrived says that a new picture is on show; true: take it now.
func (g *Gate) Arrived() bool {
	switch {
	case !g.busy:
		g.busy = true
	case g.open:
		g.next, g.open = true, false
	default:
		if g.fresh {
			g.Dropped++
		}
		g.fresh = true
		return false
	}
	g.fresh = false
	return true
}

// Nearly says that the worker will be done soon; true: take the picture on show
// now.
func (g *Gate) Nearly() bool {
	if !g.busy || g.next {
		return false
	}
	g.next, g.open, g.fresh = g.fresh, !g.fresh, false
	return g.next
}

// Finished says that the worker is done with a picture; true: take the one on
// show now.
func (g *Gate) Finished() bool {
	g.open = false
	if g.next {
		g.next = false
		return false
	}
	g.busy = g.fresh
	g.fresh = false
	return g.busy
}

// Busy says that a picture is under way.
func (g *Gate) Busy() bool { return g.busy }

// Reset forgets the pictures under way: their worker is gone.
func (g *Gate) Reset() { *g = Gate{Dropped: g.Dropped} }

// Rate measures how often something happens, over the last Window marks.
type Rate struct {
	at   [rateWindow]float64 // milliseconds
	n    int
	next int
}

const rateWindow = 16

// Mark notes an event at ms.
func (r *Rate) Mark(ms float64) {
	r.at[r.next] = ms
	r.next = (r.next + 1) % rateWindow
	r.n = min(r.n+1, rateWindow)
}

// PerSecond returns the rate, 0 before the second event and once nothing has
// happened for three seconds.
func (r *Rate) PerSecond(now float64) float64 {
	if r.n < 2 {
		return 0
	}
	last := r.at[(r.next+rateWindow-1)%rateWindow]
	first := r.at[(r.next+rateWindow-r.n)%rateWindow]
	if last <= first || now-last > 3000 {
		return 0
	}
	return float64(r.n-1) * 1000 / (last - first)
}

// Reset forgets all events.
func (r *Rate) Reset() { r.n, r.next = 0, 0 }
