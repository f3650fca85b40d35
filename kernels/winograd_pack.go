package kernels

import "fmt"

// The Winograd kernel computes 3×3 convolutions of stride 1 in blocks of 2×2
// outputs from 4×4 inputs, F(2×2,3×3) of Lavin and Gray ("Fast Algorithms for
// Convolutional Neural Networks", 2015), with 16 multiplications instead of 36:
//
//	Y = Aᵀ[(G g Gᵀ) ⊙ (Bᵀ d B)]A
//
// The I16 kernel is integer arithmetic throughout: weights are transformed with
// 2·G, so that sums come out four times too large and are shifted back. Inputs
// of ±255 grow to ±1020 and fit int16; sums wrap modulo 2³², so the result is
// exact whenever four times the sum of the direct convolution fits int32. The
// F32 kernel rounds a few times more than the direct one.

// winogradPositions is the number of products of a block.
const winogradPositions = 16

// WinogradDesc describes a 3×3 convolution of stride 1 and dilation 1: with
// OpWinogradI16, I16 × I16 → U8 with the results of OpConvI16 bit for bit; with
// OpWinogradF32, F32 × F32 → F32 as OpConvF32, but for rounding. In Conv, OutH
// and OutW are at least 2, Src has the map's own pitches, RunLen is the channels
// of an input pixel (multiple of 8), Weights are of PackWinogradI16 or
// PackWinogradF32, and Runs and NRuns are not used. Dst overlaps no other map.
//
// Tiles: ceil(ceil(OutH/2) / BlockRows) × ceil(OutC/8 / Conv.TilePanels), the
// row groups of a panel group first.
type WinogradDesc struct {
	Conv        ConvDesc
	BlockRows   int32  // rows of blocks a tile takes, ≥ 1
	Scratch     uint32 // WinogradScratch bytes for each thread, 16-byte aligned
	ScratchStep int32  // bytes from one thread's scratch to the next one's
}

// Scratch holds, for the blocks of a tile in order, their transformed input,
// then the sums of a group of blocks [position][block][8] of 4 bytes, then the
// blocks' offsets in the output and the residual map. Blocks lie a cache line
// further apart than their size, lest powers of two collide in the cache.
const (
	winogradGap  = 64
	winogradSums = winogradPositions * 4 * panelWidth * 4
)

// winogradPitch is the bytes from a block's transformed input to the next one's
// for input pixels of n bytes.
func winogradPitch(n int) int { return winogradPositions*n + winogradGap }

// WinogradScratch is the size of WinogradDesc.Scratch for outputs outW wide,
// tiles of blockRows rows of blocks and input pixels of pixelBytes (2 a channel
// for I16, 4 for F32).
func WinogradScratch(outW, blockRows, pixelBytes int) int {
	return blockRows*((outW+1)/2)*(winogradPitch(pixelBytes)+8) + winogradSums
}

// WinogradBlockRows is a good WinogradDesc.BlockRows for outputs outW wide: the
// fewest rows whose blocks fill groups of four.
func WinogradBlockRows(outW int) int {
	switch columns := (outW + 1) / 2; {
	case columns%4 == 0 || columns > 64:
		return 1
	case columns%2 == 0:
		return 2
	}
	return 4
}

// PackWinogradI16 transforms weights [OutC][InC][3][3] and lays them out for
// OpWinogradI16: panels of 8 output slots, in each [position][channel pair]
// [slot][2]. It fails on weights of magnitude above 3640, which might leave
// int16; int8 weights never do. Merged does not matter.
func PackWinogradI16(w []int16, p *Packing) ([]int16, error) {
	const limit = (1<<15 - 1) / 9
	for i, v := range w {
		if v > limit || v < -limit {
			return nil, fmt.Errorf("kernels: weight %d at %d is too large for Winograd (limit %d)", v, i, limit)
		}
	}
	return packWinograd(w, p, 2, func(g []int16) [winogradPositions]int16 { return winogradWeights(g, 2) })
}

// PackWinogradF32 transforms weights [OutC][InC][3][3] and lays them out for
// OpWinogradF32: panels of 8 output slots, in each [position][channel][slot].
// The transformation is rounded once.
func PackWinogradF32(w []float32, p *Packing) ([]float32, error) {
	return packWinograd(w, p, 1, func(g []float32) (u [winogradPositions]float32) {
		var exact [9]float64
		for i, v := range g {
			exact[i] = float64(v)
		}
		for i, v := range winogradWeights(exact[:], 1) {
			u[i] = float32(v)
		}
		return u
	})
}

// packWinograd makes panels [OutPhys/8][position][InPhys/group][8][group].
func packWinograd[T int16 | float32](w []T, p *Packing, group int, transform func(g []T) [winogradPositions]T) ([]T, error) {
	if err := p.Check(); err != nil {
		return nil, err
	}
	if p.KH != 3 || p.KW != 3 || p.InPhys%8 != 0 || len(w) != p.OutC*p.InC*9 {
		return nil, fmt.Errorf("kernels: Winograd wants 3×3 weights and input slots in eights, not %+v, %d slots, %d weights", p.ConvShape, p.InPhys, len(w))
	}
	out := make([]T, p.OutPhys*p.InPhys*winogradPositions)
	for o := range p.OutC {
		slot := place(p.OutMap, o)
		panel := out[slot/panelWidth*panelWidth*p.InPhys*winogradPositions:]
		for i := range p.InC {
			k := place(p.InMap, i)
			for pos, u := range transform(w[(o*p.InC+i)*9:][:9]) {
				panel[((pos*p.InPhys+k)/group*panelWidth+slot%panelWidth)*group+k%group] = u
			}
		}
	}
	return out, nil
}

// winogradWeights is (s·G) g (s·G)ᵀ, [4][4], where s is 1 or, to avoid halves, 2.
func winogradWeights[T int16 | float64](g []T, s T) (u [winogradPositions]T) {
	line := func(a, b, c T) [4]T { return [4]T{s * a, s * (a + b + c) / 2, s * (a - b + c) / 2, s * c} }
	var rows [3][4]T
	for y := range 3 {
		rows[y] = line(g[3*y], g[3*y+1], g[3*y+2])
	}
	for x := range 4 {
		for y, v := range line(rows[0][x], rows[1][x], rows[2][x]) {
			u[4*y+x] = v
		}
	}
	return u
}
