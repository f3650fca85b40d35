package graph

import "fmt"

func inferConcat(c *call) error {
	x := c.in[0]
	ax, err := axis(c.n.Int("axis", 1), len(x.shape))
	if err != nil {
		return err
	}
	shape := append([]int(nil), x.shape...)
	shape[ax] = 0
	for k := range c.in {
		y, err := c.need(k)
		if err != nil {
			return err
		}
		if len(y.shape) != len(shape) || isFloat(y.dt) != isFloat(x.dt) {
			return fmt.Errorf("input %d is %v of %v beside %v of %v", k, y.dt, y.shape, x.dt, x.shape)
		}
		for i, d := range y.shape {
			if i != ax && d != shape[i] {
				return fmt.Errorf("input %d is %v beside %v", k, y.shape, x.shape)
			}
		}
		shape[ax] += y.shape[ax]
	}
	return c.result(0, x.dt, shape)
}

func evalConcat(c *call) error {
	out := c.out[0].alloc()
	ax, err := axis(c.n.Int("axis", 1), len(out.shape))
	if err != nil {
		return err
	}
	outer, inner := around(out.shape, ax)
	row, at := out.shape[ax]*inner, 0
	for _, x := range c.in {
		n := x.shape[ax] * inner
		for o := range outer {
			if out.f != nil {
				copy(out.f[o*row+at:o*row+at+n], x.f[o*n:])
			} else {
				copy(out.i[o*row+at:o*row+at+n], x.i[o*n:])
			}
		}
		at += n
	}
	return nil
}

// splitSizes returns the axis of a Split and the sizes of its parts.
func splitSizes(c *call) (int, []int, error) {
	x := c.in[0]
	ax, err := axis(c.n.Int("axis", 0), len(x.shape))
	if err != nil {
		return 0, nil, err
	}
	list, err := c.listOr(1, "split")
	if err != nil {
		return 0, nil, err
	}
	parts, total := len(c.n.Out), x.shape[ax]
	sizes, sum := make([]int, parts), 0
	if list == nil {
		size := (total + parts - 1) / parts // only opset 18 has a smaller last part
		if total%parts != 0 && c.opset < 18 {
			return 0, nil, fmt.Errorf("%d does not split into %d equal parts", total, parts)
		}
		for i := range sizes {
			sizes[i] = max(0, min(size, total-sum))
			sum += sizes[i]
		}
		return ax, sizes, nil
	}
	if len(list) != parts {
		return 0, nil, fmt.Errorf("%d sizes for %d outputs", len(list), parts)
	}
	for i, s := range list {
		if s < 0 || s > int64(total) {
			return 0, nil, fmt.Errorf("sizes %v for a dimension of %d", list, total)
		}
		sizes[i] = int(s)
		sum += sizes[i]
	}
	if sum != total {
		return 0, nil, fmt.Errorf("sizes %v for a dimension of %d", list, total)
	}
	return ax, sizes, nil
}

func inferSplit(c *call) error {
	ax, sizes, err := splitSizes(c)
	if err != nil {
		return err
	}
	for k, n := range sizes {
		shape := append([]int(nil), c.in[0].shape...)
		shape[ax] = n
		if err := c.result(k, c.in[0].dt, shape); err != nil {
			return err
		}
	}
	return nil
}

func evalSplit(c *call) error {
	ax, sizes, err := splitSizes(c)
	if err != nil {
		return err
	}
	s := strides(c.in[0].shape)
	at := 0
	for k, n := range sizes {
		walk(c.out[k].alloc(), c.in[0], at*s[ax], s)
		at += n
	}
	return nil
}

// sliceRange is the part of one dimension that a Slice takes.
type sliceRange struct{ start, step, n int }

// sliceRanges returns the part of every dimension that a Slice takes.
func sliceRanges(c *call) ([]sliceRange, error) {
	x := c.in[0]
	out := make([]sliceRange, len(x.shape))
	for i, d := range x.shape {
		out[i] = sliceRange{0, 1, d}
	}
	var lists [4][]int64 // starts, ends, axes, steps
	for k, attr := range []string{"starts", "ends", "axes", "steps"} {
		l, err := c.listOr(k+1, attr)
		if err != nil {
			return nil, err
		}
		lists[k] = l
	}
	starts, ends, axes, steps := lists[0], lists[1], lists[2], lists[3]
	if len(starts) != len(ends) || axes != nil && len(axes) != len(starts) || steps != nil && len(steps) != len(starts) {
		return nil, fmt.Errorf("%d starts, %d ends, %d axes, %d steps", len(starts), len(ends), len(axes), len(steps))
	}
	for k := range starts {
		a := int64(k)
		if axes != nil {
			a = axes[k]
		}
		ax, err := axis(a, len(x.shape))
		if err != nil {
			return nil, err
		}
		step := int64(1)
		if steps != nil {
			step = steps[k]
		}
		if step == 0 || step > maxElements || step < -maxElements {
			return nil, fmt.Errorf("step %d", step)
		}
		out[ax] = cut(starts[k], ends[k], step, int64(x.shape[ax]))
	}
	return out, nil
}

// cut clamps start and end as ONNX defines and counts the elements between.
func cut(start, end, step, d int64) sliceRange {
	clamp := func(v, lo, hi int64) int64 {
		if v < 0 {
			v += d // start and end may be near the ends of int64: only + d here
		}
		return min(max(v, lo), hi)
	}
	var n int64
	if step > 0 {
		start, end = clamp(start, 0, d), clamp(end, 0, d)
		n = (end - start + step - 1) / step
	} else {
		start, end = clamp(start, 0, d-1), clamp(end, -1, d-1)
		n = (start - end - step - 1) / -step
	}
	return sliceRange{int(start), int(step), int(max(n, 0))}
}

func inferSlice(c *call) error {
	ranges, err := sliceRanges(c)
	if err != nil {
		return err
	}
	shape := make([]int, len(ranges))
	for i, r := range ranges {
		shape[i] = r.n
	}
	return c.result(0, c.in[0].dt, shape)
}

func evalSlice(c *call) error {
	ranges, err := sliceRanges(c)
	if err != nil {
		return err
	}
	s, from := strides(c.in[0].shape), 0
	for i, r := range ranges {
		from += r.start * s[i]
		s[i] *= r.step
	}
	walk(c.out[0].alloc(), c.in[0], from, s)
	return nil
}
