package prune

import (
	"errors"
	"fmt"
	"math"

	"eagleeye/wasm/graph"
)

// Taylor collects the first-order importance of channels from gradients: by how
// much the loss changes when a channel becomes zero, which is Σ a·∂L/∂a over what
// it holds (arXiv:1906.10771). That sum equals Σ w·∂L/∂w over the weights that
// read the channel, so the gradients of the weights are enough. Summing it over
// all readers of a group before squaring lets changes that cancel do so.
type Taylor struct {
	c       *channels
	squares map[int]float64 // by root of the group
	n       int
}

// NewTaylor prepares for the graph that Prune will be given.
func NewTaylor(g *graph.Graph) (*Taylor, error) {
	g = graph.Clone(g)
	if err := graph.Fold(g); err != nil {
		return nil, err
	}
	c, err := analyze(g)
	if err != nil {
		return nil, err
	}
	return &Taylor{c: c, squares: map[int]float64{}}, nil
}

// Add takes the gradients of one batch, by the names of the weights.
func (t *Taylor) Add(gradients map[string][]float32) error {
	change := map[int]float64{}
	found := false
	for _, n := range t.c.g.Nodes {
		in := t.c.of[first(n)]
		if n.Op != "Conv" || in == nil || n.In[1].Const == nil {
			continue
		}
		w, grad := n.In[1].Const.Floats(), gradients[n.In[1].Name]
		if grad == nil {
			continue
		}
		if len(grad) != len(w) {
			return fmt.Errorf("gradient of %s: %d numbers for %d weights", n.In[1].Name, len(grad), len(w))
		}
		found = true
		s := n.In[1].Const.Shape
		groups := int(n.Int("group", 1))
		if groups > 1 && s[1] == 1 { // depthwise: its own readers tell
			continue
		}
		out, per, k := s[0], s[1], s[2]*s[3]
		for o := range out {
			for p := range per {
				l := in[o/(out/groups)*per+p]
				if l < 0 {
					continue
				}
				at := (o*per + p) * k
				sum := 0.0
				for i, g := range grad[at : at+k] {
					sum += float64(g) * float64(w[at+i])
				}
				change[t.c.root(l)] += sum
			}
		}
	}
	if !found {
		return errors.New("these gradients are not of this model's weights")
	}
	for r, s := range change {
		t.squares[r] += s * s
	}
	t.n++
	return nil
}

// Score is the root of the mean square over the batches. Scores of different
// layers compare: see Options.Absolute.
func (t *Taylor) Score() Score {
	type place struct {
		weight string
		index  int
	}
	scores := map[place]float64{}
	for l, n := range t.c.maker {
		scores[place{n.In[1].Name, t.c.index[l]}] = math.Sqrt(t.squares[t.c.root(l)] / float64(max(t.n, 1)))
	}
	return func(conv, _ *graph.Node, i int) float64 { return scores[place{conv.In[1].Name, i}] }
}

// first is a node's first operand.
func first(n *graph.Node) *graph.Value {
	if len(n.In) == 0 {
		return nil
	}
	return n.In[0]
}
