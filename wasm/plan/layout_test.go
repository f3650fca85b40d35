package plan

import (
	"reflect"
	"strings"
	"testing"

	"eagleeye/wasm/graph"
)

func TestLayout(t *testing.T) {
	for _, c := range []struct {
		name   string
		cuts   []int
		starts []int
		dense  bool
	}{
		{"whole lanes", []int{0, 16}, []int{0, 16}, true},
		{"padded", []int{0, 13}, []int{0, 16}, true},
		{"odd halves", []int{0, 5, 10}, []int{0, 8, 16}, false},
		{"last short", []int{0, 8, 13}, []int{0, 8, 16}, true},
	} {
		l := newLayout(c.cuts)
		if !reflect.DeepEqual(l.Starts, c.starts) || l.dense() != c.dense {
			t.Errorf("%s: starts %v, dense %v", c.name, l.Starts, l.dense())
		}
		logical := l.Logical()
		for ch := range l.Channels() {
			if logical[l.Stored(ch)] != ch {
				t.Errorf("%s: channel %d is stored at %d, which holds %d", c.name, ch, l.Stored(ch), logical[l.Stored(ch)])
			}
		}
		if l.Stored(l.Channels()) != l.Width() {
			t.Errorf("%s: the end is stored at %d, width %d", c.name, l.Stored(l.Channels()), l.Width())
		}
	}
}

// Cuts travel along chains: thousands of them along hundreds of nodes must not
// fill the memory.
func TestLayoutsRefuseTooManyCuts(t *testing.T) {
	value := func(channels int) *graph.Value { return &graph.Value{Shape: []int{1, channels, 1, 1}} }
	first := value(4096)
	g := &graph.Graph{Inputs: []*graph.Value{first}}
	last := first
	for range 600 {
		y := value(4096)
		g.Nodes = append(g.Nodes, &graph.Node{Op: "SiLU", In: []*graph.Value{last}, Out: []*graph.Value{y}})
		last = y
	}
	for c := range int64(4096) {
		g.Nodes = append(g.Nodes, &graph.Node{Op: "Slice", In: []*graph.Value{last}, Out: []*graph.Value{value(1)},
			Attrs: map[string]graph.Attr{"start": num(c), "end": num(c + 1)}})
	}
	if _, err := layouts(g); err == nil || !strings.Contains(err.Error(), "too many parts") {
		t.Errorf("2.4 M cuts: %v", err)
	}
}
