package ops

import (
	"fmt"
	"math"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
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
		for r := range b * c * h {
			src, top := in[0][r*w:][:w], out[r*4*w:][:2*w]
			for i, v := range src {
				top[2*i], top[2*i+1] = v, v
			}
			copy(out[r*4*w+2*w:][:2*w], top)
		}
	}, func(in [][]float32, out, dout []float32, din [][]float32) {
		for r := range b * c * h {
			top, low, dst := dout[r*4*w:][:2*w], dout[r*4*w+2*w:][:2*w], din[0][r*w:][:w]
			for i := range dst {
				dst[i] = top[2*i] + top[2*i+1] + low[2*i] + low[2*i+1]
			}
		}
	}, x)
}

// MaxPool takes the largest value of each k×k window, padded with −∞. Where
// several are equal, the first in reading order gets the gradient.
func MaxPool(x *gorgonia.Node, k, stride, pad int) (*gorgonia.Node, error) {
	b, c, h, w, err := want4("maxpool", x)
	if err != nil {
		return nil, err
	}
	if k < 1 || stride < 1 || pad < 0 || pad >= k || h+2*pad < k || w+2*pad < k {
		return nil, fmt.Errorf("maxpool: size %d, stride %d, padding %d do not fit %v", k, stride, pad, x.Shape())
	}
	oh, ow := (h+2*pad-k)/stride+1, (w+2*pad-k)/stride+1
	from := make([]int32, b*c*oh*ow) // where each maximum was
	return Apply("maxpool", tensor.Shape{b, c, oh, ow}, func(in [][]float32, out []float32) {
		for p := range b * c {
			src, dst, at := in[0][p*h*w:][:h*w], out[p*oh*ow:][:oh*ow], from[p*oh*ow:][:oh*ow]
			for oy := range oh {
				y0, y1 := max(0, oy*stride-pad), min(h, oy*stride-pad+k)
				for ox := range ow {
					x0, x1 := max(0, ox*stride-pad), min(w, ox*stride-pad+k)
					best, where := float32(math.Inf(-1)), y0*w+x0
					for y := y0; y < y1; y++ {
						for i, v := range src[y*w+x0 : y*w+x1] {
							if v > best {
								best, where = v, y*w+x0+i
							}
						}
					}
					dst[oy*ow+ox], at[oy*ow+ox] = src[where], int32(where)
				}
			}
		}
	}, func(in [][]float32, out, dout []float32, din [][]float32) {
		clear(din[0])
		for p := range b * c {
			dst := din[0][p*h*w:][:h*w]
			for i, at := range from[p*oh*ow:][:oh*ow] {
				dst[at] += dout[p*oh*ow+i]
			}
		}
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
	sizes, total := make([]int, len(xs)), 0
	for i, x := range xs {
		bi, c, hi, wi, err := want4("concat", x)
		if err != nil {
			return nil, err
		}
		if bi != b || hi != h || wi != w {
			return nil, fmt.Errorf("concat: %v and %v differ in more than channels", xs[0].Shape(), x.Shape())
		}
		sizes[i] = c * h * w
		total += c
	}
	size := total * h * w
	return Apply("concat", tensor.Shape{b, total, h, w}, func(in [][]float32, out []float32) {
		for n := range b {
			at := n * size
			for i, s := range sizes {
				copy(out[at:at+s], in[i][n*s:])
				at += s
			}
		}
	}, func(in [][]float32, out, dout []float32, din [][]float32) {
		for n := range b {
			at := n * size
			for i, s := range sizes {
				if din[i] != nil {
					copy(din[i][n*s:(n+1)*s], dout[at:])
				}
				at += s
			}
		}
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
		for i := range b {
			copy(out[i*n:(i+1)*n], in[0][i*all+lo:])
		}
	}, func(in [][]float32, out, dout []float32, din [][]float32) {
		for i := range b {
			d := din[0][i*all : (i+1)*all]
			clear(d[:lo])
			copy(d[lo:lo+n], dout[i*n:])
			clear(d[lo+n:])
		}
	}, x)
}

// Add is a + b, of equal shapes.
func Add(a, b *gorgonia.Node) (*gorgonia.Node, error) {
	if a == nil || b == nil || !a.Shape().Eq(b.Shape()) {
		return nil, fmt.Errorf("add: want two nodes of one shape")
	}
	return Apply("add", a.Shape(), func(in [][]float32, out []float32) {
		copy(out, in[0])
		addTo(out, in[1])
	}, func(in [][]float32, out, dout []float32, din [][]float32) {
		for _, d := range din {
			if d != nil {
				copy(d, dout)
			}
		}
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
		for s := range n {
			for i := range hw {
				at := s*regMax*hw + i
				top := in[0][at]
				for r := 1; r < regMax; r++ {
					top = max(top, in[0][at+r*hw])
				}
				var total, mean float64
				for r := range regMax {
					e := math.Exp(float64(in[0][at+r*hw] - top))
					p[at+r*hw] = float32(e)
					total += e
					mean += float64(r) * e
				}
				for r := range regMax {
					p[at+r*hw] /= float32(total)
				}
				out[s*hw+i] = float32(mean / total)
			}
		}
	}, func(in [][]float32, out, dout []float32, din [][]float32) {
		for s := range n {
			for r := range regMax {
				at := (s*regMax + r) * hw
				for i := range hw {
					din[0][at+i] = dout[s*hw+i] * p[at+i] * (float32(r) - out[s*hw+i])
				}
			}
		}
	}, x)
}
