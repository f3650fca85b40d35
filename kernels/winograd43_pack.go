package kernels

import (
	"fmt"
	"math"
)

// F(4×4,3×3) of Lavin and Gray, with the points 0, ±1, ±2, ∞: a block has 4×4
// outputs from 6×6 inputs, 36 multiplications instead of 144.
//
//	     ⎡4  0 -5  0 1 0⎤       ⎡ 6  0  0⎤        ⎡1 1  1 1  1 0⎤
//	     ⎢0 -4 -4  1 1 0⎥       ⎢-4 -4 -4⎥   Aᵀ = ⎢0 1 -1 2 -2 0⎥
//	Bᵀ = ⎢0  4 -4 -1 1 0⎥ 24G = ⎢-4  4 -4⎥        ⎢0 1  1 4  4 0⎥
//	     ⎢0 -2 -1  2 1 0⎥       ⎢ 1  2  4⎥        ⎣0 1 -1 8 -8 1⎦
//	     ⎢0  2 -1 -2 1 0⎥       ⎢ 1 -2  4⎥
//	     ⎣0  4  0 -5 0 1⎦       ⎣ 0  0 24⎦
//
// The input is transformed exactly in int16. Transformed weights are no
// integers: they are rounded to int16 with a step of their own for every
// position and output channel. Products are summed exactly in int32; sums times
// their step are float32, and so is the rest:
//
//	M[pos][o] = float(Σ_k V[pos][k]·W[pos][o][k])·Scale[pos][o]
//	y         = Aᵀ M A + Bias[o], then as ConvDesc
//
// The result is near that of the direct convolution, but not the same bytes.

// winograd43Input is Bᵀ d of a line.
func winograd43Input[T int16 | int32](d [6]T) [6]T {
	a, b := d[4]-4*d[2], d[3]-4*d[1]
	c, e := d[4]-d[2], 2*(d[3]-d[1])
	return [6]T{4*(d[0]-d[2]) + c, a + b, a - b, c + e, c - e, d[5] - d[3] - 2*e}
}

// winograd43Reach is the largest magnitude that the transformed input takes at
// each position when inputs are in [lo, hi], lo ≤ 0 ≤ hi. A position is
// Σ b_i·b_j·d_ij, so its extremes come from the input that is hi where the
// coefficient is positive and lo where it is negative, or the other way around.
// For bytes less a zero point, hi − lo = 255, none exceeds 68·255 = 17,340; the
// lines in between, of gain 10, not 2,550: int16 holds them all.
func winograd43Reach(lo, hi int32) (reach [positions43]int32) {
	var b [6][6]int32 // [input][position] of a line
	for i := range b {
		var unit [6]int32
		unit[i] = 1
		b[i] = winograd43Input(unit)
	}
	for pos := range reach {
		var up, down int32 // sums of the coefficients above and below 0
		for i := range b {
			for j := range b {
				c := b[i][pos/6] * b[j][pos%6]
				up, down = up+max(c, 0), down+max(-c, 0)
			}
		}
		reach[pos] = max(up*hi-down*lo, down*hi-up*lo)
	}
	return reach
}

// Winograd43Scratch is the size of WinogradDesc.Scratch for OpWinograd43I16,
// outputs outW wide, tiles of blockRows rows of blocks and input pixels of
// channels slots.
func Winograd43Scratch(outW, blockRows, channels int) int {
	return winograd4.scratch(outW, blockRows, 2*channels)
}

// Winograd43BlockRows is a good WinogradDesc.BlockRows for OpWinograd43I16 and
// outputs outW wide.
func Winograd43BlockRows(outW int) int { return winograd4.blockRows(outW) }

// PackWinograd43I16 transforms weights [OutC][InC][3][3], each times its
// output channel's scale (the input's included), for OpWinograd43I16 and
// inputs of bytes less zero. packed has panels of 8 output slots, in each
// [position][channel pair][slot][2]; steps is ConvDesc.Scale: [OutPhys/8]
// [position][8]. Merged does not matter. Equal arguments give equal results on
// every platform.
//
// Sums never leave int32. With reach the largest |V| of a position, limit =
// ⌊(2³¹−1)/reach⌋ and n input channels, the step is at least
// Σ|u|/(limit − n/2 − 1), so that the rounded weights have
// Σ|W| ≤ Σ(|u|/step + 1/2) ≤ limit − 1, and any partial sum stays within
// Σ|V·W| ≤ reach·Σ|W| < 2³¹. The 1 is room for the rounding of the float64
// arithmetic. Where n is so large that this would leave less than 6 bits a
// weight, packing fails.
func PackWinograd43I16(w, scale []float32, zero int32, p *Packing) (packed []int16, steps []float32, err error) {
	if zero < 0 || zero > 255 || len(scale) != p.OutC {
		return nil, nil, fmt.Errorf("kernels: Winograd of shape %+v with %d scales, zero point %d", p.ConvShape, len(scale), zero)
	}
	if err := p.checkWinograd(len(w)); err != nil {
		return nil, nil, err
	}
	limit, err := Winograd43Limits(p.InC, zero)
	if err != nil {
		return nil, nil, err
	}
	packed = make([]int16, p.OutPhys*p.InPhys*positions43)
	steps = make([]float32, p.OutPhys*positions43)
	u := make([][positions43]float64, p.InC)
	stride := p.InPhys * panelWidth // from a position to the next
	for o := range p.OutC {
		var most, sum, inverse [positions43]float64
		for i := range u {
			winograd43Weights(w[(o*p.InC+i)*9:][:9], &u[i])
			for pos, v := range &u[i] {
				v = math.Abs(v)
				if v > most[pos] { // max is a slow call in the tab
					most[pos] = v
				}
				sum[pos] += v
			}
		}
		slot := place(p.OutMap, o)
		panel := packed[slot/panelWidth*stride*positions43:][:stride*positions43]
		for pos := range inverse {
			step := max(most[pos]/math.MaxInt16, sum[pos]/limit[pos])
			switch {
			case step == 0: // nothing but zeros
				continue
			case !(step > 0) || math.IsInf(step, 0):
				return nil, nil, fmt.Errorf("kernels: weights of output channel %d are not finite", o)
			}
			inverse[pos] = 1 / step
			steps[(slot/panelWidth*positions43+pos)*panelWidth+slot%panelWidth] = float32(step / 576 * float64(scale[o]))
		}
		for i := range u {
			k := place(p.InMap, i)
			at := (k/2*panelWidth+slot%panelWidth)*2 + k%2
			for pos, v := range &u[i] {
				panel[at] = int16(math.RoundToEven(v * inverse[pos]))
				at += stride
			}
		}
	}
	return packed, steps, nil
}

// Winograd43Limits returns what Σ|W| of each position may be at most, less what
// rounding adds, for inC input channels of bytes less zero.
func Winograd43Limits(inC int, zero int32) (limit [positions43]float64, err error) {
	for pos, r := range winograd43Reach(-zero, 255-zero) {
		limit[pos] = float64(math.MaxInt32/r) - float64(inC)/2 - 1
		if limit[pos] < 64*float64(inC) {
			return limit, fmt.Errorf("kernels: %d input channels are too many for F(4×4,3×3) in 32 bits", inC)
		}
	}
	return limit, nil
}

// ArrangeWinograd43 lays out int8 weights [OutC][InC][3][3] for
// OpPackWinograd43: [OutPhys/8][InPhys][9][8], zeros in slots without a channel.
func ArrangeWinograd43(w []int8, p *Packing) ([]int8, error) {
	if err := p.checkWinograd(len(w)); err != nil {
		return nil, err
	}
	const block = 9 * panelWidth // of an input slot
	out := make([]int8, p.OutPhys*p.InPhys*9)
	for o := range p.OutC {
		slot := place(p.OutMap, o)
		panel := out[slot/panelWidth*p.InPhys*block+slot%panelWidth:]
		for i := range p.InC {
			to, from := panel[place(p.InMap, i)*block:][:8*panelWidth+1], w[(o*p.InC+i)*9:][:9]
			for tap, v := range from {
				to[tap*panelWidth] = v
			}
		}
	}
	return out, nil
}

// Winograd43Size returns the bytes of the packed weights and of their steps.
func Winograd43Size(p *Packing) (weights, steps int) {
	return 2 * positions43 * p.OutPhys * p.InPhys, 4 * positions43 * p.OutPhys
}

// PackWinograd43Scratch is the size of a tile's scratch in OpPackWinograd43: what
// is gathered of 4 output slots at every position, 32 bytes, and the transformed
// weights of two input slots.
const PackWinograd43Scratch = positions43 * (32 + 2*16)

const positions43 = 36

// winograd43Weights is (24G) g (24G)ᵀ, [6][6]: integers stay integers. Products
// are rounded by themselves, so that no compiler fuses them with an addition.
func winograd43Weights(g []float32, u *[positions43]float64) {
	line := func(a, b, c float64) [6]float64 {
		even, odd := float64(4*c)+a, float64(2*b)
		return [6]float64{6 * a, -4 * (a + b + c), -4 * (a - b + c), even + odd, even - odd, 24 * c}
	}
	var rows [3][6]float64
	for y := range rows {
		rows[y] = line(float64(g[3*y]), float64(g[3*y+1]), float64(g[3*y+2]))
	}
	for x := range 6 {
		for y, v := range line(rows[0][x], rows[1][x], rows[2][x]) {
			u[6*y+x] = v
		}
	}
}
