package graph

import (
	"fmt"
	"math"
)

func inferExpand(c *call) error {
	want, err := c.list(1)
	if err != nil {
		return err
	}
	shape := make([]int, len(want))
	for i, d := range want {
		if d < 0 || d > maxElements {
			return fmt.Errorf("cannot expand to %v", want)
		}
		shape[i] = int(d)
	}
	if shape, err = broadcast(c.in[0].shape, shape); err != nil {
		return err
	}
	return c.result(0, c.in[0].dt, shape)
}

func evalExpand(c *call) error {
	out := c.out[0].alloc()
	walk(out, c.in[0], 0, broadcastStrides(c.in[0].shape, out.shape))
	return nil
}

func inferTile(c *call) error {
	x := c.in[0]
	times, err := c.list(1)
	if err != nil {
		return err
	}
	if len(times) != len(x.shape) {
		return fmt.Errorf("%d repeats for rank %d", len(times), len(x.shape))
	}
	shape := make([]int, len(times))
	for i, t := range times {
		if t < 0 || t > maxElements {
			return fmt.Errorf("repeats %v", times)
		}
		shape[i] = x.shape[i] * int(t)
	}
	return c.result(0, x.dt, shape)
}

func evalTile(c *call) error {
	x, out := c.in[0], c.out[0].alloc()
	own, to := strides(x.shape), strides(out.shape)
	for o := range out.len() {
		from, rest := 0, o
		for i, s := range to {
			from += rest / s % x.shape[i] * own[i]
			rest %= s
		}
		if out.f != nil {
			out.f[o] = x.f[from]
		} else {
			out.i[o] = x.i[from]
		}
	}
	return nil
}

// rangeOf returns start, step and count of a Range.
func rangeOf(c *call) (start, step float64, n int, err error) {
	var v [3]float64
	for k := range v {
		a := c.in[k]
		switch {
		case !a.known():
			return 0, 0, 0, fmt.Errorf("input %d must be a constant", k)
		case a.len() != 1:
			return 0, 0, 0, fmt.Errorf("input %d must be a scalar", k)
		case isFloat(a.dt):
			v[k] = float64(a.load().f[0])
		default:
			v[k] = float64(a.load().i[0])
		}
	}
	count := math.Ceil((v[1] - v[0]) / v[2])
	if v[2] == 0 || math.IsNaN(count) || count > maxElements {
		return 0, 0, 0, fmt.Errorf("range from %g to %g by %g", v[0], v[1], v[2])
	}
	return v[0], v[2], int(max(count, 0)), nil
}

func inferRange(c *call) error {
	_, _, n, err := rangeOf(c)
	if err != nil {
		return err
	}
	return c.result(0, c.in[0].dt, []int{n})
}

func evalRange(c *call) error {
	start, step, _, err := rangeOf(c)
	if err != nil {
		return err
	}
	out := c.out[0].alloc()
	for i := range out.f {
		out.f[i] = float32(start + float64(i)*step)
	}
	for i := range out.i {
		out.i[i] = int64(start + float64(i)*step)
	}
	return nil
}

// constantTensor returns what a Constant node holds.
func constantTensor(n *Node) (*Tensor, error) {
	for name, a := range n.Attrs {
		switch {
		case name == "value" && a.Kind == AttrTensor && a.T != nil:
			return a.T, a.T.check()
		case name == "value_float" && a.Kind == AttrFloat:
			return FloatTensor([]float32{a.F}), nil
		case name == "value_floats" && a.Kind == AttrFloats:
			return FloatTensor(append([]float32(nil), a.Floats...), len(a.Floats)), nil
		case name == "value_int" && a.Kind == AttrInt:
			return intTensor(Int64, []int64{a.I}, []int{}), nil
		case name == "value_ints" && a.Kind == AttrInts:
			return IntTensor(a.Ints), nil
		}
	}
	return nil, fmt.Errorf("no value that is a tensor, float or integer")
}

func inferConstant(c *call) error {
	t, err := constantTensor(c.n)
	if err != nil {
		return err
	}
	return c.result(0, t.DType, t.Shape)
}

func evalConstant(c *call) error {
	t, err := constantTensor(c.n)
	if err != nil {
		return err
	}
	c.out[0] = tensorArray(t).load()
	return nil
}

// fillValue returns the one element that ConstantOfShape repeats.
func fillValue(c *call) (*array, error) {
	a, ok := c.n.Attrs["value"]
	if !ok || a.T == nil {
		return &array{dt: Float32, shape: []int{1}, f: []float32{0}}, nil
	}
	if err := a.T.check(); err != nil {
		return nil, err
	}
	if a.T.Len() != 1 {
		return nil, fmt.Errorf("value has %d elements", a.T.Len())
	}
	return tensorArray(a.T).load(), nil
}

func inferConstantOfShape(c *call) error {
	want, err := c.list(0)
	if err != nil {
		return err
	}
	fill, err := fillValue(c)
	if err != nil {
		return err
	}
	shape := make([]int, len(want))
	for i, d := range want {
		if d < 0 || d > maxElements {
			return fmt.Errorf("shape %v", want)
		}
		shape[i] = int(d)
	}
	return c.result(0, fill.dt, shape)
}

func evalConstantOfShape(c *call) error {
	fill, err := fillValue(c)
	if err != nil {
		return err
	}
	out := c.out[0].alloc()
	for i := range out.f {
		out.f[i] = fill.f[0]
	}
	for i := range out.i {
		out.i[i] = fill.i[0]
	}
	return nil
}
