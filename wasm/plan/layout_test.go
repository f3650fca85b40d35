package plan

import (
	"reflect"
	"testing"
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
