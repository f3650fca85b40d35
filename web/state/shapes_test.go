package state

import (
	"slices"
	"testing"

	"eagleeye/web/count"
)

// Lines and zones go with the settings and come back from them.
func TestShapesKept(t *testing.T) {
	s, _ := after(live(), DrawWanted{}, PointPut{count.Point{X: .1, Y: .2}}, PointPut{count.Point{X: .9, Y: 1}})
	base := DefaultSettings()
	text := s.Settings.Encode(base)
	if text != "shapes=1000-2000-9000-10000" {
		t.Fatalf("kept is %q", text)
	}
	next, effects := after(New(), SettingsRestored{base.Decode(text)})
	if list := next.Results.List(); len(list) != 1 || !list[0].IsLine() || list[0].Points[1] != (count.Point{X: .9, Y: 1}) || !slices.Contains(effects, ShapesChanged) {
		t.Errorf("%v, effects %v", list, effects)
	}
	if again, effects := after(next, SettingsRestored{next.Settings}); slices.Contains(effects, ShapesChanged) || again.Results.Shapes != next.Results.Shapes {
		t.Error("settings without a change begin the counts anew")
	}
	if gone, _ := after(next, ShapeRemoved{ID: 1}); gone.Settings.Shapes != "" {
		t.Errorf("removed, but kept is %q", gone.Settings.Shapes)
	}
	for _, wrong := range []string{"1-2", "1-2-3", "1-2-3-10001", "1-2-3--4", "1-2-3-x", "_", "1-2-3-4_", "1-2-3-4_1-2-3-4_1-2-3-4_1-2-3-4_1-2-3-4_1-2-3-4_1-2-3-4_1-2-3-4_1-2-3-4"} {
		if v := base.Decode("shapes=" + wrong); v != base {
			t.Errorf("%q is read as %q", wrong, v.Shapes)
		}
	}
}
