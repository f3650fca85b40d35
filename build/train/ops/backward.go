package ops

import (
	"fmt"
	"hash"

	"github.com/chewxy/hm"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// SymDiff adds the node that computes all gradients of o at once, and for each
// input after the first a node that hands over its part: gorgonia knows no
// operation with several results.
func (o *operation) SymDiff(inputs gorgonia.Nodes, output, grad *gorgonia.Node) (gorgonia.Nodes, error) {
	return o.gradients(inputs, output, grad, o.diff)
}

// gradients is SymDiff for the inputs in need; the others' nodes are nil.
func (o *operation) gradients(inputs gorgonia.Nodes, output, grad *gorgonia.Node, need []bool) (gorgonia.Nodes, error) {
	if o.backward == nil {
		return nil, fmt.Errorf("%s has no gradient", o.name)
	}
	b := &gradient{of: o, first: -1, din: make([]result, len(inputs)), outs: make([][]float32, len(inputs))}
	b.need = append(b.need, need...)
	for i := range inputs {
		if need[i] && b.first < 0 {
			b.first = i
		}
	}
	grads := make(gorgonia.Nodes, len(inputs))
	if b.first < 0 {
		return grads, nil
	}
	b.shape = inputs[b.first].Shape()
	children := append(append(gorgonia.Nodes{}, inputs...), output, grad)
	for _, c := range children {
		b.inputs = append(b.inputs, c.Type())
	}
	identify(b, &b.id, b.shape, children)
	all, err := gorgonia.ApplyOp(b, children...)
	if err != nil {
		return nil, fmt.Errorf("gradient of %s: %w", o.name, err)
	}
	for i, in := range inputs {
		switch {
		case i == b.first:
			grads[i] = all
		case need[i]:
			p := &part{of: b, index: i, shape: in.Shape(), input: all.Type()}
			identify(p, &p.id, p.shape, gorgonia.Nodes{all})
			if grads[i], err = gorgonia.ApplyOp(p, all); err != nil {
				return nil, fmt.Errorf("gradient %d of %s: %w", i, o.name, err)
			}
		}
	}
	return grads, nil
}

// gradient runs an operation's backward pass; its own result is the gradient of
// the first input that needs one.
type gradient struct {
	of     *operation
	id     uint64
	first  int
	need   []bool
	inputs []hm.Type
	shape  tensor.Shape

	in  [][]float32
	din []result

	outs [][]float32
}

func (b *gradient) Arity() int { return len(b.inputs) }
func (b *gradient) Type() hm.Type {
	ts := append([]hm.Type(nil), b.inputs...)
	return hm.NewFnType(append(ts, typeOf(b.shape))...)
}
func (b *gradient) InferShape(...gorgonia.DimSizer) (tensor.Shape, error) {
	return b.shape.Clone(), nil
}
func (b *gradient) ReturnsPtr() bool      { return true }
func (b *gradient) CallsExtern() bool     { return false }
func (b *gradient) OverwritesInput() int  { return -1 }
func (b *gradient) WriteHash(h hash.Hash) { fmt.Fprintf(h, "eagleeye/d%s#%d", b.of.name, b.id) }
func (b *gradient) Hashcode() uint32      { return hashcode(b) }
func (b *gradient) String() string        { return fmt.Sprintf("d%s#%d", b.of.name, b.of.id) }

func (b *gradient) Do(values ...gorgonia.Value) (gorgonia.Value, error) {
	if len(values) != len(b.inputs) {
		return nil, fmt.Errorf("%v: %d inputs, want %d", b, len(values), len(b.inputs))
	}
	if b.in == nil {
		b.in = make([][]float32, len(values))
	}
	n := len(b.need)
	for i, v := range values {
		var err error
		if b.in[i], err = floats(v, b.in[i]); err != nil {
			return nil, fmt.Errorf("%v: input %d: %w", b, i, err)
		}
		if i < n && b.need[i] {
			b.outs[i] = b.din[i].data(v.Shape())
		}
	}
	b.of.backward(b.in[:n], b.in[n], b.in[n+1], b.outs)
	return b.din[b.first].value(), nil
}

func (b *gradient) UsePreallocDo(_ gorgonia.Value, values ...gorgonia.Value) (gorgonia.Value, error) {
	return b.Do(values...)
}

// part hands over one of the gradients that a gradient node has computed.
type part struct {
	of    *gradient
	index int
	id    uint64
	shape tensor.Shape
	input hm.Type
}

func (p *part) Arity() int    { return 1 }
func (p *part) Type() hm.Type { return hm.NewFnType(p.input, typeOf(p.shape)) }
func (p *part) InferShape(...gorgonia.DimSizer) (tensor.Shape, error) {
	return p.shape.Clone(), nil
}
func (p *part) ReturnsPtr() bool      { return true }
func (p *part) CallsExtern() bool     { return false }
func (p *part) OverwritesInput() int  { return -1 }
func (p *part) WriteHash(h hash.Hash) { fmt.Fprintf(h, "eagleeye/part%d#%d", p.index, p.id) }
func (p *part) Hashcode() uint32      { return hashcode(p) }
func (p *part) String() string        { return fmt.Sprintf("%v[%d]", p.of, p.index) }
func (p *part) Do(...gorgonia.Value) (gorgonia.Value, error) {
	return p.of.din[p.index].value(), nil
}
func (p *part) UsePreallocDo(_ gorgonia.Value, v ...gorgonia.Value) (gorgonia.Value, error) {
	return p.Do(v...)
}
