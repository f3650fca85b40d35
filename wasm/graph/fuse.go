package graph

import (
	"fmt"
	"math"
)

// foldBatchNorm merges a BatchNormalization into the convolution before it:
// weights and bias scaled by γ/√(σ²+ε) of their channel.
func foldBatchNorm(g *Graph) error {
	made, uses := producers(g), users(g)
	dead := map[*Node]bool{}
	for _, n := range g.Nodes {
		if n.Op != "BatchNormalization" {
			continue
		}
		conv := made[n.In[0]]
		if conv == nil || conv.Op != "Conv" || len(uses[n.In[0]]) != 1 {
			return fmt.Errorf("node %s: %w: it does not follow a convolution of its own", n, ErrUnsupported)
		}
		w := conv.In[1]
		var stat [4][]float32
		for k := range stat {
			if v := n.In[k+1]; v.Const != nil {
				stat[k] = constArray(v).load().f
			}
			if stat[k] == nil || w.Const == nil {
				return fmt.Errorf("node %s: %w: its parameters are not constant", n, ErrUnsupported)
			}
		}
		factor, offset := batchNorm(n, stat[0], stat[1], stat[2], stat[3])
		for i, f := range factor {
			if sum := float64(f + offset[i]); math.IsNaN(sum) || math.IsInf(sum, 0) {
				return fmt.Errorf("node %s: %w: channel %d has variance %g", n, ErrInvalid, i, stat[3][i])
			}
		}
		bias := make([]float32, len(factor))
		if len(conv.In) > 2 && conv.In[2] != nil {
			if conv.In[2].Const == nil {
				return fmt.Errorf("node %s: %w: its bias is not constant", conv, ErrUnsupported)
			}
			copy(bias, constArray(conv.In[2]).load().f)
		}
		for i, f := range factor {
			bias[i] = bias[i]*f + offset[i]
		}
		conv.In = []*Value{conv.In[0], scaled(w, factor), {Name: n.Out[0].Name + ".bias", DType: Float32, Shape: []int{len(bias)}, Const: FloatTensor(bias, len(bias))}}
		conv.Out[0], dead[n] = n.Out[0], true
	}
	removeNodes(g, dead)
	return nil
}

// scaled returns weights times a factor for each output channel. Quantized
// ones keep their integers where all factors are positive.
func scaled(w *Value, factor []float32) *Value {
	out := &Value{Name: w.Name + ".folded", DType: w.DType, Shape: w.Shape}
	if q := w.Quant; q != nil {
		positive := true
		scale := make([]float32, len(factor))
		for i, f := range factor {
			positive = positive && f > 0
			scale[i] = q.Scale[i] * f
		}
		if positive {
			out.Const, out.Quant = w.Const, &Quant{DType: q.DType, Scale: scale, Zero: q.Zero, Axis: q.Axis}
			return out
		}
	}
	src := constArray(w).load().f
	data := make([]float32, len(src))
	per := len(src) / max(len(factor), 1)
	for i, v := range src {
		data[i] = v * factor[i/per]
	}
	out.DType, out.Const = Float32, FloatTensor(data, w.Const.Shape...)
	return out
}

// findSiLU turns x·sigmoid(x), in either order, into SiLU. The grid of the
// sigmoid disappears with it.
func findSiLU(g *Graph) error {
	made := producers(g)
	for _, n := range g.Nodes {
		if n.Op != "Mul" {
			continue
		}
		for k := range 2 {
			x, s := n.In[k], made[n.In[1-k]]
			if s != nil && s.Op == "Sigmoid" && s.In[0] == x && x.Const == nil {
				n.Op, n.In = "SiLU", []*Value{x}
				break
			}
		}
	}
	return DropDead(g)
}

// fuseSiLU merges SiLU into the convolution that only it reads. The grid of
// the value between is dropped: the sum goes into the activation unrounded.
func fuseSiLU(g *Graph) error {
	made, uses := producers(g), users(g)
	dead := map[*Node]bool{}
	for _, n := range g.Nodes {
		if n.Op != "SiLU" {
			continue
		}
		if conv := made[n.In[0]]; conv != nil && conv.Op == "Conv" && len(uses[n.In[0]]) == 1 {
			conv.Out[0], dead[n] = n.Out[0], true
			conv.Attrs["act"] = Attr{Kind: AttrString, S: "SiLU"}
		}
	}
	removeNodes(g, dead)
	return nil
}

// fuseResidual merges Add into the later of the convolutions whose results
// only it reads, as that convolution's fourth input. A result that is rounded
// to a grid of its own before the addition is not merged.
func fuseResidual(g *Graph) error {
	made, uses := producers(g), users(g)
	order := make(map[*Node]int, len(g.Nodes))
	for i, n := range g.Nodes {
		order[n] = i
	}
	dead := map[*Node]bool{}
	for i, n := range g.Nodes {
		if n.Op != "Add" || !sameShape(n.In[0].Shape, n.In[1].Shape) {
			continue
		}
		var conv *Node
		var other *Value
		for k, x := range n.In {
			c := made[x]
			if c == nil || c.Op != "Conv" || len(c.In) > 3 || len(uses[x]) != 1 || x.Quant != nil || n.In[1-k].Const != nil {
				continue
			}
			if conv == nil || order[c] > order[conv] {
				conv, other = c, n.In[1-k]
			}
		}
		if conv == nil {
			continue
		}
		// The merged node takes the place of the Add, where both operands exist.
		m := *conv
		m.In = append(append([]*Value(nil), conv.In...), other)
		m.Out = n.Out
		dead[conv] = true
		g.Nodes[i] = &m
		made[n.Out[0]], order[&m] = &m, i
	}
	removeNodes(g, dead)
	return nil
}
