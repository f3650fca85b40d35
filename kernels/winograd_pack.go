package kernels

import "fmt"

// The Winograd kernel computes 3×3 convolutions of stride 1 in blocks of 2×2
// outputs from 4×4 inputs, F(2×2,3×3) of Lavin and Gray ("Fast Algorithms for
// Convolutional Neural Networks", 2015), with 16 multiplications instead of 36:
//
//	Y = Aᵀ[(G g Gᵀ) ⊙ (Bᵀ d B)]A
//
// All of it is integer arithmetic: weights are transformed with 2·G, so that
// sums come out four times too large and are shifted back. Inputs of ±255 grow
// to ±1020 and fit int16; sums wrap modulo 2³², so the result is exact whenever
// four times the sum of the direct convolution fits int32.

// winogradPositions is the number of products of a block.
const winogradPositions = 16

// WinogradDesc describes a 3×3 convolution of stride 1 and dilation 1, I16 × I16
// → U8 with the results of OpConvI16 bit for bit. In Conv, OutH and OutW are at
// least 2, Src has the map's own pitches, RunLen is the channels of an input
// pixel (multiple of 8), Weights are of PackWinogradI16, and Runs and NRuns are
// not used. Dst overlaps no other map.
//
// Tiles: ceil(ceil(OutH/2) / BlockRows) × ceil(OutC/8 / Conv.TilePanels), the
// row groups of a panel group first.
type WinogradDesc struct {
	Conv      ConvDesc
	BlockRows int32  // rows of blocks a tile takes, ≥ 1
	Scratch   uint32 // WinogradScratch bytes for the calling thread, 16-byte aligned
}

// Scratch holds, for the blocks of a tile in order, their transformed input,
// then the sums of a group of blocks [position][block][8] int32, then the
// blocks' offsets in the output and the residual map. Blocks lie a cache line
// further apart than their size, lest powers of two collide in the cache.
const (
	winogradGap  = 64
	winogradSums = winogradPositions * 4 * panelWidth * 4
)

// winogradPitch is the bytes of a block's transformed input.
func winogradPitch(c int) int { return winogradPositions*2*c + winogradGap }

// WinogradScratch is the size of WinogradDesc.Scratch for outputs outW wide,
// tiles of blockRows rows of blocks and c input channels.
func WinogradScratch(outW, blockRows, c int) int {
	return blockRows*((outW+1)/2)*(winogradPitch(c)+8) + winogradSums
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
	if err := p.Check(); err != nil {
		return nil, err
	}
	if p.KH != 3 || p.KW != 3 || p.InPhys%8 != 0 || len(w) != p.OutC*p.InC*9 {
		return nil, fmt.Errorf("kernels: Winograd wants 3×3 weights and input slots in eights, not %+v, %d slots, %d weights", p.ConvShape, p.InPhys, len(w))
	}
	const limit = (1<<15 - 1) / 9
	out := make([]int16, p.OutPhys*p.InPhys*winogradPositions)
	for o := range p.OutC {
		slot := place(p.OutMap, o)
		panel := out[slot/panelWidth*panelWidth*p.InPhys*winogradPositions:]
		for i := range p.InC {
			k := place(p.InMap, i)
			g := w[(o*p.InC+i)*9:][:9]
			for _, v := range g {
				if v > limit || v < -limit {
					return nil, fmt.Errorf("kernels: weight %d of output channel %d is too large for Winograd (limit %d)", v, o, limit)
				}
			}
			for pos, u := range winogradWeights(g) {
				panel[((pos*p.InPhys+k)/2*panelWidth+slot%panelWidth)*2+k%2] = u
			}
		}
	}
	return out, nil
}

// winogradWeights is (2G) g (2G)ᵀ, [4][4].
func winogradWeights(g []int16) (u [winogradPositions]int16) {
	double := func(a, b, c int16) [4]int16 { return [4]int16{2 * a, a + b + c, a - b + c, 2 * c} }
	var rows [3][4]int16
	for y := range 3 {
		rows[y] = double(g[3*y], g[3*y+1], g[3*y+2])
	}
	for x := range 4 {
		for y, v := range double(rows[0][x], rows[1][x], rows[2][x]) {
			u[4*y+x] = v
		}
	}
	return u
}
