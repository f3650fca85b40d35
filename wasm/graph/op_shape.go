package graph

import (
	"fmt"
)

// evalAlias is for operators that only give the elements another shape.
func evalAlias(c *call) error {
	c.out[0] = c.in[0].with(c.out[0].shape)
	return nil
}

func inferReshape(c *call) error {
	x := c.in[0]
	want, err := c.listOr(1, "shape")
	if err != nil {
		return err
	}
	if want == nil && c.arg(1) == nil {
		return fmt.Errorf("no shape")
	}
	total, err := elements(x.shape)
	if err != nil {
		return err
	}
	shape, free, n := make([]int, len(want)), -1, 1
	for i, d := range want {
		switch {
		case d == 0 && c.n.Int("allowzero", 0) == 0:
			if i >= len(x.shape) {
				return fmt.Errorf("dimension %d copies one that the input lacks", i)
			}
			shape[i] = x.shape[i]
		case d == -1 && free < 0:
			free = i
			continue
		case d < 0 || d > maxElements:
			return fmt.Errorf("cannot reshape to %v", want)
		default:
			shape[i] = int(d)
		}
		if n *= shape[i]; n > maxElements {
			return fmt.Errorf("cannot reshape to %v", want)
		}
	}
	if free >= 0 {
		if n == 0 || total%n != 0 {
			return fmt.Errorf("cannot reshape %v to %v", x.shape, want)
		}
		shape[free] = total / n
		n *= shape[free]
	}
	if n != total {
		return fmt.Errorf("cannot reshape %v to %v", x.shape, want)
	}
	return c.result(0, x.dt, shape)
}

func inferFlatten(c *call) error {
	x := c.in[0]
	a := c.n.Int("axis", 1)
	if a < 0 {
		a += int64(len(x.shape))
	}
	if a < 0 || a > int64(len(x.shape)) {
		return fmt.Errorf("axis out of range for rank %d", len(x.shape))
	}
	rows, cols := 1, 1
	for i, d := range x.shape {
		if i < int(a) {
			rows *= d
		} else {
			cols *= d
		}
	}
	return c.result(0, x.dt, []int{rows, cols})
}

func inferSqueeze(c *call) error {
	x := c.in[0]
	axes, err := c.listOr(1, "axes")
	if err != nil {
		return err
	}
	drop := make([]bool, len(x.shape))
	for i, d := range x.shape {
		drop[i] = axes == nil && d == 1
	}
	for _, a := range axes {
		k, err := axis(a, len(x.shape))
		if err != nil {
			return err
		}
		if x.shape[k] != 1 {
			return fmt.Errorf("axis %d of %v is not 1", k, x.shape)
		}
		drop[k] = true
	}
	shape := []int{}
	for i, d := range x.shape {
		if !drop[i] {
			shape = append(shape, d)
		}
	}
	return c.result(0, x.dt, shape)
}

func inferUnsqueeze(c *call) error {
	x := c.in[0]
	axes, err := c.listOr(1, "axes")
	if err != nil {
		return err
	}
	rank := len(x.shape) + len(axes)
	if rank > 16 {
		return fmt.Errorf("rank %d", rank)
	}
	one := make([]bool, rank)
	for _, a := range axes {
		k, err := axis(a, rank)
		if err != nil {
			return err
		}
		if one[k] {
			return fmt.Errorf("axis %d twice", k)
		}
		one[k] = true
	}
	shape, rest := make([]int, rank), x.shape
	for i := range shape {
		if one[i] {
			shape[i] = 1
		} else {
			shape[i], rest = rest[0], rest[1:]
		}
	}
	return c.result(0, x.dt, shape)
}

func permutation(c *call) ([]int, error) {
	rank := len(c.in[0].shape)
	perm := make([]int, rank)
	list := c.n.Ints("perm")
	if list == nil {
		for i := range perm {
			perm[i] = rank - 1 - i
		}
		return perm, nil
	}
	if len(list) != rank {
		return nil, fmt.Errorf("perm %v for rank %d", list, rank)
	}
	seen := make([]bool, rank)
	for i, p := range list {
		k, err := axis(p, rank)
		if err != nil || seen[k] {
			return nil, fmt.Errorf("perm %v for rank %d", list, rank)
		}
		seen[k], perm[i] = true, k
	}
	return perm, nil
}

func inferTranspose(c *call) error {
	perm, err := permutation(c)
	if err != nil {
		return err
	}
	shape := make([]int, len(perm))
	for i, p := range perm {
		shape[i] = c.in[0].shape[p]
	}
	return c.result(0, c.in[0].dt, shape)
}

func evalTranspose(c *call) error {
	x, out := c.in[0], c.out[0].alloc()
	perm, err := permutation(c)
	if err != nil {
		return err
	}
	own, s := strides(x.shape), make([]int, len(perm))
	for i, p := range perm {
		s[i] = own[p]
	}
	walk(out, x, 0, s)
	return nil
}

// walk fills out from x, which begins at an offset and moves by s along each
// dimension of out.
func walk(out, x *array, from int, s []int) {
	if isFloat(out.dt) {
		walkRows(out.f, x.f, out.shape, from, s)
	} else {
		walkRows(out.i, x.i, out.shape, from, s)
	}
}

func walkRows[T any](out, x []T, shape []int, from int, s []int) {
	row, step := 1, last(s)
	if len(shape) > 0 {
		row = shape[len(shape)-1]
	}
	eachRow(shape, [][]int{s}, func(o int, at []int) {
		i := from + at[0]
		if step == 1 {
			copy(out[o:o+row], x[i:])
			return
		}
		for k := range row {
			out[o+k] = x[i]
			i += step
		}
	})
}

func inferShape(c *call) error {
	lo, hi, err := shapeRange(c)
	if err != nil {
		return err
	}
	return c.result(0, Int64, []int{hi - lo})
}

func shapeRange(c *call) (lo, hi int, err error) {
	rank := int64(len(c.in[0].shape))
	r := cut(c.n.Int("start", 0), c.n.Int("end", rank), 1, rank)
	return r.start, r.start + r.n, nil
}

func evalShape(c *call) error {
	lo, hi, err := shapeRange(c)
	if err != nil {
		return err
	}
	out := c.out[0].alloc()
	for i, d := range c.in[0].shape[lo:hi] {
		out.i[i] = int64(d)
	}
	return nil
}

func inferGather(c *call) error {
	x, idx := c.in[0], c.in[1]
	if isFloat(idx.dt) {
		return fmt.Errorf("indices are %v", idx.dt)
	}
	ax, err := axis(c.n.Int("axis", 0), len(x.shape))
	if err != nil {
		return err
	}
	shape := append([]int(nil), x.shape[:ax]...)
	shape = append(append(shape, idx.shape...), x.shape[ax+1:]...)
	return c.result(0, x.dt, shape)
}

func evalGather(c *call) error {
	x, idx, out := c.in[0], c.in[1], c.out[0].alloc()
	ax, err := axis(c.n.Int("axis", 0), len(x.shape))
	if err != nil {
		return err
	}
	outer, inner := around(x.shape, ax)
	d := x.shape[ax]
	for k, i := range idx.i {
		if i < 0 {
			i += int64(d)
		}
		if i < 0 || i >= int64(d) {
			return fmt.Errorf("index out of range for a dimension of %d", d)
		}
		for o := range outer {
			from, to := (o*d+int(i))*inner, (o*len(idx.i)+k)*inner
			if out.f != nil {
				copy(out.f[to:to+inner], x.f[from:])
			} else {
				copy(out.i[to:to+inner], x.i[from:])
			}
		}
	}
	return nil
}
