package plan

import (
	"math"

	"eagleeye/kernels"
)

// winogradMin is the fewest input and output slots that gain by Winograd.
const winogradMin = 16

// suitsWinograd reports whether the convolution has the shape of the Winograd
// kernel; its weights decide too.
func (c *conv) suitsWinograd(x, y ref) bool {
	return c.kh == 3 && c.kw == 3 && c.sy == 1 && c.sx == 1 && c.dy == 1 && c.dx == 1 &&
		c.oh >= 2 && c.ow >= 2 && x.width() >= winogradMin && y.width() >= winogradMin
}

// winogradOp is the Winograd kernel in place of a direct one.
func winogradOp(direct kernels.Op) kernels.Op {
	if direct == kernels.OpConvF32 {
		return kernels.OpWinogradF32
	}
	return kernels.OpWinogradI16
}

// packWinograd packs integer weights for the Winograd kernel, which gives the
// direct kernel's bytes. It reports false where they are too large for that:
// when a transformed weight leaves int16, or four times a sum may leave int32.
func (c *conv) packWinograd(w []int16, pack *kernels.Packing, reach int32) ([]int16, bool) {
	per := len(w) / c.o
	for o := range c.o {
		var total int64
		for _, v := range w[o*per : (o+1)*per] {
			total += int64(max(v, -v))
		}
		if 4*total*int64(reach) > math.MaxInt32 {
			return nil, false
		}
	}
	packed, err := kernels.PackWinogradI16(w, pack)
	return packed, err == nil
}

// winogradDesc makes the descriptor of the Winograd kernel from that of the
// direct one.
func (b *builder) winogradDesc(c *conv, d kernels.ConvDesc) kernels.WinogradDesc {
	rows := kernels.WinogradBlockRows(c.ow)
	return kernels.WinogradDesc{Conv: d, BlockRows: int32(rows), Scratch: uint32(b.scratch), ScratchStep: int32(b.scratchSize)}
}

// winogradTiles is the number of the kernel's tiles and the panels of each. The
// input is transformed once for all of a tile's panels, so a tile has all of
// them, unless the rows are too few to keep the threads evenly busy.
func (c *conv) winogradTiles(panels, threads int) (tiles int, tilePanels int32) {
	rows := kernels.WinogradBlockRows(c.ow)
	tiles = ((c.oh+1)/2 + rows - 1) / rows
	groups := 1
	if threads > 1 {
		groups = min((tilesPerThread*threads+tiles-1)/tiles, panels)
	}
	per := (panels + groups - 1) / groups
	return tiles * ((panels + per - 1) / per), int32(per)
}

// tilesPerThread is how many tiles a step should have for each thread.
const tilesPerThread = 4
