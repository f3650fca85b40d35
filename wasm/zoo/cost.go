package zoo

import (
	"fmt"

	"eagleeye/wasm/graph"
)

// Cost is the size of a model as Ultralytics tells it.
type Cost struct {
	Params int   // elements of weights, biases, batch norms' gamma and beta
	FLOPs  int64 // of one picture
}

// CostOf counts a detector's parameters, and its operations for an input of h×w
// pixels (0: the file's own). The published figures are those at 640×640, of
// FLOPs after folding the batch norms, which are not counted here either: two for
// each multiplication of a convolution and, as its profiler thop has it, for each
// result of a nearest-neighbour upsampling.
func CostOf(g *graph.Graph, h, w int) (Cost, error) {
	var c Cost
	seen := map[*graph.Value]bool{}
	stored := map[*graph.Value]*graph.Value{} // int8 weights, by their real form
	for _, n := range g.Nodes {
		last := 0
		switch n.Op {
		case "DequantizeLinear":
			stored[n.Out[0]] = n.In[0]
		case "Conv":
			last = 3
		case "BatchNormalization": // what follows gamma and beta is not trained
			last = 3
		}
		for k := 1; k < min(last, len(n.In)); k++ {
			v := n.In[k]
			if q := stored[v]; q != nil {
				v = q
			}
			if v != nil && v.Const != nil && !seen[v] {
				seen[v] = true
				c.Params += v.Const.Len()
			}
		}
	}
	u, err := graph.Unfused(g, h, w)
	if err != nil {
		return c, fmt.Errorf("cost: %w", err)
	}
	for _, n := range u.Nodes {
		switch n.Op {
		case "Conv": // every weight is used once an output pixel
			o := n.Out[0].Shape
			c.FLOPs += 2 * int64(n.In[1].Const.Len()) * int64(o[2]) * int64(o[3])
		case "Upsample":
			o := n.Out[0].Shape
			c.FLOPs += 2 * int64(o[1]) * int64(o[2]) * int64(o[3])
		case "Detect": // DFL's convolution: its bins for each side of each anchor
			for k := 0; k < len(n.In); k += 2 {
				o := n.In[k].Shape
				c.FLOPs += 2 * int64(o[1]) * int64(o[2]) * int64(o[3])
			}
		}
	}
	return c, nil
}
