package loss

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
)

// fixture is what testdata/fixture.py wrote.
type fixture struct {
	Name    string
	Batch   int
	Size    [2]int
	Classes int
	RegMax  int `json:"reg_max"`
	Gain    float64
	TopK    int
	Truth   [][][5]float32
	Total   float64
	Parts   [3]float64
	Box     []sampled
	Cls     []sampled
}

type sampled struct {
	Norm float64
	At   [][2]float64 // index, gradient
}

func logits(n int, phase, gain float64) []float32 {
	x := make([]float32, n)
	for i := range x {
		k := float64(i)
		x[i] = float32(gain * math.Sin(k*0.7371+phase) * math.Cos(k*k*0.0013+2*phase))
	}
	return x
}

// setUp makes the loss and the maps of a case.
func (f *fixture) setUp(t *testing.T) (l *Loss, box, cls [][]float32) {
	t.Helper()
	strides := []int{8, 16, 32}
	var bs, cs [][]int
	for i, s := range strides {
		h, w := f.Size[0]/s, f.Size[1]/s
		bs = append(bs, []int{f.Batch, 4 * f.RegMax, h, w})
		cs = append(cs, []int{f.Batch, f.Classes, h, w})
		box = append(box, logits(f.Batch*4*f.RegMax*h*w, 0.3+float64(i), f.Gain))
		cls = append(cls, logits(f.Batch*f.Classes*h*w, 5.1+float64(i), f.Gain))
	}
	l, err := newLoss(bs, cs, strides, Options{TopK: f.TopK})
	if err != nil {
		t.Fatal(err)
	}
	truth := make([][]Truth, f.Batch)
	for i, objects := range f.Truth {
		for _, o := range objects {
			truth[i] = append(truth[i], Truth{int(o[0]), [4]float32(o[1:])})
		}
	}
	if err := l.SetTruth(truth); err != nil {
		t.Fatal(err)
	}
	return l, box, cls
}

func fixtures(t *testing.T) (fs []fixture) {
	t.Helper()
	data, err := os.ReadFile("testdata/ultralytics.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &fs); err != nil {
		t.Fatal(err)
	}
	return fs
}

// The reference computes in float32: 1e-4 relative is its rounding over some
// ten thousand terms.
func TestUltralytics(t *testing.T) {
	for _, f := range fixtures(t) {
		t.Run(f.Name, func(t *testing.T) {
			l, box, cls := f.setUp(t)
			near(t, "total", float64(l.compute(box, cls)), f.Total, 1e-4)
			p := l.Parts()
			for i, v := range []float32{p.Box, p.Cls, p.DFL} {
				near(t, []string{"box", "cls", "dfl"}[i], float64(v), f.Parts[i], 1e-4)
			}
			for i := range l.levels {
				f.Box[i].check(t, "box gradient", l.box[i])
				f.Cls[i].check(t, "class gradient", l.cls[i])
			}
		})
	}
}

func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if math.Abs(got-want) > tolerance*max(math.Abs(want), 1e-6) {
		t.Errorf("%s is %.9g, Ultralytics says %.9g", what, got, want)
	}
}

func (s sampled) check(t *testing.T, what string, g []float32) {
	t.Helper()
	sum := 0.0
	for _, v := range g {
		sum += float64(v) * float64(v)
	}
	near(t, what+"'s norm", math.Sqrt(sum), s.Norm, 1e-4)
	for _, p := range s.At {
		if got := float64(g[int(p[0])]); math.Abs(got-p[1]) > 1e-4*math.Abs(p[1])+1e-6*s.Norm {
			t.Errorf("%s at %v is %.9g, Ultralytics says %.9g", what, p[0], got, p[1])
		}
	}
}

// The gradient is that of the value while the assignment stands still, which
// small steps leave as it is but for its scores: so the assignment is frozen.
// CIoU stays out: its gradient takes α for a constant (see TestCIoU).
func TestGradient(t *testing.T) {
	f := fixtures(t)[1]
	l, box, cls := f.setUp(t)
	l.o.Box = 0
	l.compute(box, cls)
	value := func() float64 {
		sum := 0.0
		for _, w := range l.works {
			sum += w.scores
		}
		var boxes, classes, dfl float64
		for b, w := range l.works {
			w.differentiate(l, b, box, cls, 1)
			boxes, classes, dfl = boxes+w.box, classes+w.cls, dfl+w.dfl
		}
		n := float64(l.batch) / max(sum, 1)
		return (boxes*float64(l.o.Box) + classes*float64(l.o.Cls) + dfl*float64(l.o.DFL)) * n
	}
	grads := [][]float32{}
	for i := range l.levels {
		grads = append(grads, append([]float32(nil), l.box[i]...), append([]float32(nil), l.cls[i]...))
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range l.levels {
		for j, x := range [][]float32{box[i], cls[i]} {
			g := grads[2*i+j]
			at := rng.Perm(len(x))
			if j == 0 { // most anchors have no object
				at = slices.DeleteFunc(at, func(k int) bool { return g[k] == 0 })
			}
			for _, k := range at[:min(20, len(at))] {
				old := x[k]
				const h = 1.0 / 256 // exact in float32
				x[k] = old + h
				up := value()
				step := float64(x[k])
				x[k] = old - h
				down := value()
				step -= float64(x[k])
				x[k] = old
				// The first term of the truncation is of the order of h².
				if num := (up - down) / step; math.Abs(num-float64(g[k])) > 1e-3*math.Abs(num)+2e-5 {
					t.Errorf("level %d, map %d, logit %d: gradient %g, differences say %g", i, j, k, g[k], num)
				}
			}
		}
	}
}

func TestCIoU(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	random := func() rect {
		x, y := rng.Float64()*10, rng.Float64()*10
		return rect{x, y, x + 0.2 + rng.Float64()*8, y + 0.2 + rng.Float64()*8}
	}
	for range 500 {
		p, q := random(), random()
		_, grad := ciouGrad(p, q)
		// α is a constant of the gradient, so the differences hold it, too.
		for i := range grad {
			const h = 1e-6
			up, down := move(p, i, h), move(p, i, -h)
			a := weight(p, q)
			num := (frozen(up, q, a) - frozen(down, q, a)) / (2 * h)
			if math.Abs(num-grad[i]) > 1e-5*(1+math.Abs(num)) {
				t.Fatalf("%v and %v, corner %d: gradient %g, differences say %g", p, q, i, grad[i], num)
			}
		}
	}
	same := rect{1, 2, 5, 9}
	if v := ciou(same, same); math.Abs(v-1) > 1e-6 {
		t.Errorf("CIoU of a box with itself is %g", v)
	}
	if v := ciou(same, rect{20, 20, 21, 21}); v >= 0 {
		t.Errorf("CIoU of distant boxes is %g, below zero was due", v)
	}
}

// weight is the factor α of CIoU's aspect ratio.
func weight(p, q rect) float64 {
	v := aspect(p, q)
	return v / (1 - plainIoU(p, q) + v + iouEps)
}

// frozen is CIoU with a given α, written down anew from the paper.
func frozen(p, q rect, alpha float64) float64 {
	w, h := max(p.x2, q.x2)-min(p.x1, q.x1), max(p.y2, q.y2)-min(p.y1, q.y1)
	centre := math.Hypot((p.x1+p.x2-q.x1-q.x2)/2, (p.y1+p.y2-q.y1-q.y2)/2)
	return plainIoU(p, q) - centre*centre/(w*w+h*h) - alpha*aspect(p, q)
}

func aspect(p, q rect) float64 {
	d := math.Atan((q.x2-q.x1)/(q.y2-q.y1)) - math.Atan((p.x2-p.x1)/(p.y2-p.y1))
	return 4 / (math.Pi * math.Pi) * d * d
}

func plainIoU(p, q rect) float64 {
	w := max(0, min(p.x2, q.x2)-max(p.x1, q.x1))
	h := max(0, min(p.y2, q.y2)-max(p.y1, q.y1))
	area := func(r rect) float64 { return (r.x2 - r.x1) * (r.y2 - r.y1) }
	return w * h / (area(p) + area(q) - w*h)
}

func move(r rect, corner int, by float64) rect {
	p := [...]*float64{&r.x1, &r.y1, &r.x2, &r.y2}[corner]
	*p += by
	return r
}

func TestRefusals(t *testing.T) {
	ok := [][]int{{2, 64, 4, 4}}
	for _, c := range []struct {
		name     string
		box, cls [][]int
		strides  []int
	}{
		{"no level", nil, nil, nil},
		{"levels differ in number", ok, nil, []int{8}},
		{"sizes differ", ok, [][]int{{2, 3, 4, 5}}, []int{8}},
		{"batches differ", ok, [][]int{{1, 3, 4, 4}}, []int{8}},
		{"bins not in fours", [][]int{{2, 63, 4, 4}}, [][]int{{2, 3, 4, 4}}, []int{8}},
		{"no stride", ok, [][]int{{2, 3, 4, 4}}, []int{0}},
	} {
		if _, err := newLoss(c.box, c.cls, c.strides, Options{}); err == nil {
			t.Errorf("%s: accepted", c.name)
		}
	}
	l, err := newLoss(ok, [][]int{{2, 3, 4, 4}}, []int{8}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	nan := float32(math.NaN())
	for name, truth := range map[string][][]Truth{
		"too few pictures": {{}},
		"unknown class":    {{{Class: 3}}, {}},
		"negative class":   {{{Class: -1}}, {}},
		"box of NaN":       {{{Box: [4]float32{0, nan, 1, 1}}}, {}},
	} {
		if err := l.SetTruth(truth); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func BenchmarkLoss(b *testing.B) {
	bs, cs := [][]int{}, [][]int{}
	var box, cls [][]float32
	for i, s := range []int{8, 16, 32} {
		n := 320 / s
		bs, cs = append(bs, []int{16, 64, n, n}), append(cs, []int{16, 80, n, n})
		box = append(box, logits(16*64*n*n, float64(i), 1))
		cls = append(cls, logits(16*80*n*n, 3+float64(i), 1))
	}
	l, err := newLoss(bs, cs, []int{8, 16, 32}, Options{})
	if err != nil {
		b.Fatal(err)
	}
	truth := make([][]Truth, 16)
	for i := range truth {
		for k := range 6 {
			x := float32(20 * k)
			truth[i] = append(truth[i], Truth{k, [4]float32{x, x, x + 100, x + 120}})
		}
	}
	if err := l.SetTruth(truth); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		l.compute(box, cls)
	}
}
