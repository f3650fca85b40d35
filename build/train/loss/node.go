package loss

import (
	"fmt"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"eagleeye/build/train/ops"
)

// New adds the loss of a head to its graph. box are the maps of raw
// distribution logits [B,4·R,h,w], cls those of class logits [B,C,h,w], one
// pair a level by rising stride, in pixels of the input a cell.
func New(box, cls []*gorgonia.Node, strides []int, o Options) (*Loss, error) {
	shapes := func(ns []*gorgonia.Node) (s [][]int) {
		for _, n := range ns {
			s = append(s, n.Shape())
		}
		return s
	}
	l, err := newLoss(shapes(box), shapes(cls), strides, o)
	if err != nil {
		return nil, fmt.Errorf("loss: %w", err)
	}
	levels := len(l.levels)
	in := append(append([]*gorgonia.Node(nil), box...), cls...)
	l.Total, err = ops.Apply("detection loss", tensor.ScalarShape(),
		func(in [][]float32, out []float32) {
			out[0] = l.compute(in[:levels], in[levels:])
		},
		func(_ [][]float32, _, dout []float32, din [][]float32) {
			for i, g := range append(append([][]float32(nil), l.box...), l.cls...) {
				scale(din[i], g, dout[0])
			}
		}, in...)
	if err != nil {
		return nil, fmt.Errorf("loss: %w", err)
	}
	return l, nil
}

func scale(dst, src []float32, f float32) {
	if dst == nil {
		return
	}
	for i, v := range src {
		dst[i] = v * f
	}
}
