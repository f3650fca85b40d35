package zoo

import (
	"fmt"
	"slices"
	"strings"

	"eagleeye/wasm/graph"
)

// Fold makes a model's batch norms part of its convolutions, as Ultralytics'
// export does: weights and biases are called model.0.conv.weight and .bias, and
// the graph is the zoo's without batch norms. g is not changed; a model without
// batch norms, or with int8 weights before them, comes back as a copy.
func Fold(g *graph.Graph) (*graph.Graph, error) {
	f := graph.Clone(g)
	if int8Norms(f) {
		return f, nil
	}
	if err := graph.FoldBatchNorm(f); err != nil {
		return nil, fmt.Errorf("fold: %w", err)
	}
	used := map[string]bool{}
	for _, nd := range f.Nodes {
		for _, v := range slices.Concat(nd.In, nd.Out) {
			if v != nil {
				used[v.Name] = true
			}
		}
	}
	rename := func(v *graph.Value, name string) {
		if !used[name] {
			used[name], v.Name = true, name
		}
	}
	for _, nd := range f.Nodes {
		if nd.Op != "Conv" || !strings.HasSuffix(nd.In[1].Name, ".folded") {
			continue
		}
		weight := strings.TrimSuffix(nd.In[1].Name, ".folded")
		rename(nd.In[1], weight)
		rename(nd.In[2], strings.TrimSuffix(weight, ".weight")+".bias")
		if nd.In[2].Shape == nil {
			nd.In[2].Shape = nd.In[2].Const.Shape
		}
		rename(nd.Out[0], nd.Name+"_output_0")
	}
	return f, nil
}

// int8Norms tells whether a batch norm follows a convolution whose weights come
// from integers: folding would have to quantize them anew.
func int8Norms(g *graph.Graph) bool {
	conv := map[*graph.Value]bool{}
	made := map[*graph.Value]*graph.Node{}
	for _, n := range g.Nodes {
		switch n.Op {
		case "Conv":
			dq := made[n.In[1]]
			conv[n.Out[0]] = dq != nil && dq.Op == "DequantizeLinear"
		case "BatchNormalization":
			if conv[n.In[0]] {
				return true
			}
		}
		for _, v := range n.Out {
			made[v] = n
		}
	}
	return false
}
