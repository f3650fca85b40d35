package peers

import (
	"image"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"eagleeye/build/coco"
	"eagleeye/build/picture"
	"eagleeye/build/pool"
	"eagleeye/build/render"
	"eagleeye/build/shared"
	"eagleeye/wasm"
	"eagleeye/wasm/message"
	"eagleeye/wasm/yolo"
)

// TestPeers starts one browser for the comparisons.
func TestPeers(t *testing.T) {
	if testing.Short() {
		t.Skip("compares with ONNX Runtime in a browser: skipped with -short")
	}
	float, real := floatModel(t)
	int8 := int8Model(t, float)
	l := newLab(t)
	t.Run("agree", func(t *testing.T) { l.t = t; agree(l, int8, real) })
	t.Run("speed", func(t *testing.T) { l.t = t; speed(l, float, int8) })
}

const (
	sure   = 0.5 // boxes from this score on must agree
	unsure = 0.3 // and may be this low on the other side
)

// agree gives both the same input and compares what they find.
func agree(l *lab, model []byte, real bool) {
	t := l.t
	l.open("int8.onnx", model)
	d, err := pool.Open(model, wasm.Options{Keep: []string{"images"}})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	var overlap float64
	var matched, ours, theirs, foundOurs, foundTheirs int
	for _, img := range pictures(t, real) {
		w, h := img.Rect.Dx(), img.Rect.Dy()
		a, _, err := d.Detect(img.Pix, w, h, wasm.Thresholds{Conf: unsure, IoU: 0.7, Max: 300})
		if err != nil {
			t.Fatal(err)
		}
		info := d.Info()
		input, _, err := d.Tap("images")
		if err != nil {
			t.Fatal(err)
		}
		var anchors [][7]float32
		l.do(nil, "feed(%s, %d, %d)", l.file("input", levels(input)), info.Width, info.Height)
		l.do(&anchors, "anchors(%s)", strconv.FormatFloat(leastOf(real), 'g', -1, 64))
		if !real {
			// Seeded weights are sure of nothing: compare anchor by anchor.
			n, sum := anchorOverlap(t, d, anchors)
			matched, overlap = matched+n, overlap+sum
			continue
		}
		b := suppress(anchors, yolo.Fit(w, h, info.Width, info.Height))
		pairs := pair(a, b)
		for _, p := range pairs {
			if max(a[p[0]].Score, b[p[1]].Score) >= sure {
				matched++
				overlap += iou(a[p[0]], b[p[1]])
			}
		}
		n, found := surely(a, pairs, 0)
		ours, foundOurs = ours+n, foundOurs+found
		n, found = surely(b, pairs, 1)
		theirs, foundTheirs = theirs+n, foundTheirs+found
	}
	mean := overlap / float64(matched)
	t.Logf("mean IoU %.4f of %d matched boxes; of our %d sure boxes they have %d, of their %d we have %d", mean, matched, ours, foundOurs, theirs, foundTheirs)
	if matched == 0 || mean < 0.95 {
		t.Errorf("mean IoU of %d matched boxes is %.4f, want at least 0.95", matched, mean)
	}
	if real && (float64(foundOurs) < 0.97*float64(ours) || float64(foundTheirs) < 0.97*float64(theirs)) {
		t.Error("more than 3 % of the sure boxes of one are not found by the other")
	}
}

func leastOf(real bool) float64 {
	if real {
		return unsure
	}
	return 0
}

// pictures are 20 of the evaluation set, or a few scenes.
func pictures(t *testing.T, real bool) []*image.RGBA {
	t.Helper()
	var out []*image.RGBA
	if !real {
		for seed := range int64(3) {
			out = append(out, render.Scene(seed, 640, 480))
		}
		return out
	}
	dir, _ := shared.Find(".")
	data, err := coco.Load(filepath.Join(dir, "coco", "val"))
	if err != nil {
		t.Fatal(err)
	}
	for i := range min(20, len(data.Images)) {
		img, err := picture.Read(data.Path(data.Images[i*len(data.Images)/20]), false)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, img)
	}
	return out
}

// levels turns the network's input, real numbers 0..1, back into bytes.
func levels(x []float32) []byte {
	b := make([]byte, len(x))
	for i, v := range x {
		b[i] = uint8(math.Round(float64(v) * 255))
	}
	return b
}

// suppress does for ONNX Runtime's anchors what the engine does for its own.
func suppress(anchors [][7]float32, box yolo.Letterbox) []wasm.Detection {
	var cands []yolo.Candidate
	for _, a := range anchors {
		cands = append(cands, yolo.Candidate{
			Box:   yolo.Box{X1: a[1] - a[3]/2, Y1: a[2] - a[4]/2, X2: a[1] + a[3]/2, Y2: a[2] + a[4]/2},
			Score: a[6], Class: int32(a[5]), Anchor: int32(a[0]),
		})
	}
	var out []wasm.Detection
	for _, c := range yolo.NMS(cands, 0.7, 300) {
		b := box.ToSource(c.Box)
		out = append(out, wasm.Detection{X1: b.X1, Y1: b.Y1, X2: b.X2, Y2: b.Y2, Class: int(c.Class), Score: c.Score})
	}
	return out
}

// pair matches boxes of one class, best overlap first, from IoU 0.5 on.
func pair(a, b []wasm.Detection) [][2]int {
	type match struct {
		i, j int
		iou  float64
	}
	var all []match
	for i := range a {
		for j := range b {
			if v := iou(a[i], b[j]); a[i].Class == b[j].Class && v >= 0.5 {
				all = append(all, match{i, j, v})
			}
		}
	}
	slices.SortFunc(all, func(x, y match) int {
		if x.iou > y.iou {
			return -1
		}
		return 1
	})
	usedA, usedB := map[int]bool{}, map[int]bool{}
	var out [][2]int
	for _, m := range all {
		if !usedA[m.i] && !usedB[m.j] {
			usedA[m.i], usedB[m.j] = true, true
			out = append(out, [2]int{m.i, m.j})
		}
	}
	return out
}

// surely counts the sure boxes of one side and those of them that are paired.
func surely(boxes []wasm.Detection, pairs [][2]int, side int) (n, found int) {
	for i, b := range boxes {
		if b.Score < sure {
			continue
		}
		n++
		if slices.ContainsFunc(pairs, func(p [2]int) bool { return p[side] == i }) {
			found++
		}
	}
	return n, found
}

func iou(a, b wasm.Detection) float64 {
	w := max(min(a.X2, b.X2)-max(a.X1, b.X1), 0)
	h := max(min(a.Y2, b.Y2)-max(a.Y1, b.Y1), 0)
	inter := float64(w) * float64(h)
	area := func(d wasm.Detection) float64 { return float64(d.X2-d.X1) * float64(d.Y2-d.Y1) }
	if union := area(a) + area(b) - inter; union > 0 {
		return inter / union
	}
	return 0
}

// anchorOverlap sums the IoU of the boxes of the anchors that ONNX Runtime
// scores best.
func anchorOverlap(t *testing.T, d *wasm.Detector, anchors [][7]float32) (n int, sum float64) {
	t.Helper()
	boxes, _, err := d.Raw()
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(anchors, func(a, b [7]float32) int {
		if a[6] > b[6] {
			return -1
		}
		return 1
	})
	for _, a := range anchors[:min(100, len(anchors))] {
		at := boxes[4*int(a[0]):]
		sum += iou(wasm.Detection{X1: at[0], Y1: at[1], X2: at[2], Y2: at[3]},
			wasm.Detection{X1: a[1] - a[3]/2, Y1: a[2] - a[4]/2, X2: a[1] + a[3]/2, Y2: a[2] + a[4]/2})
		n++
	}
	return n, sum
}

// speed runs our worker on the int8 model and ONNX Runtime on the float one by
// turns, each on one thread, so that whatever else the machine does falls on
// both. Ours includes the resizing and the boxes, theirs is the network alone.
func speed(l *lab, float, int8 []byte) {
	t := l.t
	const rounds = 9
	l.do(nil, "start()")
	l.await(func(m message.Message) bool { _, ok := m.(message.Ready); return ok })
	l.do(nil, "load(%s, %s)", encode(message.Load{Name: "int8.onnx"}), l.file("ours.onnx", int8))
	loaded := l.await(func(m message.Message) bool { _, ok := m.(message.Loaded); return ok }).(message.Loaded)
	l.open("float.onnx", float)
	img := render.Scene(1, 640, 480)
	l.do(nil, "picture(%s, 640, 480)", l.file("picture", img.Pix))
	l.do(nil, "feed(%s, %d, %d)", l.file("input", make([]byte, 3*loaded.Width*loaded.Height)), loaded.Width, loaded.Height)
	var ours, theirs []float64
	for i := range rounds + 1 {
		var text string
		l.do(&text, "frame(%s)", encode(message.Frame{ID: uint32(i), Width: 640, Height: 480, Thresholds: message.Thresholds{Conf: 0.25, IoU: 0.7, Max: 300}}))
		m, err := decode(text)
		if err != nil {
			t.Fatal(err)
		}
		r, ok := m.(message.Result)
		if !ok {
			t.Fatalf("the worker answered a frame with %T", m)
		}
		var ms float64
		l.do(&ms, "infer()")
		if i > 0 { // the first warms up
			ours, theirs = append(ours, float64(r.Prepare+r.Infer+r.Decode)/1000), append(theirs, ms)
		}
	}
	slices.Sort(ours)
	slices.Sort(theirs)
	t.Logf("%d×%d, one thread, median (best) of %d: ours %s %.1f (%.1f) ms, ONNX Runtime Web float32 %.1f (%.1f) ms",
		loaded.Width, loaded.Height, rounds, loaded.Precision, ours[rounds/2], ours[0], theirs[rounds/2], theirs[0])
	if ours[rounds/2] >= theirs[rounds/2] {
		t.Errorf("ours takes %.1f ms, ONNX Runtime Web %.1f ms: it must be ahead", ours[rounds/2], theirs[rounds/2])
	}
}
