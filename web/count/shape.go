// Package count counts tracked objects: those in the picture by class, those
// that cross a line, those in a zone and how long they stay, and how all that
// went over time. Positions are shares of the picture, 0..1 from its top left
// corner, so that lines and zones outlive a change of resolution; times are in
// seconds. In the steady state nothing is allocated. It imports nothing of ours.
package count

// Point is a place in the picture, 0..1 a side.
type Point struct{ X, Y float64 }

// Shape is a line (two points) or a zone (three or more, a polygon closed by
// itself). It is not changed after it was made.
type Shape struct {
	ID     int
	Name   string
	Points []Point
}

// IsLine says that a shape is a line.
func (s *Shape) IsLine() bool { return len(s.Points) == 2 }

// MaxPoints bounds a zone.
const MaxPoints = 32

// side is the distance of p from the line a→b in the units of the picture's
// height, above 0 on the right of who looks from a to b, and where p's foot lies
// between a, 0, and b, 1. aspect is the picture's width through its height.
func side(a, b, p Point, aspect float64) (distance, along float64) {
	bx, by := (b.X-a.X)*aspect, b.Y-a.Y
	px, py := (p.X-a.X)*aspect, p.Y-a.Y
	l := bx*bx + by*by
	if l == 0 {
		return 0, -1
	}
	return (bx*py - by*px) / sqrt(l), (bx*px + by*py) / l
}

// Inside says that p lies in a polygon, by the parity of the edges that a ray
// crosses: each edge counts with its upper end and without its lower.
func Inside(poly []Point, p Point) bool {
	in := false
	for i, j := 0, len(poly)-1; i < len(poly); j, i = i, i+1 {
		a, b := poly[i], poly[j]
		if (a.Y > p.Y) != (b.Y > p.Y) && p.X < (b.X-a.X)*(p.Y-a.Y)/(b.Y-a.Y)+a.X {
			in = !in
		}
	}
	return in
}

// edge is the least distance of p from a polygon's edges, in picture heights.
func edge(poly []Point, p Point, aspect float64) float64 {
	best := 1e9
	for i, j := 0, len(poly)-1; i < len(poly); j, i = i, i+1 {
		ax, ay := poly[j].X*aspect, poly[j].Y
		bx, by := poly[i].X*aspect-ax, poly[i].Y-ay
		px, py := p.X*aspect-ax, p.Y-ay
		t := 0.0
		if l := bx*bx + by*by; l > 0 {
			t = min(max((bx*px+by*py)/l, 0), 1)
		}
		dx, dy := px-t*bx, py-t*by
		best = min(best, sqrt(dx*dx+dy*dy))
	}
	return best
}
