package plan

import (
	"cmp"
	"math"
	"slices"

	"eagleeye/kernels"
)

// algorithm is a way to compute a convolution.
type algorithm int

const (
	direct     algorithm = iota
	winograd23           // F(2×2,3×3): on integers the bytes of direct
	winograd43           // F(4×4,3×3): integers only, not quite the bytes of direct
)

// algorithms are all, with the words that their steps' kinds end in.
var algorithms = []string{direct: "", winograd23: " winograd", winograd43: " winograd 4×4"}

// winogradMin is the fewest input and output slots that gain by Winograd.
const winogradMin = 16

// algorithm chooses the one that the table of costs says is fastest on plain
// SIMD, by shape alone, so that a model gives the same results on every machine;
// the weights may still not fit it.
func (c *conv) algorithm(x, y ref, op kernels.Op, exact bool) algorithm {
	if op == kernels.OpConvI16F32 || c.kh != 3 || c.kw != 3 || c.sy != 1 || c.sx != 1 || c.dy != 1 || c.dx != 1 ||
		c.oh < 2 || c.ow < 2 || x.width() < winogradMin || y.width() < winogradMin {
		return direct
	}
	candidates := []algorithm{direct, winograd23}
	if op == kernels.OpConvI16 && !exact && c.oh >= 4 && c.ow >= 4 {
		candidates = append(candidates, winograd43)
	}
	return slices.MinFunc(candidates, func(a, b algorithm) int {
		return cmp.Compare(c.predict(a, op, x, y), c.predict(b, op, x, y))
	})
}

func (c *conv) predict(a algorithm, op kernels.Op, x, y ref) float64 {
	return predict(a.op(op), false, c.work(a, x.width(), y.width()), 0)
}

// op is the kernel in place of a direct one.
func (a algorithm) op(direct kernels.Op) kernels.Op {
	switch {
	case a == winograd43:
		return kernels.OpWinograd43I16
	case a == winograd23 && direct == kernels.OpConvF32:
		return kernels.OpWinogradF32
	case a == winograd23:
		return kernels.OpWinogradI16
	}
	return direct
}

// packWinograd packs integer weights for the exact Winograd kernel, which gives
// the direct kernel's bytes. It reports false where they are too large for that:
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

// winogradBlocks are the rows of blocks in a tile, the outputs of a block in
// each direction and the kernel's scratch for pixels of x.
func (c *conv) winogradBlocks(a algorithm, x ref) (rows, size, scratch int) {
	if a == winograd43 {
		rows = kernels.Winograd43BlockRows(c.ow)
		return rows, 4, kernels.Winograd43Scratch(c.ow, rows, x.width())
	}
	rows = kernels.WinogradBlockRows(c.ow)
	return rows, 2, kernels.WinogradScratch(c.ow, rows, x.width()*x.size)
}

// winogradTiles is the number of a Winograd kernel's tiles and the panels of
// each. The input is transformed once for all of a tile's panels, so a tile has
// all of them, unless the rows are too few to keep the threads evenly busy.
func (c *conv) winogradTiles(rows, size, panels, threads int) (tiles int, tilePanels int32) {
	tiles = ((c.oh+size-1)/size + rows - 1) / rows
	groups := 1
	if threads > 1 {
		groups = min((tilesPerThread*threads+tiles-1)/tiles, panels)
	}
	per := (panels + groups - 1) / groups
	return tiles * ((panels + per - 1) / per), int32(per)
}

// tilesPerThread is how many tiles a step should have for each thread.
const tilesPerThread = 4
