//go:build !js

package zoo

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"eagleeye/build/shared"
	"eagleeye/wasm/graph"
	"eagleeye/wasm/onnx"
)

// params counts the weights and biases of convolutions.
func params(g *graph.Graph) int {
	n := 0
	for _, nd := range g.Nodes {
		if nd.Op != "Conv" {
			continue
		}
		for _, v := range nd.In[1:] {
			n += len(v.Const.Data) / v.Const.DType.Size()
		}
	}
	return n
}

func TestParameterCounts(t *testing.T) {
	// Folding turns a batch norm's two trained vectors into one bias, so counts
	// are a little below the published 3.157, 11.166, 25.902 M.
	for _, c := range []struct {
		name string
		cfg  Config
		want int
	}{
		{"n", N, 3151904}, {"s", S, 11156544}, {"m", M, 25886080}, {"l", L, 43668288}, {"x", X, 68200608},
	} {
		if testing.Short() && c.want > 20e6 {
			continue
		}
		c.cfg.Size = 64
		g, err := YOLOv8(c.cfg)
		if err != nil {
			t.Fatal(err)
		}
		if got := params(g); got != c.want {
			t.Errorf("%s: %d parameters, want %d", c.name, got, c.want)
		}
	}
}

// describe lists what must agree between two models of one architecture.
func describe(g *graph.Graph) []string {
	value := func(v *graph.Value) string {
		switch {
		case v == nil:
			return "-"
		case v.Const == nil:
			return fmt.Sprint(v.Name, v.Shape)
		case strings.HasPrefix(v.Name, "onnx::Split_"): // numbered by the trace
			return fmt.Sprint("onnx::Split", v.Const)
		case strings.HasSuffix(v.Name, ".weight") && !strings.Contains(v.Name, "dfl"), strings.HasSuffix(v.Name, ".bias"):
			return fmt.Sprint(v.Name, v.Shape, v.DType)
		}
		return fmt.Sprint(v.Name, v.Const)
	}
	var out []string
	list := func(what string, vs []*graph.Value) string {
		for _, v := range vs {
			what += " " + value(v)
		}
		return what
	}
	out = append(out, list("inputs", g.Inputs), list("outputs", g.Outputs))
	for _, n := range g.Nodes {
		out = append(out, list(n.Name+" "+n.Op+" "+fmt.Sprint(n.Attrs)+" in", n.In)+list(" out", n.Out))
	}
	return out
}

func TestMatchesExport(t *testing.T) {
	for name, size := range map[string]int{"yolov8n.onnx": 640, "yolov8n-320.onnx": 320} {
		data, err := os.ReadFile(filepath.Join(shared.Dir(t), "models", name))
		if err != nil {
			t.Skipf("%s not found: skipped", name)
		}
		real, err := onnx.Read(data)
		if err != nil {
			t.Fatal(err)
		}
		cfg := N
		cfg.Size = size
		g, err := YOLOv8(cfg)
		if err != nil {
			t.Fatal(err)
		}
		got, want := describe(g), describe(real)
		if len(got) != len(want) {
			t.Errorf("%s: %d nodes, want %d", name, len(got), len(want))
		}
		for i := range min(len(got), len(want)) {
			if got[i] != want[i] {
				t.Errorf("%s: node %d is\n%.600s\nwant\n%.600s", name, i-2, got[i], want[i])
			}
		}
		for _, key := range []string{"names", "stride", "task", "imgsz", "batch"} {
			if g.Meta[key] != real.Meta[key] {
				t.Errorf("%s: metadata %s is %q, want %q", name, key, g.Meta[key], real.Meta[key])
			}
		}
	}
}

func TestVariantsReadBack(t *testing.T) {
	classes := []string{"cat's eye", `say "x"`, "nut"}
	for name, cfg := range map[string]Config{
		"opset 11": {Opset: 11}, "opset 12": {Opset: 12}, "opset 13": {Opset: 13}, "opset 17": {Opset: 17},
		"opset 18": {Opset: 18}, "opset 21": {Opset: 21}, "half": {Half: true}, "dynamic": {Dynamic: true}, "dynamic, opset 11": {Dynamic: true, Opset: 11}, "dynamic half": {Dynamic: true, Half: true}, "wide picture": {Size: 96, Height: 64},
		"narrow and deep": {Width: 0.0625, Depth: 1}, "batch norms": {BN: true}, "batch norms, dynamic": {BN: true, Dynamic: true},
	} {
		if cfg.Width == 0 {
			cfg.Width, cfg.Depth = 0.125, 0.33
		}
		if cfg.Size == 0 {
			cfg.Size = 64
		}
		cfg.MaxChannels, cfg.Classes = 256, classes
		g, err := YOLOv8(cfg)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		data, err := onnx.Write(g)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		wire, err := onnx.ReadWire(data)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		other, err := onnx.ReadOnnxGo(data)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if !reflect.DeepEqual(wire, other) {
			t.Errorf("%s: the drivers' graphs differ", name)
		}
		if !cfg.Half && !reflect.DeepEqual(wire, g) {
			t.Errorf("%s: reading does not give the graph back", name)
		}
	}
}

// Every finite binary16, and the middle of each two of them, rounds right.
func TestHalf(t *testing.T) {
	value := func(h int) float64 {
		if h>>10 == 0 {
			return math.Ldexp(float64(h), -24)
		}
		return math.Ldexp(1+float64(h&1023)/1024, h>>10-15)
	}
	for h := range 0x7bff {
		v, next := value(h), value(h+1)
		even := h + h&1
		for x, want := range map[float64]int{v: h, (v + next) / 2: even, v + (next-v)*0.49: h, v + (next-v)*0.51: h + 1} {
			if got := half(float32(x)); int(got) != want {
				t.Fatalf("%g is %#04x, want %#04x", x, got, want)
			}
			if got := half(float32(-x)); x != 0 && int(got) != want|0x8000 {
				t.Fatalf("%g is %#04x, want %#04x", -x, got, want|0x8000)
			}
		}
	}
}

func TestSameSeedSameModel(t *testing.T) {
	cfg := Config{Width: 0.125, Depth: 0.33, MaxChannels: 256, Size: 32, Seed: 7}
	a, _ := YOLOv8(cfg)
	b, _ := YOLOv8(cfg)
	cfg.Seed = 8
	c, _ := YOLOv8(cfg)
	if !reflect.DeepEqual(a, b) || reflect.DeepEqual(a, c) {
		t.Error("the seed does not decide the weights")
	}
}

func TestBadConfigs(t *testing.T) {
	for name, cfg := range map[string]Config{
		"zero": {}, "odd size": {Depth: 1, Width: 1, MaxChannels: 8, Size: 65}, "opset": {Depth: 1, Width: 1, MaxChannels: 8, Opset: 9},
		"no classes": {Depth: 1, Width: 1, MaxChannels: 8, Classes: []string{}},
	} {
		if _, err := YOLOv8(cfg); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// The published sizes: parameters with batch norms, as
// https://docs.ultralytics.com/models/yolov8 and its training log print them, and
// GFLOPs at 640 to the digit given there.
func TestPublishedCosts(t *testing.T) {
	for _, c := range []struct {
		name   string
		cfg    Config
		params int
		gflops string
	}{
		{"n", N, 3157200, "8.7"}, {"s", S, 11166560, "28.6"}, {"m", M, 25902640, "78.9"},
		{"l", L, 43691520, "165.2"}, {"x", X, 68229648, "257.8"},
	} {
		if testing.Short() && c.params > 20e6 {
			continue
		}
		c.cfg.BN = true
		g, err := YOLOv8(c.cfg)
		if err != nil {
			t.Fatal(err)
		}
		cost, err := CostOf(g, 640, 640)
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprintf("%.1f", float64(cost.FLOPs)/1e9); cost.Params != c.params || got != c.gflops {
			t.Errorf("%s: %d parameters and %s GFLOPs, published %d and %s", c.name, cost.Params, got, c.params, c.gflops)
		}
	}
}

// The weights that training starts from have PyTorch's and Ultralytics' spread.
func TestStartingWeights(t *testing.T) {
	g, err := YOLOv8(Config{Depth: 0.33, Width: 0.25, MaxChannels: 1024, BN: true, Classes: COCO[:10], Seed: 3})
	if err != nil {
		t.Fatal(err)
	}
	consts := map[string][]float32{}
	for _, n := range g.Nodes {
		for _, v := range n.In {
			if v != nil && v.Const != nil && v.DType == graph.Float32 {
				consts[v.Name] = v.Const.Floats()
			}
		}
	}
	w := consts["model.4.m.0.cv1.conv.weight"] // 32 inputs of 3×3
	bound, sum, square := 1/math.Sqrt(32*9), 0.0, 0.0
	for _, v := range w {
		sum += float64(v)
		square += float64(v) * float64(v)
		if math.Abs(float64(v)) > bound {
			t.Fatalf("weight %g is beyond ±%g", v, bound)
		}
	}
	n := float64(len(w))
	if dev := math.Sqrt(square/n) / (bound / math.Sqrt(3)); math.Abs(sum/n) > 4*bound/math.Sqrt(3*n) || math.Abs(dev-1) > 0.05 {
		t.Errorf("mean %g, deviation %g of a uniform one's", sum/n, dev)
	}
	for name, want := range map[string]float64{
		"model.0.bn.weight": 1, "model.0.bn.bias": 0, "model.0.bn.running_mean": 0, "model.0.bn.running_var": 1,
		"model.22.cv2.1.2.bias": 1, "model.22.cv3.0.2.bias": math.Log(5. / 10 / (80 * 80)), "model.22.cv3.2.2.bias": math.Log(5. / 10 / (20 * 20)),
	} {
		if v := consts[name]; len(v) == 0 || math.Abs(float64(v[0])-want) > 1e-6 || v[0] != v[len(v)-1] {
			t.Errorf("%s is %v, want %g", name, v, want)
		}
	}
}

// Batch norms behind int8 weights stay where they are.
func TestFoldLeavesInt8(t *testing.T) {
	v := func(name string) *graph.Value { return &graph.Value{Name: name} }
	one := func(name string) *graph.Value {
		c := graph.FloatTensor([]float32{1}, 1)
		return &graph.Value{Name: name, DType: graph.Float32, Shape: c.Shape, Const: c}
	}
	x, w, y, z := v("x"), v("w"), v("y"), v("z")
	g := &graph.Graph{Opset: 13, Inputs: []*graph.Value{x}, Outputs: []*graph.Value{z}, Nodes: []*graph.Node{
		{Name: "dq", Op: "DequantizeLinear", In: []*graph.Value{one("q"), one("s")}, Out: []*graph.Value{w}},
		{Name: "conv", Op: "Conv", In: []*graph.Value{x, w}, Out: []*graph.Value{y}},
		{Name: "bn", Op: "BatchNormalization", In: []*graph.Value{y, one("a"), one("b"), one("c"), one("d")}, Out: []*graph.Value{z}},
	}}
	f, err := Fold(g)
	if err != nil || len(f.Nodes) != 3 {
		t.Errorf("%d nodes, %v; want the 3 that there were", len(f.Nodes), err)
	}
}
