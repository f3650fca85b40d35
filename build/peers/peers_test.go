package peers

import (
	"cmp"
	"image"
	"math"
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
	t.Run("agree", func(t *testing.T) {
		if l.t = t; real {
			agree(l, int8)
		} else {
			t.Log("the reference model is not beside the repository: seeded weights instead")
			agreeSeeded(l, float, int8)
		}
	})
	t.Run("speed", func(t *testing.T) { l.t = t; speed(l, float, int8) })
}

const (
	sure   = 0.5 // boxes from this score on must agree
	unsure = 0.3 // and may be this low on the other side
)

// agree gives both the same input and compares what they find.
func agree(l *lab, model []byte) {
	t := l.t
	l.open("int8.onnx", model)
	d, err := pool.Open(model, wasm.Options{Keep: []string{"images"}})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	var overlap float64
	var matched, ours, theirs, foundOurs, foundTheirs int
	for _, img := range pictures(t) {
		w, h := img.Rect.Dx(), img.Rect.Dy()
		a, _, err := d.Detect(img.Pix, w, h, wasm.Thresholds{Conf: unsure, IoU: 0.7, Max: 300})
		if err != nil {
			t.Fatal(err)
		}
		info := d.Info()
		b := suppress(l.anchors(d, unsure), yolo.Fit(w, h, info.Width, info.Height))
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
	if float64(foundOurs) < 0.97*float64(ours) || float64(foundTheirs) < 0.97*float64(theirs) {
		t.Error("more than 3 % of the sure boxes of one are not found by the other")
	}
}

// anchors gives ONNX Runtime the input that d has just run on.
func (l *lab) anchors(d *wasm.Detector, least float64) (found [][7]float32) {
	l.t.Helper()
	input, _, err := d.Tap("images")
	if err != nil {
		l.t.Fatal(err)
	}
	l.do(nil, "feed(%s, %d, %d)", l.file("input", levels(input)), d.Info().Width, d.Info().Height)
	l.do(&found, "anchors(%s)", strconv.FormatFloat(least, 'g', -1, 64))
	return found
}

// pictures are 20 of the evaluation set.
func pictures(t *testing.T) []*image.RGBA {
	t.Helper()
	val := shared.File(t, "coco", "val")
	data, err := coco.Load(val)
	if err != nil {
		t.Fatal(err)
	}
	const n = 20
	var out []*image.RGBA
	for i := range n {
		img, err := picture.Read(data.Path(data.Images[i*len(data.Images)/n]), false)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, img)
	}
	return out
}

// agreeSeeded compares on a model without training. Such a network is chaotic:
// one rounding decides the rest, so in int8 two right engines are as far from
// each other as either is from float. That much is tested, and in float that
// the boxes are equal.
func agreeSeeded(l *lab, float, int8 []byte) {
	t := l.t
	img := render.Scene(1, 640, 480)
	scores := func(name string, model []byte) (ours, theirs []float64) {
		l.open(name, model)
		d, err := pool.Open(model, wasm.Options{Keep: []string{"images"}})
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		if _, _, err := d.Detect(img.Pix, 640, 480, wasm.DefaultThresholds); err != nil {
			t.Fatal(err)
		}
		boxes, logits, err := d.Raw()
		if err != nil {
			t.Fatal(err)
		}
		anchors := l.anchors(d, -1)
		if len(anchors)*4 != len(boxes) {
			t.Fatalf("%d anchors, ours has %d", len(anchors), len(boxes)/4)
		}
		for i, a := range anchors {
			row := logits[i*len(logits)/len(anchors) : (i+1)*len(logits)/len(anchors)]
			ours = append(ours, 1/(1+math.Exp(-float64(slices.Max(row)))))
			theirs = append(theirs, float64(a[6]))
		}
		if mean := anchorOverlap(boxes, anchors); d.Info().Precision == "float32" && mean < 0.999 {
			t.Errorf("%s: mean IoU of the best anchors' boxes is %.4f", name, mean)
		}
		return ours, theirs
	}
	rms := func(a, b []float64) float64 {
		sum := 0.0
		for i := range a {
			sum += (a[i] - b[i]) * (a[i] - b[i])
		}
		return math.Sqrt(sum / float64(len(a)))
	}
	ourFloat, theirFloat := scores("float.onnx", float)
	ourInt8, theirInt8 := scores("int8.onnx", int8)
	apart, lost := rms(ourInt8, theirInt8), rms(theirFloat, theirInt8)
	t.Logf("rms of the best scores' difference: float %.6f; int8 %.4f, where int8 is %.4f from float", rms(ourFloat, theirFloat), apart, lost)
	if rms(ourFloat, theirFloat) > 0.001 || apart > 1.5*lost {
		t.Error("the engines disagree")
	}
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
	slices.SortFunc(all, func(x, y match) int { return cmp.Compare(y.iou, x.iou) })
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

// anchorOverlap is the mean IoU of the boxes of the 100 anchors that ONNX
// Runtime scores best. It reorders anchors.
func anchorOverlap(boxes []float32, anchors [][7]float32) float64 {
	slices.SortFunc(anchors, func(a, b [7]float32) int { return cmp.Compare(b[6], a[6]) })
	anchors, sum := anchors[:min(100, len(anchors))], 0.0
	for _, a := range anchors {
		at := boxes[4*int(a[0]):]
		sum += iou(wasm.Detection{X1: at[0], Y1: at[1], X2: at[2], Y2: at[3]},
			wasm.Detection{X1: a[1] - a[3]/2, Y1: a[2] - a[4]/2, X2: a[1] + a[3]/2, Y2: a[2] + a[4]/2})
	}
	return sum / float64(len(anchors))
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
