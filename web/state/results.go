package state

import (
	"math"
	"slices"

	"eagleeye/web/count"
)

// Results is what the page knows of results beyond the frame on show. It stays
// comparable: what holds slices is immutable and behind a pointer.
type Results struct {
	Untracked bool // objects are not followed
	Untrailed bool // their ways are not drawn
	Shapes    *Shapes
	Draw      Draw
	Recording bool
	Format    string // of downloads, an ID of web/results; "" for the first

	recorded int // Seq of the source that is being recorded
}

// Shapes are the lines and zones that a person drew. They never change.
type Shapes struct {
	List []*count.Shape
	last int // the largest ID so far
}

// MaxShapes is how many there can be.
const MaxShapes = 8

// DrawMode is what a person is doing to lines and zones.
type DrawMode uint8

const (
	DrawNone DrawMode = iota
	DrawLine          // adding a line
	DrawZone          // adding a zone
	DrawMove          // moving the corners of one that is there
)

// Draw is a drawing under way. Cursor is where the next point goes by keyboard;
// Keyed says that the keyboard was used last.
type Draw struct {
	Mode   DrawMode
	Points *Points
	Shape  int // DrawMove: the shape's ID
	Corner int // DrawMove: its chosen corner
	Cursor count.Point
	Keyed  bool
}

// Points are the points put so far. They never change.
type Points struct{ List []count.Point }

// Len is the number of points; nil has none.
func (p *Points) Len() int {
	if p == nil {
		return 0
	}
	return len(p.List)
}

// List returns the shapes that are there.
func (r Results) List() []*count.Shape {
	if r.Shapes == nil {
		return nil
	}
	return r.Shapes.List
}

// Shape returns the shape of an ID, nil if there is none.
func (r Results) Shape(id int) *count.Shape {
	for _, s := range r.List() {
		if s.ID == id {
			return s
		}
	}
	return nil
}

// Actions of the results.
type (
	// TrackSet follows objects, or no longer; TrailsSet draws their ways.
	TrackSet  struct{ On bool }
	TrailsSet struct{ On bool }
	// FormatSet chooses the format of downloads.
	FormatSet struct{ ID string }
	// DrawWanted begins a line or a zone.
	DrawWanted struct{ Zone bool }
	// PointPut adds a point, CursorPut one at the keyboard's cursor; PointBack
	// takes the last one away.
	PointPut  struct{ At count.Point }
	CursorPut struct{}
	PointBack struct{}
	// CursorMoved moves the cursor, or in DrawMove the chosen corner, by shares of
	// the picture.
	CursorMoved struct{ X, Y float64 }
	// DrawDone closes a zone, or ends the moving; DrawDropped forgets the points.
	DrawDone    struct{}
	DrawDropped struct{}
	// ShapeChosen lets the corners of a shape be moved.
	ShapeChosen struct{ ID int }
	// CornerTurned chooses another corner of it, CornerMoved moves one.
	CornerTurned struct{ By int }
	CornerMoved  struct {
		Corner int
		To     count.Point
	}
	// ShapeRemoved removes a shape.
	ShapeRemoved struct{ ID int }
	// SnapshotWanted saves the picture with its boxes, RecordToggled begins or
	// ends a film of it.
	SnapshotWanted struct{}
	RecordToggled  struct{}
	// RecordEnded says that the recording has ended by itself.
	RecordEnded struct{}
	// DownloadWanted and CopyWanted save and copy what was found, ResultsCleared
	// forgets it.
	DownloadWanted struct{}
	CopyWanted     struct{}
	ResultsCleared struct{}
)

func (TrackSet) action()       {}
func (TrailsSet) action()      {}
func (FormatSet) action()      {}
func (DrawWanted) action()     {}
func (PointPut) action()       {}
func (CursorPut) action()      {}
func (PointBack) action()      {}
func (CursorMoved) action()    {}
func (DrawDone) action()       {}
func (DrawDropped) action()    {}
func (ShapeChosen) action()    {}
func (CornerTurned) action()   {}
func (CornerMoved) action()    {}
func (ShapeRemoved) action()   {}
func (SnapshotWanted) action() {}
func (RecordToggled) action()  {}
func (RecordEnded) action()    {}
func (DownloadWanted) action() {}
func (CopyWanted) action()     {}
func (ResultsCleared) action() {}

// Effects of the results.
const (
	ShapesChanged  Effect = iota + 64 // count over State.Results.Shapes
	DrawChanged                       // show the drawing, and let the picture take keys while there is one
	TrackingReset                     // forget the tracks
	TakeSnapshot                      // save the picture with its boxes
	StartRecording                    // of the picture with its boxes
	StopRecording                     // and save it
	SaveResults                       // as a file
	CopyResults                       // to the clipboard
	ForgetResults                     // what was found and counted so far
)

// Tracks says that objects are followed: in a film, unless a person does not
// want it.
func (s State) Tracks() bool {
	return !s.Results.Untracked && s.Source.Kind != SourceBench && (s.Source.Moving() || s.Source.Film())
}

func reduceResults(s State, a Action) (State, []Effect) {
	r := &s.Results
	var effects []Effect
	if r.Recording && s.Source.Seq != r.recorded {
		r.Recording = false
		effects = append(effects, StopRecording)
	}
	if !s.Source.Live && r.Draw.Mode != DrawNone {
		r.Draw = Draw{}
		effects = append(effects, DrawChanged)
	}
	switch a := a.(type) {
	case SettingsRestored:
		if text := a.Settings.Shapes; text != shapesText(r.List()) {
			if shapes, ok := parseShapes(text); ok {
				r.Shapes, r.Draw = shapes, Draw{}
				effects = append(effects, ShapesChanged, DrawChanged)
			}
		}
	case TrackSet:
		r.Untracked = !a.On
		effects = append(effects, TrackingReset)
	case TrailsSet:
		r.Untrailed = !a.On
	case FormatSet:
		r.Format = a.ID
	case SnapshotWanted:
		if s.Source.Live {
			effects = append(effects, TakeSnapshot)
		}
	case RecordToggled:
		switch {
		case r.Recording:
			r.Recording = false
			effects = append(effects, StopRecording)
		case s.Source.Live:
			r.Recording, r.recorded = true, s.Source.Seq
			effects = append(effects, StartRecording)
		}
	case RecordEnded:
		r.Recording = false
	case DownloadWanted:
		effects = append(effects, SaveResults)
	case CopyWanted:
		effects = append(effects, CopyResults)
	case ResultsCleared:
		effects = append(effects, ForgetResults)
	default:
		if reduceDraw(&s, a) {
			s.Settings.Shapes = shapesText(r.List())
			effects = append(effects, ShapesChanged)
		}
		if isDraw(a) {
			effects = append(effects, DrawChanged)
		}
	}
	return s, effects
}

func isDraw(a Action) bool {
	switch a.(type) {
	case DrawWanted, PointPut, CursorPut, PointBack, CursorMoved, DrawDone, DrawDropped, ShapeChosen, CornerTurned, CornerMoved, ShapeRemoved:
		return true
	}
	return false
}

// reduceDraw draws lines and zones; true: the shapes have changed.
func reduceDraw(s *State, a Action) bool {
	d := &s.Results.Draw
	switch a := a.(type) {
	case DrawWanted:
		if !s.Source.Live || len(s.Results.List()) >= MaxShapes {
			return false
		}
		*d = Draw{Mode: DrawLine, Cursor: count.Point{X: 0.5, Y: 0.5}}
		if a.Zone {
			d.Mode = DrawZone
		}
	case PointPut:
		d.Keyed = false
		return s.put(a.At)
	case CursorPut:
		d.Keyed = true
		return s.put(d.Cursor)
	case PointBack:
		if n := d.Points.Len(); n > 0 {
			d.Points = &Points{d.Points.List[: n-1 : n-1]}
		}
	case CursorMoved:
		d.Keyed = true
		if sh := s.Results.Shape(d.Shape); d.Mode == DrawMove && sh != nil {
			p := sh.Points[d.Corner]
			return s.moveCorner(d.Corner, count.Point{X: p.X + a.X, Y: p.Y + a.Y})
		}
		d.Cursor = within(count.Point{X: d.Cursor.X + a.X, Y: d.Cursor.Y + a.Y})
	case DrawDone:
		done := d.Mode == DrawZone && d.Points.Len() >= 3
		if d.Mode == DrawZone && !done {
			return false // it needs a third corner
		}
		if done {
			s.add(d.Points.List)
		}
		*d = Draw{}
		return done
	case DrawDropped:
		*d = Draw{}
	case ShapeChosen:
		*d = Draw{}
		if s.Results.Shape(a.ID) != nil && s.Source.Live {
			*d = Draw{Mode: DrawMove, Shape: a.ID}
		}
	case CornerTurned:
		if sh := s.Results.Shape(d.Shape); d.Mode == DrawMove && sh != nil {
			n := len(sh.Points)
			d.Corner, d.Keyed = ((d.Corner+a.By)%n+n)%n, true
		}
	case CornerMoved:
		d.Keyed = false
		return s.moveCorner(a.Corner, a.To)
	case ShapeRemoved:
		if s.Results.Shape(a.ID) == nil {
			return false
		}
		if d.Shape == a.ID {
			*d = Draw{}
		}
		old := s.Results.Shapes
		s.Results.Shapes = &Shapes{last: old.last, List: slices.DeleteFunc(slices.Clone(old.List), func(o *count.Shape) bool { return o.ID == a.ID })}
		return true
	}
	return false
}

// put adds a point to the drawing. A line is done with its second, a zone when
// it can have no more.
func (s *State) put(at count.Point) bool {
	d := &s.Results.Draw
	at = within(at)
	if d.Mode != DrawLine && d.Mode != DrawZone || math.IsNaN(at.X) || math.IsNaN(at.Y) {
		return false
	}
	var list []count.Point
	if n := d.Points.Len(); n > 0 {
		list = d.Points.List
		if last := list[n-1]; math.Hypot(last.X-at.X, last.Y-at.Y) < 0.004 { // a double click
			return false
		}
	}
	list = append(slices.Clone(list), at)
	d.Points, d.Cursor = &Points{list}, at
	if d.Mode == DrawLine && len(list) < 2 || d.Mode == DrawZone && len(list) < count.MaxPoints {
		return false
	}
	s.add(list)
	*d = Draw{}
	return true
}

func (s *State) add(points []count.Point) {
	next := &Shapes{}
	if old := s.Results.Shapes; old != nil {
		next.List, next.last = slices.Clone(old.List), old.last
	}
	next.last++
	next.List = append(next.List, &count.Shape{ID: next.last, Points: points})
	s.Results.Shapes = next
}

// moveCorner moves a corner of the shape that is being changed.
func (s *State) moveCorner(corner int, to count.Point) bool {
	d := &s.Results.Draw
	sh := s.Results.Shape(d.Shape)
	if d.Mode != DrawMove || sh == nil || corner < 0 || corner >= len(sh.Points) || math.IsNaN(to.X) || math.IsNaN(to.Y) {
		return false
	}
	moved := &count.Shape{ID: sh.ID, Name: sh.Name, Points: slices.Clone(sh.Points)}
	moved.Points[corner] = within(to)
	d.Corner = corner
	next := &Shapes{List: slices.Clone(s.Results.List()), last: s.Results.Shapes.last}
	next.List[slices.Index(next.List, sh)] = moved
	s.Results.Shapes = next
	return true
}

func within(p count.Point) count.Point {
	return count.Point{X: max(0, min(p.X, 1)), Y: max(0, min(p.Y, 1))}
}
