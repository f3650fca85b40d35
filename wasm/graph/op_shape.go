package graph

import (
	"fmt"
	"math"
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
