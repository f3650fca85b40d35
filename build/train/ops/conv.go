package ops

import (
	"fmt"
	"math"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Act is the activation at the end of a convolution.
type Act int

const (
	None Act = iota
	SiLU
)

func newGeometry(name string, x, w *gorgonia.Node, a ConvAttrs) (geometry, error) {
	if x == nil || w == nil {
		return geometry{}, fmt.Errorf("%s: input or weights are missing", name)
	}
	xs, ws := x.Shape(), w.Shape()
	if xs.Dims() != 4 || ws.Dims() != 4 {
		return geometry{}, fmt.Errorf("%s: input %v and weights %v, want [B,I,H,W] and [O,I/g,kh,kw]", name, xs, ws)
	}
	g := geometry{B: xs[0], I: xs[1], H: xs[2], W: xs[3], O: ws[0], KH: ws[2], KW: ws[3], S: max(a.Stride, 1), P: a.Pad, G: max(a.Groups, 1)}
	if g.I%g.G != 0 || g.O%g.G != 0 || ws[1] != g.I/g.G {
		return geometry{}, fmt.Errorf("%s: %d channels in %d groups do not fit weights %v", name, g.I, g.G, ws)
	}
	if g.P < 0 || g.P >= g.KH || g.P >= g.KW {
		return geometry{}, fmt.Errorf("%s: padding %d of a %dx%d kernel, want 0 to less than its size", name, g.P, g.KH, g.KW)
	}
	g.OH, g.OW = (g.H+2*g.P-g.KH)/g.S+1, (g.W+2*g.P-g.KW)/g.S+1
	if g.H+2*g.P < g.KH || g.W+2*g.P < g.KW {
		return geometry{}, fmt.Errorf("%s: a %dx%d kernel is larger than the padded input %v", name, g.KH, g.KW, xs)
	}
	return g, nil
}

func (g geometry) out() tensor.Shape { return tensor.Shape{g.B, g.O, g.OH, g.OW} }

func wantVector(name, what string, n *gorgonia.Node, size int) error {
	if n == nil || n.Shape().TotalSize() != size {
		return fmt.Errorf("%s: %s must have %d values", name, what, size)
	}
	return nil
}

// Conv is act(conv(x, w) + b): x [B,I,H,W], w [O,I/Groups,kh,kw], b [O] or nil,
// the result [B,O,H',W'].
func Conv(x, w, b *gorgonia.Node, a ConvAttrs, act Act) (*gorgonia.Node, error) {
	g, err := newGeometry("conv", x, w, a)
	if err != nil {
		return nil, err
	}
	in := []*gorgonia.Node{x, w}
	if b != nil {
		if err := wantVector("conv", "the bias", b, g.O); err != nil {
			return nil, err
		}
		in = append(in, b)
	}
	var u, du []float32 // before the activation, and its gradient
	forward := func(in [][]float32, out []float32) {
		u = sized(u, len(out))
		plainConv(g, in[0], in[1], u)
		for i := range u {
			if len(in) > 2 {
				u[i] += in[2][i/(g.OH*g.OW)%g.O]
			}
			out[i] = act.apply(u[i])
		}
	}
	backward := func(in [][]float32, out, dout []float32, din [][]float32) {
		du = sized(du, len(out))
		for i := range du {
			du[i] = dout[i] * act.slope(u[i])
		}
		if len(in) > 2 && din[2] != nil {
			clear(din[2])
			for i, d := range du {
				din[2][i/(g.OH*g.OW)%g.O] += d
			}
		}
		plainConvBack(g, in[0], in[1], du, din[0], din[1])
	}
	return Apply("conv", g.out(), forward, backward, in...)
}

func sized(s []float32, n int) []float32 {
	if len(s) != n {
		return make([]float32, n)
	}
	return s
}

// BN is what a batch norm keeps besides its parameters: the running statistics
// [O], which a forward pass updates while Training and uses otherwise. As in
// PyTorch, running = (1−Momentum)·running + Momentum·batch, and the variance
// that enters it is the unbiased one. Ultralytics trains with eps 1e-3 and
// momentum 0.03. The fields may be changed between runs.
type BN struct {
	Mean, Var     []float32
	Eps, Momentum float32
	Training      bool
}

// NewBN returns running statistics of the channels as they start: mean 0,
// variance 1, Ultralytics' eps and momentum, training.
func NewBN(channels int) *BN {
	bn := &BN{Mean: make([]float32, channels), Var: make([]float32, channels), Eps: 1e-3, Momentum: 0.03, Training: true}
	for i := range bn.Var {
		bn.Var[i] = 1
	}
	return bn
}

// ConvBN is act(γ·(z−mean)/√(var+eps) + β) of z = conv(x, w), with the batch's
// statistics while bn.Training and the running ones otherwise: x [B,I,H,W],
// w [O,I/Groups,kh,kw], gamma and beta [O].
func ConvBN(x, w, gamma, beta *gorgonia.Node, bn *BN, a ConvAttrs, act Act) (*gorgonia.Node, error) {
	g, err := newGeometry("convbn", x, w, a)
	if err != nil {
		return nil, err
	}
	if err := wantVector("convbn", "gamma", gamma, g.O); err != nil {
		return nil, err
	}
	if err := wantVector("convbn", "beta", beta, g.O); err != nil {
		return nil, err
	}
	if bn == nil || len(bn.Mean) != g.O || len(bn.Var) != g.O {
		return nil, fmt.Errorf("convbn: the running statistics must have %d channels", g.O)
	}
	n := g.B * g.OH * g.OW
	var z, dz []float32
	mean, inv := make([]float32, g.O), make([]float32, g.O)
	trained := false
	forward := func(in [][]float32, out []float32) {
		z = sized(z, len(out))
		plainConv(g, in[0], in[1], z)
		trained = bn.Training
		for o := range g.O {
			mean[o], inv[o] = bn.Mean[o], float32(1/math.Sqrt(float64(bn.Var[o])+float64(bn.Eps)))
			if trained {
				var s, q float64
				each(g, o, func(i int) { s += float64(z[i]) })
				s /= float64(n)
				each(g, o, func(i int) { d := float64(z[i]) - s; q += d * d })
				mean[o], inv[o] = float32(s), float32(1/math.Sqrt(q/float64(n)+float64(bn.Eps)))
				bn.Mean[o] += bn.Momentum * (float32(s) - bn.Mean[o])
				bn.Var[o] += bn.Momentum * (float32(q/float64(max(n-1, 1))) - bn.Var[o])
			}
			each(g, o, func(i int) { out[i] = act.apply(in[2][o]*(z[i]-mean[o])*inv[o] + in[3][o]) })
		}
	}
	backward := func(in [][]float32, out, dout []float32, din [][]float32) {
		dz = sized(dz, len(out))
		for o := range g.O {
			var db, dg float64
			each(g, o, func(i int) {
				h := (z[i] - mean[o]) * inv[o]
				d := dout[i] * act.slope(in[2][o]*h+in[3][o])
				dz[i] = d
				db += float64(d)
				dg += float64(d * h)
			})
			if din[2] != nil {
				din[2][o] = float32(dg)
			}
			if din[3] != nil {
				din[3][o] = float32(db)
			}
			scale := in[2][o] * inv[o]
			if trained {
				mb, mg := float32(db/float64(n)), float32(dg/float64(n))
				each(g, o, func(i int) { dz[i] = scale * (dz[i] - mb - (z[i]-mean[o])*inv[o]*mg) })
			} else {
				each(g, o, func(i int) { dz[i] *= scale })
			}
		}
		plainConvBack(g, in[0], in[1], dz, din[0], din[1])
	}
	return Apply("convbn", g.out(), forward, backward, x, w, gamma, beta)
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
