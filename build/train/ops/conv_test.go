package ops

import (
	"math"
	"testing"

	"gorgonia.org/gorgonia"
)

type convCase struct {
	name    string
	b, i, o int
	h, w, k int
	a       ConvAttrs
	bias    bool
	act     Act
}

func (c convCase) geometry() geometry {
	g := geometry{B: c.b, I: c.i, H: c.h, W: c.w, O: c.o, KH: c.k, KW: c.k, S: c.a.Stride, P: c.a.Pad, G: max(c.a.Groups, 1)}
	g.OH, g.OW = (c.h+2*c.a.Pad-c.k)/c.a.Stride+1, (c.w+2*c.a.Pad-c.k)/c.a.Stride+1
	return g
}

var convCases = []convCase{
	{"1x1", 2, 3, 4, 4, 5, 1, ConvAttrs{Stride: 1}, true, SiLU},
	{"1x1 linear", 2, 9, 8, 3, 7, 1, ConvAttrs{Stride: 1}, true, None},
	{"3x3", 2, 3, 4, 5, 6, 3, ConvAttrs{Stride: 1, Pad: 1}, true, SiLU},
	{"3x3 no bias", 1, 2, 3, 4, 4, 3, ConvAttrs{Stride: 1, Pad: 1}, false, SiLU},
	{"3x3 no padding", 1, 2, 3, 5, 4, 3, ConvAttrs{Stride: 1}, true, None},
	{"3x3 stride 2", 2, 3, 4, 6, 8, 3, ConvAttrs{Stride: 2, Pad: 1}, true, SiLU},
	{"3x3 stride 2 odd", 1, 2, 9, 7, 5, 3, ConvAttrs{Stride: 2, Pad: 1}, true, SiLU},
	{"2x2 stride 2", 1, 2, 2, 4, 6, 2, ConvAttrs{Stride: 2}, true, None},
	{"1x1 stride 2", 1, 3, 2, 5, 6, 1, ConvAttrs{Stride: 2}, true, None},
	{"5x5 stride 3", 1, 2, 2, 8, 9, 5, ConvAttrs{Stride: 3, Pad: 2}, true, SiLU},
	{"depthwise", 2, 4, 4, 5, 5, 3, ConvAttrs{Stride: 1, Pad: 1, Groups: 4}, true, SiLU},
	{"groups", 1, 6, 4, 4, 4, 3, ConvAttrs{Stride: 2, Pad: 1, Groups: 2}, true, SiLU},
	{"17 channels, wide", 1, 3, 17, 3, 37, 3, ConvAttrs{Stride: 1, Pad: 1}, true, SiLU},
	{"one pixel", 1, 5, 9, 1, 1, 1, ConvAttrs{Stride: 1}, true, None},
	{"one pixel 3x3", 1, 5, 9, 1, 1, 3, ConvAttrs{Stride: 1, Pad: 1}, true, None},
}

func TestConv(t *testing.T) {
	for _, c := range convCases {
		t.Run(c.name, func(t *testing.T) {
			shapes := [][]int{{c.b, c.i, c.h, c.w}, {c.o, c.i / max(c.a.Groups, 1), c.k, c.k}, {c.o}}
			if !c.bias {
				shapes = shapes[:2]
			}
			gradients(t, inputs(shapes), shapes, func(n []*gorgonia.Node) (*gorgonia.Node, error) {
				var b *gorgonia.Node
				if c.bias {
					b = n[2]
				}
				return Conv(n[0], n[1], b, c.a, c.act)
			}, func(in [][]float64) []float64 {
				g := c.geometry()
				z := make([]float64, g.out().TotalSize())
				plainConv(g, in[0], in[1], z)
				for i := range z {
					if c.bias {
						z[i] += in[2][i/(g.OH*g.OW)%g.O]
					}
					if c.act == SiLU {
						z[i] = plainSiLU(z[i])
					}
				}
				return z
			})
		})
	}
}

func TestConvBN(t *testing.T) {
	for _, c := range convCases {
		if c.h*c.w == 1 {
			continue // the variance of one value has no slope
		}
		for _, training := range []bool{true, false} {
			t.Run(c.name+map[bool]string{true: " training", false: " frozen"}[training], func(t *testing.T) {
				shapes := [][]int{{c.b, c.i, c.h, c.w}, {c.o, c.i / max(c.a.Groups, 1), c.k, c.k}, {c.o}, {c.o}}
				bn := NewBN(c.o)
				bn.Training = training
				if !training {
					for i := range bn.Mean {
						bn.Mean[i], bn.Var[i] = float32(i)*0.1-0.2, 0.5+float32(i)*0.3
					}
				}
				gradients(t, inputs(shapes), shapes, func(n []*gorgonia.Node) (*gorgonia.Node, error) {
					return ConvBN(n[0], n[1], n[2], n[3], bn, c.a, c.act)
				}, func(in [][]float64) []float64 {
					g := c.geometry()
					z := make([]float64, g.out().TotalSize())
					plainConv(g, in[0], in[1], z)
					for o := range g.O {
						mean, variance, n := 0.0, 0.0, float64(g.B*g.OH*g.OW)
						each(g, o, func(i int) { mean += z[i] / n })
						each(g, o, func(i int) { variance += (z[i] - mean) * (z[i] - mean) / n })
						if !training {
							mean, variance = float64(bn.Mean[o]), float64(bn.Var[o])
						}
						inv := 1 / math.Sqrt(variance+float64(bn.Eps))
						each(g, o, func(i int) {
							z[i] = in[2][o]*(z[i]-mean)*inv + in[3][o]
							if c.act == SiLU {
								z[i] = plainSiLU(z[i])
							}
						})
					}
					return z
				})
			})
		}
	}
}

// each calls f for every element of an output channel.
func each(g geometry, o int, f func(i int)) {
	hw := g.OH * g.OW
	for b := range g.B {
		at := (b*g.O + o) * hw
		for i := range hw {
			f(at + i)
		}
	}
}
