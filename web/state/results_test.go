package state

import (
	"slices"
	"testing"

	"eagleeye/web/count"
)

// live is a page that shows a camera.
func live() State {
	s := New()
	s.Engine.Phase, s.Engine.Model = EngineReady, &Model{Name: "m.onnx"}
	s.Source = Source{Kind: SourceCamera, Seq: 3, Live: true, Width: 640, Height: 480}
	return s
}

func after(s State, actions ...Action) (State, []Effect) {
	var effects []Effect
	for _, a := range actions {
		s, effects = Reduce(s, a)
	}
	return s, effects
}

func TestDraw(t *testing.T) {
	p := func(x, y float64) Action { return PointPut{count.Point{X: x, Y: y}} }
	line := []Action{DrawWanted{}, p(0.1, 0.2), p(0.9, 0.2)}
	zone := []Action{DrawWanted{Zone: true}, p(0.1, 0.1), p(0.9, 0.1), p(0.5, 0.9), DrawDone{}}
	for _, c := range []struct {
		name    string
		actions []Action
		want    [][]count.Point
		mode    DrawMode
		last    Effect
	}{
		{"a line", line, [][]count.Point{{{X: 0.1, Y: 0.2}, {X: 0.9, Y: 0.2}}}, DrawNone, ShapesChanged},
		{"a zone", zone, [][]count.Point{{{X: 0.1, Y: 0.1}, {X: 0.9, Y: 0.1}, {X: 0.5, Y: 0.9}}}, DrawNone, ShapesChanged},
		{"by keys", []Action{DrawWanted{}, CursorMoved{-0.25, 0}, CursorPut{}, CursorMoved{0.5, 0.25}, CursorPut{}}, [][]count.Point{{{X: 0.25, Y: 0.5}, {X: 0.75, Y: 0.75}}}, DrawNone, ShapesChanged},
		{"half a line", line[:2], nil, DrawLine, DrawChanged},
		{"the same point twice", []Action{DrawWanted{}, p(0.1, 0.2), p(0.1, 0.2)}, nil, DrawLine, DrawChanged},
		{"a zone of two corners is not done", []Action{DrawWanted{Zone: true}, p(0.1, 0.1), p(0.9, 0.1), DrawDone{}}, nil, DrawZone, DrawChanged},
		{"a point taken back", []Action{DrawWanted{Zone: true}, p(0, 0), p(1, 0), p(0.5, 0.5), PointBack{}, p(1, 1), DrawDone{}}, [][]count.Point{{{}, {X: 1}, {X: 1, Y: 1}}}, DrawNone, ShapesChanged},
		{"dropped", append(slices.Clone(zone[:3]), DrawDropped{}), nil, DrawNone, DrawChanged},
		{"cut to the picture", []Action{DrawWanted{}, p(-1, 0.5), p(2, 0.5)}, [][]count.Point{{{Y: 0.5}, {X: 1, Y: 0.5}}}, DrawNone, ShapesChanged},
		{"no drawing under way", []Action{p(0.1, 0.1), p(0.5, 0.5)}, nil, DrawNone, DrawChanged},
		{"removed", append(slices.Clone(line), ShapeRemoved{1}), [][]count.Point{}, DrawNone, ShapesChanged},
		{"removed what is not there", append(slices.Clone(line), ShapeRemoved{7}), [][]count.Point{{{X: 0.1, Y: 0.2}, {X: 0.9, Y: 0.2}}}, DrawNone, DrawChanged},
		{"a corner moved", append(slices.Clone(line), ShapeChosen{1}, CornerMoved{1, count.Point{X: 0.5, Y: 1.5}}), [][]count.Point{{{X: 0.1, Y: 0.2}, {X: 0.5, Y: 1}}}, DrawMove, ShapesChanged},
		{"a corner moved by keys", append(slices.Clone(line), ShapeChosen{1}, CornerTurned{-1}, CursorMoved{0, 0.25}, DrawDone{}), [][]count.Point{{{X: 0.1, Y: 0.2}, {X: 0.9, Y: 0.45}}}, DrawNone, DrawChanged},
		{"a corner that is not there", append(slices.Clone(line), ShapeChosen{1}, CornerMoved{2, count.Point{}}), [][]count.Point{{{X: 0.1, Y: 0.2}, {X: 0.9, Y: 0.2}}}, DrawMove, DrawChanged},
		{"the source ends", []Action{DrawWanted{}, p(0.1, 0.1), Stopped{}}, nil, DrawNone, DrawChanged},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, effects := after(live(), c.actions...)
			got := s.Results.List()
			if len(got) != len(c.want) {
				t.Fatalf("%d shapes, want %d", len(got), len(c.want))
			}
			for i := range got {
				if !slices.Equal(got[i].Points, c.want[i]) {
					t.Errorf("%v, want %v", got[i].Points, c.want[i])
				}
			}
			if s.Results.Draw.Mode != c.mode || !slices.Contains(effects, c.last) {
				t.Errorf("mode %d, effects %v", s.Results.Draw.Mode, effects)
			}
		})
	}
}

// TestShapesAreNotChanged: an older state keeps its shapes, and numbers are not
// used again.
func TestShapesAreNotChanged(t *testing.T) {
	put := func(s State) State {
		s, _ = after(s, DrawWanted{}, PointPut{count.Point{X: 0.2}}, PointPut{count.Point{X: 0.8}})
		return s
	}
	one := put(live())
	two := put(one)
	moved, _ := after(two, ShapeChosen{1}, CornerMoved{0, count.Point{X: 0.4, Y: 0.4}})
	removed, _ := after(two, ShapeRemoved{2})
	if len(one.Results.List()) != 1 || len(two.Results.List()) != 2 || two.Results.List()[0].Points[0] != (count.Point{X: 0.2}) || len(moved.Results.List()) != 2 {
		t.Error("an older state was changed")
	}
	if again := put(removed); again.Results.List()[1].ID != 3 {
		t.Errorf("number %d is used again", again.Results.List()[1].ID)
	}
	s := live()
	for range MaxShapes + 3 {
		s = put(s)
	}
	if n := len(s.Results.List()); n != MaxShapes {
		t.Errorf("%d shapes", n)
	}
}

func TestRecording(t *testing.T) {
	s, effects := after(live(), RecordToggled{})
	if !s.Results.Recording || !slices.Contains(effects, StartRecording) {
		t.Fatal("it does not begin")
	}
	if on, effects := after(s, RecordToggled{}); on.Results.Recording || !slices.Contains(effects, StopRecording) {
		t.Error("it does not end")
	}
	if on, effects := after(s, Stopped{}); on.Results.Recording || !slices.Contains(effects, StopRecording) {
		t.Error("it outlives its source")
	}
	if on, effects := after(s, RecordEnded{}); on.Results.Recording || slices.Contains(effects, StopRecording) {
		t.Error("what has ended by itself is ended again")
	}
	if on, _ := after(New(), RecordToggled{}); on.Results.Recording {
		t.Error("there is nothing to record")
	}
}
