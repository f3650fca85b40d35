package ops

import (
	"hash"
	"strconv"
	"testing"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// clash finds two of the first numbers whose hashes are equal.
func clash(t *testing.T, hash func(i uint64) uint32) (first, second uint64) {
	t.Helper()
	seen := map[uint32]uint64{}
	for i := uint64(1); i < 2_000_000; i++ {
		h := hash(i)
		if j, ok := seen[h]; ok {
			return j, i
		}
		seen[h] = i
	}
	t.Fatal("no two numbers clash: is this still gorgonia's hash?")
	return 0, 0
}

// TestNodesStayApart builds nodes whose hashes would be equal: gorgonia would
// compute one of them alone.
func TestNodesStayApart(t *testing.T) {
	g := gorgonia.NewGraph()
	x := node(g, "x", []float32{1, 2}, 2)
	made := func(k float32) *gorgonia.Node {
		y, err := Apply("times", tensor.Shape{2}, func(in [][]float32, out []float32) {
			for i, v := range in[0] {
				out[i] = k * v
			}
		}, func(_ [][]float32, _, dout []float32, din [][]float32) {
			for i, d := range dout {
				din[0][i] = k * d
			}
		}, x)
		if err != nil {
			t.Fatal(err)
		}
		return y
	}
	trial := made(2)
	o := *trial.Op().(*operation)
	children := gorgonia.Nodes{x}
	if got := nodeHash(typeOf(o.shape), o.shape, o.WriteHash, children); got != trial.Hashcode() {
		t.Fatalf("predicted %08x, gorgonia's is %08x", got, trial.Hashcode())
	}
	i, j := clash(t, func(i uint64) uint32 {
		o.id = i
		return nodeHash(typeOf(o.shape), o.shape, o.WriteHash, children)
	})
	after := operations.Load() + j
	operations.Store(i - 1)
	a := made(3)
	operations.Store(j - 1)
	b := made(5)
	operations.Store(after)
	if a.Hashcode() == b.Hashcode() {
		t.Errorf("operations %v and %v have one hash", a, b)
	}

	shape := tensor.Shape{2}
	name := func(i uint64) string { return "input" + strconv.FormatUint(i, 10) }
	i, j = clash(t, func(i uint64) uint32 {
		return nodeHash(typeOf(shape), shape, func(h hash.Hash) { h.Write([]byte(name(i))) }, nil)
	})
	value := func(v float32) gorgonia.Value {
		return tensor.New(tensor.WithShape(2), tensor.WithBacking([]float32{v, v}))
	}
	p, q := Input(g, name(i), shape, value(7)), Input(g, name(j), shape, value(9))
	if p.Hashcode() == q.Hashcode() {
		t.Errorf("inputs %v and %v have one hash", p, q)
	}

	var total *gorgonia.Node
	for _, n := range []*gorgonia.Node{a, b, p, q} {
		n, err := Apply("first", nil, func(in [][]float32, out []float32) { out[0] = in[0][0] },
			func(_ [][]float32, _, dout []float32, din [][]float32) { din[0][0], din[0][1] = dout[0], 0 }, n)
		if err != nil {
			t.Fatal(err)
		}
		if total == nil {
			total = n
		} else if total, err = Add(total, n); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Grad(total, x); err != nil {
		t.Fatal(err)
	}
	m := gorgonia.NewTapeMachine(g)
	defer m.Close()
	if err := m.RunAll(); err != nil {
		t.Fatal(err)
	}
	grad, err := x.Grad()
	if err != nil {
		t.Fatal(err)
	}
	if got := total.Value().Data().(float32); got != 3+5+7+9 {
		t.Errorf("the sum is %v, want 24", got)
	}
	if got := grad.Data().([]float32)[0]; got != 3+5 {
		t.Errorf("the gradient is %v, want 8", got)
	}
}

// TestDistinct: nodes that others made with one hash are refused.
func TestDistinct(t *testing.T) {
	g := gorgonia.NewGraph()
	shape := tensor.Shape{2}
	i, j := clash(t, func(i uint64) uint32 {
		return nodeHash(typeOf(shape), shape, func(h hash.Hash) { h.Write([]byte(strconv.FormatUint(i, 10))) }, nil)
	})
	for _, n := range []uint64{i, j} {
		gorgonia.NewVector(g, tensor.Float32, gorgonia.WithShape(2), gorgonia.WithName(strconv.FormatUint(n, 10)))
	}
	if len(g.AllNodes()) != 2 || distinct(g) == nil {
		t.Errorf("%d nodes, %v", len(g.AllNodes()), distinct(g))
	}
}
