package prune

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"eagleeye/wasm/graph"
)

// Options choose what goes.
type Options struct {
	Ratio    float64 // share of the channels that can go, in (0, 1); 0 where Params or Time is set
	Params   int     // or: the parameters that shall be left at most
	Time     float64 // and, or: the share of Cost that shall be left at most, in (0, 1)
	PerLayer bool    // the same share of every bundle; else the least important anywhere
	Multiple int     // channels left of a bundle are a multiple of it; 0 is 8
	MaxRatio float64 // no bundle loses a larger share; 0 is 0.75
	Score    Score   // importance of channels
	Absolute bool    // scores of different layers compare as they are; else relative to their bundle's mean
	Per      string  // what importance is set against between layers; "" is PerChannel
	Cost     Cost    // for Time and PerTime
}

// Score returns the importance of output channel i of a convolution that lies
// before bn, which may be nil; more is more important.
type Score func(conv, bn *graph.Node, i int) float64

// group is channels that go together.
type group struct {
	labels []int
	score  float64
}

// bundle is the groups of layers whose numbers of channels are the same: they
// shrink together and are rounded together.
type bundle struct {
	groups []group
	least  int // groups that stay in any case
}

// bundles finds the groups and puts those that run in parallel through the
// same layers together.
func (c *channels) bundles(o Options) []*bundle {
	segment, segments := make([]int, len(c.parent)), 0
	for l := range c.parent { // labels of a convolution follow one another
		if c.cut[l] {
			segments++
		}
		segment[l] = segments - 1
	}
	up := make([]int, segments)
	for i := range up {
		up[i] = i
	}
	root := func(s int) int {
		for up[s] != s {
			s = up[s]
		}
		return s
	}
	groups := map[int]*group{}
	var order []int
	for l := range c.parent {
		r := c.root(l)
		if groups[r] == nil {
			groups[r] = &group{}
			order = append(order, r)
		}
		g := groups[r]
		g.labels = append(g.labels, l)
		up[root(segment[l])] = root(segment[g.labels[0]])
	}
	norms := c.norms()
	at := map[int]*bundle{}
	var all []*bundle
	for _, r := range order {
		g := groups[r]
		s := root(segment[g.labels[0]])
		if at[s] == nil {
			at[s] = &bundle{}
			all = append(all, at[s])
		}
		if c.fixed[r] {
			at[s].least++
			continue
		}
		for _, l := range g.labels {
			g.score += o.Score(c.maker[l], norms[c.maker[l]], c.index[l]) / float64(len(g.labels))
		}
		at[s].groups = append(at[s].groups, *g)
	}
	return slices.DeleteFunc(all, func(b *bundle) bool { return len(b.groups) == 0 })
}

// norms finds the batch normalization behind each convolution.
func (c *channels) norms() map[*graph.Node]*graph.Node {
	maker := map[*graph.Value]*graph.Node{}
	norm := map[*graph.Node]*graph.Node{}
	for _, n := range c.g.Nodes {
		if n.Op == "Conv" {
			maker[n.Out[0]] = n
		}
		if n.Op == "BatchNormalization" && maker[n.In[0]] != nil {
			norm[maker[n.In[0]]] = n
		}
	}
	return norm
}

// evenly returns the labels that go for the same share of every bundle.
func evenly(bundles []*bundle, o Options, ratio float64) map[int]bool {
	gone := map[int]bool{}
	for _, b := range bundles {
		slices.SortStableFunc(b.groups, func(p, q group) int { return cmp.Compare(p.score, q.score) })
		size := len(b.groups) + b.least
		keep := size - min(int(math.Round(ratio*float64(len(b.groups)))), int(o.MaxRatio*float64(size)))
		keep = (keep + o.Multiple/2) / o.Multiple * o.Multiple
		keep = max(keep, min(o.Multiple, size), b.least, 1)
		for _, g := range b.groups[:max(0, size-keep)] {
			for _, l := range g.labels {
				gone[l] = true
			}
		}
	}
	return gone
}

func (o Options) check() (Options, error) {
	if o.Multiple == 0 {
		o.Multiple = 8
	}
	if o.MaxRatio == 0 {
		o.MaxRatio = 0.75
	}
	if o.Per == "" {
		o.Per = PerChannel
	}
	switch {
	case !slices.Contains([]string{PerChannel, PerParam, PerTime}, o.Per):
		return o, fmt.Errorf("importance per %q: want %s, %s or %s", o.Per, PerChannel, PerParam, PerTime)
	case (o.Per == PerTime || o.Time != 0) && len(o.Cost) == 0:
		return o, fmt.Errorf("the layers' times are not known")
	case o.Time != 0 && !(o.Time > 0 && o.Time < 1):
		return o, fmt.Errorf("a time of %v: give a share between 0 and 1, such as 0.75", o.Time)
	case o.Params == 0 && o.Time == 0 && !(o.Ratio > 0 && o.Ratio < 1):
		return o, fmt.Errorf("a ratio of %v: give one between 0 and 1, such as 0.2", o.Ratio)
	case (o.Params != 0 || o.Time != 0) && o.Ratio != 0:
		return o, fmt.Errorf("a ratio and a number of parameters or a time: give one or the other")
	case o.Params < 0 || o.Multiple < 1 || !(o.MaxRatio > 0 && o.MaxRatio < 1):
		return o, fmt.Errorf("parameters %d, multiple %d, largest ratio %v: want positive ones, the ratio below 1", o.Params, o.Multiple, o.MaxRatio)
	case o.Score == nil:
		return o, fmt.Errorf("no importance chosen")
	}
	return o, nil
}
