package plan

import "eagleeye/kernels"

// Work is what the time of a convolution step depends on, padding counted.
type Work struct {
	Products int64 `json:"products"` // multiplications: of the transformed numbers, for Winograd kernels
	Outputs  int64 `json:"outputs"`
	Inputs   int64 `json:"inputs"`  // transformed ones
	Weights  int64 `json:"weights"` // as packed: each frame finds them outside the nearest caches
}

// work counts the work of a convolution for one thread.
func (c *conv) work(a algorithm, in, out int) Work {
	if a == direct {
		pixels, k := int64(c.oh)*int64((c.ow+directPixels-1)/directPixels*directPixels), int64(c.kh*c.kw*in)
		return Work{Products: pixels * k * int64(out), Outputs: int64(c.oh*c.ow) * int64(out), Weights: k * int64(out)}
	}
	rows, size, together := kernels.WinogradBlockRows(c.ow), 2, 4
	if a == winograd43 {
		rows, size, together = kernels.Winograd43BlockRows(c.ow), 4, 5
	}
	blockRows, columns := (c.oh+size-1)/size, (c.ow+size-1)/size
	positions := int64((size + 2) * (size + 2))
	w := Work{Weights: positions * int64(in) * int64(out)}
	for first := 0; first < blockRows; first += rows {
		n := int64(min(rows, blockRows-first) * columns)
		groups := (n + int64(together) - 1) / int64(together)
		w.Products += groups * int64(together) * positions * int64(in) * int64(out)
		w.Outputs += n * int64(size*size) * int64(out)
		w.Inputs += n * positions * int64(in)
	}
	return w
}

// cost is the time of a kernel on one thread, in nanoseconds: what each part of
// its work takes.
type cost struct{ product, output, input, weight, bytes, start float64 }

func (c cost) of(w Work, bytes int64) float64 {
	return c.product*float64(w.Products) + c.output*float64(w.Outputs) + c.input*float64(w.Inputs) +
		c.weight*float64(w.Weights) + c.bytes*float64(bytes) + c.start
}

// costs were fitted (non-negative least squares on relative errors) to the best
// of 40 times of each step of YOLOv8n in Chromium 156 on a Zen 4 core of 3.6 GHz:
// int8 at 640, 320, 256, 224 and 160 pixels, with either Winograd kernel, and
// float at 640 and 320. They give those times of integer kernels back within 2
// to 4 % on average and 29 % at the most, of float ones, where memory counts,
// within 3 to 15 and 46 %. plain is for simd128; relaxed, where it differs, for
// relaxed SIMD. Below the convolutions are kernels that move bytes; any other
// costs what OpNop says.
var costs = map[kernels.Op]struct{ plain, relaxed cost }{
	kernels.OpConvI16:       {cost{product: 0.0211, output: 0.76, weight: 0.07}, cost{product: 0.0211, output: 0.50, weight: 0.07}},
	kernels.OpConvI16F32:    {plain: cost{product: 0.0212, output: 0.13}},
	kernels.OpConvU8:        {relaxed: cost{product: 0.0149, output: 0.50}},
	kernels.OpConvU8F32:     {relaxed: cost{product: 0.0102, output: 0.48}},
	kernels.OpWinograd43I16: {cost{product: 0.0240, output: 0.48, input: 0.29, weight: 0.13}, cost{product: 0.0232, output: 0.69, input: 0.09, weight: 0.13}},
	kernels.OpWinogradI16:   {cost{product: 0.0224, output: 0.60, input: 0.08, weight: 0.13}, cost{product: 0.0247, input: 0.04, weight: 0.13}},
	kernels.OpConvF32:       {plain: cost{product: 0.0417, output: 0.79}},
	kernels.OpWinogradF32:   {plain: cost{product: 0.0384, output: 1.28, input: 0.37, weight: 0.41}},
	kernels.OpLetterbox:     {plain: cost{bytes: 0.02, start: 1e5}},
	kernels.OpMaxPoolF32:    {plain: cost{bytes: 0.19}},
	kernels.OpMaxPoolU8:     {plain: cost{bytes: 0.05}},
	kernels.OpUpsample:      {plain: cost{bytes: 0.11}},
	kernels.OpDetect:        {plain: cost{bytes: 0.025}},
	kernels.OpWiden:         {plain: cost{bytes: 0.03}},
	kernels.OpWidenF32:      {plain: cost{bytes: 0.03}},
	kernels.OpNop:           {plain: cost{bytes: 0.05}},
}

// predict is a step's time in ms on one thread of the machine of costs.
func predict(op kernels.Op, relaxed bool, w Work, bytes int64) float64 {
	c, ok := costs[op]
	if !ok {
		c = costs[kernels.OpNop]
	}
	if relaxed && c.relaxed != (cost{}) || c.plain == (cost{}) {
		return c.relaxed.of(w, bytes) / 1e6
	}
	return c.plain.of(w, bytes) / 1e6
}

// directPixels are the pixels of a direct kernel's register tile.
const directPixels = 4
