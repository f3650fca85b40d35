package plan

import (
	"testing"

	"eagleeye/kernels"
)

// TestAlgorithm states which layers get which kernel.
func TestAlgorithm(t *testing.T) {
	type layer struct {
		kernel, stride, dilation, in, out, h, w int
		op                                      kernels.Op
		exact                                   bool
	}
	usual := layer{kernel: 3, stride: 1, dilation: 1, in: 64, out: 64, h: 80, w: 80, op: kernels.OpConvI16}
	for _, c := range []struct {
		name string
		edit func(l *layer)
		want algorithm
	}{
		{"large map", func(*layer) {}, winograd43},
		{"20×20", func(l *layer) { l.h, l.w = 20, 20 }, winograd43},
		{"fewest channels", func(l *layer) { l.in, l.out = 16, 16 }, winograd43},
		{"10×10", func(l *layer) { l.h, l.w = 10, 10 }, winograd23},
		{"long and flat", func(l *layer) { l.h = 3 }, winograd23},
		{"exact", func(l *layer) { l.exact = true }, winograd23},
		{"floats", func(l *layer) { l.op = kernels.OpConvF32 }, winograd23},
		{"bytes to floats", func(l *layer) { l.op = kernels.OpConvI16F32 }, direct},
		{"few inputs", func(l *layer) { l.in = 8 }, direct},
		{"few outputs", func(l *layer) { l.out = 8 }, direct},
		{"one row", func(l *layer) { l.h = 1 }, direct},
		{"1×1", func(l *layer) { l.kernel = 1 }, direct},
		{"5×5", func(l *layer) { l.kernel = 5 }, direct},
		{"stride 2", func(l *layer) { l.stride = 2 }, direct},
		{"dilation 2", func(l *layer) { l.dilation = 2 }, direct},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := usual
			c.edit(&l)
			conv := &conv{kh: l.kernel, kw: l.kernel, sy: l.stride, sx: l.stride, dy: l.dilation, dx: l.dilation, oh: l.h, ow: l.w}
			x, y := ref{lay: newLayout([]int{0, l.in})}, ref{lay: newLayout([]int{0, l.out})}
			if got := conv.algorithm(x, y, l.op, l.exact); got != c.want {
				t.Errorf("got%s, want%s", algorithms[got], algorithms[c.want])
			}
		})
	}
}
