package count

import "math"

func sqrt(v float64) float64 { return math.Sqrt(v) }

// Object is a tracked object of a frame. At is the point that counts: a page
// takes the middle of the box.
type Object struct {
	ID    int // above 0
	Class uint32
	At    Point
}

// LineCount is what crossed a line, seen from its first to its second point.
type LineCount struct {
	ToLeft, ToRight int
}

// ZoneCount is what a zone holds.
type ZoneCount struct {
	Inside  int     // now
	Entries int     // so far
	Dwell   float64 // seconds that all that left stayed, together
	Left    int     // how many left
	Longest float64 // seconds that one of those inside has been there
}

// MeanDwell is how long those that left stayed, on average, in seconds.
func (z ZoneCount) MeanDwell() float64 {
	if z.Left == 0 {
		return 0
	}
	return z.Dwell / float64(z.Left)
}

const (
	// deadband is how far past a line or an edge an object has to be, in picture
	// heights, to have crossed it: boxes jitter.
	deadband = 0.01
	// forget is how many seconds after its last frame an object is forgotten, and
	// with it that it was in a zone.
	forget = 2.0
)

// Counter counts over the shapes of a page.
type Counter struct {
	shapes []shape
	known  []object
	marks  []mark // of known[i]: marks[i*len(shapes)…]
}

type shape struct {
	*Shape
	line LineCount
	zone ZoneCount
}

type object struct {
	id   int
	seen float64
}

// mark is what an object has to do with a shape.
type mark struct {
	side  int8    // of a line: the last side that it was clearly on, -1, 1; 0 none yet
	in    bool    // a zone
	since float64 // seconds: when it came in
	at    Point   // of a line: where it was when it was last clearly on a side
}

// SetShapes changes the shapes. What was counted on one stays while its ID and
// points do.
func (c *Counter) SetShapes(shapes []*Shape) {
	next := make([]shape, len(shapes))
	from := make([]int, len(shapes))
	for i, s := range shapes {
		next[i].Shape, from[i] = s, -1
		for j := range c.shapes {
			if o := &c.shapes[j]; o.ID == s.ID && same(o.Points, s.Points) {
				next[i].line, next[i].zone, from[i] = o.line, o.zone, j
			}
		}
	}
	marks := make([]mark, len(c.known)*len(shapes))
	for k := range c.known {
		for i, j := range from {
			if j >= 0 {
				marks[k*len(shapes)+i] = c.marks[k*len(c.shapes)+j]
			}
		}
	}
	c.shapes, c.marks = next, marks
}

func same(a, b []Point) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// Reset forgets objects and counts; the shapes stay.
func (c *Counter) Reset() {
	c.known, c.marks = c.known[:0], c.marks[:0]
	for i := range c.shapes {
		c.shapes[i].line, c.shapes[i].zone = LineCount{}, ZoneCount{}
	}
}

// Line returns what shape i, a line, counted.
func (c *Counter) Line(i int) LineCount { return c.shapes[i].line }

// Zone returns what shape i, a zone, counted.
func (c *Counter) Zone(i int) ZoneCount { return c.shapes[i].zone }

// Len is the number of shapes.
func (c *Counter) Len() int { return len(c.shapes) }

// Update takes the objects of the frame of time at, in seconds. aspect is the
// picture's width through its height.
func (c *Counter) Update(at, aspect float64, objects []Object) {
	n := len(c.shapes)
	for i := range objects {
		o := &objects[i]
		k := c.find(o.ID)
		fresh := k < 0
		if fresh {
			c.known = append(c.known, object{id: o.ID})
			for range n {
				c.marks = append(c.marks, mark{})
			}
			k = len(c.known) - 1
		}
		for s := range c.shapes {
			m := &c.marks[k*n+s]
			if sh := &c.shapes[s]; sh.IsLine() {
				sh.cross(m, o.At, aspect)
			} else {
				sh.dwell(m, o.At, at, aspect, fresh)
			}
		}
		c.known[k].seen = at
	}
	c.sweep(at)
}

// find returns the index of an object, -1 for one that is not known. There are
// few: a page's pictures hold some hundred boxes at most.
func (c *Counter) find(id int) int {
	for i := range c.known {
		if c.known[i].id == id {
			return i
		}
	}
	return -1
}

// cross counts an object that has come clearly to the other side of a line,
// where its way from the one side to the other meets the line itself.
func (s *shape) cross(m *mark, p Point, aspect float64) {
	a, b := s.Points[0], s.Points[1]
	d, _ := side(a, b, p, aspect)
	if math.Abs(d) < deadband || d != d {
		return
	}
	now := int8(1)
	if d < 0 {
		now = -1
	}
	if m.side != 0 && now != m.side {
		before, _ := side(a, b, m.at, aspect)
		t := before / (before - d)
		meet := Point{m.at.X + t*(p.X-m.at.X), m.at.Y + t*(p.Y-m.at.Y)}
		if _, along := side(a, b, meet, aspect); along >= 0 && along <= 1 {
			if now > 0 {
				s.line.ToRight++
			} else {
				s.line.ToLeft++
			}
		}
	}
	m.side, m.at = now, p
}

// dwell follows an object in and out of a zone. What appears inside has entered.
func (s *shape) dwell(m *mark, p Point, at, aspect float64, fresh bool) {
	in := Inside(s.Points, p)
	if in == m.in || !fresh && edge(s.Points, p, aspect) < deadband {
		return
	}
	m.in = in
	if in {
		m.since = at
		s.zone.Entries++
		return
	}
	s.leave(m, at)
}

func (s *shape) leave(m *mark, at float64) {
	s.zone.Left++
	s.zone.Dwell += max(at-m.since, 0)
}

// sweep forgets objects that have been away for long, and counts who is inside.
func (c *Counter) sweep(at float64) {
	n := len(c.shapes)
	kept := 0
	for s := range c.shapes {
		c.shapes[s].zone.Inside, c.shapes[s].zone.Longest = 0, 0
	}
	for k := range c.known {
		o := c.known[k]
		gone := at-o.seen > forget || at < o.seen
		for s := range c.shapes {
			m := c.marks[k*n+s]
			sh := &c.shapes[s]
			switch {
			case !m.in:
			case gone:
				sh.leave(&m, o.seen)
			default:
				sh.zone.Inside++
				sh.zone.Longest = max(sh.zone.Longest, at-m.since)
			}
			if !gone {
				c.marks[kept*n+s] = m
			}
		}
		if !gone {
			c.known[kept] = o
			kept++
		}
	}
	c.known, c.marks = c.known[:kept], c.marks[:kept*n]
}
