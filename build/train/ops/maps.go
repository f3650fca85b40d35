package ops

import (
	"fmt"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"eagleeye/build/train/simd"
)

func want4(name string, x *gorgonia.Node) (b, c, h, w int, err error) {
	if x == nil || x.Shape().Dims() != 4 {
		return 0, 0, 0, 0, fmt.Errorf("%s: want a map [B,C,H,W]", name)
	}
	s := x.Shape()
	return s[0], s[1], s[2], s[3], nil
}

// Upsample2 repeats each pixel twice in both directions: [B,C,H,W] to
// [B,C,2H,2W].
func Upsample2(x *gorgonia.Node) (*gorgonia.Node, error) {
	b, c, h, w, err := want4("upsample", x)
	if err != nil {
		return nil, err
	}
	return Apply("upsample", tensor.Shape{b, c, 2 * h, 2 * w}, func(in [][]float32, out []float32) {
		simd.Parallel(b*c, func(_, p int) {
			for r := p * h; r < (p+1)*h; r++ {
				src, top := in[0][r*w:][:w], out[r*4*w:][:2*w]
				for i, v := range src {
					top[2*i], top[2*i+1] = v, v
				}
				copy(out[r*4*w+2*w:][:2*w], top)
			}
		})
	}, func(in [][]float32, out, dout []float32, din [][]float32) {
		simd.Parallel(b*c, func(_, p int) {
			for r := p * h; r < (p+1)*h; r++ {
				top, low, dst := dout[r*4*w:][:2*w], dout[r*4*w+2*w:][:2*w], din[0][r*w:][:w]
				for i := range dst {
					dst[i] = top[2*i] + top[2*i+1] + low[2*i] + low[2*i+1]
				}
			}
		})
	}, x)
}

// Concat joins maps [B,Ci,H,W] along the channels.
func Concat(xs ...*gorgonia.Node) (*gorgonia.Node, error) {
	if len(xs) == 0 {
		return nil, fmt.Errorf("concat: no inputs")
	}
	b, _, h, w, err := want4("concat", xs[0])
	if err != nil {
		return nil, err
	}
	sizes, starts, total := make([]int, len(xs)), make([]int, len(xs)), 0
	for i, x := range xs {
		bi, c, hi, wi, err := want4("concat", x)
		if err != nil {
			return nil, err
		}
		if bi != b || hi != h || wi != w {
			return nil, fmt.Errorf("concat: %v and %v differ in more than channels", xs[0].Shape(), x.Shape())
		}
		sizes[i], starts[i] = c*h*w, total*h*w
		total += c
	}
	size := total * h * w
	return Apply("concat", tensor.Shape{b, total, h, w}, func(in [][]float32, out []float32) {
		simd.Parallel(b*len(sizes), func(_, part int) {
			n, i := part/len(sizes), part%len(sizes)
			s := sizes[i]
			copy(out[n*size+starts[i]:][:s], in[i][n*s:])
		})
	}, func(in [][]float32, out, dout []float32, din [][]float32) {
		simd.Parallel(b*len(sizes), func(_, part int) {
			n, i := part/len(sizes), part%len(sizes)
			if s := sizes[i]; din[i] != nil {
				copy(din[i][n*s:(n+1)*s], dout[n*size+starts[i]:])
			}
		})
	}, xs...)
}

// Slice takes the channels from (inclusive) to (exclusive) of [B,C,H,W].
func Slice(x *gorgonia.Node, from, to int) (*gorgonia.Node, error) {
	b, c, h, w, err := want4("slice", x)
	if err != nil {
		return nil, err
	}
	if from < 0 || from >= to || to > c {
		return nil, fmt.Errorf("slice: channels %d to %d of %v", from, to, x.Shape())
	}
	lo, n, all := from*h*w, (to-from)*h*w, c*h*w
	return Apply("slice", tensor.Shape{b, to - from, h, w}, func(in [][]float32, out []float32) {
		simd.Parallel(b, func(_, i int) { copy(out[i*n:(i+1)*n], in[0][i*all+lo:]) })
	}, func(in [][]float32, out, dout []float32, din [][]float32) {
		simd.Parallel(b, func(_, i int) {
			d := din[0][i*all : (i+1)*all]
			clear(d[:lo])
			copy(d[lo:lo+n], dout[i*n:])
			clear(d[lo+n:])
		})
	}, x)
}

// Add is a + b, of equal shapes.
func Add(a, b *gorgonia.Node) (*gorgonia.Node, error) {
	if a == nil || b == nil || !a.Shape().Eq(b.Shape()) {
		return nil, fmt.Errorf("add: want two nodes of one shape")
	}
	return Apply("add", a.Shape(), func(in [][]float32, out []float32) {
		inChunks(len(out), func(from, to int) { simd.Add(out[from:to], in[0][from:to], in[1][from:to]) })
	}, func(in [][]float32, out, dout []float32, din [][]float32) {
		inChunks(len(dout), func(from, to int) {
			for _, d := range din {
				if d != nil {
					copy(d[from:to], dout[from:to])
				}
			}
		})
	}, a, b)
}

// DFL turns the logits of box sides into distances: x [B,4·R,H,W] to [B,4,H,W],
// the expectation Σ i·softmax(logits)_i of R = regMax bins, in units of the
// level's stride (Generalized Focal Loss, arXiv:2006.04388).
func DFL(x *gorgonia.Node, regMax int) (*gorgonia.Node, error) {
	b, c, h, w, err := want4("dfl", x)
	if err != nil {
		return nil, err
	}
	if regMax < 1 || c%regMax != 0 {
		return nil, fmt.Errorf("dfl: %d channels are no multiple of %d bins", c, regMax)
	}
	n, hw := b*c/regMax, h*w
	p := make([]float32, b*c*hw) // the probabilities
	return Apply("dfl", tensor.Shape{b, c / regMax, h, w}, func(in [][]float32, out []float32) {
		simd.Parallel(n, func(_, s int) {
			x, e, mean := in[0][s*regMax*hw:][:regMax*hw], p[s*regMax*hw:][:regMax*hw], out[s*hw:][:hw]
			copy(mean, x) // the largest logits, for a while
			for r := 1; r < regMax; r++ {
				for i, v := range x[r*hw:][:hw] {
					mean[i] = max(mean[i], v)
				}
			}
			for r := range regMax {
				for i, v := range x[r*hw:][:hw] {
					e[r*hw+i] = v - mean[i]
				}
			}
			simd.Exp(e, e)
			for i := range mean {
				var total, weighted float32
				for r := range regMax {
					v := e[r*hw+i]
					total += v
					weighted += float32(r) * v
				}
				for r := range regMax {
					e[r*hw+i] /= total
				}
				mean[i] = weighted / total
			}
		})
	}, func(in [][]float32, out, dout []float32, din [][]float32) {
		simd.Parallel(n, func(_, s int) {
			for r := range regMax {
				at := (s*regMax + r) * hw
				for i := range hw {
					din[0][at+i] = dout[s*hw+i] * p[at+i] * (float32(r) - out[s*hw+i])
				}
			}
		})
	}, x)
}

// inChunks calls do for consecutive ranges of n values, several at a time.
func inChunks(n int, do func(from, to int)) {
	const chunk = 1 << 15
	simd.Parallel(ceil(n, chunk), func(_, i int) { do(i*chunk, min(n, (i+1)*chunk)) })
}
