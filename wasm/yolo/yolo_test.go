package yolo

import (
	"errors"
	"math/rand/v2"
	"reflect"
	"slices"
	"sort"
	"testing"
)

func TestFit(t *testing.T) {
	for _, c := range []struct {
		name                  string
		w, h, size, sizeH     int
		newW, newH, left, top int
	}{
		{"tall", 480, 640, 640, 640, 480, 640, 80, 0},
		{"half rounds to even up", 640, 427, 320, 320, 320, 214, 0, 53},
		{"half rounds to even down", 640, 425, 320, 320, 320, 212, 0, 54},
		{"portrait", 375, 500, 320, 320, 240, 320, 40, 0},
		{"scale up", 100, 50, 640, 640, 640, 320, 0, 160},
		{"odd padding goes right and down", 640, 639, 640, 640, 640, 639, 0, 0},
		{"a line", 50000, 1, 640, 640, 640, 1, 0, 319},
		{"one pixel", 1, 1, 640, 384, 384, 384, 128, 0},
		{"rectangle", 1920, 1080, 640, 384, 640, 360, 0, 12},
	} {
		l := Fit(c.w, c.h, c.size, c.sizeH)
		got := [4]int{l.NewW, l.NewH, l.Left, l.Top}
		if want := [4]int{c.newW, c.newH, c.left, c.top}; got != want {
			t.Errorf("%s: %dx%d: got %v, want %v", c.name, c.w, c.h, got, want)
		}
		b := l.ToSource(Box{float32(l.Left), float32(l.Top), float32(l.Left + l.NewW), float32(l.Top + l.NewH)})
		if want := (Box{0, 0, float32(c.w), float32(c.h)}); b != want {
			t.Errorf("%s: the whole picture maps to %v, want %v", c.name, b, want)
		}
		if b := l.ToSource(Box{-1e6, -1e6, 1e6, 1e6}); b != (Box{0, 0, float32(c.w), float32(c.h)}) {
			t.Errorf("%s: not clipped: %v", c.name, b)
		}
	}
}

// naiveNMS is the textbook form: mark everything that a better box covers.
func naiveNMS(c []Candidate, iou float32, limit int) []Candidate {
	c = slices.Clone(c)
	sort.SliceStable(c, func(i, j int) bool { return c[i].Score > c[j].Score })
	dead := make([]bool, len(c))
	var out []Candidate
	for i := range c {
		if dead[i] {
			continue
		}
		out = append(out, c[i])
		for j := i + 1; j < len(c); j++ {
			if c[j].Class == c[i].Class && IoU(c[i].Box, c[j].Box) > iou {
				dead[j] = true
			}
		}
	}
	return out[:min(limit, len(out))]
}

func TestNMSAgainstTextbook(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for round := range 200 {
		c := make([]Candidate, r.IntN(120))
		for i := range c {
			x, y := r.Float32()*40, r.Float32()*40
			c[i] = Candidate{Box{x, y, x + r.Float32()*30, y + r.Float32()*30}, float32(r.IntN(20)) / 20, int32(r.IntN(3)), int32(i)}
		}
		limit := 1 + r.IntN(40)
		want := naiveNMS(c, 0.5, limit)
		got := NMS(slices.Clone(c), 0.5, limit)
		if len(got) != len(want) || len(got) > 0 && !reflect.DeepEqual(got, want) {
			t.Fatalf("round %d: got %v, want %v", round, got, want)
		}
	}
}

func TestNMSEdges(t *testing.T) {
	a := Box{0, 0, 10, 10}
	half := Box{0, 0, 10, 5} // IoU exactly 0.5
	for _, c := range []struct {
		name string
		in   []Candidate
		iou  float32
		want int
	}{
		{"empty", nil, 0.5, 0},
		{"equal IoU stays", []Candidate{{Box: a, Score: 1}, {Box: half, Score: 0.5, Anchor: 1}}, 0.5, 2},
		{"above goes", []Candidate{{Box: a, Score: 1}, {Box: half, Score: 0.5, Anchor: 1}}, 0.49, 1},
		{"other class stays", []Candidate{{Box: a, Score: 1}, {Box: a, Score: 0.5, Class: 1, Anchor: 1}}, 0.5, 2},
		{"no area stays", []Candidate{{Score: 1}, {Score: 0.5, Anchor: 1}}, 0.5, 2},
	} {
		if got := NMS(c.in, c.iou, 300); len(got) != c.want {
			t.Errorf("%s: kept %d, want %d", c.name, len(got), c.want)
		}
	}
	c := make([]Candidate, 500)
	if n := testing.AllocsPerRun(10, func() { NMS(c, 0.5, 300) }); n != 0 {
		t.Errorf("NMS allocates %v times", n)
	}
}

func TestParseNames(t *testing.T) {
	for _, c := range []struct {
		name, in string
		want     []string
	}{
		{"python dict", `{0: 'person', 1: 'bicycle'}`, []string{"person", "bicycle"}},
		{"double quotes", `{0: "driver's seat", 1: 'say "hi"'}`, []string{"driver's seat", `say "hi"`}},
		{"escapes", `{0: 'a\'b\\c\n\x41\u00e9\U0001F600\q'}`, []string{"a'b\\c\nAé😀\\q"}},
		{"gap and order", `{2: 'c', 0: 'a'}`, []string{"a", "class 1", "c"}},
		{"list", `['a', 'b',]`, []string{"a", "b"}},
		{"json", `{"0":"a","1":"b"}`, []string{"a", "b"}},
		{"unicode", ` { 0 : 'Bär' } `, []string{"Bär"}},
		{"empty", `{}`, nil},
	} {
		got, err := ParseNames(c.in)
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: got %q, %v; want %q", c.name, got, err, c.want)
		}
	}
	for _, in := range []string{"", "{", "{0", "{0:", "{0: '", "{0: 'a'", "{0: a}", "{-1: 'a'}", "{99999999999: 'a'}", "{65536: 'a'}", "{0: 'a'} x", `{0: '\`, `{0: '\x4`, `{0: '\xzz'}`, "{0: 'a' 1: 'b'}", "{'0: 'a'}"} {
		if _, err := ParseNames(in); !errors.Is(err, ErrNames) {
			t.Errorf("%q: got %v, want ErrNames", in, err)
		}
	}
}

func FuzzParseNames(f *testing.F) {
	f.Add(`{0: 'person', 1: "a\x41"}`)
	f.Fuzz(func(t *testing.T, s string) { ParseNames(s) })
}
