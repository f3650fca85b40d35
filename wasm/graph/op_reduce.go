package graph

import (
	"fmt"
	"math"
)

// reducedAxes returns which dimensions a reduction removes.
func reducedAxes(c *call) ([]bool, error) {
	rank := len(c.in[0].shape)
	axes, err := c.listOr(1, "axes")
	if err != nil {
		return nil, err
	}
	gone := make([]bool, rank)
	for i := range gone {
		gone[i] = len(axes) == 0 && c.n.Int("noop_with_empty_axes", 0) == 0
	}
	for _, a := range axes {
		k, err := axis(a, rank)
		if err != nil {
			return nil, err
		}
		gone[k] = true
	}
	return gone, nil
}

// keep removes dimensions from a shape or leaves them as ones.
func keep(shape []int, gone []bool, keepdims bool) []int {
	out := []int{}
	for i, d := range shape {
		switch {
		case !gone[i]:
			out = append(out, d)
		case keepdims:
			out = append(out, 1)
		}
	}
	return out
}

func reduction(op string) OpSpec {
	infer := func(c *call) error {
		if !isFloat(c.in[0].dt) {
			return fmt.Errorf("operand is %v", c.in[0].dt)
		}
		gone, err := reducedAxes(c)
		if err != nil {
			return err
		}
		return c.result(0, c.in[0].dt, keep(c.in[0].shape, gone, c.n.Int("keepdims", 1) != 0))
	}
	eval := func(c *call) error {
		gone, err := reducedAxes(c)
		if err != nil {
			return err
		}
		x := c.in[0]
		to := strides(keep(x.shape, gone, true))
		for i := range to {
			if gone[i] {
				to[i] = 0
			}
		}
		first := 0.0
		switch op {
		case "ReduceMax":
			first = math.Inf(-1)
		case "ReduceMin":
			first = math.Inf(1)
		}
		out := c.out[0].alloc()
		acc := make([]float64, len(out.f))
		for i := range acc {
			acc[i] = first
		}
		row := 1
		if r := len(x.shape); r > 0 {
			row = x.shape[r-1]
		}
		eachRow(x.shape, [][]int{to}, func(o int, at []int) {
			for k, v := range x.f[o : o+row] {
				p := &acc[at[0]+k*last(to)]
				switch op {
				case "ReduceMax":
					*p = max(*p, float64(v))
				case "ReduceMin":
					*p = min(*p, float64(v))
				default:
					*p += float64(v)
				}
			}
		})
		for i, v := range acc {
			if op == "ReduceMean" {
				v /= float64(len(x.f)) / float64(len(acc))
			}
			out.f[i] = float32(v)
		}
		return nil
	}
	return OpSpec{1, 2, 1, 1, infer, eval}
}

func inferArgMax(c *call) error {
	x := c.in[0]
	if !isFloat(x.dt) {
		return fmt.Errorf("operand is %v", x.dt)
	}
	ax, err := axis(c.n.Int("axis", 0), len(x.shape))
	if err != nil {
		return err
	}
	gone := make([]bool, len(x.shape))
	gone[ax] = true
	return c.result(0, Int64, keep(x.shape, gone, c.n.Int("keepdims", 1) != 0))
}

func evalArgMax(c *call) error {
	x, out := c.in[0], c.out[0].alloc()
	ax, err := axis(c.n.Int("axis", 0), len(x.shape))
	if err != nil {
		return err
	}
	lastWins := c.n.Int("select_last_index", 0) != 0
	outer, inner := around(x.shape, ax)
	n := x.shape[ax]
	for o := range outer {
		for j := range inner {
			best := 0
			for k := range n {
				v, b := x.f[(o*n+k)*inner+j], x.f[(o*n+best)*inner+j]
				if v > b || lastWins && v == b {
					best = k
				}
			}
			out.i[o*inner+j] = int64(best)
		}
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
