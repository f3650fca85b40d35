package graph

import (
	"fmt"
	"math"
)

// resizing is a nearest-neighbour Resize or Upsample: the output shape and,
// along each dimension, the input index of every output index.
type resizing struct {
	shape []int
	index [][]int
}

// resizeScales finds the scale of each dimension or the target sizes, wherever
// the operator's version keeps them.
func resizeScales(c *call) (scales []float32, sizes []int64, err error) {
	switch {
	case c.n.Op == "Upsample":
		if a, ok := c.n.Attrs["scales"]; ok {
			return a.Floats, nil, nil
		}
		scales, err = c.floats(1)
	case len(c.n.In) <= 2: // opset 10
		scales, err = c.floats(1)
	default:
		if scales, err = c.floats(2); err == nil && len(scales) == 0 {
			sizes, err = c.list(3)
		}
	}
	return scales, sizes, err
}

// resizeOf computes the geometry of Resize (all versions, nearest only) and
// Upsample as the ONNX operator reference defines it.
func resizeOf(c *call) (*resizing, error) {
	x := c.in[0]
	if mode := c.n.Str("mode", "nearest"); mode != "nearest" {
		return nil, fmt.Errorf("%w: mode %q, only nearest", ErrUnsupported, mode)
	}
	scales, sizes, err := resizeScales(c)
	if err != nil {
		return nil, err
	}
	rank := len(x.shape)
	if axes := c.n.Ints("axes"); axes != nil {
		if scales, sizes, err = spread(axes, rank, x.shape, scales, sizes); err != nil {
			return nil, err
		}
	}
	if p := c.n.Str("keep_aspect_ratio_policy", "stretch"); p != "stretch" {
		return nil, fmt.Errorf("%w: keep_aspect_ratio_policy %q", ErrUnsupported, p)
	}
	r := &resizing{shape: make([]int, rank), index: make([][]int, rank)}
	switch {
	case len(scales) == rank:
		for i, s := range scales {
			n := math.Floor(float64(x.shape[i]) * float64(s))
			if !(s > 0) || n > maxElements {
				return nil, fmt.Errorf("scales %v", scales)
			}
			r.shape[i] = int(n)
		}
	case len(sizes) == rank:
		scales = make([]float32, rank)
		for i, s := range sizes {
			if s < 1 || s > maxElements || x.shape[i] < 1 {
				return nil, fmt.Errorf("sizes %v", sizes)
			}
			r.shape[i] = int(s)
			scales[i] = float32(s) / float32(x.shape[i])
		}
	default:
		return nil, fmt.Errorf("%d scales and %d sizes for rank %d", len(scales), len(sizes), rank)
	}
	if _, err := elements(r.shape); err != nil {
		return nil, err
	}
	coord, nearest := c.n.Str("coordinate_transformation_mode", "half_pixel"), c.n.Str("nearest_mode", "round_prefer_floor")
	if c.n.Op == "Upsample" || c.opset < 11 {
		coord, nearest = "asymmetric", "floor"
	}
	for i := range r.index {
		if r.index[i], err = nearestIndex(x.shape[i], r.shape[i], float64(scales[i]), coord, nearest); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// spread turns scales or sizes of some axes into those of all.
func spread(axes []int64, rank int, shape []int, scales []float32, sizes []int64) ([]float32, []int64, error) {
	allScales, allSizes := make([]float32, rank), make([]int64, rank)
	for i := range allScales {
		allScales[i], allSizes[i] = 1, int64(shape[i])
	}
	for k, a := range axes {
		i, err := axis(a, rank)
		switch {
		case err != nil:
			return nil, nil, err
		case len(scales) == len(axes):
			allScales[i] = scales[k]
		case len(sizes) == len(axes):
			allSizes[i] = sizes[k]
		default:
			return nil, nil, fmt.Errorf("%d scales and %d sizes for %d axes", len(scales), len(sizes), len(axes))
		}
	}
	if len(scales) > 0 {
		return allScales, nil, nil
	}
	return nil, allSizes, nil
}

// nearestIndex maps output indices to input ones along one dimension.
func nearestIndex(in, out int, scale float64, coord, nearest string) ([]int, error) {
	index := make([]int, out)
	for o := range index {
		x := float64(o)
		switch {
		case in == out && scale == 1:
		case coord == "asymmetric":
			x /= scale
		case coord == "half_pixel", coord == "pytorch_half_pixel" && out > 1:
			x = (x+0.5)/scale - 0.5
		case coord == "pytorch_half_pixel":
			x = 0
		case coord == "align_corners":
			x *= float64(in-1) / float64(max(out-1, 1))
		default:
			return nil, fmt.Errorf("%w: coordinate_transformation_mode %q", ErrUnsupported, coord)
		}
		switch nearest {
		case "floor":
			x = math.Floor(x)
		case "ceil":
			x = math.Ceil(x)
		case "round_prefer_floor":
			x = math.Ceil(x - 0.5)
		case "round_prefer_ceil":
			x = math.Floor(x + 0.5)
		default:
			return nil, fmt.Errorf("%w: nearest_mode %q", ErrUnsupported, nearest)
		}
		index[o] = max(0, min(in-1, int(x)))
	}
	return index, nil
}

// factor returns the whole number by which height and width are repeated, or
// an error when the resizing is anything else.
func (r *resizing) factor(in []int) (int, error) {
	if len(in) != 4 || r.shape[0] != in[0] || r.shape[1] != in[1] || in[2] == 0 || in[3] == 0 ||
		r.shape[2]%in[2] != 0 || r.shape[3]%in[3] != 0 || r.shape[2]/in[2] != r.shape[3]/in[3] {
		return 0, fmt.Errorf("%w: resizing %v to %v is no whole factor", ErrUnsupported, in, r.shape)
	}
	f := r.shape[2] / in[2]
	for _, index := range r.index[2:] {
		for o, i := range index {
			if i != o/f {
				return 0, fmt.Errorf("%w: resizing %v to %v does not repeat pixels", ErrUnsupported, in, r.shape)
			}
		}
	}
	return f, nil
}

func inferResize(c *call) error {
	if !isFloat(c.in[0].dt) {
		return fmt.Errorf("operand is %v", c.in[0].dt)
	}
	r, err := resizeOf(c)
	if err != nil {
		return err
	}
	return c.result(0, c.in[0].dt, r.shape)
}

func evalResize(c *call) error {
	r, err := resizeOf(c)
	if err != nil {
		return err
	}
	x, out := c.in[0], c.out[0].alloc()
	own, to := strides(x.shape), strides(out.shape)
	for o := range out.f {
		from, rest := 0, o
		for i, s := range to {
			from += r.index[i][rest/s] * own[i]
			rest %= s
		}
		out.f[o] = x.f[from]
	}
	return nil
}
