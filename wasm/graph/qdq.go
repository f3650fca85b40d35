package graph

import (
	"fmt"
	"math"
)

// LiftQDQ turns QuantizeLinear and DequantizeLinear nodes into Value.Quant.
//
//   - A dequantized constant that is only ever a Conv's weights stays int8 with
//     one scale an output channel where it is symmetric (uint8 around 128 is
//     shifted), else it becomes float32. Other constants of 8 bits keep their
//     integers and scales, of 16 and 32 bits (biases) become float32.
//   - QuantizeLinear followed by DequantizeLinear puts its grid on the value
//     before the pair, for all its readers: also those that read the value
//     itself. int8 grids are shifted to uint8; 16-bit pairs vanish, since a
//     value without grid is at least as exact.
//
// A value with two different grids, a grid per channel on an activation, and
// integers that anything but DequantizeLinear reads are refused.
func LiftQDQ(g *Graph) error {
	l := lifter{made: producers(g), uses: users(g), by: map[*Value]*Value{}, dead: map[*Node]bool{}}
	for _, o := range g.Outputs {
		if n := l.made[o]; n != nil && n.Op == "DequantizeLinear" {
			l.output(o, n)
		}
	}
	for _, n := range g.Nodes {
		var err error
		switch n.Op {
		case "DequantizeLinear":
			if n.In[0].Const != nil {
				err = l.constant(g, n)
			} else {
				err = l.pair(g, n)
			}
		case "QuantizeLinear":
			for _, u := range l.uses[n.Out[0]] {
				if u == nil || u.Op != "DequantizeLinear" {
					err = fmt.Errorf("%w: quantized integers go into something other than DequantizeLinear", ErrUnsupported)
				}
			}
			l.dead[n] = true
		}
		if err != nil {
			return fmt.Errorf("node %s: %w", n, err)
		}
	}
	replace(g, l.by)
	removeNodes(g, l.dead)
	return nil
}

type lifter struct {
	made map[*Value]*Node
	uses map[*Value][]*Node
	by   map[*Value]*Value
	dead map[*Node]bool
}

// output gives the value under a graph output's pair the output's name.
func (l *lifter) output(o *Value, dq *Node) {
	if q := l.made[dq.In[0]]; q != nil && q.Op == "QuantizeLinear" && l.made[q.In[0]] != nil && l.made[q.In[0]].Op != "DequantizeLinear" {
		q.In[0].Name, o.Name = o.Name, q.In[0].Name
	}
}

func params(g *Graph, n *Node) (*Quant, error) {
	c := &call{n: n, opset: g.Opset, in: make([]*array, len(n.In))}
	for k, v := range n.In {
		switch {
		case v == nil:
		case v.Const != nil:
			c.in[k] = constArray(v)
		default:
			c.in[k] = &array{dt: v.DType, shape: v.Shape}
		}
	}
	return quantParams(c, n.In[0].Shape)
}

func (l *lifter) constant(g *Graph, n *Node) error {
	t := n.In[0].Const
	q, err := params(g, n)
	if err != nil {
		return err
	}
	l.dead[n] = true
	out := n.Out[0]
	if l.onlyWeights(out) {
		if w, wq := symmetric(t, q); w != nil {
			out.Const, out.Quant, out.DType, out.Shape = w, wq, Int8, w.Shape
			return nil
		}
	} else if t.DType == Int8 || t.DType == Uint8 {
		out.Const, out.Quant, out.DType, out.Shape = t, q, t.DType, t.Shape
		return nil
	}
	out.Const = FloatTensor(dequantize(t, q), t.Shape...)
	out.DType, out.Shape = Float32, t.Shape
	return nil
}

// onlyWeights tells whether all readers of a constant are convolutions that
// take it as weights.
func (l *lifter) onlyWeights(v *Value) bool {
	for _, u := range l.uses[v] {
		if u == nil || u.Op != "Conv" || len(u.In) < 2 || u.In[1] != v || u.In[0] == v || len(u.In) > 2 && u.In[2] == v {
			return false
		}
	}
	return true
}

// symmetric returns weights as int8 around zero with a scale for each index of
// axis 0, or nil when they cannot be.
func symmetric(t *Tensor, q *Quant) (*Tensor, *Quant) {
	if len(t.Shape) != 4 || t.Shape[0] == 0 || len(q.Scale) > 1 && q.Axis != 0 {
		return nil, nil
	}
	zero := int32(0)
	switch t.DType {
	case Int8:
	case Uint8:
		zero = 128
	default:
		return nil, nil
	}
	for _, z := range q.Zero {
		if z != zero {
			return nil, nil
		}
	}
	n := t.Shape[0]
	out := &Quant{DType: Int8, Scale: make([]float32, n), Zero: make([]int32, n)}
	for i := range n {
		out.Scale[i] = q.Scale[i%len(q.Scale)]
	}
	if zero == 0 {
		return t, out
	}
	data := make([]byte, len(t.Data))
	for i, b := range t.Data {
		data[i] = b ^ 0x80
	}
	return &Tensor{DType: Int8, Shape: t.Shape, Data: data}, out
}

func (l *lifter) pair(g *Graph, n *Node) error {
	q := l.made[n.In[0]]
	if q == nil || q.Op != "QuantizeLinear" {
		return fmt.Errorf("%w: it reads %q, which is neither a constant nor the result of QuantizeLinear", ErrUnsupported, n.In[0].Name)
	}
	from, err := params(g, q)
	if err != nil {
		return fmt.Errorf("its QuantizeLinear %q: %w", q.Name, err)
	}
	to, err := params(g, n)
	if err != nil {
		return err
	}
	if len(from.Scale) != 1 {
		return fmt.Errorf("%w: an activation with %d scales", ErrUnsupported, len(from.Scale))
	}
	if !from.equal(to) {
		return fmt.Errorf("%w: its scale, zero point or type differ from those of QuantizeLinear %q", ErrUnsupported, q.Name)
	}
	x := q.In[0]
	for l.by[x] != nil {
		x = l.by[x]
	}
	l.by[n.Out[0]], l.dead[n] = x, true
	switch from.DType {
	case Int8:
		from = &Quant{DType: Uint8, Scale: from.Scale, Zero: []int32{from.Zero[0] + 128}}
	case Int16, Uint16:
		return nil
	}
	if x.Const != nil {
		return fmt.Errorf("%w: a quantized constant %q", ErrUnsupported, x.Name)
	}
	if x.Quant != nil && !x.Quant.equal(from) {
		return fmt.Errorf("%w: %q is quantized to two different grids (scales %g and %g)", ErrUnsupported, x.Name, x.Quant.Scale[0], from.Scale[0])
	}
	x.Quant = from
	return nil
}

func (q *Quant) equal(p *Quant) bool {
	if q.DType != p.DType || len(q.Scale) != len(p.Scale) || len(q.Scale) > 1 && q.Axis != p.Axis {
		return false
	}
	for i := range q.Scale {
		if q.Scale[i] != p.Scale[i] || q.Zero[i] != p.Zero[i] {
			return false
		}
	}
	return true
}

// snapConstants makes the 8-bit constants that are no weights float32 and
// undoes there what quantization did to the decoding tail's anchors, strides
// and factors, all of which are multiples of one half: a number whose grid
// allows the nearest such multiple becomes it. The head's verification tells
// whether that was right.
func snapConstants(g *Graph) error {
	weights := map[*Value]bool{}
	for _, n := range g.Nodes {
		if n.Op == "Conv" {
			weights[n.In[1]] = true
		}
	}
	for _, n := range g.Nodes {
		for _, v := range n.In {
			if v == nil || v.Const == nil || v.Quant == nil || weights[v] {
				continue
			}
			data := constArray(v).load().f
			snap(data, v.Quant)
			v.Const, v.Quant, v.DType = FloatTensor(data, v.Const.Shape...), nil, Float32
		}
	}
	return nil
}

// snap moves numbers to the nearest multiple of one half where the error of
// the grid explains the distance.
func snap(data []float32, q *Quant) {
	step := float64(q.Scale[0])
	for _, s := range q.Scale {
		step = max(step, float64(s))
	}
	for i, x := range data {
		if r := math.Round(2*float64(x)) / 2; math.Abs(r-float64(x)) <= 0.51*step {
			data[i] = float32(r)
		}
	}
}
