package overlay

import (
	"testing"

	"eagleeye/wasm/message"
	"eagleeye/web/count"
)

func TestLabel(t *testing.T) {
	s := &Scene{Names: []string{"cat", "dog"}, IDs: []int{7, 0}, Detections: []message.Detection{{Class: 1, Score: 0.876}, {Class: 0, Score: 0.5}, {Class: 1, Score: 0.25}}}
	for _, c := range []struct {
		i, say int
		want   string
	}{
		{0, sayAll, "#7 dog 88"},
		{0, sayThing, "#7 dog"},
		{0, sayName, "dog"},
		{1, sayAll, "cat 50"},
		{2, sayThing, "dog"}, // no id is known of it
	} {
		if got := string(s.label(nil, c.i, c.say)); got != c.want {
			t.Errorf("box %d: %q, want %q", c.i, got, c.want)
		}
	}
}

func TestMiddle(t *testing.T) {
	if m := middle(&count.Shape{Points: []count.Point{{X: 0, Y: 0}, {X: 4, Y: 0}, {X: 2, Y: 6}}}); m != (count.Point{X: 2, Y: 2}) {
		t.Errorf("middle %v", m)
	}
}
