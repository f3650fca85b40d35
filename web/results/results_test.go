package results

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"testing"

	"eagleeye/build/coco"
)

var about = About{Source: "a \"film\", with\nodd/name.mp4", Model: "m.onnx", Names: []string{"person", `a "b", c`, "", "猫"}, Tracks: true}

// sample is a log of n frames in its chunks, and the frames.
func sample(n int) (frames []Frame, chunks [][]byte) {
	rng := rand.New(rand.NewPCG(1, uint64(n)))
	l := Log{Spill: func(c []byte, _ int) { chunks = append(chunks, bytes.Clone(c)) }}
	round := func(v float64, d float64) float32 { return float32(math.Round(v*d) / d) }
	for i := range n {
		f := Frame{Index: i, Time: float64(i) / 25, Width: 640, Height: 480}
		for range rng.IntN(5) {
			x, y := rng.Float64()*500, rng.Float64()*400-20
			f.Items = append(f.Items, Item{ID: rng.IntN(3), Class: uint32(rng.IntN(4)), Score: round(rng.Float64(), 1e4),
				X1: round(x, 4), Y1: round(y, 4), X2: round(x+rng.Float64()*100, 4), Y2: round(y+rng.Float64()*80, 4)})
		}
		frames = append(frames, f)
		l.Add(f)
	}
	l.Flush()
	return frames, chunks
}

func near(a float64, b float32, e float64) bool { return math.Abs(a-float64(b)) <= e }

func (d Item) is(box [4]float64, score float64) bool {
	return near(box[0], d.X1, 0.006) && near(box[1], d.Y1, 0.006) && near(box[2], d.X2-d.X1, 0.006) && near(box[3], d.Y2-d.Y1, 0.006) && near(score, d.Score, 6e-5)
}

func write(t *testing.T, id string, chunks [][]byte) []byte {
	t.Helper()
	out, err := Write(KindOf(id).New(about), chunks...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestLog(t *testing.T) {
	frames, chunks := sample(4000)
	if len(chunks) < 2 {
		t.Fatalf("%d chunks: too few to test", len(chunks))
	}
	i := 0
	for _, c := range chunks {
		if len(c) > ChunkBytes+1000 {
			t.Errorf("a chunk of %d bytes", len(c))
		}
		if err := Each(c, func(f Frame) {
			if f.Index != i || f.Time != frames[i].Time || len(f.Items) != len(frames[i].Items) {
				t.Fatalf("frame %d reads as %+v", i, f)
			}
			for k := range f.Items {
				if f.Items[k] != frames[i].Items[k] {
					t.Fatalf("frame %d: %+v, want %+v", i, f.Items[k], frames[i].Items[k])
				}
			}
			i++
		}); err != nil {
			t.Fatal(err)
		}
	}
	if i != len(frames) {
		t.Errorf("%d frames of %d", i, len(frames))
	}
}

// TestLogStaysSmall: the heap holds one chunk, however long the film.
func TestLogStaysSmall(t *testing.T) {
	spilled := 0
	l := Log{Spill: func(c []byte, _ int) { spilled += len(c) }}
	f := Frame{Width: 640, Height: 480, Items: make([]Item, 10)}
	for range 200000 {
		l.Add(f)
	}
	if cap(l.chunk) > 2*ChunkBytes || spilled < 30<<20 {
		t.Errorf("%d bytes held, %d handed on", cap(l.chunk), spilled)
	}
	if n := testing.AllocsPerRun(1000, func() { l.Add(f) }); n > 0 {
		t.Errorf("%v allocations a frame", n)
	}
}

func TestLogLeavesOutNonsense(t *testing.T) {
	var l Log
	nan := float32(math.NaN())
	l.Add(Frame{Time: math.NaN(), Items: []Item{{X1: nan}, {Score: float32(math.Inf(1))}, {X2: 5, Y2: 5, Score: 0.5, ID: -4}}})
	out, err := Write(KindOf("json").New(about), l.Held())
	if err != nil || !json.Valid(out) || l.Items != 1 {
		t.Errorf("%d items, %v: %s", l.Items, err, out)
	}
}

func TestJSON(t *testing.T) {
	frames, chunks := sample(50)
	out := write(t, "json", chunks)
	var got struct {
		Source, Model string
		Classes       []string
		Frames        []struct {
			Frame         int
			Time          float64
			Width, Height int
			Detections    []struct {
				Track, Class int
				Name         string
				Score        float64
				Box          [4]float64
			}
		}
	}
	d := json.NewDecoder(bytes.NewReader(out))
	d.DisallowUnknownFields()
	if err := d.Decode(&got); err != nil {
		t.Fatal(err)
	}
	if got.Source != about.Source || got.Model != about.Model || !reflect.DeepEqual(got.Classes, about.Names) || len(got.Frames) != len(frames) {
		t.Fatalf("%+v", got)
	}
	for i, f := range frames {
		g := got.Frames[i]
		if g.Frame != i || g.Time != f.Time || g.Width != f.Width || g.Height != f.Height || len(g.Detections) != len(f.Items) {
			t.Fatalf("frame %d: %+v", i, g)
		}
		for k, d := range f.Items {
			if o := g.Detections[k]; o.Track != d.ID || o.Class != int(d.Class) || o.Name != about.Name(d.Class) || !d.is(o.Box, o.Score) {
				t.Fatalf("frame %d: %+v, want %+v", i, o, d)
			}
		}
	}
}

func TestCSV(t *testing.T) {
	frames, chunks := sample(50)
	rows, err := csv.NewReader(bytes.NewReader(write(t, "csv", chunks))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(rows[0]) != 10 || rows[0][0] != "frame" {
		t.Fatalf("header %q", rows[0])
	}
	rows = rows[1:]
	num := func(s string) float64 {
		v, err := strconv.ParseFloat(s, 64)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for i, f := range frames {
		for _, d := range f.Items {
			r := rows[0]
			rows = rows[1:]
			track := ""
			if d.ID > 0 {
				track = strconv.Itoa(d.ID)
			}
			if r[0] != strconv.Itoa(i) || num(r[1]) != f.Time || r[2] != track || r[3] != strconv.Itoa(int(d.Class)) || r[4] != about.Name(d.Class) ||
				!d.is([4]float64{num(r[6]), num(r[7]), num(r[8]), num(r[9])}, num(r[5])) {
				t.Fatalf("%q, want frame %d %+v", r, i, d)
			}
		}
	}
	if len(rows) != 0 {
		t.Errorf("%d rows too many", len(rows))
	}
}

// TestCOCO reads both forms back by build/coco.
func TestCOCO(t *testing.T) {
	frames, chunks := sample(60)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "instances.json"), write(t, "coco", chunks), 0o644); err != nil {
		t.Fatal(err)
	}
	set, err := coco.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "results.json")
	if err := os.WriteFile(path, write(t, "coco-results", chunks), 0o644); err != nil {
		t.Fatal(err)
	}
	dets, err := set.LoadDetections(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(set.Images) != len(frames) || len(set.Categories) != len(about.Names) || len(set.Annotations) != len(dets) {
		t.Fatalf("%d images, %d categories, %d annotations, %d detections", len(set.Images), len(set.Categories), len(set.Annotations), len(dets))
	}
	k := 0
	for i, f := range frames {
		if set.Images[i].ID != int64(i+1) {
			t.Errorf("image %d: %+v", i, set.Images[i])
		}
		for _, d := range f.Items {
			a, r := set.Annotations[k], dets[k]
			k++
			if a.Image != int64(i+1) || a.Category != int64(d.Class)+1 || !d.is(a.Box, float64(d.Score)) {
				t.Fatalf("annotation %+v, want %+v", a, d)
			}
			if r.Image != a.Image || r.Category != a.Category || !d.is(r.Box, r.Score) {
				t.Fatalf("result %+v, want %+v", r, d)
			}
		}
	}
	if k != len(dets) {
		t.Errorf("%d detections, want %d", len(dets), k)
	}
}

// TestCategories: the ids of COCO's classes are its own.
func TestCategories(t *testing.T) {
	names := make([]string, 80)
	names[0], names[79] = "person", "toothbrush"
	ids := categories(names)
	for class, want := range map[int]int{0: 1, 10: 11, 11: 13, 24: 27, 26: 31, 40: 46, 59: 65, 60: 67, 61: 70, 62: 72, 73: 84, 79: 90} {
		if ids[class] != want {
			t.Errorf("class %d: id %d, want %d", class, ids[class], want)
		}
	}
}

func TestEmpty(t *testing.T) {
	for _, k := range Kinds {
		out, err := Write(k.New(About{}))
		if err != nil {
			t.Fatal(err)
		}
		if k.ID != "csv" && !json.Valid(out) {
			t.Errorf("%s: %q", k.ID, out)
		}
	}
}

func TestNumber(t *testing.T) {
	for v, want := range map[float64]string{0: "0", -0.001: "0", 10: "10", 100.5: "100.5", -10.25: "-10.25", 1.005: "1", 0.999: "1", 1234567.891: "1234567.89", -100: "-100"} {
		if got := string(number(nil, v, 2)); got != want {
			t.Errorf("%v is written %q, want %q", v, got, want)
		}
	}
}

// FuzzEach: any bytes are refused or read.
func FuzzEach(f *testing.F) {
	_, chunks := sample(20)
	f.Add(chunks[0])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		if err := Each(b, func(Frame) {}); err != nil && err != ErrChunk {
			t.Fatal(err)
		}
	})
}

func FuzzQuote(f *testing.F) {
	f.Add("a\"b\\c\n\x00\x7f\xff 猫")
	f.Fuzz(func(t *testing.T, s string) {
		var got string
		if err := json.Unmarshal(quote(nil, s), &got); err != nil {
			t.Fatal(err)
		}
		want, _ := json.Marshal(s)
		var same string
		if json.Unmarshal(want, &same); got != same {
			t.Fatalf("%q reads as %q, want %q", s, got, same)
		}
	})
}

func TestFileName(t *testing.T) {
	for _, c := range []struct {
		source string
		number int
		want   string
	}{
		{"film.mp4", 0, "eagle-eye-film.csv"},
		{"my film (2).webm", 3, "eagle-eye-my-film-2-3.csv"},
		{"", 1, "eagle-eye-1.csv"},
		{"../../etc/passwd", 0, "eagle-eye-etc-passwd.csv"},
		{"猫.jpeg", 0, "eagle-eye-猫.csv"},
		{"Camera: \x00\x1f", 0, "eagle-eye-Camera.csv"},
		{".png", 0, "eagle-eye-png.csv"},
	} {
		if got := FileName(c.source, c.number, "csv"); got != c.want {
			t.Errorf("%q: %q, want %q", c.source, got, c.want)
		}
	}
}
