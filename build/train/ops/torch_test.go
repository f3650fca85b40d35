package ops

import (
	"encoding/json"
	"os"
	"testing"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// given multiplies with numbers that may change between runs and adds up, so
// that they are the gradient of x.
func given(t *testing.T, x *gorgonia.Node) (cost *gorgonia.Node, d []float32) {
	t.Helper()
	d = make([]float32, x.Shape().TotalSize())
	cost, err := Apply("given", nil, func(in [][]float32, out []float32) { out[0] = 0 },
		func(in [][]float32, out, dout []float32, din [][]float32) { copy(din[0], d) }, x)
	if err != nil {
		t.Fatal(err)
	}
	return cost, d
}

// TestTorch compares with what PyTorch computed (testdata/fixture.py): batch norm
// over two training steps and one of evaluation, and the learned scale. Sums run
// in another order there: 1e-5 of the largest value.
func TestTorch(t *testing.T) {
	text, err := os.ReadFile("testdata/torch.json")
	if err != nil {
		t.Fatal(err)
	}
	var want struct {
		ConvBN []struct {
			Name                string
			Shape               []int
			Out, K, Stride, Pad int
			W, Gamma, Beta      []float32
			Runs                []struct {
				Training  bool
				X, Y, DY  []float32
				Grads     [][]float32
				Mean, Var []float32
			}
		}
		LSQ []struct {
			Name                    string
			Axis                    int
			Min, Max                int32
			Shape                   []int
			X, Scale, Y, DY, DX, DS []float32
		}
	}
	if err := json.Unmarshal(text, &want); err != nil {
		t.Fatal(err)
	}
	if len(want.ConvBN) < 3 || len(want.LSQ) < 2 {
		t.Fatal("the fixture is incomplete")
	}
	for _, c := range want.ConvBN {
		t.Run(c.Name, func(t *testing.T) {
			g := gorgonia.NewGraph()
			pixels := make([]float32, size(c.Shape))
			x, w := node(g, "x", pixels, c.Shape...), node(g, "w", c.W, c.Out, c.Shape[1], c.K, c.K)
			gamma, beta := node(g, "gamma", c.Gamma, c.Out), node(g, "beta", c.Beta, c.Out)
			bn := NewBN(c.Out)
			y, err := ConvBN(x, w, gamma, beta, bn, ConvAttrs{Stride: c.Stride, Pad: c.Pad}, SiLU)
			if err != nil {
				t.Fatal(err)
			}
			cost, d := given(t, y)
			wrt := []*gorgonia.Node{x, w, gamma, beta}
			if _, err := Grad(cost, wrt...); err != nil {
				t.Fatal(err)
			}
			m := gorgonia.NewTapeMachine(g)
			defer m.Close()
			for _, r := range c.Runs {
				bn.Training = r.Training
				copy(pixels, r.X)
				copy(d, r.DY)
				if err := m.RunAll(); err != nil {
					t.Fatal(err)
				}
				m.Reset()
				near(t, "y", y.Value().Data().([]float32), r.Y, tolerance)
				near(t, "running mean", bn.Mean, r.Mean, tolerance)
				near(t, "running variance", bn.Var, r.Var, tolerance)
				for i, n := range wrt {
					v, err := n.Grad()
					if err != nil {
						t.Fatal(err)
					}
					near(t, "gradient of "+n.Name(), v.Data().([]float32), r.Grads[i], tolerance)
				}
			}
		})
	}
	for _, c := range want.LSQ {
		t.Run("lsq "+c.Name, func(t *testing.T) {
			g := gorgonia.NewGraph()
			x := node(g, "x", c.X, c.Shape...)
			s := gorgonia.NewVector(g, tensor.Float32, gorgonia.WithShape(len(c.Scale)), gorgonia.WithName("s"),
				gorgonia.WithValue(tensor.New(tensor.WithShape(len(c.Scale)), tensor.WithBacking(c.Scale))))
			y, err := FakeQuant(x, &Quant{Min: c.Min, Max: c.Max, Axis: c.Axis, Learned: s})
			if err != nil {
				t.Fatal(err)
			}
			cost, d := given(t, y)
			copy(d, c.DY)
			if _, err := Grad(cost, x, s); err != nil {
				t.Fatal(err)
			}
			m := gorgonia.NewTapeMachine(g)
			defer m.Close()
			if err := m.RunAll(); err != nil {
				t.Fatal(err)
			}
			near(t, "y", y.Value().Data().([]float32), c.Y, tolerance)
			for i, n := range []*gorgonia.Node{x, s} {
				v, _ := n.Grad()
				near(t, "gradient of "+n.Name(), v.Data().([]float32), [][]float32{c.DX, c.DS}[i], tolerance)
			}
		})
	}
}
