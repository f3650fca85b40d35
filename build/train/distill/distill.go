// Package distill trains a student to give what a teacher gives. It may import
// build/train and what lies in it, and wasm/graph.
//
// The response form is Hinton, Vinyals and Dean's (arXiv:1503.02531),
//
//	(1−α)·hard + α·T²·KL(teacher/T ‖ student/T),
//
// on what a YOLOv8 head predicts: each class score is a sigmoid, so its
// distribution is Bernoulli's and KL is the sum of one a class; each box side is
// a softmax over distances, whose distillation is Zheng et al.'s localization
// distillation (arXiv:2102.12252). Both are sums over the cells of a picture
// weighted by how sure the teacher is of an object there, so that thousands of
// cells of agreed background do not drown the few that matter; the classes' weight
// is the student's own best score where that is higher, so that what only the
// student sees counts as well. The sums are divided by the teacher's scores, as
// the hard loss is by its targets'.
//
// The feature form brings the three maps before the head, through two 1×1
// convolutions each, close to the teacher's by a squared distance with the same
// weights, relative to the teacher's own square.
//
// Neither needs labels: with Alpha 1 the hard loss is left out.
package distill

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"

	"eagleeye/build/train"
	"eagleeye/build/train/net"
	"eagleeye/build/train/ops"
	"eagleeye/wasm/graph"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Options of New. Start from Defaults.
type Options struct {
	Alpha       float64 // share of the teacher against the labels, 0 to 1
	Temperature float64 // T
	Cls, DFL    float64 // gains of the response's two parts
	Feature     float64 // gain of the feature form; 0 leaves it out
	Seed        uint64  // of the projectors
}

// Defaults are the field's α and T, and the hard loss's gains.
func Defaults() Options {
	return Options{Alpha: 0.7, Temperature: 4, Cls: 0.5, DFL: 1.5, Feature: 1}
}

// ErrTeacher marks a teacher that cannot teach this student.
var ErrTeacher = errors.New("distill: the teacher does not fit the student")

// Distiller holds a teacher for one training.
type Distiller struct {
	o        Options
	teacher  *graph.Graph
	response *response
	features []*feature
}

// New checks the options. The teacher is a model as read from a file, in any
// form: float, pruned or int8.
func New(teacher *graph.Graph, o Options) (*Distiller, error) {
	for _, v := range []struct {
		name           string
		value, low, up float64
	}{
		{"alpha", o.Alpha, 0, 1}, {"temperature", o.Temperature, 0.1, 100}, {"gain of the classes", o.Cls, 0, 1e6},
		{"gain of the boxes", o.DFL, 0, 1e6}, {"gain of the features", o.Feature, 0, 1e6},
	} {
		if !(v.value >= v.low && v.value <= v.up) {
			return nil, fmt.Errorf("distill: %s %g: use %g to %g", v.name, v.value, v.low, v.up)
		}
	}
	return &Distiller{o: o, teacher: teacher}, nil
}

// Extra is what train.Run needs: the teacher runs on the student's pictures, in
// the same expression.
func (d *Distiller) Extra() train.Extra {
	return train.Extra{Attach: d.attach, Parts: d.parts}
}

func (d *Distiller) attach(n *net.Net, hard *gorgonia.Node) (*gorgonia.Node, []net.Param, error) {
	s := n.Input.Shape()
	t, err := net.Build(d.teacher, net.Options{Batch: s[0], Height: s[2], Width: s[3], Graph: n.G, Input: n.Input, Prefix: "teacher."})
	if err != nil {
		return nil, nil, fmt.Errorf("distill: teacher: %w", err)
	}
	if err := match(t, n); err != nil {
		return nil, nil, err
	}
	batch := float64(s[0])
	terms, factors := []*gorgonia.Node{}, []float64{}
	if d.o.Alpha < 1 {
		terms, factors = append(terms, hard), append(factors, 1-d.o.Alpha)
	}
	d.response = newResponse(n, d.o)
	soft, err := d.response.node(n, t)
	if err != nil {
		return nil, nil, err
	}
	terms, factors = append(terms, soft), append(factors, d.o.Alpha*batch)
	var params []net.Param
	d.features = nil
	if d.o.Feature > 0 {
		r := rand.New(rand.NewPCG(d.o.Seed, 0x7465616368))
		for i := range n.Neck {
			f, loss, own, err := newFeature(fmt.Sprintf("projector.%d", i), n, t, i, r)
			if err != nil {
				return nil, nil, err
			}
			d.features = append(d.features, f)
			terms, factors = append(terms, loss), append(factors, d.o.Feature*batch/float64(len(n.Neck)))
			params = append(params, own...)
		}
	}
	total, err := combine(terms, factors)
	return total, params, err
}

// parts are the values of the teacher's losses, per picture and with their
// gains.
func (d *Distiller) parts() []train.Part {
	r := d.response
	p := []train.Part{{Name: "kd cls", Value: d.o.Alpha * r.cls}, {Name: "kd dfl", Value: d.o.Alpha * r.dfl}}
	if len(d.features) > 0 {
		sum := 0.0
		for _, f := range d.features {
			sum += d.o.Feature * f.value / float64(len(d.features))
		}
		p = append(p, train.Part{Name: "kd map", Value: sum})
	}
	return p
}

// match refuses a teacher whose outputs mean something else.
func match(t, s *net.Net) error {
	switch {
	case t.Classes != s.Classes:
		return fmt.Errorf("%w: it knows %d classes, the student %d", ErrTeacher, t.Classes, s.Classes)
	case t.RegMax != s.RegMax:
		return fmt.Errorf("%w: %d bins a box side, the student's %d", ErrTeacher, t.RegMax, s.RegMax)
	case fmt.Sprint(t.Strides) != fmt.Sprint(s.Strides):
		return fmt.Errorf("%w: strides %v, the student's %v", ErrTeacher, t.Strides, s.Strides)
	}
	for i, name := range t.Names {
		if name != s.Names[i] {
			return fmt.Errorf("%w: its class %d is %q, the student's %q", ErrTeacher, i, name, s.Names[i])
		}
	}
	return nil
}

// combine is the weighted sum of scalars.
func combine(terms []*gorgonia.Node, factors []float64) (*gorgonia.Node, error) {
	return ops.Apply("distillation", nil,
		func(in [][]float32, out []float32) {
			sum := 0.0
			for i, v := range in {
				sum += factors[i] * float64(v[0])
			}
			out[0] = float32(sum)
		},
		func(_ [][]float32, _, dout []float32, din [][]float32) {
			for i := range din {
				if din[i] != nil {
					din[i][0] = dout[0] * float32(factors[i])
				}
			}
		}, terms...)
}

// projector adds two 1×1 convolutions with a SiLU between them, which bring a map
// to the given channels.
func projector(name string, g *gorgonia.ExprGraph, x *gorgonia.Node, channels int, r *rand.Rand) (*gorgonia.Node, []net.Param, error) {
	var params []net.Param
	for i, act := range []ops.Act{ops.SiLU, ops.None} {
		in := x.Shape()[1]
		param := func(suffix string, decay bool, fan int, shape ...int) *gorgonia.Node {
			t := tensor.New(tensor.WithShape(shape...), tensor.Of(tensor.Float32))
			bound := 1 / math.Sqrt(float64(fan)) // as PyTorch starts a convolution
			data := t.Data().([]float32)
			for k := range data {
				data[k] = float32(bound * (2*r.Float64() - 1))
			}
			full := fmt.Sprintf("%s.%d.%s", name, i, suffix)
			node := ops.Input(g, full, shape, t)
			params = append(params, net.Param{Name: full, Node: node, Decay: decay})
			return node
		}
		w, b := param("weight", true, in, channels, in, 1, 1), param("bias", false, in, channels)
		var err error
		if x, err = ops.Conv(x, w, b, ops.ConvAttrs{Stride: 1, Groups: 1}, act); err != nil {
			return nil, nil, fmt.Errorf("distill: %s: %w", name, err)
		}
	}
	return x, params, nil
}
