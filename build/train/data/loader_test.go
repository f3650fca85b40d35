package data

import (
	"errors"
	"fmt"
	"hash/crc64"
	"image"
	"image/color"
	"image/draw"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"unsafe"

	"eagleeye/build/picture"
	"eagleeye/build/shared"
	"eagleeye/build/train/loss"
)

// scenes are pictures with one rectangle of a class's own colour on black; bad
// ones cannot be read.
type scenes struct {
	n     int
	names []string
	bad   map[int]bool
	loads atomic.Int64
}

var inks = []color.RGBA{{255, 0, 0, 255}, {0, 255, 0, 255}}

func (s *scenes) Len() int        { return s.n }
func (s *scenes) Names() []string { return s.names }

func (s *scenes) Load(i int) (*image.RGBA, []Box, error) {
	s.loads.Add(1)
	if s.bad[i] {
		return nil, nil, errors.New("torn")
	}
	rnd := rand.New(rand.NewPCG(1, uint64(i)))
	w, h := 60+rnd.IntN(80), 60+rnd.IntN(80)
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	draw.Draw(img, img.Rect, image.Black, image.Point{}, draw.Src)
	x, y := rnd.IntN(w-30), rnd.IntN(h-30)
	r := image.Rect(x, y, x+12+rnd.IntN(18), y+12+rnd.IntN(18))
	class := rnd.IntN(2)
	draw.Draw(img, r, image.NewUniform(inks[class]), image.Point{}, draw.Src)
	return img, []Box{{class, float32(r.Min.X), float32(r.Min.Y), float32(r.Max.X), float32(r.Max.Y)}}, nil
}

func sum(b *Batch) uint64 {
	return crc64.Checksum(unsafe.Slice((*byte)(unsafe.Pointer(&b.Pixels[0])), 4*len(b.Pixels)), crc64.MakeTable(crc64.ECMA)) ^
		crc64.Checksum([]byte(fmt.Sprint(b.Index, b.Epoch, b.Truth)), crc64.MakeTable(crc64.ISO))
}

// sums runs a loader from a batch to another.
func sums(t *testing.T, o Options, from, to int) []uint64 {
	t.Helper()
	l, err := NewLoader(&scenes{n: 10, names: []string{"a", "b"}, bad: map[int]bool{3: true, 9: true}}, o)
	if err != nil {
		t.Fatal(err)
	}
	l.Start(from)
	defer l.Close()
	var out []uint64
	for i := from; i < to; i++ {
		b, err := l.Next()
		if err != nil {
			t.Fatal(err)
		}
		if b.Index != i || b.Epoch != i/4 {
			t.Fatalf("batch %d of epoch %d, want %d", b.Index, b.Epoch, i)
		}
		out = append(out, sum(b))
		l.Release(b)
	}
	return out
}

// TestSame: the same batches whatever the workers, the cache and the start.
func TestSame(t *testing.T) {
	o := Options{Batch: 3, Width: 64, Height: 96, Seed: 5, Augment: Ultralytics, MosaicEpochs: 3, Workers: 1, Ahead: 1}
	want := sums(t, o, 0, 20)
	if slices.Equal(want[:4], want[4:8]) {
		t.Error("two epochs are the same")
	}
	for name, change := range map[string]func(*Options){
		"many workers": func(o *Options) { o.Workers, o.Ahead = 4, 7 },
		"no cache":     func(o *Options) { o.CacheBytes = -1 },
	} {
		o := o
		change(&o)
		if got := sums(t, o, 0, 20); !slices.Equal(got, want) {
			t.Errorf("%s: other batches", name)
		}
		if got := sums(t, o, 11, 20); !slices.Equal(got, want[11:]) {
			t.Errorf("%s: other batches from 11 on", name)
		}
	}
	o.Seed++
	if got := sums(t, o, 0, 20); slices.Equal(got, want) {
		t.Error("another seed makes the same batches")
	}
}

// TestEpoch: each picture comes once an epoch, in an order of its own.
func TestEpoch(t *testing.T) {
	l, err := NewLoader(&scenes{n: 10, names: []string{"a", "b"}}, Options{Batch: 5, Width: 32, Height: 32})
	if err != nil {
		t.Fatal(err)
	}
	var before []int32
	for e := range 3 {
		p := slices.Clone(l.order(e))
		if slices.Equal(p, before) {
			t.Errorf("epoch %d is in the order of the one before", e)
		}
		before = slices.Clone(p)
		slices.Sort(p)
		if !slices.Equal(p, []int32{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}) {
			t.Errorf("epoch %d: %v", e, p)
		}
	}
	if l.PerEpoch() != 2 {
		t.Errorf("%d batches", l.PerEpoch())
	}
}

type endless struct {
	*scenes
	mu   sync.Mutex
	seen map[int]int
}

func (e *endless) Endless() {}

func (e *endless) Load(i int) (*image.RGBA, []Box, error) {
	e.mu.Lock()
	e.seen[i]++
	e.mu.Unlock()
	return e.scenes.Load(i)
}

// TestEndless: each epoch has pictures of its own.
func TestEndless(t *testing.T) {
	e := &endless{scenes: &scenes{n: 6, names: []string{"a", "b"}}, seen: map[int]int{}}
	l, err := NewLoader(e, Options{Batch: 3, Width: 32, Height: 32, Ahead: 1, CacheBytes: -1})
	if err != nil {
		t.Fatal(err)
	}
	l.Start(0)
	for range 6 {
		b, err := l.Next()
		if err != nil {
			t.Fatal(err)
		}
		l.Release(b)
	}
	l.Close()
	for i := range 18 {
		if e.seen[i] != 1 {
			t.Errorf("picture %d was loaded %d times", i, e.seen[i])
		}
	}
}

// TestBoxesFollowPixels augments hard and compares each truth with the extent
// of its colour.
func TestBoxesFollowPixels(t *testing.T) {
	for name, c := range map[string]struct {
		a     Augment
		slack float64 // pixels
	}{
		"letterbox":      {Augment{}, 1},
		"flips":          {Augment{FlipLR: 0.5, FlipUD: 0.5}, 1},
		"zoom and shift": {Augment{Scale: 0.5, Translate: 0.3, FlipLR: 0.5}, 1},
		"mosaic":         {Augment{Mosaic: 1, Scale: 0.5, Translate: 0.1, FlipLR: 0.5}, 1},
		// A turned corner's tip covers no whole pixel.
		"quarter turns": {Augment{Mosaic: 0.5, Degrees: 180, Shear: 10, Scale: 0.2, FlipUD: 0.5}, 3.5},
	} {
		t.Run(name, func(t *testing.T) {
			const w, h = 160, 128
			com := &composer{w: w, h: h, augment: c.a}
			s := &scenes{n: 40, names: []string{"a", "b"}}
			pick := newCache(s, w, h, 1<<30).get
			dst := make([]float32, 3*w*h)
			checked := 0
			for i := range 200 {
				rnd := rand.New(rand.NewPCG(9, uint64(i)))
				truths, err := com.compose(dst, rnd, true, i%s.n, s.n, pick)
				if err != nil {
					t.Fatal(err)
				}
				for _, tr := range truths {
					b := tr.Box
					// What turns is cut by the border in ways that a box is not.
					cut := b[0] <= 0 || b[1] <= 0 || b[2] >= w || b[3] >= h
					if !only(truths, tr.Class) || cut && c.a.Degrees > 0 {
						continue
					}
					checked++
					got := extent(dst, w, h, tr.Class, b)
					for k := range 4 {
						if math.Abs(got[k]-float64(b[k])) > c.slack {
							t.Fatalf("sample %d: box %v, its colour is at %v", i, b, got)
						}
					}
				}
			}
			if checked < 60 {
				t.Errorf("only %d boxes compared", checked)
			}
		})
	}
}

// only tells whether a class is there once.
func only(truths []loss.Truth, class int) bool {
	n := 0
	for _, tr := range truths {
		if tr.Class == class {
			n++
		}
	}
	return n == 1
}

// extent is where a class's colour is at least half full, near a box: remnants
// that are too small for a box of their own may lie elsewhere.
func extent(dst []float32, w, h, class int, b [4]float32) [4]float64 {
	out := [4]float64{1e9, 1e9, -1, -1}
	const near = 6
	for y := max(0, int(b[1])-near); y < min(h, int(b[3])+near); y++ {
		for x := max(0, int(b[0])-near); x < min(w, int(b[2])+near); x++ {
			at := y*w + x
			if dst[class*w*h+at] > 0.5 && dst[(1-class)*w*h+at] < 0.25 {
				out = [4]float64{min(out[0], float64(x)), min(out[1], float64(y)), max(out[2], float64(x+1)), max(out[3], float64(y+1))}
			}
		}
	}
	return out
}

// TestLetterboxAsEngine: without augmentation a picture reaches the network as
// it does in use, bit for bit.
func TestLetterboxAsEngine(t *testing.T) {
	for _, id := range []string{"000000168974", "000000183709", "000000397133"} {
		want := shared.Floats(t, "golden", id+"-320.input.f32.gz")
		img, err := picture.Read(shared.File(t, "coco", "val", "images", id+".jpg"), false)
		if err != nil {
			t.Fatal(err)
		}
		c := &composer{w: 320, h: 320}
		got := make([]float32, 3*320*320)
		s := &sample{pix: fit(img, 320, 320)}
		if _, err := c.compose(got, rand.New(rand.NewPCG(1, 1)), true, 0, 1, func(int) (*sample, error) { return s, nil }); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: differs from the reference", id)
		}
	}
}

// TestColour compares with the colour model's own definition.
func TestColour(t *testing.T) {
	rgb := func(r, g, b uint32) uint32 { return r | g<<8 | b<<16 }
	for name, c := range map[string]struct {
		in   uint32
		g    gains
		want [3]float32
	}{
		"nothing":           {rgb(10, 200, 90), gains{0, 1, 1}, [3]float32{10. / 255, 200. / 255, 90. / 255}},
		"a third of a turn": {rgb(255, 51, 0), gains{1. / 3, 1, 1}, [3]float32{0, 1, 0.2}},
		"back":              {rgb(255, 51, 0), gains{-1. / 3, 1, 1}, [3]float32{0.2, 0, 1}},
		"no saturation":     {rgb(255, 51, 0), gains{0, 0, 1}, [3]float32{1, 1, 1}},
		"darker":            {rgb(255, 51, 0), gains{0, 1, 0.5}, [3]float32{0.5, 0.1, 0}},
		"full":              {rgb(200, 100, 100), gains{0, 9, 9}, [3]float32{1, 0, 0}},
		"grey":              {rgb(51, 51, 51), gains{0.3, 2, 2}, [3]float32{0.4, 0.4, 0.4}},
		"black":             {0, gains{0.3, 2, 2}, [3]float32{}},
	} {
		var got [3]float32
		planes(got[:], []uint32{c.in}, 1, 1, false, &c.g)
		for k := range got {
			if math.Abs(float64(got[k]-c.want[k])) > 1e-6 {
				t.Errorf("%s: %v, want %v", name, got, c.want)
				break
			}
		}
	}
}

func TestProblems(t *testing.T) {
	s := &scenes{n: 6, names: []string{"a", "b"}, bad: map[int]bool{2: true}}
	l, err := NewLoader(s, Options{Batch: 6, Width: 32, Height: 32})
	if err != nil {
		t.Fatal(err)
	}
	l.Start(0)
	defer l.Close()
	for range 3 {
		b, err := l.Next()
		if err != nil {
			t.Fatal(err)
		}
		l.Release(b)
	}
	if p := l.Problems(); len(p) != 1 || p[0].String() != "picture 2: torn" {
		t.Errorf("%v", p)
	}

	all := &scenes{n: 2, names: []string{"a", "b"}, bad: map[int]bool{0: true, 1: true}}
	l, err = NewLoader(all, Options{Batch: 2, Width: 32, Height: 32})
	if err != nil {
		t.Fatal(err)
	}
	l.Start(0)
	defer l.Close()
	if _, err := l.Next(); !errors.Is(err, ErrEmpty) {
		t.Errorf("all bad: %v", err)
	}

	dir := t.TempDir()
	write(t, dir, map[string]string{"a.png": "no picture", "b.png": "8x8"})
	f, err := OpenPictures(dir, []string{"a"})
	if err != nil {
		t.Fatal(err)
	}
	c := newCache(f, 32, 32, 1<<20)
	if _, err := c.get(0); err != nil || len(c.problems) != 1 || c.problems[0].File != filepath.Join(dir, "a.png") {
		t.Errorf("%v, %v", err, c.problems)
	}
}

func TestCacheLimit(t *testing.T) {
	s := &scenes{n: 8, names: []string{"a", "b"}}
	const limit = 3 * 4 * 34 * 34
	c := newCache(s, 32, 32, limit)
	for range 3 {
		for i := range s.n {
			if _, err := c.get(i); err != nil {
				t.Fatal(err)
			}
		}
	}
	if c.used > limit || c.used < limit/3 {
		t.Errorf("%d bytes kept of %d", c.used, limit)
	}
	if got, want := int(s.loads.Load()), s.n+2*(s.n-len(c.kept)); got != want {
		t.Errorf("%d loads with %d kept, want %d", got, len(c.kept), want)
	}
}

func TestRefusals(t *testing.T) {
	s := &scenes{n: 1, names: []string{"a", "b"}}
	for name, o := range map[string]Options{
		"no batch":  {Width: 32, Height: 32},
		"no size":   {Batch: 1},
		"augment":   {Batch: 1, Width: 32, Height: 32, Augment: Augment{Mosaic: 2}},
		"not a num": {Batch: 1, Width: 32, Height: 32, Augment: Augment{Degrees: math.NaN()}},
	} {
		if _, err := NewLoader(s, o); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := NewLoader(&scenes{}, Options{Batch: 1, Width: 32, Height: 32}); !errors.Is(err, ErrEmpty) {
		t.Errorf("no pictures: %v", err)
	}
}

// noise are pictures without flat areas, which are the slowest.
type noise struct{ scenes }

func (n *noise) Load(i int) (*image.RGBA, []Box, error) {
	img, boxes, err := n.scenes.Load(i)
	rnd := rand.New(rand.NewPCG(2, uint64(i)))
	for k := range img.Pix {
		img.Pix[k] = uint8(rnd.IntN(256))
	}
	return img, boxes, err
}

// BenchmarkCompose is the cost of one augmented picture that is in the cache.
func BenchmarkCompose(b *testing.B) {
	for _, side := range []int{160, 320, 640} {
		b.Run(fmt.Sprint(side), func(b *testing.B) {
			s := &noise{scenes{n: 40, names: []string{"a", "b"}}}
			c := &composer{w: side, h: side, augment: Ultralytics}
			pick := newCache(s, side, side, 1<<30).get
			dst := make([]float32, 3*side*side)
			for i := range s.n {
				if _, err := pick(i); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportAllocs()
			rnd := rand.New(rand.NewPCG(1, 2))
			for i := 0; b.Loop(); i++ {
				if _, err := c.compose(dst, rnd, true, i%s.n, s.n, pick); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
