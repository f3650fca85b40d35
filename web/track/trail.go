package track

// Trail is where an object's centre was of late: a ring of points at least
// trailStep apart.
type Trail struct {
	points [trailPoints]Point
	at     float64
	n      int
	next   int
}

// Point is in pixels of the picture, At in seconds.
type Point struct{ X, Y, At float64 }

const (
	trailPoints = 32
	trailStep   = 1.0 / 16 // seconds, so that a full trail is two of them
)

func (t *Trail) add(at, x, y float64) {
	if t.n > 0 && at-t.at < trailStep {
		return
	}
	t.at = at
	t.points[t.next] = Point{x, y, at}
	t.next = (t.next + 1) % trailPoints
	t.n = min(t.n+1, trailPoints)
}

// Len returns the number of points.
func (t *Trail) Len() int { return t.n }

// Point returns point i, the oldest first.
func (t *Trail) Point(i int) Point {
	return t.points[(t.next+trailPoints-t.n+i)%trailPoints]
}
