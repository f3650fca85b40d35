package quant

import (
	"fmt"
	"math"
)

// Correction finds the shift of a convolution's biases that brings the SiLU
// behind its int8 form closest to that behind its float form, channel by
// channel. Rounding weights and inputs shifts each channel's mean (Nagel et
// al., "Data-Free Quantization Through Weight Equalization and Bias
// Correction", ICCV 2019, section 4.2, from observed data as in their appendix).
// But matching the means before SiLU ruins a detector: most pixels are
// background far down the flat side of SiLU. So this is the least-squares fit of
// what comes out of SiLU, to first order in the shift d:
//
//	Σ (silu(x) − silu(y) − silu'(y)·d)² + ridge·n·d²  →  min
//
// with x the float and y the int8 pre-activations of the same pixels. The ridge
// keeps channels that are flat everywhere from drifting.
type Correction struct {
	num, den []float64 // by channel
	n        float64   // pixels
}

// ridge is the least mean squared slope that counts as one: 0.1².
const ridge = 0.01

// Add takes the pre-activations of one picture, float and int8, both
// [channels][pixels].
func (c *Correction) Add(float, int8ed []float32, channels int) error {
	if channels <= 0 || len(float) != len(int8ed) || len(float)%channels != 0 || c.num != nil && len(c.num) != channels {
		return fmt.Errorf("bias correction: %d and %d pre-activations for %d channels", len(float), len(int8ed), channels)
	}
	if c.num == nil {
		c.num, c.den = make([]float64, channels), make([]float64, channels)
	}
	pixels := len(float) / channels
	for ch := range channels {
		num, den := 0.0, 0.0
		for i := ch * pixels; i < (ch+1)*pixels; i++ {
			x, _ := silu(float[i])
			y, slope := silu(int8ed[i])
			num += slope * (x - y)
			den += slope * slope
		}
		c.num[ch] += num
		c.den[ch] += den
	}
	c.n += float64(pixels)
	return nil
}

// Merge adds what o was given.
func (c *Correction) Merge(o *Correction) error {
	if o.num == nil {
		return nil
	}
	if c.num == nil {
		c.num, c.den = make([]float64, len(o.num)), make([]float64, len(o.num))
	}
	if len(c.num) != len(o.num) {
		return fmt.Errorf("bias correction: %d and %d channels", len(c.num), len(o.num))
	}
	for i := range o.num {
		c.num[i] += o.num[i]
		c.den[i] += o.den[i]
	}
	c.n += o.n
	return nil
}

// Shift returns what to add to the bias of each channel.
func (c *Correction) Shift() []float32 {
	d := make([]float32, len(c.num))
	for i := range d {
		d[i] = float32(c.num[i] / (c.den[i] + ridge*c.n))
	}
	return d
}

// silu returns x·σ(x) and its derivative.
func silu(v float32) (y, slope float64) {
	x := float64(v)
	s := 1 / (1 + math.Exp(-x))
	return x * s, s * (1 + x*(1-s))
}
