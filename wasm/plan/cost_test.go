package plan

import (
	"math"
	"testing"

	"eagleeye/kernels"
)

// layer is a convolution with SiLU for the tests of costs.
type layer struct{ kernel, stride, in, out, side int }

func (l layer) conv() *conv {
	return &conv{kh: l.kernel, kw: l.kernel, sy: l.stride, sx: l.stride, dy: 1, dx: 1, oh: l.side, ow: l.side}
}

// TestPredict compares predictions with times that were measured as costs says,
// of layers from the first to the last and maps of all sizes.
func TestPredict(t *testing.T) {
	for _, c := range []struct {
		name    string
		op      kernels.Op
		alg     algorithm
		relaxed bool
		layer
		ms float64
	}{
		{"1×1, few inputs", kernels.OpConvI16, direct, false, layer{1, 1, 32, 32, 160}, 1.230},
		{"1×1, many inputs", kernels.OpConvI16, direct, false, layer{1, 1, 512, 256, 20}, 1.210},
		{"stride 2", kernels.OpConvI16, direct, false, layer{3, 2, 16, 32, 160}, 3.395},
		{"to floats", kernels.OpConvI16F32, direct, false, layer{1, 1, 64, 64, 80}, 0.650},
		{"large map", kernels.OpConvI16, winograd43, false, layer{3, 1, 80, 80, 80}, 2.730},
		{"few channels", kernels.OpConvI16, winograd43, false, layer{3, 1, 16, 16, 160}, 0.845},
		{"20×20", kernels.OpConvI16, winograd43, false, layer{3, 1, 128, 128, 20}, 0.505},
		{"small map", kernels.OpConvI16, winograd43, false, layer{3, 1, 128, 128, 10}, 0.280},
		{"exact", kernels.OpConvI16, winograd23, false, layer{3, 1, 80, 80, 40}, 1.035},
		{"exact, small map", kernels.OpConvI16, winograd23, false, layer{3, 1, 128, 128, 10}, 0.230},
		{"bytes", kernels.OpConvU8, direct, true, layer{1, 1, 512, 256, 20}, 0.820},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := predict(c.alg.op(c.op), c.relaxed, c.conv().work(c.alg, c.in, c.out), 0)
			t.Logf("predicted %.3f ms, measured %.3f", got, c.ms)
			if r := got / c.ms; r < 0.85 || r > 1.15 {
				t.Errorf("predicted %.3f ms, measured %.3f", got, c.ms)
			}
		})
	}
}

// TestWork counts by hand.
func TestWork(t *testing.T) {
	for _, c := range []struct {
		name string
		layer
		alg  algorithm
		want Work
	}{
		{"direct, pixels in fours", layer{3, 1, 8, 16, 5}, direct, Work{Products: 5 * 8 * 72 * 16, Outputs: 400, Weights: 72 * 16}},
		{"F(2×2,3×3), blocks in fours", layer{3, 1, 16, 16, 8}, winograd23, Work{Products: 16 * 16 * 256, Outputs: 1024, Inputs: 16 * 16 * 16, Weights: 16 * 256}},
		{"F(4×4,3×3), blocks in fives", layer{3, 1, 16, 16, 10}, winograd43, Work{Products: 10 * 36 * 256, Outputs: 9 * 16 * 16, Inputs: 9 * 36 * 16, Weights: 36 * 256}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := c.conv().work(c.alg, c.in, c.out); got != c.want {
				t.Errorf("%+v, want %+v", got, c.want)
			}
		})
	}
}

// TestCosts: every operation has a positive cost on either kind of SIMD.
func TestCosts(t *testing.T) {
	w := Work{Products: 1 << 20, Outputs: 1 << 10, Inputs: 1 << 10, Weights: 1 << 10}
	for op := range kernels.NumOps {
		for _, relaxed := range []bool{false, true} {
			if ms := predict(op, relaxed, w, 1<<10); !(ms > 0) || math.IsInf(ms, 0) {
				t.Errorf("%v, relaxed %v: %v ms", op, relaxed, ms)
			}
		}
	}
}
