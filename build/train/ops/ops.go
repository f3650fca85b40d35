// Package ops gives gorgonia the operations that training a YOLO needs, each
// forward and backward: fused convolution with bias or batch norm and SiLU,
// upsampling, pooling, concatenation, slices, sums, the DFL expectation and
// fake quantization. Apply turns any pair of functions into such an operation.
//
// Values are float32, feature maps are NCHW and dense. Operations own their
// results and reuse them run after run, so a node's value holds until the next
// run of its machine; a graph may be run by one machine at a time. Only
// gorgonia's TapeMachine is supported: its LispMachine gets several gradients
// wrong.
package ops

import (
	"fmt"
	"hash"
	"hash/fnv"
	"sync/atomic"

	"github.com/chewxy/hm"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	// gorgonia v0.9.18 asks this package whether Go's collector moves memory;
	// older versions of it panic at start on today's Go.
	_ "go4.org/unsafe/assume-no-moving-gc"
)

// operation is one node's computation. It owns the buffers of its result and
// of its gradients; state between the two passes lives in the closures.
type operation struct {
	name     string
	id       uint64 // keeps gorgonia from merging two nodes that look alike, see identify
	shape    tensor.Shape
	inputs   []hm.Type
	forward  func(in [][]float32, out []float32)
	backward func(in [][]float32, out, dout []float32, din [][]float32)
	// check refuses inputs before forward sees them; may be nil.
	check func(in [][]float32) error

	nodes gorgonia.Nodes
	diff  []bool // inputs that have a gradient
	in    [][]float32
	out   result
}

var operations atomic.Uint64

// Apply makes a differentiable operation of two functions. forward writes all of
// out, which has the given shape (none for a scalar); backward writes the
// gradients of the inputs, din[i] is nil where none is wanted. Slices are valid
// during the call only. A nil backward makes an operation without a gradient.
// backward always follows forward of the same run, so that the two may share
// state.
func Apply(name string, shape tensor.Shape, forward func(in [][]float32, out []float32), backward func(in [][]float32, out, dout []float32, din [][]float32), in ...*gorgonia.Node) (*gorgonia.Node, error) {
	diff := make([]bool, len(in))
	for i := range diff {
		diff[i] = backward != nil
	}
	return apply(&operation{name: name, shape: shape, forward: forward, backward: backward, diff: diff}, in)
}

func apply(o *operation, in []*gorgonia.Node) (*gorgonia.Node, error) {
	if len(in) == 0 {
		return nil, fmt.Errorf("%s: no inputs", o.name)
	}
	for i, n := range in {
		if n == nil {
			return nil, fmt.Errorf("%s: input %d is missing", o.name, i)
		}
		if n.Dtype() != tensor.Float32 {
			return nil, fmt.Errorf("%s: input %d (%s) is %v, want float32", o.name, i, n.Name(), n.Dtype())
		}
		o.inputs = append(o.inputs, n.Type())
	}
	if o.shape == nil {
		o.shape = tensor.ScalarShape()
	}
	identify(o, &o.id, o.shape, in)
	o.nodes = in
	o.in = make([][]float32, len(in))
	out, err := gorgonia.ApplyOp(o, in...)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", o.name, err)
	}
	return out, nil
}

func typeOf(s tensor.Shape) hm.Type {
	if s.Dims() == 0 {
		return tensor.Float32
	}
	return gorgonia.TensorType{Dims: s.Dims(), Of: tensor.Float32}
}

func (o *operation) Arity() int { return len(o.inputs) }

func (o *operation) Type() hm.Type {
	// hm recycles what this returns: a fresh one each time.
	ts := append([]hm.Type(nil), o.inputs...)
	return hm.NewFnType(append(ts, typeOf(o.shape))...)
}

func (o *operation) InferShape(...gorgonia.DimSizer) (tensor.Shape, error) {
	return o.shape.Clone(), nil
}

func (o *operation) ReturnsPtr() bool      { return true }
func (o *operation) CallsExtern() bool     { return false }
func (o *operation) OverwritesInput() int  { return -1 }
func (o *operation) WriteHash(h hash.Hash) { fmt.Fprintf(h, "eagleeye/%s#%d", o.name, o.id) }
func (o *operation) Hashcode() uint32      { return hashcode(o) }
func (o *operation) String() string        { return fmt.Sprintf("%s#%d", o.name, o.id) }
func (o *operation) DiffWRT(int) []bool    { return o.diff }

func hashcode(o gorgonia.Op) uint32 {
	h := fnv.New32a()
	o.WriteHash(h)
	return h.Sum32()
}

// Do runs forward into the operation's own buffer.
func (o *operation) Do(values ...gorgonia.Value) (gorgonia.Value, error) {
	if err := o.read(values); err != nil {
		return nil, err
	}
	if o.check != nil {
		if err := o.check(o.in); err != nil {
			return nil, fmt.Errorf("%s: %w", o.name, err)
		}
	}
	out := o.out.data(o.shape)
	o.forward(o.in, out)
	return o.out.value(), nil
}

// UsePreallocDo is Do: the operation has its own memory.
func (o *operation) UsePreallocDo(_ gorgonia.Value, values ...gorgonia.Value) (gorgonia.Value, error) {
	return o.Do(values...)
}

func (o *operation) read(values []gorgonia.Value) error {
	if len(values) != len(o.in) {
		return fmt.Errorf("%s: %d inputs, want %d", o.name, len(values), len(o.in))
	}
	for i, v := range values {
		var err error
		if o.in[i], err = floats(v, o.in[i]); err != nil {
			return fmt.Errorf("%s: input %d: %w", o.name, i, err)
		}
	}
	return nil
}

// floats returns the numbers of a value: its own memory for a tensor, a copy in
// old for a scalar.
func floats(v gorgonia.Value, old []float32) ([]float32, error) {
	if v == nil {
		return nil, fmt.Errorf("no value")
	}
	switch data := v.Data().(type) {
	case []float32:
		// A scalar's buffer must not be taken for the memory of a tensor.
		if d, ok := v.(*tensor.Dense); ok && (d.RequiresIterator() || !d.DataOrder().IsRowMajor()) {
			return nil, fmt.Errorf("a view of shape %v: only dense row-major tensors are supported", d.Shape())
		}
		return data[:v.Shape().TotalSize()], nil
	case float32:
		if len(old) != 1 {
			old = make([]float32, 1)
		}
		old[0] = data
		return old, nil
	default:
		return nil, fmt.Errorf("%T instead of float32", data)
	}
}

// result is memory that lasts from run to run, as gorgonia wants to see it.
type result struct {
	floats []float32
	dense  *tensor.Dense
	scalar *gorgonia.F32
}

func (r *result) data(s tensor.Shape) []float32 {
	if r.floats == nil {
		if s.Dims() == 0 {
			r.floats, r.scalar = make([]float32, 1), gorgonia.NewF32(0)
		} else {
			n := s.TotalSize()
			r.floats = make([]float32, n+slack)[:n]
			r.dense = tensor.New(tensor.WithShape(s.Clone()...), tensor.WithBacking(r.floats))
		}
	}
	return r.floats
}

func (r *result) value() gorgonia.Value {
	if r.scalar != nil {
		*r.scalar = gorgonia.F32(r.floats[0])
		return r.scalar
	}
	return r.dense
}
