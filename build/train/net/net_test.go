package net

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"reflect"
	"strings"
	"testing"

	"eagleeye/build/shared"
	"eagleeye/wasm/graph"
	"eagleeye/wasm/onnx"
	"eagleeye/wasm/quant"
	"eagleeye/wasm/zoo"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

func model(t *testing.T, c zoo.Config) *graph.Graph {
	t.Helper()
	if c.Width == 0 {
		c.Width, c.Depth, c.MaxChannels = 0.125, 0.33, 256
	}
	if c.Size == 0 {
		c.Size = 64
	}
	if c.Classes == nil {
		c.Classes = zoo.COCO[:7]
	}
	g, err := zoo.YOLOv8(c)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// pixels are smooth random pictures [b,3,h,w].
func pixels(b, h, w int, seed uint64) []float32 {
	r := rand.New(rand.NewPCG(seed, 1))
	x := make([]float32, b*3*h*w)
	for c := range b * 3 {
		fx, fy, at := r.Float64()/5, r.Float64()/5, 6*r.Float64()
		for i := range h * w {
			x[c*h*w+i] = float32(0.5 + 0.3*math.Sin(fx*float64(i%w)+at) + 0.2*math.Cos(fy*float64(i/w)))
		}
	}
	return x
}

// forward runs a net on pictures.
func forward(t *testing.T, n *Net, x []float32) (box, cls, neck [][]float32) {
	t.Helper()
	all := append(append(append([]*gorgonia.Node(nil), n.Box...), n.Cls...), n.Neck...)
	values := make([]gorgonia.Value, len(all))
	for i, v := range all {
		gorgonia.Read(v, &values[i])
	}
	m := gorgonia.NewTapeMachine(n.G)
	defer m.Close()
	if err := gorgonia.Let(n.Input, tensor.New(tensor.WithShape(n.Input.Shape()...), tensor.WithBacking(x))); err != nil {
		t.Fatal(err)
	}
	if err := m.RunAll(); err != nil {
		t.Fatal(err)
	}
	out := make([][]float32, len(all))
	for i, v := range values {
		out[i] = append([]float32(nil), v.Data().([]float32)...)
	}
	k := len(n.Box)
	return out[:k], out[k : 2*k], out[2*k:]
}

// reference runs the unfused form of a model in the interpreter on one picture.
func reference(t *testing.T, g *graph.Graph, h, w int, x []float32) (box, cls [][]float32) {
	t.Helper()
	u, err := graph.Unfused(g, h, w)
	if err != nil {
		t.Fatal(err)
	}
	u = graph.FloatOnly(u)
	head := u.Nodes[len(u.Nodes)-1]
	u.Outputs = head.In
	out, err := graph.Eval(u, map[string]*graph.Tensor{u.Inputs[0].Name: graph.FloatTensor(x, 1, 3, h, w)})
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range head.In {
		if k%2 == 0 {
			box = append(box, out[v.Name].Floats())
		} else {
			cls = append(cls, out[v.Name].Floats())
		}
	}
	return box, cls
}

// near compares; the tolerance is relative to the largest number, since sums of
// thousands of float32 products come in another order.
func near(t *testing.T, what string, got, want []float32, tol float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d numbers, want %d", what, len(got), len(want))
	}
	size, worst := 1.0, 0.0
	for i, v := range want {
		size = max(size, math.Abs(float64(v)))
		worst = max(worst, math.Abs(float64(got[i]-v)))
		if got[i] != got[i] {
			t.Fatalf("%s: number %d is NaN", what, i)
		}
	}
	if !(worst <= tol*size) {
		t.Errorf("%s: off by %g of %g", what, worst, size)
	}
}

// randomize gives the batch norms of a model statistics as training leaves them.
func randomize(g *graph.Graph) {
	r := rand.New(rand.NewPCG(5, 5))
	for _, n := range g.Nodes {
		if n.Op != "BatchNormalization" {
			continue
		}
		for k := 1; k < 5; k++ {
			data := make([]float32, n.In[k].Const.Len())
			for i := range data {
				data[i] = float32(0.5 + r.Float64())
				if k == 2 || k == 3 {
					data[i] -= 1
				}
			}
			v := *n.In[k]
			v.Const = graph.FloatTensor(data, len(data))
			n.In[k] = &v
		}
	}
}

// quantized makes an int8 form of a model, with grids as wide as the values of
// one picture.
func quantized(t *testing.T, g *graph.Graph, h, w int) *graph.Graph {
	t.Helper()
	l, err := quant.Analyze(g)
	if err != nil {
		t.Fatal(err)
	}
	e := graph.Clone(g)
	e.Outputs = nil
	want := map[string]bool{}
	for _, name := range l.Taps() {
		want[name] = true
	}
	for _, n := range e.Nodes {
		for _, v := range n.Out {
			if want[v.Name] {
				e.Outputs = append(e.Outputs, v)
			}
		}
	}
	out, err := graph.Eval(e, map[string]*graph.Tensor{e.Inputs[0].Name: graph.FloatTensor(pixels(1, h, w, 9), 1, 3, h, w)})
	if err != nil {
		t.Fatal(err)
	}
	c := quant.NewCalibrator(l)
	for name, x := range out {
		if err := c.Observe(name, x.Floats()); err != nil {
			t.Fatal(err)
		}
	}
	q, err := quant.Quantize(g, c, quant.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return q
}

// pruned cuts the middle of a bottleneck to fewer channels, not a multiple of 8.
func pruned(t *testing.T, g *graph.Graph) *graph.Graph {
	t.Helper()
	g = graph.Clone(g)
	const left = 5
	cut := func(v *graph.Value, axis int) *graph.Value {
		s := append([]int(nil), v.Const.Shape...)
		src, inner := v.Const.Floats(), 1
		for _, d := range s[axis+1:] {
			inner *= d
		}
		var data []float32
		for i := 0; i < len(src); i += s[axis] * inner {
			data = append(data, src[i:i+left*inner]...)
		}
		s[axis] = left
		return &graph.Value{Name: v.Name, DType: v.DType, Shape: s, Const: graph.FloatTensor(data, s...)}
	}
	hit := 0
	for _, n := range g.Nodes {
		if n.Op == "Conv" && strings.Contains(n.Name, "/m.0/cv1/") {
			n.In[1], n.In[2] = cut(n.In[1], 0), cut(n.In[2], 0)
			hit++
		}
		if n.Op == "Conv" && strings.Contains(n.Name, "/m.0/cv2/") {
			n.In[1] = cut(n.In[1], 1)
		}
	}
	if hit != 8 {
		t.Fatalf("%d bottlenecks were pruned, want 8", hit)
	}
	return g
}

func TestForward(t *testing.T) {
	plain := model(t, zoo.Config{Seed: 1})
	bn := model(t, zoo.Config{Seed: 2, BN: true})
	randomize(bn)
	for name, c := range map[string]struct {
		g    *graph.Graph
		h, w int
	}{
		"folded": {plain, 64, 64}, "batch norms": {bn, 64, 64}, "another size": {plain, 32, 96},
		"dynamic":  {model(t, zoo.Config{Seed: 3, Dynamic: true}), 64, 32},
		"opset 11": {model(t, zoo.Config{Seed: 3, Opset: 11}), 64, 64},
		"pruned":   {pruned(t, plain), 64, 64}, "int8": {quantized(t, plain, 64, 64), 64, 64},
	} {
		t.Run(name, func(t *testing.T) {
			const batch = 2
			n, err := Build(c.g, Options{Batch: batch, Height: c.h, Width: c.w})
			if err != nil {
				t.Fatal(err)
			}
			if n.RegMax != 16 || n.Classes != 7 || !reflect.DeepEqual(n.Strides, []int{8, 16, 32}) || !reflect.DeepEqual(n.Names, zoo.COCO[:7]) {
				t.Errorf("RegMax %d, %d classes %q, strides %v", n.RegMax, n.Classes, n.Names, n.Strides)
			}
			x := pixels(batch, c.h, c.w, 4)
			box, cls, neck := forward(t, n, x)
			for i := range batch {
				wantBox, wantCls := reference(t, c.g, c.h, c.w, x[i*3*c.h*c.w:][:3*c.h*c.w])
				for s := range wantBox {
					near(t, fmt.Sprintf("boxes of picture %d, scale %d", i, s), box[s][i*len(wantBox[s]):][:len(wantBox[s])], wantBox[s], 1e-4)
					near(t, fmt.Sprintf("classes of picture %d, scale %d", i, s), cls[s][i*len(wantCls[s]):][:len(wantCls[s])], wantCls[s], 1e-4)
				}
			}
			for s, channels := range []int{32, 32, 32} {
				if area := c.h / n.Strides[s] * c.w / n.Strides[s]; len(neck[s]) != batch*channels*area {
					t.Errorf("neck %d has %d numbers", s, len(neck[s]))
				}
			}
		})
	}
}

// The real model gives what its reference outputs were computed from.
func TestForwardReal(t *testing.T) {
	if testing.Short() {
		t.Skip("short")
	}
	data, err := os.ReadFile(shared.File(t, "models", "yolov8n.onnx"))
	if err != nil {
		t.Fatal(err)
	}
	g, err := onnx.Read(data)
	if err != nil {
		t.Fatal(err)
	}
	const side = 96
	n, err := Build(g, Options{Height: side, Width: side})
	if err != nil {
		t.Fatal(err)
	}
	x := pixels(1, side, side, 2)
	box, cls, _ := forward(t, n, x)
	wantBox, wantCls := reference(t, g, side, side, x)
	for s := range box {
		near(t, "boxes", box[s], wantBox[s], 1e-4)
		near(t, "classes", cls[s], wantCls[s], 1e-4)
	}
	names := map[string]bool{}
	for _, p := range n.Params {
		names[p.Name] = true
	}
	for _, name := range []string{"model.0.conv.weight", "model.0.conv.bias", "model.2.m.0.cv1.conv.weight", "model.22.cv2.0.2.bias"} {
		if !names[name] {
			t.Errorf("no parameter %q", name)
		}
	}
	back, err := n.Export()
	if err != nil {
		t.Fatal(err)
	}
	same, err := onnx.Write(back)
	if err != nil {
		t.Fatal(err)
	}
	if want, err := onnx.Write(g); err != nil || !bytes.Equal(same, want) {
		t.Errorf("exporting unchanged weights changes the file (%v)", err)
	}
}

// Changed weights arrive in the exported file, which reads back as written.
func TestExport(t *testing.T) {
	plain := model(t, zoo.Config{Seed: 1})
	bn := model(t, zoo.Config{Seed: 2, BN: true})
	for name, g := range map[string]*graph.Graph{"folded": plain, "batch norms": bn, "pruned": pruned(t, plain), "int8": quantized(t, plain, 64, 64)} {
		t.Run(name, func(t *testing.T) {
			n, err := Build(g, Options{})
			if err != nil {
				t.Fatal(err)
			}
			r := rand.New(rand.NewPCG(1, 1))
			for _, s := range n.State() {
				for i := range s.Data {
					s.Data[i] = s.Data[i]*float32(0.9+0.2*r.Float64()) + float32(0.01*r.Float64())
				}
			}
			out, err := n.Export()
			if err != nil {
				t.Fatal(err)
			}
			data, err := onnx.Write(out)
			if err != nil {
				t.Fatal(err)
			}
			back, err := onnx.Read(data)
			if err != nil {
				t.Fatal(err)
			}
			again, err := Build(back, Options{})
			if err != nil {
				t.Fatal(err)
			}
			tol := 0.0
			if name == "int8" {
				tol = 0.5 / 127 // half a step of a channel's largest weight, at most
			}
			want := n.State()
			for i, s := range again.State() {
				if s.Name != want[i].Name {
					t.Fatalf("%q came back as %q", want[i].Name, s.Name)
				}
				near(t, s.Name, s.Data, want[i].Data, tol)
			}
			x := pixels(1, 64, 64, 3)
			box, cls, _ := forward(t, again, x)
			wantBox, wantCls := reference(t, out, 64, 64, x)
			for s := range box {
				near(t, "boxes", box[s], wantBox[s], 1e-4)
				near(t, "classes", cls[s], wantCls[s], 1e-4)
			}
		})
	}
}

// Folding gives the zoo's graph without batch norms, with the same results.
func TestFold(t *testing.T) {
	g := model(t, zoo.Config{Seed: 2, BN: true})
	randomize(g)
	f, err := Fold(g)
	if err != nil {
		t.Fatal(err)
	}
	plain := model(t, zoo.Config{})
	if len(f.Nodes) != len(plain.Nodes) {
		t.Fatalf("%d nodes, want %d", len(f.Nodes), len(plain.Nodes))
	}
	for i, n := range plain.Nodes {
		m := f.Nodes[i]
		if m.Name != n.Name || m.Op != n.Op || len(m.In) != len(n.In) {
			t.Fatalf("node %d is %s, want %s", i, m, n)
		}
		for k := range n.In {
			if n.In[k] != nil && (m.In[k].Name != n.In[k].Name || !reflect.DeepEqual(m.In[k].Shape, n.In[k].Shape)) {
				t.Errorf("%s reads %q %v, want %q %v", m, m.In[k].Name, m.In[k].Shape, n.In[k].Name, n.In[k].Shape)
			}
		}
	}
	x := map[string]*graph.Tensor{"images": graph.FloatTensor(pixels(1, 64, 64, 3), 1, 3, 64, 64)}
	a, err := graph.Eval(g, x)
	if err != nil {
		t.Fatal(err)
	}
	b, err := graph.Eval(f, x)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "output", b["output0"].Floats(), a["output0"].Floats(), 1e-5)
}

// A teacher and its student share one expression and its pictures.
func TestTwoInOne(t *testing.T) {
	g := model(t, zoo.Config{Seed: 1})
	student, err := Build(g, Options{Batch: 2})
	if err != nil {
		t.Fatal(err)
	}
	other := model(t, zoo.Config{Seed: 8})
	teacher, err := Build(other, Options{Batch: 2, Graph: student.G, Input: student.Input, Prefix: "teacher."})
	if err != nil {
		t.Fatal(err)
	}
	x := pixels(2, 64, 64, 3)
	var got gorgonia.Value
	gorgonia.Read(teacher.Cls[0], &got)
	_, cls, _ := forward(t, student, x)
	alone, err := Build(other, Options{Batch: 2})
	if err != nil {
		t.Fatal(err)
	}
	_, want, _ := forward(t, alone, x)
	near(t, "teacher", got.Data().([]float32), want[0], 1e-6)
	if reflect.DeepEqual(cls[0], want[0]) {
		t.Error("the student gives what the teacher gives")
	}
}

func TestState(t *testing.T) {
	a, err := Build(model(t, zoo.Config{Seed: 1, BN: true}), Options{Training: true})
	if err != nil {
		t.Fatal(err)
	}
	b, err := Build(model(t, zoo.Config{Seed: 2, BN: true}), Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range a.BNs {
		if !s.Training {
			t.Fatalf("%s does not train", s.Name)
		}
	}
	if err := b.Load(a.State()); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(a.State(), b.State()) {
		t.Error("the loaded state differs")
	}
	if err := b.Load(a.State()[1:]); !errors.Is(err, ErrState) {
		t.Errorf("a tensor less: %v", err)
	}
	decayed := 0
	for _, p := range a.Params {
		if norm := strings.Contains(p.Name, ".bn.") || strings.HasSuffix(p.Name, ".bias"); norm == p.Decay {
			t.Errorf("%s: decay %v", p.Name, p.Decay)
		}
		if p.Decay {
			decayed++
		}
	}
	if decayed != 63 {
		t.Errorf("%d tensors decay, want the 63 convolutions'", decayed)
	}
}

func TestRefused(t *testing.T) {
	half := model(t, zoo.Config{Half: true})
	grouped := model(t, zoo.Config{})
	grouped.Outputs = nil
	for name, c := range map[string]struct {
		g *graph.Graph
		o Options
	}{"half": {half, Options{}}, "no output": {grouped, Options{}}, "size": {model(t, zoo.Config{}), Options{Height: 50, Width: 50}}} {
		if _, err := Build(c.g, c.o); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
