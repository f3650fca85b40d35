package bench

import (
	"cmp"
	"fmt"
	"image"
	"math"
	"slices"
	"strconv"

	"eagleeye/build/pool"
	"eagleeye/wasm"
	"eagleeye/wasm/yolo"
)

const (
	sure   = 0.5 // boxes from this score on must be found
	unsure = 0.3 // and may score this low on the other side

	// What a contender must reach against the float32 reference before its time
	// counts. Our int8 form and others' lie at 0.97 to 0.98; a wrong letterbox,
	// channel order or anchor is far below.
	leastIoU, leastIoUFloat     = 0.94, 0.99
	leastFound, leastFoundFloat = 0.90, 0.97
)

// Verdict is what a check saw.
type Verdict struct {
	Boxes int     `json:"boxes"` // sure ones of the reference
	Found float64 `json:"found"` // the part of both sides' sure boxes that the other has
	IoU   float64 `json:"iou"`   // mean, of pairs
	Note  string  `json:"note,omitempty"`
}

// subject is a picture, what the network sees of it, and the right boxes.
type subject struct {
	img    *image.RGBA
	input  []byte // planar RGB of size×size
	truth  []wasm.Detection
	scores []float64 // the float network's best score of each anchor
	boxes  []float32 // its boxes, four numbers an anchor
	int8   []wasm.Detection
	lost   []float64 // the int8 form's best scores
}

// reference computes what is right, natively in float32, for a network of
// size×size. trained says that boxes of it can be compared.
type reference struct {
	size     int
	trained  bool
	subjects []subject
}

func newReference(m *Models, size int, trained bool, pictures []*image.RGBA) (*reference, error) {
	r := &reference{size: size, trained: trained}
	if !trained {
		pictures = pictures[:1]
	}
	float, err := pool.Open(m.Float, wasm.Options{Width: size, Height: size, Precision: wasm.F32, Keep: []string{"images"}})
	if err != nil {
		return nil, err
	}
	defer float.Close()
	bytes, err := pool.Open(m.Int8, wasm.Options{Width: size, Height: size})
	if err != nil {
		return nil, err
	}
	defer bytes.Close()
	for _, img := range pictures {
		s := subject{img: img}
		t := wasm.Thresholds{Conf: unsure, IoU: 0.7, Max: 300}
		if s.truth, _, err = float.Detect(img.Pix, img.Rect.Dx(), img.Rect.Dy(), t); err != nil {
			return nil, err
		}
		input, _, err := float.Tap("images")
		if err != nil {
			return nil, err
		}
		for _, v := range input {
			s.input = append(s.input, uint8(math.Round(float64(v)*255)))
		}
		if !trained {
			if s.boxes, s.scores, err = best(float); err != nil {
				return nil, err
			}
			if s.int8, _, err = bytes.Detect(img.Pix, img.Rect.Dx(), img.Rect.Dy(), wasm.DefaultThresholds); err != nil {
				return nil, err
			}
			if _, s.lost, err = best(bytes); err != nil {
				return nil, err
			}
		}
		r.subjects = append(r.subjects, s)
	}
	return r, nil
}

// best returns the boxes of the last run and each anchor's best score.
func best(d *wasm.Detector) (boxes []float32, scores []float64, err error) {
	boxes, logits, err := d.Raw()
	if err != nil {
		return nil, nil, err
	}
	n := len(boxes) / 4
	for i := range n {
		row := logits[i*len(logits)/n : (i+1)*len(logits)/n]
		scores = append(scores, 1/(1+math.Exp(-float64(slices.Max(row)))))
	}
	return boxes, scores, nil
}

// check shows a contender the pictures and compares what it finds. A seat that
// is no tab (native ones) is taken for right: it reads the same files.
func (r *reference) check(lab *Lab, c Contender, s seat) (Verdict, error) {
	t, ok := s.(*tabSeat)
	if !ok {
		return Verdict{Note: "not checked"}, nil
	}
	if !r.trained {
		return r.checkSeeded(lab, c, t)
	}
	var overlap float64
	var matched, sureA, sureB, foundA, foundB int
	for i, p := range r.subjects {
		got, err := t.boxes(lab, c, r, i)
		if err != nil {
			return Verdict{}, err
		}
		pairs := pair(p.truth, got)
		for _, q := range pairs {
			if max(p.truth[q[0]].Score, got[q[1]].Score) >= sure {
				matched++
				overlap += iou(p.truth[q[0]], got[q[1]])
			}
		}
		n, found := surely(p.truth, pairs, 0)
		sureA, foundA = sureA+n, foundA+found
		n, found = surely(got, pairs, 1)
		sureB, foundB = sureB+n, foundB+found
	}
	if sureA == 0 {
		return Verdict{}, fmt.Errorf("the reference finds nothing in %d pictures: nothing can be checked", len(r.subjects))
	}
	v := Verdict{Boxes: sureA, Found: float64(foundA+foundB) / float64(max(sureA+sureB, 1)), IoU: overlap / float64(max(matched, 1))}
	wantIoU, wantFound := leastIoU, leastFound
	if c.Precision == "float32" {
		wantIoU, wantFound = leastIoUFloat, leastFoundFloat
	}
	if v.IoU < wantIoU || v.Found < wantFound {
		return v, fmt.Errorf("wrong boxes: mean IoU %.3f (want %.2f), %.0f %% found (want %.0f %%)", v.IoU, wantIoU, 100*v.Found, 100*wantFound)
	}
	return v, nil
}

// boxes gives the contender picture i and returns what it finds above unsure.
func (t *tabSeat) boxes(lab *Lab, c Contender, r *reference, i int) ([]wasm.Detection, error) {
	p := r.subjects[i]
	w, h := p.img.Rect.Dx(), p.img.Rect.Dy()
	if c.Ours() {
		url := lab.Put("picture", p.img.Pix)
		var found []struct {
			X1, Y1, X2, Y2, Score float32
			Class                 int
		}
		err := t.eval(&found, `(async () => {
			await bench.load();
			const data = new Uint8ClampedArray(await (await fetch(%q)).arrayBuffer());
			bench.feed({ data, width: %d, height: %d });
			await bench.run();
			return bench.check();
		})()`, url, w, h)
		var out []wasm.Detection
		for _, f := range found {
			out = append(out, wasm.Detection{X1: f.X1, Y1: f.Y1, X2: f.X2, Y2: f.Y2, Class: f.Class, Score: f.Score})
		}
		return out, err
	}
	anchors, err := t.anchors(lab, p, unsure)
	if err != nil {
		return nil, err
	}
	return suppress(anchors, yolo.Fit(w, h, r.size, r.size)), nil
}

// anchor is [anchor, x1, y1, x2, y2, class, score] in pixels of the input.
type anchor = [7]float32

func (t *tabSeat) anchors(lab *Lab, p subject, least float64) (found []anchor, err error) {
	url := lab.Put("input", p.input)
	err = t.eval(&found, "bench.feed(%q).then(() => bench.run()).then(() => bench.anchors(%s))", url, strconv.FormatFloat(least, 'g', -1, 64))
	return found, err
}

// checkSeeded checks on a model without training. Such a network is chaotic: one
// rounding decides the rest, so in int8 two right engines are as far from each
// other as either is from float. That much is checked, in float that the boxes
// are equal, and that ours finds in the page what it finds natively.
func (r *reference) checkSeeded(lab *Lab, c Contender, t *tabSeat) (Verdict, error) {
	p, v := r.subjects[0], Verdict{Note: "untrained model"}
	if c.Ours() {
		got, err := t.boxes(lab, c, r, 0)
		if err != nil {
			return v, err
		}
		want := p.int8
		if c.Precision == "float32" {
			want = slices.DeleteFunc(slices.Clone(p.truth), func(d wasm.Detection) bool { return d.Score < unsure })
			got = slices.DeleteFunc(got, func(d wasm.Detection) bool { return d.Score < unsure })
		}
		pairs := pair(want, got)
		if v.Boxes, v.Found = len(want), float64(len(pairs))/float64(max(len(want), 1)); len(pairs) != len(want) || len(got) != len(want) {
			return v, fmt.Errorf("%d boxes where the native engine finds %d, %d of them", len(got), len(want), len(pairs))
		}
		return v, nil
	}
	anchors, err := t.anchors(lab, p, -1)
	if err != nil {
		return v, err
	}
	if len(anchors) != len(p.scores) {
		return v, fmt.Errorf("%d anchors, want %d", len(anchors), len(p.scores))
	}
	got := make([]float64, len(anchors))
	for _, a := range anchors {
		got[int(a[0])] = float64(a[6])
	}
	apart := rms(got, p.scores)
	v.Boxes, v.IoU = len(anchors), anchorOverlap(p.boxes, anchors)
	if c.Precision == "float32" && (v.IoU < 0.999 || apart > 0.001) {
		return v, fmt.Errorf("the best anchors' boxes have IoU %.4f, scores differ by %.4f rms", v.IoU, apart)
	}
	if lost := rms(p.lost, p.scores); apart > 2*lost {
		return v, fmt.Errorf("scores are %.4f rms from float, our int8 form's %.4f", apart, lost)
	}
	return v, nil
}

func rms(a, b []float64) float64 {
	sum := 0.0
	for i := range a {
		sum += (a[i] - b[i]) * (a[i] - b[i])
	}
	return math.Sqrt(sum / float64(len(a)))
}

// suppress does for a peer's anchors what the engine does for its own.
func suppress(anchors []anchor, box yolo.Letterbox) []wasm.Detection {
	var cands []yolo.Candidate
	for _, a := range anchors {
		cands = append(cands, yolo.Candidate{
			Box: yolo.Box{X1: a[1], Y1: a[2], X2: a[3], Y2: a[4]}, Score: a[6], Class: int32(a[5]), Anchor: int32(a[0]),
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

// iou of equal boxes is 1, also where clipping at the frame has left them no area.
func iou(a, b wasm.Detection) float64 {
	if a.X1 == b.X1 && a.Y1 == b.Y1 && a.X2 == b.X2 && a.Y2 == b.Y2 {
		return 1
	}
	w := max(min(a.X2, b.X2)-max(a.X1, b.X1), 0)
	h := max(min(a.Y2, b.Y2)-max(a.Y1, b.Y1), 0)
	inter := float64(w) * float64(h)
	area := func(d wasm.Detection) float64 { return float64(d.X2-d.X1) * float64(d.Y2-d.Y1) }
	if union := area(a) + area(b) - inter; union > 0 {
		return inter / union
	}
	return 0
}

// anchorOverlap is the mean IoU of the boxes of the 100 anchors that a peer
// scores best. It reorders anchors.
func anchorOverlap(boxes []float32, anchors []anchor) float64 {
	slices.SortFunc(anchors, func(a, b anchor) int { return cmp.Compare(b[6], a[6]) })
	anchors, sum := anchors[:min(100, len(anchors))], 0.0
	for _, a := range anchors {
		at := boxes[4*int(a[0]):]
		sum += iou(wasm.Detection{X1: at[0], Y1: at[1], X2: at[2], Y2: at[3]}, wasm.Detection{X1: a[1], Y1: a[2], X2: a[3], Y2: a[4]})
	}
	return sum / float64(len(anchors))
}
