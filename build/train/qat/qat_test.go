package qat

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"eagleeye/build/calib"
	"eagleeye/build/modelfile"
	"eagleeye/build/pool"
	"eagleeye/build/shared"
	"eagleeye/build/train"
	"eagleeye/build/train/data"
	"eagleeye/build/train/net"
	"eagleeye/wasm"
	"eagleeye/wasm/graph"
	"eagleeye/wasm/onnx"
	"eagleeye/wasm/quant"
	"eagleeye/wasm/zoo"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

const side = 64

// scenes are pictures with a block of a class's colour.
type scenes int

func (s scenes) Len() int        { return int(s) }
func (s scenes) Names() []string { return []string{"red", "green"} }
func (s scenes) Load(i int) (*image.RGBA, []data.Box, error) {
	rnd := rand.New(rand.NewPCG(3, uint64(i)))
	img := image.NewRGBA(image.Rect(0, 0, side, side))
	draw.Draw(img, img.Rect, image.NewUniform(color.Gray{Y: uint8(rnd.IntN(120))}), image.Point{}, draw.Src)
	class, x, y := rnd.IntN(2), rnd.IntN(40), rnd.IntN(40)
	r := image.Rect(x, y, x+16+rnd.IntN(8), y+16+rnd.IntN(8))
	draw.Draw(img, r, image.NewUniform([]color.Color{color.RGBA{255, 0, 0, 255}, color.RGBA{0, 255, 0, 255}}[class]), image.Point{}, draw.Src)
	return img, []data.Box{{Class: class, X1: float32(r.Min.X), Y1: float32(r.Min.Y), X2: float32(r.Max.X), Y2: float32(r.Max.Y)}}, nil
}

// pixels is a square picture as the network takes it, [3,side,side].
func pixels(img *image.RGBA) []float32 {
	n := len(img.Pix) / 4
	x := make([]float32, 3*n)
	for i := range n {
		for c := range 3 {
			x[c*n+i] = float32(img.Pix[4*i+c]) / 255
		}
	}
	return x
}

func float(t *testing.T, seed uint64) *graph.Graph {
	t.Helper()
	g, err := zoo.YOLOv8(zoo.Config{Depth: 0.33, Width: 0.125, MaxChannels: 128, Classes: scenes(0).Names(), Size: side, Seed: seed})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// calibrated observes a model on a picture.
func calibrated(t *testing.T, g *graph.Graph) *quant.Calibrator {
	t.Helper()
	l, err := quant.Analyze(g)
	if err != nil {
		t.Fatal(err)
	}
	e := graph.Clone(g)
	e.Outputs = nil
	for _, n := range e.Nodes {
		for _, v := range n.Out {
			if slices.Contains(l.Taps(), v.Name) {
				e.Outputs = append(e.Outputs, v)
			}
		}
	}
	c := quant.NewCalibrator(l)
	for i := range 3 {
		img, _, _ := scenes(0).Load(100 + i)
		out, err := graph.Eval(e, map[string]*graph.Tensor{"images": graph.FloatTensor(pixels(img), 1, 3, side, side)})
		if err != nil {
			t.Fatal(err)
		}
		for name, x := range out {
			if err := c.Observe(name, x.Floats()); err != nil {
				t.Fatal(err)
			}
		}
	}
	return c
}

func quantized(t *testing.T, g *graph.Graph) *graph.Graph {
	t.Helper()
	q, err := quant.Quantize(g, calibrated(t, g), quant.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return q
}

func file(t *testing.T, g *graph.Graph) []byte {
	t.Helper()
	data, err := onnx.Write(g)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// Before any training the exported file is quantize's, byte for byte.
func TestStartsFromPTQ(t *testing.T) {
	g := float(t, 1)
	q := quantized(t, g)
	for name, from := range map[string]*graph.Graph{"with the float model": g, "from the int8 file alone": nil} {
		a, err := New(from, q, Defaults())
		if err != nil {
			t.Fatal(err)
		}
		p, err := a.PTQ()
		if err != nil {
			t.Fatal(err)
		}
		same := bytes.Equal(file(t, p), file(t, q))
		if from != nil && !same {
			t.Errorf("%s: the file is not quantize's", name)
		}
		if from != nil {
			continue
		}
		// Weights that were integers already take other scales, which the byte
		// kernels' bounds allow: about the error of one more rounding to 8 bits.
		want := map[string][]float32{}
		for _, n := range a.g.Nodes {
			if n.Op == "Conv" {
				want[n.Name] = n.In[1].Const.Floats()
			}
		}
		again, err := strip(p)
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range again.Nodes {
			if n.Op != "Conv" {
				continue
			}
			off, size := 0.0, 0.0
			for i, v := range n.In[1].Const.Floats() {
				d := float64(v - want[n.Name][i])
				off, size = off+d*d, size+float64(v)*float64(v)
			}
			if off > 0.02*0.02*size {
				t.Errorf("%s: weights are off by %.2g of their size", n.Name, math.Sqrt(off/size))
			}
		}
	}
}

// forward runs the training graph on a picture and returns the head's maps.
func forward(t *testing.T, n *net.Net, x []float32) (maps [][]float32) {
	t.Helper()
	var nodes []*gorgonia.Node
	for s := range n.Box {
		nodes = append(nodes, n.Box[s], n.Cls[s])
	}
	values := make([]gorgonia.Value, len(nodes))
	for i, v := range nodes {
		gorgonia.Read(v, &values[i])
	}
	if err := gorgonia.Let(n.Input, tensor.New(tensor.WithShape(n.Input.Shape()...), tensor.WithBacking(x))); err != nil {
		t.Fatal(err)
	}
	m := gorgonia.NewTapeMachine(n.G)
	defer m.Close()
	if err := m.RunAll(); err != nil {
		t.Fatal(err)
	}
	for _, v := range values {
		maps = append(maps, slices.Clone(v.Data().([]float32)))
	}
	return maps
}

// The training graph computes what the exported file does: the reference
// interpreter's maps agree to 2e-3 of their size in the mean. They cannot agree
// to the last bit, since sums in another order fall to the other side of a
// rounding once in a while.
func TestGraphEqualsFile(t *testing.T) {
	g := float(t, 1)
	q := quantized(t, g)
	for name, o := range map[string]Options{
		"int8": Defaults(), "fixed": {Scales: Fixed, Bits: 8}, "observed": {Scales: Observed, Bits: 8}, "wide": {Scales: Fixed, Bits: 8, Wide: true},
		"6 bits": {Scales: Learned, Bits: 6}, "a scale a tensor": {Scales: Learned, Bits: 8, PerTensor: true},
	} {
		a, err := New(g, q, o)
		if err != nil {
			t.Fatal(err)
		}
		var c train.Config
		a.Configure(&c)
		n, err := net.Build(c.Graph, c.Net)
		if err != nil {
			t.Fatal(err)
		}
		if err := a.step(0, nil); err != nil {
			t.Fatal(err)
		}
		r := rand.New(rand.NewPCG(1, 1))
		for _, s := range n.State() { // as training leaves it: not on any grid
			for i := range s.Data {
				s.Data[i] *= float32(0.95 + 0.1*r.Float64())
			}
		}
		img, _, _ := scenes(0).Load(7)
		got := forward(t, n, pixels(img))
		out, err := a.Export(n, n.State())
		if err != nil {
			t.Fatal(err)
		}
		back, err := onnx.Read(file(t, out))
		if err != nil {
			t.Fatal(err)
		}
		u, err := graph.Unfused(back, side, side)
		if err != nil {
			t.Fatal(err)
		}
		head := u.Nodes[len(u.Nodes)-1]
		u.Outputs = head.In
		want, err := graph.Eval(u, map[string]*graph.Tensor{"images": graph.FloatTensor(pixels(img), 1, 3, side, side)})
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range head.In {
			off, size := 0.0, 0.0
			for k, w := range want[v.Name].Floats() {
				off += math.Abs(float64(got[i][k] - w))
				size += math.Abs(float64(w))
			}
			if !(off <= 2e-3*size) {
				t.Errorf("%s: map %d is off by %.2g of its size", name, i, off/size)
			}
		}
	}
}

// A short training moves weights and grids, stops the grids, and writes a file
// with whose detections by the engine the trained graph's agree.
func TestTrains(t *testing.T) {
	g := float(t, 1)
	q := quantized(t, g)
	for _, mode := range []string{Learned, Observed} {
		a, err := New(g, q, Options{Scales: mode, Bits: 8, Freeze: 20})
		if err != nil {
			t.Fatal(err)
		}
		h := train.Defaults()
		h.Batch, h.Width, h.Height, h.Steps, h.Nominal, h.ValEvery = 4, side, side, 24, 4, 100
		h.Optimizer, h.LR, h.Momentum, h.WarmupSteps, h.WarmupEpochs, h.WarmupBiasLR = train.AdamW, 1e-4, 0.9, 2, 1, 0
		h.Augment, h.EMADecay = data.Augment{}, 0 // the weights themselves, to compare with
		c := train.Config{Hyper: h, Train: scenes(8), Out: filepath.Join(t.TempDir(), "run")}
		a.Configure(&c)
		var trained *net.Net
		var at20, at23 []graph.Quant
		step := c.Extra.Step
		c.Extra.Step = func(i int, b *data.Batch) error {
			err := step(i, b)
			switch i {
			case 20:
				at20 = a.Grids(nil)
			case 23:
				at23 = a.Grids(nil)
			}
			return err
		}
		var state []net.Tensor
		export := c.Export
		c.Export = func(n *net.Net, s []net.Tensor) (*graph.Graph, error) {
			trained, state = n, s
			return export(n, s)
		}
		if _, err := train.Run(context.Background(), c); err != nil {
			t.Fatal(err)
		}
		moved := 0
		for i, g := range a.groups {
			if at20[i].Scale[0] != at23[i].Scale[0] || at20[i].Zero[0] != at23[i].Zero[0] {
				t.Errorf("%s: grid %d moves after the freeze", mode, i)
			}
			if at20[i].Scale[0] != g.start.Scale[0] {
				moved++
			}
		}
		if moved < len(a.groups)/2 {
			t.Errorf("%s: only %d of %d grids moved", mode, moved, len(a.groups))
		}
		model, err := os.ReadFile(filepath.Join(c.Out, train.LastFile))
		if err != nil {
			t.Fatal(err)
		}
		compare(t, mode, a, trained, state, model)
	}
}

// TestJudgedAlone: pictures to judge on teach the grids nothing.
func TestJudgedAlone(t *testing.T) {
	g := float(t, 1)
	q := quantized(t, g)
	for _, mode := range []string{Learned, Observed} {
		var files [2][]byte
		for i, loss := range []bool{false, true} {
			a, err := New(g, q, Options{Scales: mode, Bits: 8})
			if err != nil {
				t.Fatal(err)
			}
			h := train.Defaults()
			h.Batch, h.Width, h.Height, h.Steps, h.Nominal = 2, side, side, 4, 0
			h.Optimizer, h.LR, h.Augment = train.AdamW, 1e-3, data.Augment{}
			c := train.Config{Hyper: h, Train: scenes(2), Val: scenes(3), ValLoss: loss, Out: filepath.Join(t.TempDir(), "run")}
			a.Configure(&c)
			r, err := train.Run(context.Background(), c)
			if err != nil {
				t.Fatal(err)
			}
			if got := len(r.Last.ValLosses) > 0; got != loss {
				t.Errorf("%s: losses of the judged pictures: %v", mode, r.Last.ValLosses)
			}
			if files[i], err = os.ReadFile(filepath.Join(c.Out, train.LastFile)); err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.Equal(files[0], files[1]) {
			t.Errorf("%s: measuring the loss changed the training", mode)
		}
	}
}

// compare runs pictures through the trained graph and through the exported file,
// by the engine and by the reference interpreter, which decodes all maps. Boxes
// scored above a fiftieth count.
func compare(t *testing.T, mode string, a *QAT, n *net.Net, state []net.Tensor, model []byte) {
	t.Helper()
	q, err := onnx.Read(model)
	if err != nil {
		t.Fatal(err)
	}
	grids := a.Grids(state)
	for i, g := range a.groups {
		g.q.Learned = nil // the same graph at the exported grids
		g.q.Scale[0], g.q.Zero[0] = grids[i].Scale[0], grids[i].Zero[0]
	}
	d, err := pool.Open(model, wasm.Options{Width: side, Height: side, Exact: true})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	u, err := graph.Unfused(q, side, side)
	if err != nil {
		t.Fatal(err)
	}
	var file, engine difference
	for i := range 6 {
		img, _, _ := scenes(0).Load(200 + i)
		one, err := net.Build(a.g, net.Options{Height: side, Width: side, Weight: a.weight, Activation: a.activation})
		if err != nil {
			t.Fatal(err)
		}
		if err := one.Load(state[:len(n.State())]); err != nil {
			t.Fatal(err)
		}
		boxes, scores := decode(t, q, side, forward(t, one, pixels(img)))
		out, err := graph.Eval(u, map[string]*graph.Tensor{"images": graph.FloatTensor(pixels(img), 1, 3, side, side)})
		if err != nil {
			t.Fatal(err)
		}
		fileBoxes, fileScores := corners(out["output0"])
		if _, _, err := d.Detect(img.Pix, side, side, wasm.DefaultThresholds); err != nil {
			t.Fatal(err)
		}
		raw, logits, err := d.Raw()
		if err != nil {
			t.Fatal(err)
		}
		for k := range len(raw) / 4 {
			for c := range 2 {
				if scores[c][k] < 0.02 {
					continue
				}
				file.score(float64(fileScores[c][k] - scores[c][k]))
				engine.score(1/(1+math.Exp(-float64(logits[2*k+c]))) - float64(scores[c][k]))
				for s := range 4 {
					file.side(float64(fileBoxes[s][k] - boxes[s][k]))
					engine.side(float64(raw[4*k+s] - boxes[s][k]))
				}
			}
		}
	}
	t.Logf("%s: file %v", mode, file)
	t.Logf("%s: engine %v", mode, engine)
	// What ONNX says the file computes is what was trained, but for sums in
	// another order that fall to the other side of a rounding once in a while.
	if file.n < 20 || !(file.worst < 0.01 && file.worstSide < 0.5) {
		t.Errorf("%s: the file's detections are not the trained graph's", mode)
	}
	// The engine's SiLU is a polynomial besides; a random network makes much of
	// it in its boxes, less in its scores.
	if !(engine.score1/engine.n < 0.01) {
		t.Errorf("%s: the engine's scores are not the trained graph's", mode)
	}
}

// difference collects how far scores and sides in pixels are off.
type difference struct{ n, score1, worst, side1, worstSide float64 }

func (d *difference) score(x float64) {
	x = math.Abs(x)
	d.n, d.score1, d.worst = d.n+1, d.score1+x, max(d.worst, x)
}

func (d *difference) side(x float64) {
	x = math.Abs(x)
	d.side1, d.worstSide = d.side1+x/4, max(d.worstSide, x)
}

func (d difference) String() string {
	return fmt.Sprintf("%g boxes, scores off by %.4f in the mean, %.3f at most; sides by %.3f and %.2f pixels", d.n, d.score1/d.n, d.worst, d.side1/d.n, d.worstSide)
}

// decode makes corners [4][anchors] and scores [classes][anchors] of maps.
func decode(t *testing.T, q *graph.Graph, side int, maps [][]float32) (boxes, scores [][]float32) {
	t.Helper()
	u, err := graph.Unfused(q, side, side)
	if err != nil {
		t.Fatal(err)
	}
	head := u.Nodes[len(u.Nodes)-1]
	in := map[string]*graph.Tensor{}
	tail := &graph.Graph{Opset: u.Opset, Nodes: []*graph.Node{head}, Outputs: u.Outputs}
	for i, v := range head.In {
		w := &graph.Value{Name: v.Name, DType: graph.Float32, Shape: v.Shape}
		head.In[i] = w
		tail.Inputs = append(tail.Inputs, w)
		in[v.Name] = graph.FloatTensor(maps[i], v.Shape...)
	}
	out, err := graph.Eval(tail, in)
	if err != nil {
		t.Fatal(err)
	}
	return corners(out[u.Outputs[0].Name])
}

// corners takes a detector's output apart.
func corners(out *graph.Tensor) (boxes, scores [][]float32) {
	y, n := out.Floats(), out.Shape[2]
	row := func(r int) []float32 { return y[r*n : (r+1)*n] }
	boxes = [][]float32{make([]float32, n), make([]float32, n), make([]float32, n), make([]float32, n)}
	for k := range n {
		cx, cy, w, h := row(0)[k], row(1)[k], row(2)[k]/2, row(3)[k]/2
		boxes[0][k], boxes[1][k], boxes[2][k], boxes[3][k] = cx-w, cy-h, cx+w, cy+h
	}
	for c := 4; c < out.Shape[1]; c++ {
		scores = append(scores, row(c))
	}
	return boxes, scores
}

// The real model, rounded in the training graph, detects what its exported file
// detects in the engine: over all boxes scored above a tenth, scores within 0.04
// and sides within a quarter of a pixel in the mean. That is the engine's own
// distance from ONNX's arithmetic (its SiLU is a polynomial, which now and then
// tips a rounding): it is as far from the reference interpreter, which the
// training graph equals.
func TestReal(t *testing.T) {
	if testing.Short() {
		t.Skip("short")
	}
	const side = 320
	model, err := modelfile.Graph(shared.File(t, "models", "yolov8n.onnx"))
	if err != nil {
		t.Fatal(err)
	}
	photos, err := data.Open(shared.File(t, "coco", "calib"), "train")
	if err != nil {
		t.Fatal(err)
	}
	q, _, err := calib.Graph(context.Background(), model, Pictures{photos}, calib.Options{Images: 4, BiasImages: -1, RoundImages: -1, Size: side})
	if err != nil {
		t.Fatal(err)
	}
	a, err := New(model, q, Options{Scales: Fixed, Bits: 8})
	if err != nil {
		t.Fatal(err)
	}
	var c train.Config
	a.Configure(&c)
	n, err := net.Build(c.Graph, net.Options{Height: side, Width: side, Weight: c.Net.Weight, Activation: c.Net.Activation})
	if err != nil {
		t.Fatal(err)
	}
	out, err := a.Export(n, n.State())
	if err != nil {
		t.Fatal(err)
	}
	d, err := pool.Open(file(t, out), wasm.Options{Width: side, Height: side, Exact: true})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	var engine difference
	for i := range 2 {
		photo, _, err := photos.Load(20 + i)
		if err != nil {
			t.Fatal(err)
		}
		img := image.NewRGBA(image.Rect(0, 0, side, side))
		draw.Draw(img, img.Rect, photo, image.Pt(100, 40), draw.Src)
		boxes, scores := decode(t, out, side, forward(t, n, pixels(img)))
		if _, _, err := d.Detect(img.Pix, side, side, wasm.DefaultThresholds); err != nil {
			t.Fatal(err)
		}
		raw, logits, err := d.Raw()
		if err != nil {
			t.Fatal(err)
		}
		for k := range len(raw) / 4 {
			for c := range scores {
				if scores[c][k] < 0.1 {
					continue
				}
				engine.score(1/(1+math.Exp(-float64(logits[len(scores)*k+c]))) - float64(scores[c][k]))
				for s := range 4 {
					engine.side(float64(raw[4*k+s] - boxes[s][k]))
				}
			}
		}
	}
	t.Log(engine)
	if engine.n < 10 || !(engine.score1/engine.n < 0.04 && engine.side1/engine.n < 0.25) {
		t.Errorf("the engine's detections are not the trained graph's: %v", engine)
	}
}

func TestCoarse(t *testing.T) {
	w := graph.FloatTensor([]float32{1, -0.5, 0.26, 0, 0.1, -0.1}, 3, 2, 1, 1)
	for _, c := range []struct {
		bits      int
		perTensor bool
		scale     []float32
		codes     []int8
	}{
		{3, false, []float32{1. / 3, 0.26 / 3, 0.1 / 3}, []int8{3, -2, 3, 0, 3, -3}},
		{3, true, []float32{1. / 3, 1. / 3, 1. / 3}, []int8{3, -2, 1, 0, 0, 0}},
		{8, true, []float32{1. / 127, 1. / 127, 1. / 127}, []int8{127, -64, 33, 0, 13, -13}},
	} {
		q, scale, err := coarse(w, c.bits, c.perTensor)
		if err != nil {
			t.Fatal(err)
		}
		for i, s := range scale {
			if math.Abs(float64(s-c.scale[i])) > 1e-7 {
				t.Errorf("%d bits, per tensor %v: scale %d is %g, want %g", c.bits, c.perTensor, i, s, c.scale[i])
			}
		}
		for i, b := range q.Data {
			if int8(b) != c.codes[i] {
				t.Errorf("%d bits, per tensor %v: codes %v, want %v", c.bits, c.perTensor, q.Data, c.codes)
				break
			}
		}
	}
}

func TestRefused(t *testing.T) {
	g := float(t, 1)
	q := quantized(t, g)
	if _, err := New(nil, g, Defaults()); !errors.Is(err, ErrLayout) {
		t.Errorf("a float model: %v", err)
	}
	if _, err := New(float(t, 1), q, Options{Scales: "none", Bits: 8}); err == nil {
		t.Error("unknown scales are accepted")
	}
	if _, err := New(g, q, Options{Scales: Learned, Bits: 9}); err == nil {
		t.Error("9 bits are accepted")
	}
	other, err := zoo.YOLOv8(zoo.Config{Depth: 0.33, Width: 0.0625, MaxChannels: 128, Classes: scenes(0).Names(), Size: side})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := New(other, q, Defaults()); err == nil {
		t.Error("another model's weights are accepted")
	}
}
