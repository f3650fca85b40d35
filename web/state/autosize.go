package state

// Sizer chooses the largest input of the network that holds a frame rate. It
// goes by how long the worker is busy with a frame, so a slow camera does not
// count as a slow machine, and expects time in proportion to the pixels. It is
// slower to grow than to shrink, and a size that proved too large is left alone
// for a while, so that it does not swing.
type Sizer struct {
	ms      [sizerWindow]float64 // of the last frames at side
	n       int
	side    int
	since   float64 // ms, when side was first seen
	blocked int     // the smallest side that proved too large
	until   float64 // ms, until when it counts as that
	grown   float64 // ms, when the side last grew
}

const (
	sizerWindow = 9 // frames that count, and have to be seen, before a change

	shrinkBelow = 0.95 // of the wanted rate: the size shrinks
	aimAbove    = 1.10 // of it: what the new size should reach
	growAbove   = 1.20 // of it: what a larger size must be expected to reach
	growAfter   = 2000 // ms at a size before it grows
	blockFor    = 60000
	triedFor    = 10000 // ms after growing within which shrinking tells that it was too much
)

// Sides are the inputs that a person or the Sizer chooses among, in pixels.
var Sides = []int{320, 384, 448, 512, 576, 640, 704, 768, 832, 896, 960, 1024, 1152, 1280}

// Next takes a frame that kept the worker busy for ms at an input of side pixels,
// at the time now in ms, and returns the side to use: the same, or another one
// of Sides.
func (z *Sizer) Next(side int, ms, now float64, rate int) int {
	if side != z.side {
		if side > z.side && z.side > 0 {
			z.grown = now
		}
		z.side, z.since, z.n = side, now, 0
	}
	if rate <= 0 || ms <= 0 {
		return side
	}
	z.ms[z.n%sizerWindow] = ms
	z.n++
	if z.n < sizerWindow {
		return side
	}
	typical := median(z.ms)
	holds := func(s int, least float64) bool {
		return 1000 >= least*float64(rate)*typical*float64(s*s)/float64(side*side)
	}
	if !holds(side, shrinkBelow) {
		next := Sides[0]
		for _, s := range Sides {
			if s < side && holds(s, aimAbove) {
				next = s
			}
		}
		if next >= side {
			return side
		}
		if z.grown > 0 && now-z.grown < triedFor {
			z.blocked, z.until = side, now+blockFor
		}
		return next
	}
	if now-z.since < growAfter {
		return side
	}
	next := side
	for _, s := range Sides {
		if s > side && holds(s, growAbove) && !(z.blocked > 0 && now < z.until && s >= z.blocked) {
			next = s
		}
	}
	return next
}

// Reset forgets all: another model, another rate or another number of threads.
func (z *Sizer) Reset() { *z = Sizer{} }

func median(v [sizerWindow]float64) float64 {
	for i := range v { // insertion sort
		for j := i; j > 0 && v[j] < v[j-1]; j-- {
			v[j], v[j-1] = v[j-1], v[j]
		}
	}
	return v[sizerWindow/2]
}
