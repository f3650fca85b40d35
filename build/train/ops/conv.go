package ops

import (
	"fmt"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"eagleeye/build/train/simd"
)

// Act is the activation at the end of a convolution.
type Act int

const (
	None Act = iota
	SiLU
)

// apply writes out = act(s·z + t).
func (a Act) apply(out, z []float32, s, t float32) {
	switch {
	case a == SiLU:
		simd.SiLU(out, z, s, t)
	case s != 1 || t != 0:
		simd.Affine(out, z, s, t)
	case &out[0] != &z[0]:
		copy(out, z)
	}
}

// ConvAttrs tell how a convolution moves: the same stride and zero padding on
// all sides, in pixels. Groups 0 means 1, Stride 0 means 1.
type ConvAttrs struct{ Stride, Pad, Groups int }

// geometry is a convolution's sizes: x [B,I,H,W], w [O,I/G,KH,KW], z [B,O,OH,OW].
type geometry struct {
	B, I, H, W, O, KH, KW, OH, OW int
	S, P, G                       int
}

// k is the number of weights of one output channel.
func (g geometry) k() int { return g.I / g.G * g.KH * g.KW }

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
	l := &layer{plan: newPlan(g), x: x}
	scale := func(in [][]float32, o int) (s, t float32) {
		if b == nil {
			return 1, 0
		}
		return 1, in[2][o]
	}
	forward := func(in [][]float32, out []float32) {
		z := out // without an activation nothing else is needed later
		if act != None {
			l.z = sized(l.z, len(out))
			z = l.z
		}
		l.forward(in, z, func(o, _, from, to int) {
			s, t := scale(in, o)
			act.apply(out[from:to], z[from:to], s, t)
		})
	}
	backward := func(in [][]float32, out, dout []float32, din [][]float32) {
		sums := l.sums(l.B * l.O)
		l.backward(in, din, func(plane, tmp []float32, b, o int) {
			at := (b*l.O + o) * l.OH * l.OW
			d := dout[at:][:l.OH*l.OW]
			if act == None {
				l.place(plane, d, 0, l.OH)
				sums[b*l.O+o][0] = simd.Sum(d)
				return
			}
			s, t := scale(in, o)
			sums[b*l.O+o][0], _ = simd.SiLUGrad(tmp, d, l.z[at:][:len(d)], s, t, 0)
			l.place(plane, tmp, 0, l.OH)
		})
		if b != nil && din[2] != nil {
			for o := range din[2] {
				total, _ := l.total(sums, o)
				din[2][o] = float32(total)
			}
		}
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
	l := &norm{layer: layer{plan: newPlan(g), x: x}, BN: bn, act: act}
	l.mean, l.inv = make([]float32, g.O), make([]float32, g.O)
	return Apply("convbn", g.out(), l.forward, l.backward, x, w, gamma, beta)
}
