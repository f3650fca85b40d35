package qat

import (
	"fmt"
	"math"
	"strings"

	"eagleeye/wasm/graph"
	"eagleeye/wasm/quant"
)

// gridsOf returns the grids of a quantized model's activations, by the names of
// the values that are rounded.
func gridsOf(q *graph.Graph) (map[string]*graph.Quant, error) {
	u, err := graph.Unfused(q, 0, 0)
	if err != nil {
		return nil, err
	}
	grids := map[string]*graph.Quant{}
	note := func(v *graph.Value) {
		if v != nil && v.Const == nil && v.Quant != nil && v.Quant.DType == graph.Uint8 && len(v.Quant.Scale) == 1 {
			grids[v.Name] = v.Quant
		}
	}
	for _, v := range u.Inputs {
		note(v)
	}
	for _, n := range u.Nodes {
		for _, v := range n.Out {
			note(v)
		}
	}
	return grids, nil
}

// strip returns the float form of a quantized model: no pairs on activations,
// and the numbers that integers stand for as constants.
func strip(q *graph.Graph) (*graph.Graph, error) {
	g := graph.Clone(q)
	made := map[*graph.Value]*graph.Node{}
	by := map[*graph.Value]*graph.Value{}
	used := map[string]bool{}
	for _, n := range g.Nodes {
		for _, v := range n.In {
			if v != nil {
				used[v.Name] = true
			}
		}
	}
	var nodes []*graph.Node
	for _, n := range g.Nodes {
		for i, v := range n.In {
			if by[v] != nil {
				n.In[i] = by[v]
			}
		}
		for _, v := range n.Out {
			made[v] = n
		}
		switch n.Op {
		case "QuantizeLinear":
			continue
		case "DequantizeLinear":
			if from := made[n.In[0]]; from != nil && from.Op == "QuantizeLinear" {
				by[n.Out[0]] = from.In[0]
				continue
			}
			v, err := dequantized(n)
			if err != nil {
				return nil, fmt.Errorf("qat: %s: %w", n, err)
			}
			if name := strings.TrimSuffix(v.Name, "_dq"); !used[name] {
				used[name], v.Name = true, name
			}
			by[n.Out[0]] = v
			continue
		}
		nodes = append(nodes, n)
	}
	g.Nodes = nodes
	for i, v := range g.Outputs {
		if by[v] != nil {
			return nil, fmt.Errorf("%w: its output %q is rounded", ErrLayout, v.Name)
		}
		g.Outputs[i] = v
	}
	return g, nil
}

// dequantized is the constant that a DequantizeLinear gives.
func dequantized(n *graph.Node) (*graph.Value, error) {
	t := n.In[0].Const
	if t == nil || n.In[1].Const == nil {
		return nil, fmt.Errorf("%w: it reads %q, which is no constant", ErrLayout, n.In[0].Name)
	}
	raw, scale := t.Int64s(), n.In[1].Const.Floats()
	zero := make([]int64, len(scale))
	if len(n.In) > 2 && n.In[2] != nil && n.In[2].Const != nil {
		copy(zero, n.In[2].Const.Int64s())
	}
	axis := int(n.Int("axis", 1))
	if axis < 0 {
		axis += len(t.Shape)
	}
	inner := 1
	if len(scale) > 1 {
		if axis < 0 || axis >= len(t.Shape) || t.Shape[axis] != len(scale) {
			return nil, fmt.Errorf("%w: %d scales for %v", ErrLayout, len(scale), t.Shape)
		}
		for _, d := range t.Shape[axis+1:] {
			inner *= d
		}
	}
	if raw == nil || len(scale) == 0 {
		return nil, fmt.Errorf("%w: %q is %v", ErrLayout, n.In[0].Name, t.DType)
	}
	data := make([]float32, len(raw))
	for i, v := range raw {
		c := i / inner % len(scale)
		data[i] = float32(v-zero[c]) * scale[c]
	}
	f := graph.FloatTensor(data, t.Shape...)
	return &graph.Value{Name: n.Out[0].Name, DType: graph.Float32, Shape: f.Shape, Const: f}, nil
}

// takeWeights gives the convolutions of g the weights of the float model that
// it was quantized from. Biases stay: quantizing matched them.
func takeWeights(g, float *graph.Graph) error {
	weights := map[string]*graph.Value{}
	for _, n := range graph.Clone(float).Nodes {
		if n.Op == "Conv" {
			weights[n.Name] = n.In[1]
		}
	}
	for _, n := range g.Nodes {
		if n.Op != "Conv" {
			continue
		}
		w := weights[n.Name]
		if w == nil || w.Const == nil || fmt.Sprint(w.Const.Shape) != fmt.Sprint(n.In[1].Const.Shape) {
			return fmt.Errorf("qat: conv %q: the float model's weights do not fit the int8 one's", n.Name)
		}
		n.In[1] = w
	}
	return nil
}

// coarse quantizes weights to fewer bits or with one scale for all: symmetric,
// the largest weight at the end of the range.
func coarse(w *graph.Tensor, bits int, perTensor bool) (*graph.Tensor, []float32, error) {
	data, err := quant.Floats(w)
	if err != nil {
		return nil, nil, err
	}
	out := w.Shape[0]
	per, top := len(data)/out, float32(int(1)<<(bits-1)-1)
	scale := make([]float32, out)
	most := float32(0)
	for c := range scale {
		for _, v := range data[c*per : (c+1)*per] {
			if v-v != 0 {
				return nil, nil, fmt.Errorf("a weight of channel %d is %v", c, v)
			}
			scale[c] = max(scale[c], v, -v)
		}
		most = max(most, scale[c])
	}
	q := &graph.Tensor{DType: graph.Int8, Shape: w.Shape, Data: make([]byte, len(data))}
	for c := range scale {
		if perTensor {
			scale[c] = most
		}
		if scale[c] /= top; scale[c] < 0x1p-126 {
			scale[c] = 1
		}
		for i, v := range data[c*per : (c+1)*per] {
			q.Data[c*per+i] = byte(int8(min(max(float32(math.RoundToEven(float64(v/scale[c]))), -top), top)))
		}
	}
	return q, scale, nil
}
