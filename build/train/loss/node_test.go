package loss

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// The node gives gorgonia the value and the gradient that compute has.
func TestNode(t *testing.T) {
	f := fixtures(t)[0]
	plain, box, cls := f.setUp(t)
	want := plain.compute(box, cls)

	g := gorgonia.NewGraph()
	var bs, cs []*gorgonia.Node
	strides := []int{8, 16, 32}
	for i, lv := range plain.levels {
		node := func(data []float32, channels int) *gorgonia.Node {
			shape := tensor.Shape{f.Batch, channels, lv.h, lv.w}
			v := tensor.New(tensor.WithShape(shape...), tensor.WithBacking(append([]float32(nil), data...)))
			return gorgonia.NewTensor(g, tensor.Float32, 4, gorgonia.WithShape(shape...), gorgonia.WithValue(v))
		}
		bs, cs = append(bs, node(box[i], 4*f.RegMax)), append(cs, node(cls[i], f.Classes))
	}
	l, err := New(bs, cs, strides, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := l.SetTruth(plain.truth); err != nil {
		t.Fatal(err)
	}
	half := gorgonia.Must(gorgonia.Mul(l.Total, gorgonia.NewConstant(float32(0.5))))
	all := append(append([]*gorgonia.Node(nil), bs...), cs...)
	if _, err := gorgonia.Grad(half, all...); err != nil {
		t.Fatal(err)
	}
	vm := gorgonia.NewTapeMachine(g, gorgonia.BindDualValues(all...))
	defer vm.Close()
	if err := vm.RunAll(); err != nil {
		t.Fatal(err)
	}
	if got := l.Total.Value().Data().(float32); got != want {
		t.Errorf("the node's value is %g, the loss %g", got, want)
	}
	for i, n := range all {
		v, err := n.Grad()
		if err != nil {
			t.Fatal(err)
		}
		g := append(append([][]float32(nil), plain.box...), plain.cls...)[i]
		half := make([]float32, len(g))
		scale(half, g, 0.5)
		if d := cmp.Diff(half, v.Data().([]float32)); d != "" {
			t.Errorf("gradient %d: %s", i, d)
		}
	}
}
