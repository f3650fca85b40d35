package calib

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"eagleeye/wasm"
	"eagleeye/wasm/graph"
	"eagleeye/wasm/onnx"
	"eagleeye/wasm/quant"
)

// All forms of a model run in the engine and compute what the float model does;
// the less is in int8, the closer.
func TestForms(t *testing.T) {
	dir := t.TempDir()
	g := model(t, small)
	in := writeModel(t, filepath.Join(dir, "in.onnx"), g)
	s, err := Begin(Options{In: in, Out: filepath.Join(dir, "out.onnx"), CalibDir: photos(t, filepath.Join(dir, "pics"), 4), Images: 3})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	l, err := quant.Analyze(s.Float)
	if err != nil {
		t.Fatal(err)
	}
	float := logits(t, g, 0, wasm.F32)
	error2 := func(name string, c Choice) (sum float64) {
		q, err := s.Graph(t.Context(), c)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		file, err := onnx.Write(q)
		if err != nil {
			t.Fatal(err)
		}
		back, err := onnx.Read(file)
		if err != nil {
			t.Fatal(err)
		}
		precision := wasm.Auto
		if c.FloatGroups != nil && !slices.Contains(c.FloatGroups, false) {
			precision = wasm.F32 // what it says of itself
		}
		for i, v := range logits(t, back, 0, precision) {
			d := float64(v - float[i])
			sum += d * d
		}
		return sum
	}
	all := slices.Repeat([]bool{true}, l.Groups)
	weights := map[string]bool{}
	for _, n := range l.Convs {
		weights[n.Name] = true
	}
	int8 := error2("int8", Choice{})
	only := error2("weights only", Choice{FloatGroups: all})
	none := error2("nothing", Choice{FloatGroups: all, FloatWeights: weights})
	if !(only < int8/2 && only > 0) || none > only/1e6 {
		t.Errorf("squared error %g in int8, %g of the weights alone, %g of nothing", int8, only, none)
	}

	// A budget leaves the noisiest in float, and no more than it pays for.
	if f, err := s.study.Noisy(Choice{FloatBudget: 1e-9}); err != nil || f != nil {
		t.Errorf("for nothing: %v, %v", f, err)
	}
	q, err := s.Graph(t.Context(), Choice{FloatBudget: 0.3, Observer: quant.Entropy, Nearest: true})
	if err != nil {
		t.Fatal(err)
	}
	pairs := func(g *graph.Graph) (n int) {
		for _, node := range g.Nodes {
			if node.Op == "QuantizeLinear" {
				n++
			}
		}
		return n
	}
	plain, err := s.Graph(t.Context(), Choice{Observer: quant.Entropy, Nearest: true})
	if err != nil {
		t.Fatal(err)
	}
	if pairs(q) >= pairs(plain) || pairs(q) == 0 {
		t.Errorf("%d pairs within a budget, %d without", pairs(q), pairs(plain))
	}

	held, unseen, err := s.Held(5)
	if err != nil || !unseen || len(held) != 1 {
		t.Errorf("%d pictures held back (unseen: %t), %v, want the 1 of 4 that was not observed", len(held), unseen, err)
	}
	s.o.Images = 4
	if held, unseen, err = s.Held(2); err != nil || unseen || len(held) != 2 {
		t.Errorf("%d pictures (unseen: %t), %v, want 2 of those observed", len(held), unseen, err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".out*")); len(left) != 1 {
		t.Errorf("%q", left)
	}
	s.Close()
	if left, _ := filepath.Glob(filepath.Join(dir, "*out*")); len(left) != 0 || strings.Contains(strings.Join(left, ""), "out") {
		t.Errorf("left behind: %q", left)
	}
}
