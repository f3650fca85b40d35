package ops

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

func random(seed uint64, n int) []float32 {
	r := rand.New(rand.NewPCG(seed, 7))
	out := make([]float32, n)
	for i := range out {
		out[i] = float32(r.NormFloat64())
	}
	return out
}

func node(g *gorgonia.ExprGraph, name string, data []float32, shape ...int) *gorgonia.Node {
	return gorgonia.NewTensor(g, tensor.Float32, len(shape), gorgonia.WithShape(shape...), gorgonia.WithName(name),
		gorgonia.WithValue(tensor.New(tensor.WithShape(shape...), tensor.WithBacking(data))))
}

// weighted makes a scalar of a node: the sum of its values times fixed numbers,
// so that each value has a gradient of its own.
func weighted(t *testing.T, x *gorgonia.Node) (*gorgonia.Node, []float32) {
	t.Helper()
	k := random(99, x.Shape().TotalSize())
	out, err := Apply("weighted", nil, func(in [][]float32, out []float32) {
		var s float64
		for i, v := range in[0] {
			s += float64(v) * float64(k[i])
		}
		out[0] = float32(s)
	}, func(in [][]float32, out, dout []float32, din [][]float32) {
		for i := range din[0] {
			din[0][i] = k[i] * dout[0]
		}
	}, x)
	if err != nil {
		t.Fatal(err)
	}
	return out, k
}

// run gives the value of out and the gradients of the weighted sum over it.
func run(t *testing.T, out *gorgonia.Node, wrt ...*gorgonia.Node) (value []float32, grads [][]float32, k []float32) {
	t.Helper()
	cost, k := weighted(t, out)
	if _, err := Grad(cost, wrt...); err != nil {
		t.Fatal(err)
	}
	m := gorgonia.NewTapeMachine(cost.Graph())
	defer m.Close()
	for range 2 { // the second run must not see the first one's
		if err := m.RunAll(); err != nil {
			t.Fatal(err)
		}
		m.Reset()
	}
	for _, n := range wrt {
		v, err := n.Grad()
		if err != nil {
			t.Fatal(err)
		}
		grads = append(grads, append([]float32(nil), v.Data().([]float32)...))
	}
	return append([]float32(nil), out.Value().Data().([]float32)...), grads, k
}

func near(t *testing.T, what string, got, want []float32, tolerance float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d values, want %d", what, len(got), len(want))
	}
	var size, worst float64
	at := 0
	for i := range want {
		size = max(size, math.Abs(float64(want[i])))
		if d := math.Abs(float64(got[i]) - float64(want[i])); d > worst || math.IsNaN(d) {
			worst, at = d, i
			if math.IsNaN(d) {
				worst = math.Inf(1)
			}
		}
	}
	if worst > tolerance*max(size, 1e-6) {
		t.Errorf("%s: value %d of %d is %g, want %g (off by %.2g of the largest, %g)", what, at, len(want), got[at], want[at], worst/size, size)
	}
}

// slopes is the gradient of Σ k·f(in) by central differences in float64, with
// respect to input i. With steps of 1e-5 and values near 1 its own error is
// about 1e-10 (truncation) plus 1e-11 (rounding).
func slopes(f func(in [][]float64) []float64, in [][]float32, i int, k []float32) []float32 {
	const step = 1e-5
	x := make([][]float64, len(in))
	for j := range in {
		for _, v := range in[j] {
			x[j] = append(x[j], float64(v))
		}
	}
	sum := func() (s float64) {
		for j, v := range f(x) {
			s += float64(k[j]) * v
		}
		return s
	}
	out := make([]float32, len(in[i]))
	for j := range out {
		old := x[i][j]
		x[i][j] = old + step
		up := sum()
		x[i][j] = old - step
		out[j] = float32((up - sum()) / (2 * step))
		x[i][j] = old
	}
	return out
}

// float32 sums of at most some hundred terms: 1e-5 of the largest value.
const tolerance = 1e-5

// gradients compares an operation and its gradients with float64 of want.
func gradients(t *testing.T, in [][]float32, shapes [][]int, build func(n []*gorgonia.Node) (*gorgonia.Node, error), want func(in [][]float64) []float64) {
	t.Helper()
	g := gorgonia.NewGraph()
	var nodes []*gorgonia.Node
	for i := range in {
		nodes = append(nodes, node(g, fmt.Sprint("x", i), append([]float32(nil), in[i]...), shapes[i]...))
	}
	out, err := build(nodes)
	if err != nil {
		t.Fatal(err)
	}
	value, grads, k := run(t, out, nodes...)
	x := make([][]float64, len(in))
	for i := range in {
		for _, v := range in[i] {
			x[i] = append(x[i], float64(v))
		}
	}
	var expect []float32
	for _, v := range want(x) {
		expect = append(expect, float32(v))
	}
	near(t, "forward", value, expect, tolerance)
	for i := range in {
		near(t, fmt.Sprintf("gradient of input %d", i), grads[i], slopes(want, in, i, k), 2*tolerance)
	}
}

func size(shape []int) int { return tensor.Shape(shape).TotalSize() }

func inputs(shapes [][]int) (in [][]float32) {
	for i, s := range shapes {
		in = append(in, random(uint64(i+1), size(s)))
	}
	return in
}
