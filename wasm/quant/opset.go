package quant

import (
	"fmt"
	"slices"

	"eagleeye/wasm/graph"
)

// perAxisOpset is the first operator set whose DequantizeLinear has an axis.
const perAxisOpset = 13

// modernize lifts g to opset 13: what was an attribute of Split, Squeeze and
// Unsqueeze becomes an input. Softmax changed its meaning for axes before the
// last one, so those are refused.
func modernize(g *graph.Graph) error {
	if g.Opset >= perAxisOpset {
		return nil
	}
	for _, n := range g.Nodes {
		switch n.Op {
		case "Split":
			attrToInput(n, "split")
		case "Squeeze", "Unsqueeze":
			attrToInput(n, "axes")
		case "Softmax", "LogSoftmax":
			axis := n.Int("axis", 1)
			if axis == -1 || int(axis) == rank(g, n.In[0])-1 {
				n.Attrs = map[string]graph.Attr{"axis": {Kind: graph.AttrInt, I: -1}}
				continue
			}
			return fmt.Errorf("softmax %q over axis %d means something else in opset 13, which int8 weights need: export the model with opset 13 or later", n.Name, axis)
		}
	}
	g.Opset = perAxisOpset
	return nil
}

// rank returns the number of dimensions of a value where it can be seen without
// inferring shapes, else 0.
func rank(g *graph.Graph, v *graph.Value) int {
	if v.Shape != nil {
		return len(v.Shape)
	}
	for _, n := range g.Nodes {
		if !slices.Contains(n.Out, v) {
			continue
		}
		switch n.Op {
		case "Transpose":
			return len(n.Ints("perm"))
		case "Reshape":
			if s := n.In[1].Const; s != nil && len(s.Shape) == 1 {
				return s.Shape[0]
			}
		}
	}
	return 0
}

// attrToInput makes an ints attribute the node's second input.
func attrToInput(n *graph.Node, name string) {
	ints := n.Ints(name)
	if ints == nil || len(n.In) != 1 {
		return
	}
	t := graph.IntTensor(ints)
	n.In = append(n.In, &graph.Value{Name: n.Out[0].Name + "_" + name, DType: t.DType, Shape: t.Shape, Const: t})
	attrs := map[string]graph.Attr{}
	for k, a := range n.Attrs {
		if k != name {
			attrs[k] = a
		}
	}
	n.Attrs = attrs
}
