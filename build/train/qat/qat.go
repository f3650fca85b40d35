// Package qat trains int8 models: it rounds weights and activations in the
// training graph at exactly the places, and by exactly the rules, at which
// package quant puts QuantizeLinear and DequantizeLinear into the file, and lets
// gradients pass straight through (Jacob et al., arXiv:1712.05877). It starts
// from post-training scales. It may import build/train and what lies in it,
// wasm/graph and wasm/quant.
//
//   - Weights are quantized anew at each step as quant.Quantize would: int8 with
//     a scale an output channel, kept in the bounds of the byte kernels.
//   - Activations have one grid a group of quant's layout. Its step is learned
//     (LSQ, arXiv:1902.08153), as the exponential of a parameter so that any
//     optimizer moves it by ratios; or follows the extremes seen; or stays. Near
//     the end all grids stop.
//   - Batch norms are folded before the training: those of a trained model do not
//     move any more.
package qat

import (
	"errors"
	"fmt"
	"image"
	"math"

	"eagleeye/build/train"
	"eagleeye/build/train/data"
	"eagleeye/build/train/net"
	"eagleeye/build/train/ops"
	"eagleeye/wasm/graph"
	"eagleeye/wasm/quant"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// What becomes of the activations' grids.
const (
	Learned  = "learned"  // by gradient
	Observed = "observed" // moving averages of the extremes
	Fixed    = "fixed"    // as they began
)

// Options of New. Start from Defaults.
type Options struct {
	Scales string
	Freeze int // step from which grids stay; 0 is never
	// Bits of the weights, 2 to 8; fewer than 8 use part of int8's range.
	Bits      int
	PerTensor bool // one scale for all of a convolution's weights
	Wide      bool // see quant.Options.WideWeights
}

// Defaults are int8 with learned grids.
func Defaults() Options { return Options{Scales: Learned, Bits: 8} }

// ErrLayout marks a model that is quantized at other places than quant's.
var ErrLayout = errors.New("qat: the model is quantized in another way than quantize does: start from its float form")

// QAT is one training of an int8 model.
type QAT struct {
	o      Options
	g      *graph.Graph // float, batch norms folded, post-training biases
	convs  map[string]*graph.Node
	points map[string]int // name of an activation → group
	groups []*group
	input  int // group of the picture, whose grid is exact

	judging bool
}

// group is the grid that some activations share.
type group struct {
	start    graph.Quant
	ends     []float32     // of the range, lowest and highest
	first    [2]float32    // those of start
	log      *tensor.Dense // learned: logarithm of the step's ratio to its start, over pace
	param    *gorgonia.Node
	q        *ops.Quant
	seen     [2]float32 // extremes of this batch
	frozen   float32
	isFrozen bool
}

// pace is how much faster a step's logarithm moves than its parameter: weights
// are a few hundredths, so the same rate moves both by like ratios.
const pace = 10

// New prepares the training of q, a model as quantize writes it. Its weights are
// those of float, the model that q was made from, where that is not nil; else
// what q's integers stand for.
func New(float, q *graph.Graph, o Options) (*QAT, error) {
	switch {
	case o.Scales != Learned && o.Scales != Observed && o.Scales != Fixed:
		return nil, fmt.Errorf("qat: scales %q: use %s, %s or %s", o.Scales, Learned, Observed, Fixed)
	case o.Bits < 2 || o.Bits > 8:
		return nil, fmt.Errorf("qat: weights of %d bits: use 2 to 8", o.Bits)
	}
	grids, err := gridsOf(q)
	if err != nil {
		return nil, fmt.Errorf("qat: %w", err)
	}
	t := &QAT{o: o, convs: map[string]*graph.Node{}, points: map[string]int{}}
	if t.g, err = strip(q); err != nil {
		return nil, err
	}
	if float != nil {
		if err := takeWeights(t.g, float); err != nil {
			return nil, err
		}
	}
	l, err := quant.Analyze(t.g)
	if err != nil {
		return nil, fmt.Errorf("qat: %w", err)
	}
	for _, n := range l.Convs {
		t.convs[n.Name] = n
	}
	t.groups = make([]*group, l.Groups)
	for _, p := range l.Points {
		grid := grids[p.Name]
		if grid == nil {
			return nil, fmt.Errorf("%w: %q has no grid", ErrLayout, p.Name)
		}
		t.points[p.Name] = p.Group
		if t.groups[p.Group] == nil {
			t.groups[p.Group] = newGroup(*grid)
		}
		if p.Name == l.Input {
			t.input = p.Group
		}
	}
	return t, nil
}

func newGroup(grid graph.Quant) *group {
	s, z := grid.Scale[0], grid.Zero[0]
	ends := [2]float32{-float32(z) * s, float32(255-z) * s}
	return &group{start: grid, first: ends, ends: []float32{ends[0], ends[1]},
		log: tensor.New(tensor.WithShape(1), tensor.WithBacking(make([]float32, 1)))}
}

// Configure sets up a training: its model, hooks and export. The other settings
// stay.
func (t *QAT) Configure(c *train.Config) {
	c.Graph = t.g
	c.Net.Weight, c.Net.Activation = t.weight, t.activation
	c.Extra = train.Extra{
		Attach: func(n *net.Net, hard *gorgonia.Node) (*gorgonia.Node, []net.Param, error) {
			return hard, t.params(), nil
		},
		Step:  t.step,
		Judge: t.judge,
		State: t.state,
	}
	c.Export = t.Export
}

// Graph is the model that is trained: float, with what post-training
// quantization did to the biases.
func (t *QAT) Graph() *graph.Graph { return t.g }

// quantized applies the rule for the weights of a convolution.
func (t *QAT) quantized(n *graph.Node) (*graph.Tensor, []float32, error) {
	if t.o.Bits == 8 && !t.o.PerTensor {
		return quant.ConvWeights(n, t.o.Wide)
	}
	return coarse(n.In[1].Const, t.o.Bits, t.o.PerTensor)
}

// weight is the hook that rounds a convolution's weights.
func (t *QAT) weight(name string, w *gorgonia.Node) (*gorgonia.Node, error) {
	n := t.convs[name]
	if n == nil {
		return w, nil
	}
	shape := w.Shape().Clone()
	twin := *n
	return ops.Apply("int8 weights", shape,
		func(in [][]float32, out []float32) {
			twin.In = []*graph.Value{nil, {Const: graph.FloatTensor(in[0], shape...)}}
			q, scale, err := t.quantized(&twin)
			if err != nil { // they are not finite: so is the loss, which train reports
				copy(out, in[0])
				return
			}
			per := len(out) / len(scale)
			for i, b := range q.Data {
				out[i] = float32(int8(b)) * scale[i/per]
			}
		},
		func(_ [][]float32, _, dout []float32, din [][]float32) {
			if din[0] != nil {
				copy(din[0], dout)
			}
		}, w)
}

// activation is the hook that rounds a feature map to its group's grid. What
// only moves numbers keeps their grid, so it is left out.
func (t *QAT) activation(name string, x *gorgonia.Node) (*gorgonia.Node, error) {
	i, ok := t.points[name]
	if !ok {
		return x, nil
	}
	g := t.groups[i]
	mode := t.o.Scales
	if i == t.input {
		mode = Fixed
	}
	if g.q == nil {
		g.q = &ops.Quant{Min: 0, Max: 255, Axis: -1, Scale: []float32{g.start.Scale[0]}, Zero: []int32{g.start.Zero[0]}}
		if mode == Learned {
			if err := g.learn(i, x.Graph()); err != nil {
				return nil, err
			}
		}
	}
	if mode == Observed {
		var err error
		if x, err = g.watch(x, &t.judging); err != nil {
			return nil, err
		}
	}
	return ops.FakeQuant(x, g.q)
}

// learn makes the group's step an expression of its parameter.
func (g *group) learn(i int, in *gorgonia.ExprGraph) (err error) {
	g.param = ops.Input(in, gridName(i), tensor.Shape{1}, g.log)
	g.q.Learned, err = ops.Apply("step", tensor.Shape{1},
		func(in [][]float32, out []float32) { out[0] = g.scale(in[0][0]) },
		func(_ [][]float32, out, dout []float32, din [][]float32) {
			if din[0] != nil {
				din[0][0] = dout[0] * out[0] * pace
			}
		}, g.param)
	return err
}

func gridName(i int) string { return fmt.Sprintf("grid.%d", i) }

// scale is the step for a value of the parameter.
func (g *group) scale(log float32) float32 {
	return g.start.Scale[0] * float32(math.Exp(pace*float64(log)))
}

// zero keeps the lower end where it was, to the nearest step: SiLU's is fixed.
func (g *group) zero(scale float32) int32 {
	return int32(min(max(math.RoundToEven(float64(-g.ends[0])/float64(scale)), 0), 255))
}

// watch passes a map on and notes its extremes.
// It notes nothing while judging.
func (g *group) watch(x *gorgonia.Node, judging *bool) (*gorgonia.Node, error) {
	return ops.Apply("observer", x.Shape().Clone(),
		func(in [][]float32, out []float32) {
			copy(out, in[0])
			if *judging {
				return
			}
			for _, v := range in[0] {
				g.seen[0], g.seen[1] = min(g.seen[0], v), max(g.seen[1], v)
			}
		},
		func(_ [][]float32, _, dout []float32, din [][]float32) {
			if din[0] != nil {
				copy(din[0], dout)
			}
		}, x)
}

// params are the learned steps.
func (t *QAT) params() []net.Param {
	var list []net.Param
	for i, g := range t.groups {
		if g.param != nil {
			list = append(list, net.Param{Name: gridName(i), Node: g.param})
		}
	}
	return list
}

// momentum is the weight of a batch's extremes.
const momentum = 0.01

// step prepares the grids for a batch.
func (t *QAT) step(step int, _ *data.Batch) error {
	frozen := t.o.Freeze > 0 && step >= t.o.Freeze
	for i, g := range t.groups {
		switch {
		case g.param != nil:
			log := g.param.Value().Data().([]float32)
			if frozen && !g.isFrozen {
				g.frozen, g.isFrozen = log[0], true
			}
			if frozen {
				log[0] = g.frozen
			}
			g.q.Zero[0] = g.zero(g.scale(log[0]))
		case t.o.Scales == Observed && g.q != nil && i != t.input:
			if !frozen && g.seen != [2]float32{} {
				for k, v := range g.seen {
					g.ends[k] += momentum * (v - g.ends[k])
				}
			}
			if g.ends[0] != g.first[0] || g.ends[1] != g.first[1] { // by this or by a checkpoint
				grid := quant.Grid(g.ends[0], g.ends[1])
				g.q.Scale[0], g.q.Zero[0] = grid.Scale[0], grid.Zero[0]
			}
		}
		g.seen = [2]float32{}
	}
	return nil
}

// judge prepares the grids for pictures to judge on: those of the parameters as
// they are, from which nothing is noted. step prepares them for training again.
func (t *QAT) judge(on bool) {
	t.judging = on
	for _, g := range t.groups {
		if on && g.param != nil {
			g.q.Zero[0] = g.zero(g.scale(g.param.Value().Data().([]float32)[0]))
		}
	}
}

// state is what a checkpoint keeps of the grids besides parameters.
func (t *QAT) state() []net.Tensor {
	if t.o.Scales != Observed {
		return nil
	}
	var list []net.Tensor
	for i, g := range t.groups {
		if g.q != nil && i != t.input {
			list = append(list, net.Tensor{Name: gridName(i) + ".ends", Data: g.ends})
		}
	}
	return list
}

// Grids returns the grid of each group; learned ones from a state, as train
// averages it, or from the present parameters where it has none.
func (t *QAT) Grids(state []net.Tensor) []graph.Quant {
	logs := map[string]float32{}
	for _, s := range state {
		if len(s.Data) == 1 {
			logs[s.Name] = s.Data[0]
		}
	}
	grids := make([]graph.Quant, len(t.groups))
	for i, g := range t.groups {
		grids[i] = graph.Quant{DType: graph.Uint8, Scale: []float32{g.start.Scale[0]}, Zero: []int32{g.start.Zero[0]}}
		switch {
		case g.param != nil:
			log, ok := logs[gridName(i)]
			if !ok {
				log = g.param.Value().Data().([]float32)[0]
			}
			s := g.scale(log)
			grids[i].Scale[0], grids[i].Zero[0] = s, g.zero(s)
		case g.q != nil:
			grids[i].Scale[0], grids[i].Zero[0] = g.q.Scale[0], g.q.Zero[0]
		}
	}
	return grids
}

// Export writes a state of the net as an int8 model, by quantize's own rewriting.
func (t *QAT) Export(n *net.Net, state []net.Tensor) (*graph.Graph, error) {
	own := state[:min(len(state), len(n.State()))]
	g, err := n.ExportState(own)
	if err != nil {
		return nil, err
	}
	return t.quantize(g, t.Grids(state))
}

// PTQ is the model before any training, with these weights' bits: what the
// training is to beat.
func (t *QAT) PTQ() (*graph.Graph, error) {
	grids := make([]graph.Quant, len(t.groups))
	for i, g := range t.groups {
		grids[i] = g.start
	}
	return t.quantize(t.g, grids)
}

func (t *QAT) quantize(g *graph.Graph, grids []graph.Quant) (*graph.Graph, error) {
	q, err := quant.Quantize(g, nil, quant.Options{Grids: grids, Weights: t.quantized})
	if err != nil {
		return nil, fmt.Errorf("qat: %w", err)
	}
	return q, nil
}

// Pictures are a data set's, to calibrate on.
type Pictures struct{ data.Source }

// Picture returns picture i.
func (p Pictures) Picture(i int) (*image.RGBA, error) {
	img, _, err := p.Load(i)
	return img, err
}
