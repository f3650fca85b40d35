package quant

import (
	"maps"

	"eagleeye/wasm/graph"
)

// inline returns g with the constants of Constant nodes, and what Identity
// nodes pass on of constants, as initializers: exporters write weights in any
// of these forms. g is not changed.
func inline(g *graph.Graph) *graph.Graph {
	known := map[*graph.Value]*graph.Value{}
	resolve := func(v *graph.Value) *graph.Value {
		if c := known[v]; c != nil {
			return c
		}
		return v
	}
	out := *g
	out.Nodes = nil
	out.Meta = maps.Clone(g.Meta)
	for _, n := range g.Nodes {
		if len(n.Out) == 1 && !isOutput(g, n.Out[0]) {
			v := n.Out[0]
			if t := n.Attrs["value"].T; n.Op == "Constant" && t != nil {
				known[v] = &graph.Value{Name: v.Name, DType: t.DType, Shape: t.Shape, Const: t}
				continue
			}
			if n.Op == "Identity" && len(n.In) == 1 && resolve(n.In[0]).Const != nil {
				known[v] = resolve(n.In[0])
				continue
			}
		}
		c := *n
		c.In = make([]*graph.Value, len(n.In))
		for i, v := range n.In {
			if v != nil {
				c.In[i] = resolve(v)
			}
		}
		out.Nodes = append(out.Nodes, &c)
	}
	return &out
}

func isOutput(g *graph.Graph, v *graph.Value) bool {
	for _, o := range g.Outputs {
		if o == v {
			return true
		}
	}
	return false
}
