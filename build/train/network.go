package train

import (
	"fmt"
	"math"

	"eagleeye/build/train/data"
	"eagleeye/build/train/loss"
	"eagleeye/build/train/net"
	"eagleeye/build/train/ops"

	_ "go4.org/unsafe/assume-no-moving-gc" // the version that knows this Go; gorgonia's own choice panics
	"gorgonia.org/gorgonia"
	gtensor "gorgonia.org/tensor"
)

// network runs the training graph: a batch in, loss and gradients out.
type network struct {
	net    *net.Net
	loss   *loss.Loss
	total  *gorgonia.Node
	extra  Extra
	params []net.Param
	pixels []float32 // of the input node
	vm     gorgonia.VM

	forward gorgonia.VM // the loss without gradients; nil unless it is to be judged by
}

func newNetwork(c *Config) (*network, error) {
	o := c.Net
	o.Batch, o.Height, o.Width, o.Training = c.Batch, c.Height, c.Width, true
	n, err := net.Build(c.Graph, o)
	if err != nil {
		return nil, err
	}
	l, err := loss.New(n.Box, n.Cls, n.Strides, c.Loss)
	if err != nil {
		return nil, err
	}
	w := &network{net: n, loss: l, total: l.Total, extra: c.Extra, params: n.Params}
	if c.Val != nil && c.ValLoss {
		w.forward = forwardMachine(n.G)
	}
	if c.Extra.Attach != nil {
		total, params, err := c.Extra.Attach(n, l.Total)
		if err != nil {
			return nil, err
		}
		w.total, w.params = total, append(w.params[:len(w.params):len(w.params)], params...)
	}
	nodes := make([]*gorgonia.Node, len(w.params))
	for i, p := range w.params {
		nodes[i] = p.Node
	}
	if _, err := ops.Grad(w.total, nodes...); err != nil {
		return nil, err
	}
	w.pixels = make([]float32, c.Batch*3*c.Height*c.Width)
	x := gtensor.New(gtensor.WithShape(c.Batch, 3, c.Height, c.Width), gtensor.WithBacking(w.pixels))
	if err := gorgonia.Let(n.Input, x); err != nil {
		return nil, err
	}
	w.vm = gorgonia.NewTapeMachine(n.G)
	return w, nil
}

// run computes the loss of a batch and its gradients, which Grad of the nodes
// then holds. It returns the parts of the loss, per picture.
func (w *network) run(step int, b *data.Batch) ([]Part, error) {
	if w.extra.Step != nil {
		if err := w.extra.Step(step, b); err != nil {
			return nil, err
		}
	}
	copy(w.pixels, b.Pixels)
	if err := w.loss.SetTruth(b.Truth); err != nil {
		return nil, err
	}
	if err := w.vm.RunAll(); err != nil {
		return nil, err
	}
	w.vm.Reset()
	parts := w.parts()
	if w.extra.Parts != nil {
		parts = append(parts, w.extra.Parts()...)
	}
	for _, p := range parts {
		if math.IsNaN(p.Value) || math.IsInf(p.Value, 0) {
			return parts, fmt.Errorf("%w: the %s loss is %v at step %d: try a lower rate (--lr)", ErrDiverged, p.Name, p.Value, step)
		}
	}
	return parts, nil
}

// parts are those of the detector's own loss in the last run.
func (w *network) parts() []Part {
	p := w.loss.Parts()
	return []Part{{"box", float64(p.Box)}, {"cls", float64(p.Cls)}, {"dfl", float64(p.DFL)}}
}

// addGrads adds the gradients of the last run to those of the tensors, which are
// in the order of params.
func (w *network) addGrads(tensors []*tensor) error {
	for i, p := range w.params {
		v, err := p.Node.Grad()
		if err != nil {
			return fmt.Errorf("gradient of %s: %w", p.Name, err)
		}
		g, ok := v.Data().([]float32)
		if !ok || len(g) != len(tensors[i].grad) {
			return fmt.Errorf("gradient of %s: %d elements of %v", p.Name, len(tensors[i].grad), v.Shape())
		}
		sum := tensors[i].grad
		for k, x := range g {
			sum[k] += x
		}
	}
	return nil
}

// state is what the averaged model is made of: the net's, and what Extra trains.
func (w *network) state() []net.Tensor {
	s := w.net.State()
	for _, p := range w.params[len(w.net.Params):] {
		s = append(s, net.Tensor{Name: p.Name, Data: p.Data()})
	}
	return s
}

func (w *network) close() {
	for _, vm := range []gorgonia.VM{w.vm, w.forward} {
		if vm != nil {
			vm.Close()
		}
	}
}
