package quant

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"eagleeye/wasm/graph"
)

func groupsOf(l *Layout) map[string]int {
	m := map[string]int{}
	for _, p := range slices.Concat(l.Points, l.Moved) {
		m[p.Name] = p.Group
	}
	return m
}

func names(points []Point) []string {
	var s []string
	for _, p := range points {
		s = append(s, p.Name)
	}
	return s
}

func TestAnalyze(t *testing.T) {
	l, err := Analyze(toyDetector(1))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"images", "stem.act", "c2f.cv1.act", "c2f.m1.act", "add", "c2f.cv2.act", "down.act",
		"sppf.cv2.act", "neck.cv.act", "box.cv.act", "cls.cv.act",
	}
	if got := names(l.Points); !slices.Equal(got, want) {
		t.Errorf("points\n got %q\nwant %q", got, want)
	}
	if got, want := names(l.Moved), []string{"split_0", "split_1", "cat", "pool", "sppf", "up", "neck"}; !slices.Equal(got, want) {
		t.Errorf("moved\n got %q\nwant %q", got, want)
	}
	if got := l.Taps(); !slices.Equal(got, want[1:]) {
		t.Errorf("taps %q", got)
	}
	if len(l.Convs) != 12 {
		t.Errorf("%d convolutions, want 12: all but the one in the decode tail", len(l.Convs))
	}
	group := groupsOf(l)
	for _, same := range [][]string{
		{"c2f.cv1.act", "split_0", "split_1", "add", "cat"},
		{"down.act", "pool", "sppf"},
		{"sppf.cv2.act", "up", "neck", "c2f.cv2.act"},
	} {
		for _, name := range same {
			if group[name] != group[same[0]] {
				t.Errorf("%s and %s have different grids", name, same[0])
			}
		}
	}
	for _, differ := range [][2]string{{"box.cv.act", "cls.cv.act"}, {"images", "stem.act"}, {"c2f.m1.act", "add"}, {"down.act", "neck"}} {
		if group[differ[0]] == group[differ[1]] {
			t.Errorf("%s and %s share a grid", differ[0], differ[1])
		}
	}
}

func TestAnalyzeRefuses(t *testing.T) {
	for _, c := range []struct {
		name   string
		break_ func(g *graph.Graph)
		is     error
		says   string
	}{
		{"quantized", func(g *graph.Graph) { g.Nodes[3].Op = "DequantizeLinear" }, ErrQuantized, "quantized already"},
		{"int8 weights", func(g *graph.Graph) { g.Nodes[0].In[1].Const.DType = graph.Int8 }, ErrQuantized, "stem"},
		{"no input", func(g *graph.Graph) { g.Inputs = nil }, nil, "no input"},
		{"two inputs", func(g *graph.Graph) { g.Inputs = append(g.Inputs, &graph.Value{Name: "second"}) }, nil, "two inputs"},
		{"byte input", func(g *graph.Graph) { g.Inputs[0].DType = graph.Uint8 }, ErrQuantized, "uint8"},
		{"no convolution", func(g *graph.Graph) { g.Nodes = g.Nodes[1:] }, nil, "nothing to quantize"},
		{"computed weights", func(g *graph.Graph) { g.Nodes[0].In[1].Const = nil }, nil, "constant weights"},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := toyDetector(1)
			c.break_(g)
			_, err := Analyze(g)
			if err == nil || c.is != nil && !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("error %v, want it to say %q", err, c.says)
			}
		})
	}
}

// calibrated observes normal SiLU-like data for every tap.
func calibrated(t *testing.T, g *graph.Graph) *Calibrator {
	t.Helper()
	l, err := Analyze(g)
	if err != nil {
		t.Fatal(err)
	}
	c := NewCalibrator(l)
	for i, name := range l.Taps() {
		if err := c.Observe(name, siluSample(newToy(uint64(i), 1).Rand, 500, 1+float64(i))); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

func TestQuantizeWritesPairs(t *testing.T) {
	g := toyDetector(1)
	before := len(g.Nodes)
	q, err := Quantize(g, calibrated(t, g), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(g.Nodes) != before {
		t.Error("the float graph was changed")
	}
	maker := map[*graph.Value]*graph.Node{}
	made := map[string]bool{}
	for _, v := range q.Inputs {
		made[v.Name] = true
	}
	zero := map[string]int32{}
	for _, n := range q.Nodes {
		for _, v := range n.In {
			if v != nil && v.Const == nil && !made[v.Name] {
				t.Fatalf("%s reads %q before it is made", n.Name, v.Name)
			}
		}
		for _, v := range n.Out {
			if made[v.Name] {
				t.Errorf("%q is made twice", v.Name)
			}
			made[v.Name], maker[v] = true, n
		}
		if n.Op == "QuantizeLinear" {
			if n.In[1].Const.DType != graph.Float32 || n.In[2].Const.DType != graph.Uint8 || len(n.In[1].Const.Shape) != 0 {
				t.Errorf("%s: scale %v%v, zero %v", n.Name, n.In[1].Const.DType, n.In[1].Const.Shape, n.In[2].Const.DType)
			}
			zero[n.In[0].Name] = int32(n.In[2].Const.Data[0])
		}
	}
	for _, n := range q.Nodes {
		switch n.Op {
		case "Conv":
			x, w := maker[n.In[0]], maker[n.In[1]]
			if n.Name == "dfl" {
				if x.Op == "DequantizeLinear" || n.In[1].Const == nil {
					t.Error("the decode tail was quantized")
				}
				continue
			}
			if x.Op != "DequantizeLinear" || w == nil || w.Op != "DequantizeLinear" || w.Int("axis", -1) != 0 || w.In[0].Const.DType != graph.Int8 {
				t.Errorf("%s: input or weights are not dequantized", n.Name)
			}
		case "Concat":
			if n.Name == "cat" || n.Name == "neck" {
				for _, v := range n.In[1:] {
					if a, b := maker[n.In[0]], maker[v]; a.In[1] != b.In[1] || a.In[2] != b.In[2] {
						t.Errorf("%s joins different grids", n.Name)
					}
				}
			}
		}
	}
	if z, ok := zero["images"]; !ok || z != 0 {
		t.Errorf("image zero point %d, %v", z, ok)
	}
	for _, name := range []string{"box.out", "cls.out", "head", "c2f.m2.act", "output0"} {
		if _, ok := zero[name]; ok {
			t.Errorf("%s must stay float", name)
		}
	}
	if q.Outputs[0].Name != "output0" || q.Meta["stride"] != "8" || q.Opset != 13 {
		t.Errorf("outputs, metadata or opset got lost: %v %v %d", q.Outputs[0].Name, q.Meta, q.Opset)
	}
	if _, err := Analyze(q); !errors.Is(err, ErrQuantized) {
		t.Errorf("quantizing twice: %v", err)
	}
}

func TestQuantizeOptions(t *testing.T) {
	g := toyDetector(2)
	c := calibrated(t, g)
	q, err := Quantize(g, c, Options{
		FloatWeights: func(n *graph.Node) bool { return n.Name == "stem" },
		Bias:         map[string][]float32{"box.out": make([]float32, 16), "down": slices.Repeat([]float32{0.5}, 16)},
	})
	if err != nil {
		t.Fatal(err)
	}
	find := func(g *graph.Graph, name string) *graph.Node {
		for _, n := range g.Nodes {
			if n.Name == name {
				return n
			}
		}
		t.Fatalf("no node %q", name)
		return nil
	}
	if w := find(q, "stem").In[1]; w.Const == nil || w.Const.DType != graph.Float32 {
		t.Error("the stem's weights are not float")
	}
	was, _ := Floats(find(g, "down").In[2].Const)
	is, _ := Floats(find(q, "down").In[2].Const)
	for i := range was {
		if is[i] != was[i]+0.5 {
			t.Fatalf("bias %d is %g, want %g", i, is[i], was[i]+0.5)
		}
	}
	if _, err := Quantize(g, c, Options{Bias: map[string][]float32{"down": {1}}}); err == nil {
		t.Error("a correction of the wrong length was taken")
	}
	g.Nodes[0].In[1].Const = graph.FloatTensor(slices.Repeat([]float32{float32(math.Inf(1))}, 8*27), 8, 3, 3, 3)
	if _, err := Quantize(g, c, Options{}); err == nil || !strings.Contains(err.Error(), "stem.weight") {
		t.Errorf("infinite weights: %v", err)
	}
}

func TestQuantizeNeedsStatistics(t *testing.T) {
	g := toyDetector(1)
	l, _ := Analyze(g)
	c := NewCalibrator(l)
	if _, err := Quantize(g, c, Options{}); err == nil || !strings.Contains(err.Error(), "never observed") {
		t.Errorf("without statistics: %v", err)
	}
	if err := c.Observe("box.out", []float32{1}); err == nil {
		t.Error("a value that is no tap was observed")
	}
	if err := c.Observe("stem.act", []float32{float32(math.NaN())}); err == nil || !strings.Contains(err.Error(), "stem.act") {
		t.Errorf("NaN: %v", err)
	}
}

func TestCalibratorMerges(t *testing.T) {
	g := toyDetector(1)
	l, _ := Analyze(g)
	a, b, both := NewCalibrator(l), NewCalibrator(l), NewCalibrator(l)
	for i, name := range l.Taps() {
		r := newToy(uint64(i), 1).Rand
		x, y := siluSample(r, 300, 2), siluSample(r, 300, 5)
		for _, o := range []struct {
			c *Calibrator
			x []float32
		}{{a, x}, {b, y}, {both, x}, {both, y}} {
			if err := o.c.Observe(name, o.x); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := a.Merge(b); err != nil {
		t.Fatal(err)
	}
	got, err1 := a.Grids(l, MSE, 0)
	want, err2 := both.Grids(l, MSE, 0)
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	for i := range got {
		if got[i].Scale[0] != want[i].Scale[0] || got[i].Zero[0] != want[i].Zero[0] {
			t.Errorf("group %d: %v, want %v", i, got[i], want[i])
		}
	}
}

func TestModernize(t *testing.T) {
	g := toyDetector(1)
	g.Opset = 11
	split := g.Nodes[6]
	if split.Op != "Split" {
		t.Fatal(split.Op)
	}
	split.In = split.In[:1]
	split.Attrs = map[string]graph.Attr{"axis": num(1), "split": ints(8, 8)}
	if _, err := Quantize(g, calibrated(t, g), Options{}); err == nil || !strings.Contains(err.Error(), "soft") {
		t.Errorf("softmax over an inner axis in opset 11: %v", err)
	}
	for _, n := range g.Nodes {
		if n.Op == "Softmax" {
			n.Attrs = map[string]graph.Attr{"axis": num(-1)}
		}
	}
	q, err := Quantize(g, calibrated(t, g), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if q.Opset != 13 {
		t.Errorf("opset %d", q.Opset)
	}
	for _, n := range q.Nodes {
		if n.Name == "split" {
			if len(n.In) != 2 || n.In[1].Const == nil || len(n.Attrs) != 1 {
				t.Errorf("split has inputs %v, attributes %v", n.In, n.Attrs)
			}
		}
	}
	if split.In = split.In[:1]; len(split.Attrs) != 2 {
		t.Error("the float graph was changed")
	}
}

func TestConstantNodesAreWeights(t *testing.T) {
	plain := toyDetector(3)
	g := toyDetector(3)
	var nodes []*graph.Node
	for i, n := range g.Nodes {
		if n.Op == "Conv" {
			w := n.In[1]
			made := &graph.Value{Name: w.Name + "_made", DType: graph.Float32}
			same := &graph.Value{Name: w.Name + "_same", DType: graph.Float32}
			nodes = append(nodes, &graph.Node{Name: w.Name, Op: "Constant", Out: []*graph.Value{made},
				Attrs: map[string]graph.Attr{"value": {Kind: graph.AttrTensor, T: w.Const}}})
			n.In[1] = made
			if i%2 == 0 {
				nodes = append(nodes, &graph.Node{Name: w.Name + "i", Op: "Identity", In: []*graph.Value{made}, Out: []*graph.Value{same}})
				n.In[1] = same
			}
		}
		nodes = append(nodes, n)
	}
	g.Nodes = nodes
	want, err1 := Quantize(plain, calibrated(t, plain), Options{})
	got, err2 := Quantize(g, calibrated(t, g), Options{})
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	if len(got.Nodes) != len(want.Nodes) {
		t.Errorf("%d nodes, want %d", len(got.Nodes), len(want.Nodes))
	}
	if len(g.Nodes) != len(nodes) || g.Nodes[0].Op != "Constant" {
		t.Error("the float graph was changed")
	}
}

// Grids and weights of the caller's own, as training finds them, go in as given.
func TestQuantizeGiven(t *testing.T) {
	g := toyDetector(2)
	l, err := Analyze(g)
	if err != nil {
		t.Fatal(err)
	}
	grids := make([]graph.Quant, l.Groups)
	for i := range grids {
		grids[i] = graph.Quant{DType: graph.Uint8, Scale: []float32{float32(i+1) / 64}, Zero: []int32{int32(i)}}
	}
	calls := 0
	q, err := Quantize(g, nil, Options{Grids: grids, Weights: func(n *graph.Node) (*graph.Tensor, []float32, error) {
		calls++
		shape := n.In[1].Const.Shape
		return &graph.Tensor{DType: graph.Int8, Shape: shape, Data: make([]byte, n.In[1].Const.Len())}, slices.Repeat([]float32{0.25}, shape[0]), nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	if calls != len(l.Convs) {
		t.Errorf("%d convolutions were quantized, want %d", calls, len(l.Convs))
	}
	seen := map[float32]int32{}
	for _, n := range q.Nodes {
		if n.Op == "QuantizeLinear" {
			seen[n.In[1].Const.Floats()[0]] = int32(n.In[2].Const.Data[0])
		}
	}
	for i, want := range grids {
		if zero, ok := seen[want.Scale[0]]; !ok || zero != want.Zero[0] {
			t.Errorf("grid %d is not in the file", i)
		}
	}
	if _, err := Quantize(g, nil, Options{Grids: grids[1:]}); err == nil {
		t.Error("a grid too few was taken")
	}
}
