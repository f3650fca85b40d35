//go:build !js

package wasm

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"eagleeye/kernels"
	"eagleeye/wasm/graph"
	"eagleeye/wasm/host"
	"eagleeye/wasm/onnx"
	"eagleeye/wasm/zoo"
)

// tiny has hidden widths of 4, so that slices lie at half lanes.
func tiny(size, height int) zoo.Config {
	return zoo.Config{Depth: 0.33, Width: 0.125, MaxChannels: 128, Classes: []string{"cat", "dog", "it's"}, Size: size, Height: height, Seed: 5}
}

// TestOracleAgrees runs whole networks on the kernels and on their plain-Go
// oracles: every kept value must be equal bit for bit.
func TestOracleAgrees(t *testing.T) {
	float := small(t, tiny(64, 96))
	pic := noise(100, 70, 1)
	for _, c := range []struct {
		name string
		g    *graph.Graph
		o    Options
	}{
		{"float32", float, Options{Keep: []string{"*"}}},
		{"int8", quantize(t, float, 100, 70, pic, noise(100, 70, 2)), Options{Keep: []string{"*"}}},
		{"int8 as float32", quantize(t, float, 100, 70, pic), Options{Precision: F32, Keep: []string{"*"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, b := openGraph(t, c.g, nil, c.o), openGraph(t, c.g, host.NewRef(), c.o)
			th := Thresholds{Conf: 0.01, IoU: 0.7, Max: 50}
			da, _, err := a.Detect(pic, 100, 70, th)
			if err != nil {
				t.Fatal(err)
			}
			db, _, err := b.Detect(pic, 100, 70, th)
			if err != nil {
				t.Fatal(err)
			}
			if len(da) == 0 || !slices.Equal(da, db) {
				t.Errorf("detections differ: %v and %v", da, db)
			}
			for _, name := range a.Kept() {
				x, _, errX := a.Tap(name)
				y, _, errY := b.Tap(name)
				if errX != nil || errY != nil {
					t.Fatal(errX, errY)
				}
				for i := range x {
					if math.Float32bits(x[i]) != math.Float32bits(y[i]) {
						t.Fatalf("%s[%d]: kernels %v, oracle %v", name, i, x[i], y[i])
					}
				}
			}
		})
	}
}

// TestReferenceAgrees compares every node with graph.Eval, which knows nothing
// of kernels, on the very inputs that the engine had, so that no difference
// adds up: float sums differ in their order, a quantized value may fall on the
// next step of its grid when it lies between two.
func TestReferenceAgrees(t *testing.T) {
	const w, h = 96, 64
	float := small(t, tiny(w, h))
	pic := noise(w, h, 3)
	int8 := quantize(t, float, w, h, pic)
	for _, c := range []struct {
		name  string
		g     *graph.Graph
		exact bool
	}{{"float32", float, false}, {"int8", int8, false}, {"int8 exact", int8, true}} {
		t.Run(c.name, func(t *testing.T) { checkNodes(t, c.g, pic, w, h, c.exact) })
	}
}

// TestReferenceAgreesOnYOLOv8n is the same with real weights.
func TestReferenceAgreesOnYOLOv8n(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the reference interpreter over YOLOv8n")
	}
	g, err := onnx.Read(quantized(t))
	if err != nil {
		t.Fatal(err)
	}
	checkNodes(t, g, noise(320, 320, 3), 320, 320, false)
}

func checkNodes(t *testing.T, g *graph.Graph, pic []byte, w, h int, exact bool) {
	t.Helper()
	d := openGraph(t, g, nil, Options{Width: w, Height: h, Exact: exact, Keep: []string{"*"}})
	if _, _, err := d.Detect(pic, w, h, DefaultThresholds); err != nil {
		t.Fatal(err)
	}
	prepared, err := graph.Prepare(g, h, w)
	if err != nil {
		t.Fatal(err)
	}
	tap := func(v *graph.Value) []float32 {
		data, _, err := d.Tap(v.Name)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	for _, n := range prepared.Nodes {
		if n.Op == "Detect" {
			continue
		}
		one := &graph.Graph{Opset: prepared.Opset, Nodes: []*graph.Node{n}, Outputs: n.Out}
		in := map[string]*graph.Tensor{}
		for _, x := range n.In {
			if x != nil && x.Const == nil && in[x.Name] == nil {
				one.Inputs = append(one.Inputs, x)
				in[x.Name] = graph.FloatTensor(tap(x), x.Shape...)
			}
		}
		out, err := graph.Eval(one, in)
		if err != nil {
			t.Fatal(err)
		}
		y := n.Out[0]
		place, _ := d.plan.Lookup(y.Name)
		want, got := tensorFloats(out[y.Name]), tap(y)
		var most, largest float64
		off := 0
		for i := range want {
			diff := math.Abs(float64(got[i] - want[i]))
			most, largest = max(most, diff), max(largest, math.Abs(float64(want[i])))
			if diff > 1e-3*float64(place.Scale) {
				off++
			}
		}
		limit := 2e-5*largest + 1e-6
		if place.U8 {
			limit = 1.001 * float64(place.Scale)
			if y.Quant == nil { // stored on the grid of what reads it
				off, limit = 0, limit/2
			}
		}
		// An approximate SiLU moves about that share of the numbers over a
		// rounding boundary; 8 for the chance in small maps.
		share := kernels.SiLUApproxError/float64(place.Scale) + 0.002
		if n.Str("act", "") == "SiLU" { // numbers with 5 fraction bits of a step, see kernels.ActSiLUFixed
			share += 0.02
		}
		if n.Op == "Conv" && !exact { // weights rounded once more, see kernels.PackWinograd43I16
			share += 0.02
		}
		if !(most <= limit) || place.U8 && float64(off) > 8+share*float64(len(want)) {
			t.Errorf("%s %q: differs by %g (limit %g, largest %g), %d of %d elements off", n.Op, n.Name, most, limit, largest, off, len(want))
		}
	}
}

func tensorFloats(t *graph.Tensor) []float32 {
	out := make([]float32, len(t.Data)/4)
	for i := range out {
		b := t.Data[4*i:]
		out[i] = math.Float32frombits(uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 | uint32(b[3])<<24)
	}
	return out
}

// TestPoison fills the arena with NaN patterns before a run: a step that reads
// what no step of the same run has written would show.
func TestPoison(t *testing.T) {
	float := small(t, tiny(96, 64))
	pic := noise(50, 90, 4)
	for name, g := range map[string]*graph.Graph{"float32": float, "int8": quantize(t, float, 50, 90, pic)} {
		d := openGraph(t, g, nil, Options{})
		run := func() ([]float32, []float32) {
			if _, _, err := d.Detect(pic, 50, 90, DefaultThresholds); err != nil {
				t.Fatal(err)
			}
			boxes, logits, err := d.Raw()
			if err != nil {
				t.Fatal(err)
			}
			return boxes, logits
		}
		boxes, logits := run()
		for _, poison := range []byte{0xff, 0x7f, 0x55} {
			d.machine.Write(d.plan.Detect.Out-uint32(d.plan.Arena), bytes.Repeat([]byte{poison}, int(d.plan.Arena)))
			b, l := run()
			if !slices.Equal(b, boxes) || !slices.Equal(l, logits) {
				t.Errorf("%s: the result depends on what the arena held before (%#x)", name, poison)
			}
		}
	}
}

// TestSizes opens one model at many input sizes and pictures of many shapes.
func TestSizes(t *testing.T) {
	g := small(t, tiny(64, 64))
	q := quantize(t, g, 64, 64, noise(64, 64, 6))
	for _, size := range [][2]int{{32, 32}, {64, 64}, {96, 32}, {32, 160}, {224, 128}, {352, 288}} {
		for name, g := range map[string]*graph.Graph{"float32": g, "int8": q} {
			d := openGraph(t, g, nil, Options{Width: size[0], Height: size[1]})
			anchors := size[0] * size[1] * 21 / 1024
			if i := d.Info(); i.Width != size[0] || i.Height != size[1] || i.Anchors != anchors {
				t.Fatalf("%v: %dx%d, %d anchors", size, i.Width, i.Height, i.Anchors)
			}
			for _, pic := range [][2]int{{1, 1}, {2, 300}, {37, 41}, {640, 480}} {
				found, _, err := d.Detect(noise(pic[0], pic[1], 7), pic[0], pic[1], Thresholds{Conf: 0.0, IoU: 1, Max: 100})
				if err != nil {
					t.Fatalf("%s %v, picture %v: %v", name, size, pic, err)
				}
				if len(found) == 0 {
					t.Errorf("%s %v, picture %v: nothing found at threshold 0", name, size, pic)
				}
				for _, f := range found {
					if !(f.X1 >= 0 && f.Y1 >= 0 && f.X2 <= float32(pic[0]) && f.Y2 <= float32(pic[1]) && f.X1 <= f.X2 && f.Y1 <= f.Y2) {
						t.Fatalf("%s %v, picture %v: box %+v", name, size, pic, f)
					}
				}
			}
		}
	}
}

func TestExtremePictures(t *testing.T) {
	d := openGraph(t, small(t, tiny(64, 64)), nil, Options{})
	for _, pic := range [][2]int{{50000, 1}, {1, 50000}, {1 << 20, 1}, {4000, 3000}} {
		if _, _, err := d.Detect(make([]byte, 4*pic[0]*pic[1]), pic[0], pic[1], DefaultThresholds); err != nil {
			t.Errorf("%v: %v", pic, err)
		}
	}
}

func TestErrors(t *testing.T) {
	g := small(t, tiny(64, 64))
	m := host.NewRef()
	for _, c := range []struct {
		name string
		o    Options
		want error
	}{
		{"not a multiple of 32", Options{Width: 100, Height: 64}, ErrSize},
		{"too small", Options{Width: 64, Height: 16}, ErrSize},
		{"too large", Options{Width: 4128, Height: 64}, ErrSize},
		{"negative", Options{Width: -32, Height: 64}, ErrSize},
		{"unknown value kept", Options{Keep: []string{"no such value"}}, ErrModel},
	} {
		if _, err := OpenGraph(g, m, c.o); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, err, c.want)
		}
	}
	if _, err := Open(nil, m, Options{}); !errors.Is(err, onnx.ErrEmpty) {
		t.Errorf("empty file: %v", err)
	}
	if _, err := Open([]byte("hello"), m, Options{}); err == nil {
		t.Error("a text file opens")
	}
	d := openGraph(t, g, nil, Options{})
	if _, _, err := d.Run(DefaultThresholds); !errors.Is(err, ErrPicture) {
		t.Errorf("run before a picture: %v", err)
	}
	if _, _, err := d.Raw(); !errors.Is(err, ErrPicture) {
		t.Errorf("raw before a run: %v", err)
	}
	for _, c := range []struct {
		name string
		n    int
		w, h int
	}{
		{"empty", 0, 0, 0}, {"negative", 4, -1, -1}, {"short", 15, 2, 2}, {"long", 17, 2, 2},
		{"huge", 0, 1 << 14, 1 << 13}, {"overflow", 0, math.MaxInt, math.MaxInt}, {"wrap", 0, 1 << 31, 1 << 31},
	} {
		if _, _, err := d.Detect(make([]byte, c.n), c.w, c.h, DefaultThresholds); !errors.Is(err, ErrPicture) {
			t.Errorf("picture %s: %v", c.name, err)
		}
	}
	if _, err := d.Stage(1<<14, 1<<13); !errors.Is(err, ErrPicture) {
		t.Errorf("stage of a huge picture: %v", err)
	}
	nan := float32(math.NaN())
	for _, th := range []Thresholds{{Conf: nan, IoU: 0.5}, {Conf: 0.5, IoU: nan}, {Conf: -1}, {IoU: 2}} {
		if _, _, err := d.Detect(make([]byte, 16), 2, 2, th); err == nil {
			t.Errorf("thresholds %+v are taken", th)
		}
	}
	if _, _, err := d.Tap("x"); err == nil || !strings.Contains(err.Error(), "Keep") {
		t.Errorf("tap of a value that is not kept: %v", err)
	}
}

// TestBoxesAreNumbers: a network that overflows gives logits, but no distances.
func TestBoxesAreNumbers(t *testing.T) {
	nan := float32(math.NaN())
	for name, c := range map[string]struct {
		c     kernels.Candidate
		logit float32
		n     int
	}{
		"box":       {kernels.Candidate{X2: 5, Y2: 5}, 1, 1},
		"NaN side":  {kernels.Candidate{X2: 5, Y2: nan}, 1, 0},
		"NaN":       {kernels.Candidate{X1: nan, Y1: nan, X2: nan, Y2: nan}, 1, 0},
		"NaN logit": {kernels.Candidate{X2: 5, Y2: 5}, nan, 0},
	} {
		var d Detector
		if d.consider(&c.c, 0, c.logit, 0.25); len(d.cands) != c.n {
			t.Errorf("%s: %d candidates, want %d", name, len(d.cands), c.n)
		}
	}
}

// TestThresholds checks what the thresholds mean on one run.
func TestThresholds(t *testing.T) {
	d := openGraph(t, small(t, tiny(96, 96)), nil, Options{})
	if _, _, err := d.Detect(noise(96, 96, 8), 96, 96, DefaultThresholds); err != nil {
		t.Fatal(err)
	}
	again := func(th Thresholds) []Detection {
		found, err := d.Again(th)
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	n := d.Info().Anchors
	boxes, logits, err := d.Raw()
	if err != nil {
		t.Fatal(err)
	}
	labels, anchors, best := 0, 0, float32(0)
	for i := range n { // a score may round to 0, which is not above 0
		top := float32(0)
		for _, l := range logits[3*i:][:3] {
			if s := sigmoid(l); s > 0 {
				labels, top = labels+1, max(top, s)
			}
		}
		if top > 0 {
			anchors++
		}
		best = max(best, top)
	}
	all := again(Thresholds{IoU: 1, Max: 1e6})
	if len(all) != anchors || anchors < n/2 || len(boxes) != 4*n {
		t.Fatalf("%d boxes without thresholds, want %d of %d anchors", len(all), anchors, n)
	}
	if best != all[0].Score {
		t.Errorf("the best raw score is %v, the best box has %v", best, all[0].Score)
	}
	if multi := again(Thresholds{IoU: 1, Max: 1e6, MultiLabel: true}); len(multi) != labels {
		t.Errorf("%d boxes with all labels, want %d", len(multi), labels)
	}
	mid := all[n/2].Score
	for i, f := range again(Thresholds{Conf: mid, IoU: 1, Max: 1e6}) {
		if f.Score <= mid || f != all[i] {
			t.Fatalf("box %d above %v: %+v, want %+v", i, mid, f, all[i])
		}
	}
	if got := again(Thresholds{Conf: 1, IoU: 1}); len(got) != 0 {
		t.Errorf("%d boxes above 1", len(got))
	}
	if got := again(Thresholds{IoU: 1, Max: 7}); !slices.Equal(got, all[:7]) {
		t.Errorf("Max 7 gives %v", got)
	}
	if got := d.Info().Names[all[0].Class]; got != all[0].Name {
		t.Errorf("name %q, want %q", all[0].Name, got)
	}
}

// TestFrameAllocations bounds garbage: the boxes, and what wazero's calls make.
func TestFrameAllocations(t *testing.T) {
	d := openGraph(t, small(t, tiny(64, 64)), nil, Options{})
	pic := noise(64, 48, 9)
	th := Thresholds{Conf: 0.001, IoU: 0.7, Max: 300}
	if _, _, err := d.Detect(pic, 64, 48, th); err != nil {
		t.Fatal(err)
	}
	n := testing.AllocsPerRun(20, func() {
		if _, _, err := d.Detect(pic, 64, 48, th); err != nil {
			t.Fatal(err)
		}
	})
	if n > 5 {
		t.Errorf("a frame allocates %v times", n)
	}
}

// TestParallelDetectors runs detectors of their own on several goroutines.
func TestParallelDetectors(t *testing.T) {
	g := small(t, tiny(64, 64))
	pic := noise(64, 64, 10)
	results := make(chan string, 8)
	for range cap(results) {
		go func() {
			m, err := host.New(kernels.Variant{})
			if err != nil {
				results <- err.Error()
				return
			}
			defer m.Close()
			d, err := OpenGraph(g, m, Options{})
			if err != nil {
				results <- err.Error()
				return
			}
			found, _, err := d.Detect(pic, 64, 64, Thresholds{Conf: 0.001, IoU: 0.7})
			results <- fmt.Sprint(found, err)
		}()
	}
	first := <-results
	if !strings.HasSuffix(first, "<nil>") {
		t.Fatal(first)
	}
	for range cap(results) - 1 {
		if r := <-results; r != first {
			t.Errorf("detectors disagree: %s and %s", first, r)
		}
	}
}

// TestReopen opens models one after the other on one machine, as a page does.
// Warming up changes no result.
func TestWarm(t *testing.T) {
	pic := noise(100, 70, 1)
	d := openGraph(t, small(t, tiny(64, 96)), nil, Options{})
	th := Thresholds{Conf: 0.01, IoU: 0.7, Max: 50}
	want, _, err := d.Detect(pic, 100, 70, th)
	if err != nil || len(want) == 0 {
		t.Fatal(want, err)
	}
	if err := d.Warm(); err != nil {
		t.Fatal(err)
	}
	if _, _, err := d.Run(th); !errors.Is(err, ErrPicture) {
		t.Errorf("a run of no picture: %v", err)
	}
	if _, err := d.Again(th); !errors.Is(err, ErrPicture) {
		t.Errorf("boxes of no run: %v", err)
	}
	got, _, err := d.Detect(pic, 100, 70, th)
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%v, %v after warming up, %v before", got, err, want)
	}
}

func TestReopen(t *testing.T) {
	m, err := host.New(kernels.Variant{})
	if err != nil {
		t.Fatal(err)
	}
	g := small(t, tiny(64, 64))
	pic := noise(64, 64, 11)
	var first []Detection
	for i, o := range []Options{{}, {Width: 128, Height: 96}, {}} {
		d := openGraph(t, g, m, o)
		found, _, err := d.Detect(pic, 64, 64, Thresholds{Conf: 0.001, IoU: 0.7})
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			first = found
		}
		if i == 2 && !slices.Equal(found, first) {
			t.Error("the same model gives other boxes after another one")
		}
	}
}

func TestProfile(t *testing.T) {
	d := openGraph(t, small(t, tiny(64, 64)), nil, Options{})
	if _, err := d.Profile(1); !errors.Is(err, ErrPicture) {
		t.Errorf("profile before a picture: %v", err)
	}
	if _, err := d.Stage(64, 64); err != nil {
		t.Fatal(err)
	}
	steps, err := d.Profile(2)
	if err != nil {
		t.Fatal(err)
	}
	var macs int64
	for _, s := range steps {
		macs += s.MACs
		if s.Best <= 0 || s.Kind == "" || s.Name == "" || s.Shape == "" || s.Bytes <= 0 {
			t.Errorf("step %+v", s)
		}
	}
	if macs != d.Info().MACs || macs == 0 {
		t.Errorf("%d MACs in steps, %d in all", macs, d.Info().MACs)
	}
}
