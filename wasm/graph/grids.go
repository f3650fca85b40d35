package graph

// moves tells whether an operator only moves or selects numbers, so that
// rounding to a grid before it or after it is the same.
func moves(n *Node) bool {
	switch n.Op {
	case "Slice", "Concat", "Upsample", "MaxPool":
		return true
	}
	return false
}

// spreadGrids gives values a grid where that changes no result, so that they
// can be stored as integers: the result of an operator that only moves numbers
// of one grid, and a value that is read by such operators only, all with the
// same grid on their results.
func spreadGrids(g *Graph) error {
	uses := users(g)
	for i := len(g.Nodes) - 1; i >= 0; i-- {
		for _, v := range g.Nodes[i].Out {
			if v != nil && v.Quant == nil {
				v.Quant = readersGrid(uses[v])
			}
		}
	}
	for _, n := range g.Nodes {
		if out := n.Out[0]; moves(n) && out.Quant == nil {
			out.Quant = commonGrid(n.In)
		}
	}
	return nil
}

// readersGrid returns the grid to which all readers round what they move, nil
// when they do not agree.
func readersGrid(readers []*Node) *Quant {
	var q *Quant
	for _, n := range readers {
		if n == nil || !moves(n) || n.Out[0].Quant == nil || q != nil && !q.equal(n.Out[0].Quant) {
			return nil
		}
		q = n.Out[0].Quant
	}
	return q
}

// commonGrid returns the grid that all values share, nil when they do not.
func commonGrid(values []*Value) *Quant {
	for _, v := range values {
		if v.Quant == nil || !v.Quant.equal(values[0].Quant) {
			return nil
		}
	}
	return values[0].Quant
}
