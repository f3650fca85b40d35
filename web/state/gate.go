package state

// Gate lets one picture at a time through to the worker and of the others only
// the newest: pictures that arrive meanwhile are not queued but counted, and
// when the worker is done the one on show then is taken.
type Gate struct {
	Dropped int // pictures that were never analysed
	busy    bool
	fresh   bool // a picture newer than the one under way is on show
}

// Arrived says that a new picture is on show; true: take it now.
func (g *Gate) Arrived() bool {
	if g.busy {
		if g.fresh {
			g.Dropped++
		}
		g.fresh = true
		return false
	}
	g.busy, g.fresh = true, false
	return true
}

// Finished says that the worker is done; true: take the picture on show now.
func (g *Gate) Finished() bool {
	g.busy = g.fresh
	g.fresh = false
	return g.busy
}

// Busy says that a picture is under way.
func (g *Gate) Busy() bool { return g.busy }

// Reset forgets the picture under way: its worker is gone.
func (g *Gate) Reset() { g.busy, g.fresh = false, false }

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
