package kernels

import "fmt"

// The Winograd kernels compute 3×3 convolutions of stride 1 in blocks of outputs
// (Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", 2015):
//
//	Y = Aᵀ[(G g Gᵀ) ⊙ (Bᵀ d B)]A
//
// OpWinogradI16 and OpWinogradF32 take blocks of 2×2 outputs from 4×4 inputs,
// F(2×2,3×3), with 16 multiplications instead of 36. The I16 kernel is integer
// arithmetic throughout: weights are transformed with 2·G, so that sums come out
// four times too large and are shifted back. Inputs of ±255 grow to ±1020 and
// fit int16; sums wrap modulo 2³², so the result is exact whenever four times the
// sum of the direct convolution fits int32. The F32 kernel rounds a few times
// more than the direct one. OpWinograd43I16 takes blocks of 4×4 outputs, see
// winograd43_pack.go.

// winogradBlock is the number of a block's outputs in each direction.
type winogradBlock int

const (
	winograd2 winogradBlock = 2 // F(2×2,3×3)
	winograd4 winogradBlock = 4 // F(4×4,3×3), see PackWinograd43I16
)

func (b winogradBlock) size() int32 { return int32(b) }

// together is the number of blocks that the kernel multiplies at a time: what
// registers hold, and a divisor of the blocks in a row of the usual maps.
func (b winogradBlock) together() int32 {
	if b == winograd4 {
		return 5
	}
	return 4
}

// positions is the number of products of a block.
func (b winogradBlock) positions() int32 { return int32((b + 2) * (b + 2)) }

// WinogradDesc describes a 3×3 convolution of stride 1 and dilation 1: with
// OpWinogradI16, I16 × I16 → U8 with the results of OpConvI16 bit for bit; with
// OpWinogradF32, F32 × F32 → F32 as OpConvF32, but for rounding; with
// OpWinograd43I16, I16 × I16 → U8 near OpConvI16. In Conv, OutH and OutW are at
// least the size of a block (2; 4 for OpWinograd43I16), Src has the map's own
// pitches, RunLen is the channels of an input pixel (multiple of 8), Weights are
// of PackWinogradI16, PackWinogradF32 or PackWinograd43I16 (which also makes
// Scale, in units when Act is ActSiLUFixed), and Runs and NRuns are not used. Dst
// overlaps no other map.
//
// Tiles: ceil(ceil(OutH/size) / BlockRows) × ceil(OutC/8 / Conv.TilePanels), the
// row groups of a panel group first.
type WinogradDesc struct {
	Conv        ConvDesc
	BlockRows   int32  // rows of blocks a tile takes, ≥ 1
	Scratch     uint32 // WinogradScratch or Winograd43Scratch bytes a thread, 16-byte aligned
	ScratchStep int32  // bytes from one thread's scratch to the next one's
}

// Scratch holds, for the blocks of a tile in order, their transformed input,
// then the sums of a group of blocks [position][block][8] of 4 bytes, then the
// blocks' records: offsets in the output and the residual map, first row that is
// its own. Blocks lie a cache line further apart than their size, lest powers of
// two collide in the cache.
const (
	winogradGap    = 64
	winogradRecord = 12
)

// sum is the bytes of a position's sums.
func (b winogradBlock) sum() int32 { return b.together() * panelWidth * 4 }

func (b winogradBlock) sumBytes() int32 { return b.positions() * b.sum() }

// pitch is the bytes from a block's transformed input to the next one's for
// input pixels of n bytes.
func (b winogradBlock) pitch(n int) int { return int(b.positions())*n + winogradGap }

// count is the number of blocks that cover n outputs in one direction.
func (b winogradBlock) count(n int) int { return (n + int(b) - 1) / int(b) }

// scratch is the size of WinogradDesc.Scratch for outputs outW wide, tiles of
// blockRows rows of blocks and input pixels of pixelBytes.
func (b winogradBlock) scratch(outW, blockRows, pixelBytes int) int {
	return blockRows*b.count(outW)*(b.pitch(pixelBytes)+winogradRecord) + int(b.sumBytes())
}

// blockRows is a good WinogradDesc.BlockRows for outputs outW wide: the fewest
// rows whose blocks waste few places of the groups that are multiplied together.
func (b winogradBlock) blockRows(outW int) int {
	columns, group := b.count(outW), int(b.together())
	rows := 1
	for rows < group && rows*columns%group != 0 && columns <= 64 {
		rows++
	}
	return rows
}

// WinogradScratch is the size of WinogradDesc.Scratch for OpWinogradI16 and
// OpWinogradF32, outputs outW wide, tiles of blockRows rows of blocks and input
// pixels of pixelBytes (2 a channel for I16, 4 for F32).
func WinogradScratch(outW, blockRows, pixelBytes int) int {
	return winograd2.scratch(outW, blockRows, pixelBytes)
}

// WinogradBlockRows is a good WinogradDesc.BlockRows for these kernels and
// outputs outW wide.
func WinogradBlockRows(outW int) int { return winograd2.blockRows(outW) }

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
	return packWinograd(len(w), p, 2, func(i int, u []int16) { winogradWeights(w[i:], 2, u) })
}

// PackWinogradF32 transforms weights [OutC][InC][3][3] and lays them out for
// OpWinogradF32: panels of 8 output slots, in each [position][channel][slot].
// The transformation is rounded once.
func PackWinogradF32(w []float32, p *Packing) ([]float32, error) {
	return packWinograd(len(w), p, 1, func(i int, u []float32) {
		var exact [9]float64
		for j := range exact {
			exact[j] = float64(w[i+j])
		}
		var transformed [16]float64
		winogradWeights(exact[:], 1, transformed[:])
		for j, v := range transformed {
			u[j] = float32(v)
		}
	})
}

// checkWinograd reports what the Winograd kernels cannot take.
func (p *Packing) checkWinograd(weights int) error {
	if err := p.Check(); err != nil {
		return err
	}
	if p.KH != 3 || p.KW != 3 || p.InPhys%8 != 0 || weights != p.OutC*p.InC*9 {
		return fmt.Errorf("kernels: Winograd wants 3×3 weights and input slots in eights, not %+v, %d slots, %d weights", p.ConvShape, p.InPhys, weights)
	}
	return nil
}

// packWinograd makes panels [OutPhys/8][16][InPhys/group][8][group] of n
// weights. transform gives the positions of the nine weights from index i on.
func packWinograd[T int16 | float32](n int, p *Packing, group int, transform func(i int, u []T)) ([]T, error) {
	if err := p.checkWinograd(n); err != nil {
		return nil, err
	}
	const positions = 16
	u := make([]T, positions)
	out := make([]T, p.OutPhys*p.InPhys*positions)
	for o := range p.OutC {
		slot := place(p.OutMap, o)
		panel := out[slot/panelWidth*panelWidth*p.InPhys*positions:]
		for i := range p.InC {
			k := place(p.InMap, i)
			transform((o*p.InC+i)*9, u)
			for pos, v := range u {
				panel[((pos*p.InPhys+k)/group*panelWidth+slot%panelWidth)*group+k%group] = v
			}
		}
	}
	return out, nil
}

// winogradWeights is (s·G) g (s·G)ᵀ, [4][4], where s is 1 or, to avoid halves, 2.
func winogradWeights[T int16 | float64](g []T, s T, u []T) {
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
}
