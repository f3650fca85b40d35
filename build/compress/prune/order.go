package prune

import (
	"cmp"
	"math"
	"slices"

	"eagleeye/wasm/graph"
)

// What the importance of channels is set against when layers compete.
const (
	PerChannel = "channels" // nothing: each channel counts the same
	PerParam   = "params"   // the parameters that going saves
	PerTime    = "time"     // the time that it saves, by Options.Cost
)

// block is channels of a bundle that go at once.
type block struct {
	labels []int
	groups int
	time   float64 // share of the convolutions' time that is left when it is gone
}

// layer is a convolution as the order of removal sees it: what it costs shrinks
// with the product of its channels.
type layer struct {
	cost     float64 // whole, in units of Per
	time     float64
	in, out  float64 // channels now
	in0      float64 // at the start
	out0     float64
	diagonal bool // depthwise: what goes out came in
}

func (l *layer) share(in, out float64) float64 {
	if l.diagonal {
		return out / l.out0
	}
	return in / l.in0 * out / l.out0
}

// touch counts a label's places in a convolution.
type touch struct {
	layer   int
	in, out float64
}

// layers lists the convolutions and, of each label, where it counts.
func (c *channels) layers(o Options) ([]layer, map[int][]touch) {
	var all []layer
	touches := map[int][]touch{}
	for _, n := range c.g.Nodes {
		if n.Op != "Conv" || n.In[1].Const == nil || c.of[first(n)] == nil || c.of[n.Out[0]] == nil {
			continue
		}
		s := n.In[1].Const.Shape
		in, out := c.of[n.In[0]], c.of[n.Out[0]]
		l := layer{cost: 1, in0: float64(len(in)), out0: float64(len(out)), diagonal: n.Int("group", 1) > 1 && s[1] == 1, time: o.Cost[n.Name]}
		switch o.Per {
		case PerParam:
			l.cost = float64(n.In[1].Const.Len())
		case PerTime:
			l.cost = l.time
		}
		l.in, l.out = l.in0, l.out0
		id := len(all)
		all = append(all, l)
		for _, x := range in {
			if x >= 0 {
				touches[x] = append(touches[x], touch{id, 1, 0})
			}
		}
		for _, x := range out {
			if x >= 0 {
				touches[x] = append(touches[x], touch{id, 0, 1})
			}
		}
	}
	return all, touches
}

// blocks cuts a sorted bundle into what goes at once, so that what is left stays
// a multiple.
func (b *bundle) blocks(o Options) []block {
	size := len(b.groups) + b.least
	least := max(size-int(o.MaxRatio*float64(size)), b.least, min(o.Multiple, size), 1)
	var all []block
	at := 0
	for keep := (size - 1) / o.Multiple * o.Multiple; keep >= least; keep -= o.Multiple {
		k := block{groups: size - keep - at}
		for _, g := range b.groups[at : size-keep] {
			k.labels = append(k.labels, g.labels...)
		}
		at = size - keep
		all = append(all, k)
	}
	return all
}

// order lists blocks as they go: always the one that costs the least importance
// for what it saves. Savings shrink as neighbours go.
func (c *channels) order(bundles []*bundle, o Options) []block {
	layers, touches := c.layers(o)
	queues := make([][]block, len(bundles))
	scores := make([][]float64, len(bundles)) // of each block
	whole := 0.0
	for _, n := range c.g.Nodes {
		if n.Op == "Conv" && n.In[1].Const != nil {
			whole += o.Cost[n.Name]
		}
	}
	for i, b := range bundles {
		slices.SortStableFunc(b.groups, func(p, q group) int { return cmp.Compare(p.score, q.score) })
		unit := 1.0
		if !o.Absolute { // layers differ in the size of their weights: relative to their mean, scores compare
			mean := 0.0
			for _, g := range b.groups {
				mean += g.score / float64(len(b.groups))
			}
			unit = max(mean, 1e-30)
		}
		queues[i] = b.blocks(o)
		at := 0
		for _, k := range queues[i] {
			sum := 0.0
			for _, g := range b.groups[at : at+k.groups] {
				sum += g.score / unit
			}
			at += k.groups
			scores[i] = append(scores[i], sum)
		}
	}
	saving := func(k block, apply bool) (cost, time float64) {
		cut := map[int]touch{}
		for _, l := range k.labels {
			for _, t := range touches[l] {
				v := cut[t.layer]
				cut[t.layer] = touch{t.layer, v.in + t.in, v.out + t.out}
			}
		}
		for id, v := range cut {
			l := &layers[id]
			d := l.share(l.in, l.out) - l.share(l.in-v.in, l.out-v.out)
			cost, time = cost+l.cost*d, time+l.time*d
			if apply {
				l.in, l.out = l.in-v.in, l.out-v.out
			}
		}
		return cost, time
	}
	var all []block
	left := whole
	for {
		best, value := -1, math.Inf(1)
		for i, q := range queues {
			if len(q) == 0 {
				continue
			}
			by := float64(q[0].groups)
			if o.Per != PerChannel {
				by, _ = saving(q[0], false)
			}
			if v := scores[i][0] / max(by, 1e-12); best < 0 || v < value {
				best, value = i, v
			}
		}
		if best < 0 {
			return all
		}
		k := queues[best][0]
		_, time := saving(k, true)
		left -= time
		if k.time = 1; whole > 0 {
			k.time = left / whole
		}
		all = append(all, k)
		queues[best], scores[best] = queues[best][1:], scores[best][1:]
	}
}

// goneOf are the labels of the first n blocks.
func goneOf(all []block, n int) map[int]bool {
	m := map[int]bool{}
	for _, k := range all[:n] {
		for _, l := range k.labels {
			m[l] = true
		}
	}
	return m
}

// Cost is what each convolution takes, by the name of its node, in any unit.
type Cost map[string]float64

// TimeLeft is the share of the cost that a pruned graph still has, where a
// convolution's falls with the product of its channels.
func (c Cost) TimeLeft(before, after *graph.Graph) float64 {
	elements := map[string]float64{}
	for _, n := range before.Nodes {
		if n.Op == "Conv" && n.In[1].Const != nil {
			elements[n.Name] = float64(n.In[1].Const.Len())
		}
	}
	whole, left := 0.0, 0.0
	for _, n := range after.Nodes {
		if n.Op == "Conv" && n.In[1].Const != nil && elements[n.Name] > 0 {
			whole += c[n.Name]
			left += c[n.Name] * float64(n.In[1].Const.Len()) / elements[n.Name]
		}
	}
	if whole == 0 {
		return 1
	}
	return left / whole
}
