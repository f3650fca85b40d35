package graph

// Unfused is Prepare for those who change weights instead of running them: the
// head is recognised and its tail replaced by Detect, quantization lifted and
// windows made explicit in the same way, but every BatchNormalization, SiLU
// (x·sigmoid(x)) and Add stays a node of its own, and no grid spreads to values
// that the file does not round. Nodes keep the file's names.
//
// What is left of other operators is the caller's to refuse. FoldBatchNorm makes
// such a graph's batch norms part of its convolutions.
func Unfused(g *Graph, h, w int) (*Graph, error) {
	g = Clone(g)
	passes := reading(h, w, []pass{
		{"SiLU", findSiLU},
		{"lower", lower},
		{"dead code", DropDead},
	})
	if err := run(g, passes); err != nil {
		return nil, err
	}
	return g, nil
}

// FoldBatchNorm merges, in place, every BatchNormalization of a graph as read
// into the convolution before it, whose result takes the batch norm's name.
func FoldBatchNorm(g *Graph) error {
	return run(g, []pass{{"constants", constants}, {"batch norm", foldBatchNorm}})
}
