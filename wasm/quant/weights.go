package quant

import (
	"fmt"
	"math"
	"slices"

	"eagleeye/wasm/graph"
)

// Weights quantizes w, whose first axis is the output channel, to int8 with one
// symmetric scale a channel: scale = max|w|/127, q = round(w/scale), in
// −127..127. Clipping outliers gains nothing at 8 bits. A channel of zeros gets
// the scale 1. NaN and infinities are refused.
func Weights(w *graph.Tensor) (q *graph.Tensor, scale []float32, err error) {
	data, err := Floats(w)
	if err != nil {
		return nil, nil, err
	}
	if len(w.Shape) == 0 || w.Shape[0] <= 0 || len(data)%w.Shape[0] != 0 {
		return nil, nil, fmt.Errorf("shape %v has no output channels", w.Shape)
	}
	out := w.Shape[0]
	per := len(data) / out
	scale = make([]float32, out)
	bytes := make([]byte, len(data))
	for c := range out {
		row := data[c*per : (c+1)*per]
		top := float32(0)
		for i, v := range row {
			if v-v != 0 {
				return nil, nil, fmt.Errorf("element %d of channel %d is %v", i, c, v)
			}
			top = max(top, v, -v)
		}
		s := top / 127
		if s < 0x1p-126 { // a subnormal scale loses its precision
			s = 1
		}
		scale[c] = s
		for i, v := range row {
			n := math.RoundToEven(float64(v) / float64(s))
			bytes[c*per+i] = byte(int8(max(-127, min(127, n))))
		}
	}
	return &graph.Tensor{DType: graph.Int8, Shape: w.Shape, Data: bytes}, scale, nil
}

// ConvWeights quantizes the weights of a convolution as Quantize does: by
// DotWeights where byte kernels are to run it, unless wide, else by Weights.
func ConvWeights(n *graph.Node, wide bool) (q *graph.Tensor, scale []float32, err error) {
	if !wide && dotted(n) {
		return DotWeights(n.In[1].Const, int(n.Int("group", 1)))
	}
	return Weights(n.In[1].Const)
}

// Floats copies the elements of a float32 tensor.
func Floats(t *graph.Tensor) ([]float32, error) {
	if t.DType != graph.Float32 {
		return nil, fmt.Errorf("elements are %v, want float32", t.DType)
	}
	n := 1
	for _, d := range t.Shape {
		n *= d
	}
	if len(t.Data) != 4*n {
		return nil, fmt.Errorf("%d bytes for shape %v", len(t.Data), t.Shape)
	}
	return slices.Clone(t.Floats()), nil
}
