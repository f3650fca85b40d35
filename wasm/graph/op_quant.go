package graph

import (
	"fmt"
	"math"
)

// quantParams reads the scale, zero point and axis of QuantizeLinear or
// DequantizeLinear. The axis counts only when there are several scales.
func quantParams(c *call, shape []int) (*Quant, error) {
	scale, err := c.floats(1)
	if err != nil {
		return nil, err
	}
	q := &Quant{DType: Uint8, Scale: scale, Zero: make([]int32, len(scale))}
	if c.n.Op == "DequantizeLinear" {
		q.DType = c.in[0].dt
	} else if to := c.n.Int("output_dtype", 0); to != 0 {
		q.DType = onnxTypes[to]
	}
	if c.n.Int("block_size", 0) != 0 {
		return nil, fmt.Errorf("%w: block_size", ErrUnsupported)
	}
	if zp := c.arg(2); zp != nil {
		zero, err := c.list(2)
		if err != nil {
			return nil, err
		}
		if len(zero) != len(scale) {
			return nil, fmt.Errorf("%d zero points for %d scales", len(zero), len(scale))
		}
		q.DType = zp.dt
		for i, z := range zero {
			q.Zero[i] = int32(z)
		}
	}
	switch q.DType {
	case Int8, Uint8, Int16, Uint16, Int32:
	default:
		return nil, fmt.Errorf("%w: quantized type %v", ErrUnsupported, q.DType)
	}
	for _, s := range scale {
		if !(s > 0) || math.IsInf(float64(s), 0) {
			return nil, fmt.Errorf("scale %g", s)
		}
	}
	switch {
	case len(scale) == 0:
		return nil, fmt.Errorf("no scale")
	case len(scale) > 1:
		if q.Axis, err = axis(c.n.Int("axis", 1), len(shape)); err != nil {
			return nil, err
		}
		if len(c.in[1].shape) != 1 || shape[q.Axis] != len(scale) {
			return nil, fmt.Errorf("%d scales for axis %d of %v", len(scale), q.Axis, shape)
		}
	}
	return q, nil
}

func inferQuantize(c *call) error {
	if !isFloat(c.in[0].dt) {
		return fmt.Errorf("operand is %v", c.in[0].dt)
	}
	q, err := quantParams(c, c.in[0].shape)
	if err != nil {
		return err
	}
	return c.result(0, q.DType, c.in[0].shape)
}

// perChannel visits the elements with the index of their scale.
func perChannel(shape []int, q *Quant, n int, visit func(i, ch int)) {
	inner := max(n, 1)
	if len(q.Scale) > 1 {
		_, inner = around(shape, q.Axis)
	}
	for i := range n {
		visit(i, i/inner%len(q.Scale))
	}
}

func evalQuantize(c *call) error {
	x, out := c.in[0], c.out[0].alloc()
	q, err := quantParams(c, x.shape)
	if err != nil {
		return err
	}
	lo, hi := limits(q.DType)
	perChannel(x.shape, q, len(x.f), func(i, ch int) {
		v := math.RoundToEven(float64(x.f[i]/q.Scale[ch])) + float64(q.Zero[ch])
		out.i[i] = int64(min(max(v, lo), hi))
	})
	return nil
}

func inferDequantize(c *call) error {
	if isFloat(c.in[0].dt) {
		return fmt.Errorf("operand is %v", c.in[0].dt)
	}
	if _, err := quantParams(c, c.in[0].shape); err != nil {
		return err
	}
	return c.result(0, Float32, c.in[0].shape)
}

func evalDequantize(c *call) error {
	x, out := c.in[0], c.out[0].alloc()
	q, err := quantParams(c, x.shape)
	if err != nil {
		return err
	}
	perChannel(x.shape, q, len(x.i), func(i, ch int) {
		out.f[i] = float32(x.i[i]-int64(q.Zero[ch])) * q.Scale[ch]
	})
	return nil
}
