package ops

import (
	"fmt"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"eagleeye/build/train/simd"
)

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
	p := pool{k: k, stride: stride, pad: pad, h: h, w: w, oh: oh, ow: ow, from: make([]int32, b*c*oh*ow)}
	return Apply("maxpool", tensor.Shape{b, c, oh, ow}, func(in [][]float32, out []float32) {
		rows := borrow(2 * simd.Workers() * h * ow)
		defer rows.free()
		simd.Parallel(b*c, func(worker, i int) {
			best := rows.v[2*worker*h*ow:][: 2*h*ow : 2*h*ow]
			p.forward(in[0][i*h*w:][:h*w], out[i*oh*ow:][:oh*ow], p.from[i*oh*ow:][:oh*ow], best[:h*ow], best[h*ow:])
		})
	}, func(in [][]float32, out, dout []float32, din [][]float32) {
		simd.Parallel(b*c, func(_, i int) {
			dst := din[0][i*h*w:][:h*w]
			clear(dst)
			for j, at := range p.from[i*oh*ow:][:oh*ow] {
				dst[at] += dout[i*oh*ow+j]
			}
		})
	}, x)
}

type pool struct {
	k, stride, pad, h, w, oh, ow int
	from                         []int32 // where each maximum was
}

// forward takes the largest of each row's k values, then the largest of k such
// rows: 2k comparisons instead of k², and the same first one among equals. best
// and place hold the rows' maxima and their columns (exact as float32: a row is
// shorter than 2²⁴).
func (p *pool) forward(x, out []float32, from []int32, best, place []float32) {
	for y := range p.h {
		row := x[y*p.w:][:p.w]
		for ox := range p.ow {
			x0 := max(0, ox*p.stride-p.pad)
			top, at := row[x0], x0
			for i := x0 + 1; i < min(p.w, ox*p.stride-p.pad+p.k); i++ {
				if row[i] > top {
					top, at = row[i], i
				}
			}
			best[y*p.ow+ox], place[y*p.ow+ox] = top, float32(at)
		}
	}
	for oy := range p.oh {
		y0, y1 := max(0, oy*p.stride-p.pad), min(p.h, oy*p.stride-p.pad+p.k)
		for ox := range p.ow {
			top, at := best[y0*p.ow+ox], y0
			for y := y0 + 1; y < y1; y++ {
				if v := best[y*p.ow+ox]; v > top {
					top, at = v, y
				}
			}
			out[oy*p.ow+ox], from[oy*p.ow+ox] = top, int32(at*p.w)+int32(place[at*p.ow+ox])
		}
	}
}
