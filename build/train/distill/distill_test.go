package distill

import (
	"context"
	"errors"
	"image"
	"image/color"
	"image/draw"
	"math"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"eagleeye/build/train"
	"eagleeye/build/train/data"
	"eagleeye/build/train/net"
	"eagleeye/build/train/ops"
	"eagleeye/wasm/graph"
	"eagleeye/wasm/quant"
	"eagleeye/wasm/zoo"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

func random(r *rand.Rand, n int, low, high float64) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(low + (high-low)*r.Float64())
	}
	return x
}

// tiny is a response on two levels with all its inputs.
func tiny(seed uint64, o Options) (r *response, box, cls, tbox, tcls [][]float32) {
	rnd := rand.New(rand.NewPCG(seed, 2))
	r = &response{o: o, batch: 2, classes: 3, bins: 4, cells: []int{6, 2}}
	for _, n := range r.cells {
		box = append(box, random(rnd, 2*16*n, -3, 3))
		cls = append(cls, random(rnd, 2*3*n, -6, -3)) // under the teacher's: the weights are constants
		tbox = append(tbox, random(rnd, 2*16*n, -3, 3))
		tcls = append(tcls, random(rnd, 2*3*n, -3, 2))
	}
	return r, box, cls, tbox, tcls
}

// The value is that of the formula, written down plainly.
func TestResponseFormula(t *testing.T) {
	o := Defaults()
	r, box, cls, tbox, tcls := tiny(1, o)
	got := r.forward(box, cls, tbox, tcls)
	kl := func(p, q []float64) (sum float64) {
		for i := range p {
			sum += p[i] * math.Log(p[i]/q[i])
		}
		return sum
	}
	bernoulli := func(z float32) []float64 {
		p := 1 / (1 + math.Exp(-float64(z)/o.Temperature))
		return []float64{p, 1 - p}
	}
	want, mass := 0.0, 0.0
	for l, n := range r.cells {
		for b := range r.batch {
			for i := range n {
				w, wc := 0.0, 0.0
				classes := 0.0
				for c := range 3 {
					at := (b*3+c)*n + i
					w = max(w, 1/(1+math.Exp(-float64(tcls[l][at]))))
					wc = max(wc, 1/(1+math.Exp(-float64(cls[l][at]))))
					classes += kl(bernoulli(tcls[l][at]), bernoulli(cls[l][at]))
				}
				sides := 0.0
				for side := range 4 {
					p, q, sp, sq := make([]float64, 4), make([]float64, 4), 0.0, 0.0
					for j := range 4 {
						at := ((b*4+side)*4+j)*n + i
						p[j], q[j] = math.Exp(float64(tbox[l][at])/o.Temperature), math.Exp(float64(box[l][at])/o.Temperature)
						sp, sq = sp+p[j], sq+q[j]
					}
					for j := range 4 {
						p[j], q[j] = p[j]/sp, q[j]/sq
					}
					sides += kl(p, q) / 4
				}
				mass += w
				want += o.Temperature * o.Temperature * (max(w, wc)*o.Cls*classes + w*o.DFL*sides)
			}
		}
	}
	want /= max(mass, 1)
	if math.Abs(got-want) > 1e-6*want {
		t.Errorf("%g, want %g", got, want)
	}
	if zero := r.forward(tbox, tcls, tbox, tcls); math.Abs(zero) > 1e-9 {
		t.Errorf("a student like its teacher has the loss %g", zero)
	}
}

// Gradients agree with central differences of the values.
func TestResponseGradient(t *testing.T) {
	r, box, cls, tbox, tcls := tiny(2, Options{Temperature: 2.5, Cls: 0.7, DFL: 1.3})
	r.forward(box, cls, tbox, tcls)
	var grads [][]float32
	for _, g := range append(append([][]float32(nil), r.gradBox...), r.gradC...) {
		grads = append(grads, append([]float32(nil), g...))
	}
	for i, x := range append(append([][]float32(nil), box...), cls...) {
		for k := range x {
			const h = 1.0 / 64 // exact in float32
			v := x[k]
			x[k] = v + h
			up := r.forward(box, cls, tbox, tcls)
			x[k] = v - h
			down := r.forward(box, cls, tbox, tcls)
			x[k] = v
			if want := (up - down) / (2 * h); math.Abs(float64(grads[i][k])-want) > 1e-4*max(0.01, math.Abs(want)) {
				t.Fatalf("input %d, element %d: gradient %g, by differences %g", i, k, grads[i][k], want)
			}
		}
	}
}

func TestFeatureGradient(t *testing.T) {
	rnd := rand.New(rand.NewPCG(4, 4))
	f := &feature{batch: 2, channels: 3, classes: 2, cells: 5}
	x, want, logits := random(rnd, 30, -2, 2), random(rnd, 30, -2, 2), random(rnd, 20, -4, 2)
	f.forward(x, want, logits)
	grad := append([]float32(nil), f.grad...)
	for k := range x {
		const h = 1.0 / 64
		v := x[k]
		x[k] = v + h
		up := f.forward(x, want, logits)
		x[k] = v - h
		down := f.forward(x, want, logits)
		x[k] = v
		if d := (up - down) / (2 * h); math.Abs(float64(grad[k])-d) > 1e-4*max(0.01, math.Abs(d)) {
			t.Fatalf("element %d: gradient %g, by differences %g", k, grad[k], d)
		}
	}
	if zero := f.forward(want, want, logits); zero != 0 {
		t.Errorf("equal maps have the loss %g", zero)
	}
	if one := f.forward(make([]float32, 30), want, logits); math.Abs(one-1) > 1e-6 {
		t.Errorf("a map of zeros has the loss %g, want 1", one)
	}
}

func model(t *testing.T, seed uint64, width float64, names ...string) *graph.Graph {
	t.Helper()
	if names == nil {
		names = []string{"red", "green"}
	}
	g, err := zoo.YOLOv8(zoo.Config{Depth: 0.33, Width: width, MaxChannels: 128, Classes: names, Size: 64, Seed: seed})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// The expression's gradient flows into the student and the projectors, and the
// teacher's weights stay.
func TestAttach(t *testing.T) {
	teacher := model(t, 1, 0.125)
	for name, o := range map[string]Options{
		"mixed": Defaults(), "teacher alone": {Alpha: 1, Temperature: 4, Cls: 0.5, DFL: 1.5, Feature: 1},
		"response alone": {Alpha: 1, Temperature: 1, Cls: 0.5, DFL: 1.5},
	} {
		d, err := New(teacher, o)
		if err != nil {
			t.Fatal(err)
		}
		n, err := net.Build(model(t, 2, 0.0625), net.Options{Batch: 2, Training: true})
		if err != nil {
			t.Fatal(err)
		}
		zero := float32(0)
		hard, err := ops.Apply("hard", nil, func(_ [][]float32, out []float32) { out[0] = 3 }, func(_ [][]float32, _, _ []float32, din [][]float32) {
			for _, g := range din {
				for i := range g {
					g[i] = zero
				}
			}
		}, n.Cls[0])
		if err != nil {
			t.Fatal(err)
		}
		total, params, err := d.Extra().Attach(n, hard)
		if err != nil {
			t.Fatal(err)
		}
		if want := map[bool]int{true: 12, false: 0}[o.Feature > 0]; len(params) != want {
			t.Errorf("%s: %d parameters of projectors, want %d", name, len(params), want)
		}
		var nodes []*gorgonia.Node
		all := append(append([]net.Param(nil), n.Params...), params...)
		for _, p := range all {
			nodes = append(nodes, p.Node)
		}
		if _, err := ops.Grad(total, nodes...); err != nil {
			t.Fatal(err)
		}
		vm := gorgonia.NewTapeMachine(n.G)
		x := random(rand.New(rand.NewPCG(1, 1)), 2*3*64*64, 0, 1)
		if err := gorgonia.Let(n.Input, tensor.New(tensor.WithShape(2, 3, 64, 64), tensor.WithBacking(x))); err != nil {
			t.Fatal(err)
		}
		if err := vm.RunAll(); err != nil {
			t.Fatal(err)
		}
		for _, p := range all {
			v, err := p.Node.Grad()
			if err != nil {
				t.Fatal(err)
			}
			size := 0.0
			for _, g := range v.Data().([]float32) {
				size += math.Abs(float64(g))
			}
			if !(size > 0) || math.IsInf(size, 0) {
				t.Errorf("%s: the gradient of %s sums to %g", name, p.Name, size)
			}
		}
		sum := 0.0
		for _, p := range d.Extra().Parts() {
			sum += p.Value
		}
		want := 2*sum + 3*(1-o.Alpha)
		if got := float64(total.Value().Data().(float32)); math.Abs(got-want) > 1e-4*want {
			t.Errorf("%s: total %g, its parts make %g", name, got, want)
		}
		vm.Close()
	}
}

// plain are pictures of one coloured block without labels.
type plain int

func (p plain) Len() int        { return int(p) }
func (p plain) Names() []string { return []string{"red", "green"} }
func (p plain) Load(i int) (*image.RGBA, []data.Box, error) {
	rnd := rand.New(rand.NewPCG(3, uint64(i)))
	img := image.NewRGBA(image.Rect(0, 0, 64, 64))
	draw.Draw(img, img.Rect, image.NewUniform(color.Gray{Y: uint8(rnd.IntN(200))}), image.Point{}, draw.Src)
	x, y := rnd.IntN(40), rnd.IntN(40)
	draw.Draw(img, image.Rect(x, y, x+20, y+20), image.NewUniform(color.RGBA{255, uint8(rnd.IntN(255)), 0, 255}), image.Point{}, draw.Src)
	return img, nil, nil
}

// A student learns its teacher's answers on pictures without labels.
func TestLearns(t *testing.T) {
	teacher := model(t, 1, 0.125)
	student, err := zoo.YOLOv8(zoo.Config{Depth: 0.33, Width: 0.0625, MaxChannels: 128, Classes: plain(0).Names(), Size: 64, BN: true, Seed: 5})
	if err != nil {
		t.Fatal(err)
	}
	o := Defaults()
	o.Alpha = 1
	d, err := New(teacher, o)
	if err != nil {
		t.Fatal(err)
	}
	h := train.Defaults()
	h.Batch, h.Width, h.Height, h.Steps, h.Nominal = 4, 64, 64, 60, 4
	h.WarmupSteps, h.WarmupEpochs, h.Optimizer, h.LR, h.Momentum, h.WarmupBiasLR = 5, 1, train.AdamW, 0.01, 0.9, 0
	h.Augment, h.ValEvery = data.Augment{}, 100
	c := train.Config{Hyper: h, Graph: student, Train: plain(8), Out: filepath.Join(t.TempDir(), "run"), Extra: d.Extra()}
	var first, last float64
	c.Extra.Parts = func() []train.Part {
		parts := d.parts()
		last = 0
		for _, p := range parts {
			last += p.Value
		}
		if first == 0 {
			first = last
		}
		return parts
	}
	if _, err := train.Run(context.Background(), c); err != nil {
		t.Fatal(err)
	}
	if !(last < first/2) {
		t.Errorf("the teacher's loss went from %g to %g, want less than half", first, last)
	}
	t.Logf("the teacher's loss went from %.3f to %.3f", first, last)
}

// Teachers of any form teach; those that know other things do not.
func TestTeachers(t *testing.T) {
	student := func() *net.Net {
		n, err := net.Build(model(t, 2, 0.0625), net.Options{Batch: 1})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	attach := func(g *graph.Graph) error {
		d, err := New(g, Defaults())
		if err != nil {
			t.Fatal(err)
		}
		n := student()
		_, _, err = d.attach(n, n.Cls[0])
		return err
	}
	float := model(t, 1, 0.125)
	l, err := quant.Analyze(float)
	if err != nil {
		t.Fatal(err)
	}
	c := quant.NewCalibrator(l)
	for _, name := range l.Taps() {
		if err := c.Observe(name, []float32{-0.3, 2}); err != nil {
			t.Fatal(err)
		}
	}
	int8, err := quant.Quantize(float, c, quant.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := attach(int8); err != nil {
		t.Errorf("int8: %v", err)
	}
	if err := attach(model(t, 1, 0.125, "red", "green", "blue")); !errors.Is(err, ErrTeacher) {
		t.Errorf("three classes: %v", err)
	}
	if err := attach(model(t, 1, 0.125, "green", "red")); !errors.Is(err, ErrTeacher) {
		t.Errorf("other names: %v", err)
	}
	if _, err := New(float, Options{Alpha: 2, Temperature: 1}); err == nil {
		t.Error("alpha 2 is accepted")
	}
	if _, err := New(float, Options{Alpha: 1, Temperature: 0}); err == nil {
		t.Error("temperature 0 is accepted")
	}
}
