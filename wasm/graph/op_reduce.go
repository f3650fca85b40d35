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
