package prune

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"eagleeye/build/shared"
	"eagleeye/wasm/graph"
	"eagleeye/wasm/onnx"
	"eagleeye/wasm/zoo"
)

// maker draws random graphs of the operators that pruning follows.
type maker struct {
	g   *graph.Graph
	rng *rand.Rand
	all []*graph.Value
	ch  map[*graph.Value]int
}

const side = 6

func (m *maker) value(ch int) *graph.Value {
	v := &graph.Value{Name: fmt.Sprintf("v%d", len(m.g.Nodes)), DType: graph.Float32, Shape: []int{1, ch, side, side}}
	m.ch[v] = ch
	return v
}

func (m *maker) constant(shape ...int) *graph.Value {
	n := 1
	for _, d := range shape {
		n *= d
	}
	f := make([]float32, n)
	for i := range f {
		f[i] = float32(m.rng.NormFloat64()) / 3
	}
	t := graph.FloatTensor(f, shape...)
	return &graph.Value{Name: fmt.Sprintf("c%d", m.rng.Uint64()), DType: graph.Float32, Shape: shape, Const: t}
}

func (m *maker) node(op string, ch int, attrs map[string]graph.Attr, in ...*graph.Value) *graph.Value {
	out := m.value(ch)
	m.g.Nodes = append(m.g.Nodes, &graph.Node{Name: out.Name, Op: op, In: in, Out: []*graph.Value{out}, Attrs: attrs})
	m.all = append(m.all, out)
	return out
}

func list(v ...int64) graph.Attr { return graph.Attr{Kind: graph.AttrInts, Ints: v} }
func number(v int) graph.Attr    { return graph.Attr{Kind: graph.AttrInt, I: int64(v)} }

func (m *maker) conv(x *graph.Value, out, k, groups int) *graph.Value {
	p := int64(k / 2)
	return m.node("Conv", out, map[string]graph.Attr{
		"kernel_shape": list(int64(k), int64(k)), "strides": list(1, 1), "pads": list(p, p, p, p), "dilations": list(1, 1), "group": number(groups),
	}, x, m.constant(out, m.ch[x]/groups, k, k), m.constant(out))
}

func (m *maker) pick() *graph.Value { return m.all[m.rng.IntN(len(m.all))] }

func (m *maker) step() {
	x := m.pick()
	ch := m.ch[x]
	switch m.rng.IntN(11) {
	case 0, 1:
		m.conv(x, 2+m.rng.IntN(10), 1+2*m.rng.IntN(2), 1)
	case 2: // SiLU
		s := m.node("Sigmoid", ch, nil, x)
		m.node("Mul", ch, nil, x, s)
	case 3: // batch normalization
		v := m.constant(ch)
		vars := make([]float32, ch)
		for i := range vars {
			vars[i] = 0.5 + m.rng.Float32()
		}
		m.node("BatchNormalization", ch, nil, x, m.constant(ch), m.constant(ch), v,
			&graph.Value{Name: v.Name + "v", DType: graph.Float32, Shape: []int{ch}, Const: graph.FloatTensor(vars, ch)})
	case 4: // residual
		y := m.conv(x, ch, 3, 1)
		m.node("Add", ch, nil, x, y)
	case 5: // any two of equal size
		for _, y := range m.all {
			if y != x && m.ch[y] == ch {
				m.node([]string{"Add", "Mul", "Sub"}[m.rng.IntN(3)], ch, nil, x, y)
				return
			}
		}
	case 6:
		if y := m.pick(); ch+m.ch[y] < 40 {
			m.node("Concat", ch+m.ch[y], map[string]graph.Attr{"axis": number(1)}, x, y)
		}
	case 7: // split at any place
		if ch < 2 {
			return
		}
		at := 1 + m.rng.IntN(ch-1)
		a, b := m.value(at), m.value(ch-at)
		b.Name += "b"
		n := &graph.Node{Name: a.Name, Op: "Split", In: []*graph.Value{x}, Out: []*graph.Value{a, b},
			Attrs: map[string]graph.Attr{"axis": number(1), "split": list(int64(at), int64(ch-at))}}
		m.g.Nodes = append(m.g.Nodes, n)
		m.all = append(m.all, a, b)
	case 8: // depthwise, at times with two results a channel
		m.conv(x, ch*(1+m.rng.IntN(2)), 3, ch)
	case 9: // grouped
		if ch%2 == 0 {
			m.conv(x, 2*(1+m.rng.IntN(4)), 3, 2)
		}
	case 10:
		switch m.rng.IntN(3) {
		case 0:
			m.node("MaxPool", ch, map[string]graph.Attr{"kernel_shape": list(3, 3), "strides": list(1, 1), "pads": list(1, 1, 1, 1)}, x)
		case 1:
			m.node("Mul", ch, nil, x, m.constant(1, ch, 1, 1))
		default:
			if ch < 2 {
				return
			}
			from := m.rng.IntN(ch - 1)
			to := from + 1 + m.rng.IntN(ch-from-1)
			ints := func(v int64) *graph.Value {
				return &graph.Value{Name: fmt.Sprintf("i%d", m.rng.Uint64()), DType: graph.Int64, Shape: []int{1}, Const: graph.IntTensor([]int64{v})}
			}
			m.node("Slice", to-from, nil, x, ints(int64(from)), ints(int64(to)), ints(1))
		}
	}
}

func random(seed uint64) *graph.Graph {
	in := &graph.Value{Name: "x", DType: graph.Float32, Shape: []int{1, 3, side, side}}
	m := &maker{g: &graph.Graph{Opset: 12, Inputs: []*graph.Value{in}}, rng: rand.New(rand.NewPCG(seed, 7)), ch: map[*graph.Value]int{in: 3}}
	m.all = append(m.all, in)
	m.conv(in, 8, 3, 1)
	for range 3 + m.rng.IntN(12) {
		m.step()
	}
	for range 2 { // the last few values count
		x := m.all[len(m.all)-1-m.rng.IntN(min(3, len(m.all)))]
		m.g.Outputs = append(m.g.Outputs, m.conv(x, 3, 1, 1))
	}
	return m.g
}

// zeroed makes every reader of the channels that go multiply them by zero.
func zeroed(c *channels, gone map[int]bool) *graph.Graph {
	g := graph.Clone(c.g)
	for i, n := range g.Nodes {
		labels := c.of[c.g.Nodes[i].In[0]]
		if n.Op != "Conv" || labels == nil {
			continue
		}
		t := n.In[1].Const
		w := append([]float32(nil), t.Floats()...)
		o, per, groups := t.Shape[0], t.Shape[1], int(n.Int("group", 1))
		k := t.Shape[2] * t.Shape[3]
		for oc := range o {
			for ic := range per {
				if l := labels[oc/(o/groups)*per+ic]; l >= 0 && gone[l] {
					clear(w[(oc*per+ic)*k:][:k])
				}
			}
		}
		n.In[1] = &graph.Value{Name: n.In[1].Name, DType: graph.Float32, Shape: t.Shape, Const: graph.FloatTensor(w, t.Shape...)}
	}
	return g
}

// A pruned graph computes what the whole one does when nobody listens to the
// channels that went.
func TestRandomGraphs(t *testing.T) {
	pruned := 0
	for seed := range uint64(1000) {
		g := random(seed)
		rng := rand.New(rand.NewPCG(seed, 9))
		c, err := analyze(g)
		if err != nil {
			t.Fatalf("graph %d: %v", seed, err)
		}
		score, err := ParseScore([]string{"l1", "l2", "bn", "random"}[seed%4], seed)
		if err != nil {
			t.Fatal(err)
		}
		o, err := Options{Ratio: 0.1 + 0.6*rng.Float64(), Multiple: 1 + rng.IntN(3), PerLayer: seed%2 == 0, Score: score}.check()
		if err != nil {
			t.Fatal(err)
		}
		bundles := c.bundles(o)
		gone := evenly(bundles, o, o.Ratio)
		if !o.PerLayer {
			all := c.order(bundles, o)
			gone = goneOf(all, share(all, bundles, o.Ratio))
		}
		small, err := c.without(gone)
		if err != nil {
			t.Fatalf("graph %d: %v", seed, err)
		}
		if len(gone) > 0 {
			pruned++
		}
		x := make([]float32, 3*side*side)
		for i := range x {
			x[i] = float32(rng.NormFloat64())
		}
		in := map[string]*graph.Tensor{"x": graph.FloatTensor(x, 1, 3, side, side)}
		want, err := graph.Eval(zeroed(c, gone), in)
		if err != nil {
			t.Fatalf("graph %d: %v", seed, err)
		}
		got, err := graph.Eval(small, in)
		if err != nil {
			t.Fatalf("graph %d, pruned: %v", seed, err)
		}
		for name, w := range want {
			a, b := w.Floats(), got[name].Floats()
			if len(a) != len(b) {
				t.Fatalf("graph %d: output %s has %d numbers, want %d", seed, name, len(b), len(a))
			}
			for i := range a {
				if d := math.Abs(float64(a[i] - b[i])); !(d <= 1e-4*(1+math.Abs(float64(a[i])))) {
					t.Fatalf("graph %d: output %s differs by %g at %d", seed, name, d, i)
				}
			}
		}
	}
	if pruned < 700 {
		t.Errorf("only %d of 1000 graphs lost channels", pruned)
	}
}

func yolo(t *testing.T) *graph.Graph {
	t.Helper()
	g, err := zoo.YOLOv8(zoo.Config{Depth: 0.33, Width: 0.25, MaxChannels: 1024, Size: 64, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// A pruned detector is a detector: it can be prepared and written, and its
// layers keep multiples of eight.
func TestDetector(t *testing.T) {
	g := yolo(t)
	for _, o := range []Options{{Ratio: 0.2}, {Ratio: 0.3, PerLayer: true}, {Params: 2_400_000}, {Ratio: 0.5, Multiple: 16}} {
		o.Score, _ = ParseScore("l2", 0)
		small, r, err := Prune(g, o)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("ratio %v, parameters %d: %d → %d", o.Ratio, o.Params, r.ParamsBefore, r.ParamsAfter)
		if o.Params != 0 && (r.ParamsAfter > o.Params || r.ParamsAfter < o.Params*9/10) {
			t.Errorf("%d parameters, asked for %d", r.ParamsAfter, o.Params)
		}
		multiple := max(o.Multiple, 8)
		for _, c := range r.Changes {
			if c.After != c.Before && c.After%multiple != 0 && !strings.Contains(c.Name, "cv1") {
				t.Errorf("%s has %d channels", c.Name, c.After)
			}
		}
		data, err := onnx.Write(small)
		if err != nil {
			t.Fatal(err)
		}
		back, err := onnx.Read(data)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := graph.Prepare(back, 64, 64); err != nil {
			t.Errorf("ratio %v: %v", o.Ratio, err)
		}
	}
}

func TestRealModel(t *testing.T) {
	data, err := os.ReadFile(shared.File(t, "models", "yolov8n.onnx"))
	if err != nil {
		t.Fatal(err)
	}
	g, err := onnx.Read(data)
	if err != nil {
		t.Fatal(err)
	}
	score, _ := ParseScore("l2", 0)
	small, r, err := Prune(g, Options{Params: 2_400_000, Score: score})
	if err != nil {
		t.Fatal(err)
	}
	if r.ParamsAfter > 2_400_000 || r.ParamsAfter < 2_200_000 {
		t.Errorf("%d parameters are left of %d", r.ParamsAfter, r.ParamsBefore)
	}
	if _, err := graph.Prepare(small, 320, 320); err != nil {
		t.Error(err)
	}
}

func TestRefusals(t *testing.T) {
	score, _ := ParseScore("l1", 0)
	for name, o := range map[string]Options{
		"no ratio":         {Score: score},
		"ratio of one":     {Ratio: 1, Score: score},
		"negative":         {Ratio: -0.1, Score: score},
		"NaN":              {Ratio: math.NaN(), Score: score},
		"both":             {Ratio: 0.2, Params: 5, Score: score},
		"too many":         {Params: 1 << 40, Score: score},
		"too few":          {Params: 10, Score: score},
		"no importance":    {Ratio: 0.2},
		"tiny ratio":       {Ratio: 1e-9, Score: score},
		"negative largest": {Ratio: 0.2, MaxRatio: -1, Score: score},
	} {
		if _, _, err := Prune(yolo(t), o); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := ParseScore("size", 0); err == nil {
		t.Error("an unknown importance was accepted")
	}
}
