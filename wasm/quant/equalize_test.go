package quant

import (
	"math"
	"testing"

	"eagleeye/wasm/graph"
)

// chain is conv → activation → conv, with channels of very different sizes.
func chain(act string) *graph.Graph {
	t := newToy(9, 8)
	x := t.conv("a", t.image, 3, 6, 3, 1)
	w := t.g.Nodes[0].In[1]
	data := w.Const.Floats()
	for i := range data {
		data[i] *= float32(math.Pow(4, float64(i/27)-3))
	}
	t.g.Nodes[0].In[1] = &graph.Value{Name: w.Name, DType: w.DType, Shape: w.Shape, Const: graph.FloatTensor(data, w.Shape...)}
	switch act {
	case "SiLU":
		x = t.node("Mul", "mul", nil, 1, x, t.node("Sigmoid", "sig", nil, 1, x)[0])[0]
	case "":
	default:
		x = t.node(act, "act", nil, 1, x)[0]
	}
	t.g.Outputs = []*graph.Value{t.conv("b", x, 6, 4, 1, 1)}
	return t.g
}

func result(t *testing.T, g *graph.Graph) []float32 {
	t.Helper()
	image := make([]float32, 3*8*8)
	for i := range image {
		image[i] = float32(i*i%97) / 97
	}
	out, err := graph.Eval(g, map[string]*graph.Tensor{"images": graph.FloatTensor(image, 1, 3, 8, 8)})
	if err != nil {
		t.Fatal(err)
	}
	return out[g.Outputs[0].Name].Floats()
}

// sizes are the largest weights that make and that read channel c.
func sizes(g *graph.Graph, c int) (makes, reads float32) {
	a, b := g.Nodes[0].In[1].Const.Floats(), g.Nodes[len(g.Nodes)-1].In[1].Const.Floats()
	for _, v := range a[c*27 : (c+1)*27] {
		makes = max(makes, v, -v)
	}
	for o := range 4 {
		reads = max(reads, b[o*6+c], -b[o*6+c])
	}
	return makes, reads
}

func TestEqualize(t *testing.T) {
	for _, c := range []struct {
		act   string
		silu  float64
		pairs int
		exact bool
	}{
		{"", 1, 1, true}, {"Relu", 1, 1, true},
		{"SiLU", 1, 0, true}, {"SiLU", 1.5, 1, false}, {"Tanh", 4, 0, true},
	} {
		g := chain(c.act)
		want := result(t, g)
		out, pairs, err := Equalize(g, c.silu)
		if err != nil {
			t.Fatal(err)
		}
		if pairs != c.pairs {
			t.Errorf("%s at %g: %d pairs, want %d", c.act, c.silu, pairs, c.pairs)
		}
		got := result(t, out)
		worst := 0.0
		for i := range want {
			worst = max(worst, math.Abs(float64(got[i]-want[i])))
		}
		if limit := map[bool]float64{true: 1e-5, false: 3}[c.exact]; worst > limit || !c.exact && worst == 0 {
			t.Errorf("%s at %g: results moved by %g", c.act, c.silu, worst)
		}
		if c.pairs == 1 && c.exact {
			for ch := range 6 {
				if makes, reads := sizes(out, ch); math.Abs(float64(makes/reads)-1) > 1e-4 {
					t.Errorf("%s: channel %d is made by weights up to %g and read by up to %g", c.act, ch, makes, reads)
				}
			}
		}
		if again := result(t, g); again[0] != want[0] {
			t.Error("the argument was changed")
		}
	}
}

// A value that something else reads too must stay as it is.
func TestEqualizeLeavesShared(t *testing.T) {
	g := chain("Relu")
	g.Outputs = append(g.Outputs, g.Nodes[1].Out[0])
	if _, pairs, err := Equalize(g, 1); err != nil || pairs != 0 {
		t.Errorf("%d pairs, %v: an output of the model was scaled", pairs, err)
	}
	d := toyDetector(3)
	if _, pairs, err := Equalize(d, 1); err != nil || pairs != 0 {
		t.Errorf("%d pairs of a network of SiLU, %v", pairs, err)
	}
	if _, pairs, err := Equalize(d, 1.2); err != nil || pairs != 4 {
		// stem → c2f.cv1, c2f.m1 → c2f.m2, and the head's two branches.
		t.Errorf("%d pairs with SiLU, %v, want 4", pairs, err)
	}
}
