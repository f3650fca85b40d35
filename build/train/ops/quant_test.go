package ops

import (
	"math"
	"testing"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// TestGorgoniasGrad wants this package's operations to work between gorgonia's
// own, with either package's differentiation.
func TestGorgoniasGrad(t *testing.T) {
	var grads [2][][]float32
	for way := range grads {
		g := gorgonia.NewGraph()
		x := node(g, "x", random(1, 2*3*4*4), 2, 3, 4, 4)
		w := node(g, "w", random(2, 3*3*9), 3, 3, 3, 3)
		y, err := Conv(x, w, nil, ConvAttrs{Stride: 1, Pad: 1}, SiLU)
		if err != nil {
			t.Fatal(err)
		}
		s := gorgonia.Must(gorgonia.Add(gorgonia.Must(gorgonia.Tanh(y)), x))
		if s, err = Add(s, x); err != nil {
			t.Fatal(err)
		}
		cost := gorgonia.Must(gorgonia.Sum(gorgonia.Must(gorgonia.Square(s))))
		if way == 0 {
			_, err = Grad(cost, x, w)
		} else {
			_, err = gorgonia.Grad(cost, x, w)
		}
		if err != nil {
			t.Fatal(err)
		}
		m := gorgonia.NewTapeMachine(g)
		if err := m.RunAll(); err != nil {
			t.Fatal(err)
		}
		for _, n := range []*gorgonia.Node{x, w} {
			v, err := n.Grad()
			if err != nil {
				t.Fatal(err)
			}
			grads[way] = append(grads[way], v.Data().([]float32))
		}
		m.Close()
	}
	near(t, "dx", grads[0][0], grads[1][0], 1e-6)
	near(t, "dw", grads[0][1], grads[1][1], 1e-6)
}

// TestFakeQuant compares with the formulas in float64: rounding has no slope
// that differences could find.
func TestFakeQuant(t *testing.T) {
	for _, c := range []struct {
		name string
		q    Quant
		axis int
	}{
		{"per tensor, affine", Quant{Min: 0, Max: 255, Axis: -1, Scale: []float32{0.01}, Zero: []int32{120}}, -1},
		{"per channel, symmetric", Quant{Min: -7, Max: 7, Axis: 0, Scale: []float32{0.1, 0.2, 0.3}}, 0},
		{"channels of a map", Quant{Min: -127, Max: 127, Axis: 1, Scale: []float32{0.01, 0.02}}, 1},
		{"last axis", Quant{Min: -3, Max: 3, Axis: 3, Scale: []float32{0.3, 0.2, 0.5, 0.4, 0.1}}, 3},
		{"off", Quant{Min: -3, Max: 3, Axis: -1, Scale: []float32{0.3}, Off: true}, -1},
	} {
		for _, learned := range []bool{false, true} {
			t.Run(c.name+map[bool]string{true: " learned"}[learned], func(t *testing.T) {
				q, shape := c.q, []int{3, 2, 4, 5}
				scales := append([]float32(nil), q.Scale...)
				g := gorgonia.NewGraph()
				data := random(3, size(shape))
				x := node(g, "x", data, shape...)
				wrt := []*gorgonia.Node{x}
				if learned {
					q.Learned = node(g, "s", scales, len(scales))
					wrt = append(wrt, q.Learned)
				}
				y, err := FakeQuant(x, &q)
				if err != nil {
					t.Fatal(err)
				}
				value, grads, k := run(t, y, wrt...)
				entry := func(i int) int {
					switch c.axis {
					case 0:
						return i / 40
					case 1:
						return i / 20 % 2
					case 3:
						return i % 5
					}
					return 0
				}
				want, dx, ds := make([]float32, len(data)), make([]float32, len(data)), make([]float64, len(scales))
				for i, v := range data {
					e := entry(i)
					s, z := float64(scales[e]), 0.0
					if q.Zero != nil {
						z = float64(q.Zero[e])
					}
					r := math.RoundToEven(float64(float32(v*(1/scales[e])))) + z
					slope := r - z - float64(v)/s
					dx[i] = k[i]
					if r < float64(q.Min) {
						r, dx[i], slope = float64(q.Min), 0, float64(q.Min)-z
					} else if r > float64(q.Max) {
						r, dx[i], slope = float64(q.Max), 0, float64(q.Max)-z
					}
					want[i] = float32((r - z) * s)
					ds[e] += slope * float64(k[i])
					if q.Off {
						want[i], dx[i] = v, k[i]
					}
				}
				near(t, "forward", value, want, 1e-6)
				near(t, "dx", grads[0], dx, 1e-6)
				if learned {
					var dsf []float32
					for _, v := range ds {
						v /= math.Sqrt(float64(len(data)/len(ds)) * float64(q.Max))
						if q.Off {
							v = 0
						}
						dsf = append(dsf, float32(v))
					}
					near(t, "ds", grads[1], dsf, 1e-5)
				}
			})
		}
	}
}

// TestObserve wants averages of the extremes and scales that cover them.
func TestObserve(t *testing.T) {
	g := gorgonia.NewGraph()
	value := tensor.New(tensor.WithShape(1, 4), tensor.WithBacking([]float32{-1, 0, 2, 3}))
	x := gorgonia.NewMatrix(g, tensor.Float32, gorgonia.WithShape(1, 4), gorgonia.WithName("x"), gorgonia.WithValue(value))
	q := &Quant{Min: 0, Max: 255, Axis: -1, Observe: true, Momentum: 0.5}
	if _, err := FakeQuant(x, q); err != nil {
		t.Fatal(err)
	}
	m := gorgonia.NewTapeMachine(g)
	defer m.Close()
	for i, want := range []struct{ low, high float32 }{{-1, 3}, {-1, 5}, {-0.5, 2.5}} {
		copy(value.Data().([]float32), [][]float32{{-1, 0, 2, 3}, {-1, 7, 2, 3}, {0, 0, 0, 0}}[i])
		if err := m.RunAll(); err != nil {
			t.Fatal(err)
		}
		m.Reset()
		if q.Low[0] != want.low || q.High[0] != want.high {
			t.Errorf("pass %d: %g to %g, want %g to %g", i, q.Low[0], q.High[0], want.low, want.high)
		}
		if got := (want.high - want.low) / 255; q.Scale[0] != got {
			t.Errorf("pass %d: scale %g, want %g", i, q.Scale[0], got)
		}
		if z := int32(math.RoundToEven(float64(-want.low / q.Scale[0]))); q.Zero[0] != z {
			t.Errorf("pass %d: zero point %d, want %d", i, q.Zero[0], z)
		}
	}
	q.Scale[0], q.Observe = float32(math.NaN()), false
	if err := m.RunAll(); err == nil {
		t.Error("a scale of NaN was accepted")
	}
}

// TestRefusals wants an error, not a panic, for what does not fit.
func TestRefusals(t *testing.T) {
	g := gorgonia.NewGraph()
	x, w := node(g, "x", random(1, 32), 1, 2, 4, 4), node(g, "w", random(2, 36), 2, 2, 3, 3)
	odd := node(g, "odd", random(3, 5), 5)
	for name, f := range map[string]func() (*gorgonia.Node, error){
		"missing weights":    func() (*gorgonia.Node, error) { return Conv(x, nil, nil, ConvAttrs{}, None) },
		"wrong dimensions":   func() (*gorgonia.Node, error) { return Conv(odd, w, nil, ConvAttrs{}, None) },
		"groups":             func() (*gorgonia.Node, error) { return Conv(x, w, nil, ConvAttrs{Groups: 2}, None) },
		"bias":               func() (*gorgonia.Node, error) { return Conv(x, w, odd, ConvAttrs{}, None) },
		"padding":            func() (*gorgonia.Node, error) { return Conv(x, w, nil, ConvAttrs{Pad: 3}, None) },
		"no norm":            func() (*gorgonia.Node, error) { return ConvBN(x, w, odd, odd, nil, ConvAttrs{}, None) },
		"concat":             func() (*gorgonia.Node, error) { return Concat(x, w) },
		"slice":              func() (*gorgonia.Node, error) { return Slice(x, 1, 3) },
		"add":                func() (*gorgonia.Node, error) { return Add(x, w) },
		"pool":               func() (*gorgonia.Node, error) { return MaxPool(x, 7, 1, 1) },
		"dfl":                func() (*gorgonia.Node, error) { return DFL(x, 3) },
		"range":              func() (*gorgonia.Node, error) { return FakeQuant(x, &Quant{Axis: -1}) },
		"scales":             func() (*gorgonia.Node, error) { return FakeQuant(x, &Quant{Min: -7, Max: 7, Axis: 1}) },
		"nothing to work on": func() (*gorgonia.Node, error) { return Apply("f", nil, nil, nil) },
	} {
		if n, err := f(); err == nil {
			t.Errorf("%s: accepted as %v", name, n)
		}
	}
	cost, _ := weighted(t, x)
	if _, err := Grad(cost, w); err == nil {
		t.Error("a gradient for weights that nothing uses")
	}
}

// TestFakeQuantPieces wants values beyond one piece to be treated alike.
func TestFakeQuantPieces(t *testing.T) {
	g := gorgonia.NewGraph()
	shape := []int{2, 1, 150, 300}
	x := node(g, "x", random(8, size(shape)), shape...)
	s := node(g, "s", []float32{0.02}, 1)
	y, err := FakeQuant(x, &Quant{Min: -128, Max: 127, Axis: -1, Learned: s})
	if err != nil {
		t.Fatal(err)
	}
	value, grads, k := run(t, y, x, s)
	want, dx, ds := make([]float32, len(value)), make([]float32, len(value)), 0.0
	for i, v := range x.Value().Data().([]float32) {
		v *= 1 / float32(0.02)
		r := math.RoundToEven(float64(v))
		dx[i] = k[i]
		slope := r - float64(v)
		if r > 127 || r < -128 {
			r, dx[i] = min(max(r, -128), 127), 0
			slope = r
		}
		want[i] = float32(r * 0.02)
		ds += slope * float64(k[i])
	}
	near(t, "forward", value, want, 1e-6)
	near(t, "dx", grads[0], dx, 1e-6)
	near(t, "ds", grads[1], []float32{float32(ds / math.Sqrt(float64(len(value))*127))}, 1e-4)
}
