package nhwc

import (
	"encoding/binary"
	"encoding/json"
	"math"
)

// Script is the net for a page that runs it on TensorFlow.js: the length of a
// JSON text (4 bytes), the text, padding to 4 bytes, and the constants as
// float32. In the text a tensor with At ≥ 0 is the constant that begins at that
// float. Weights of convolutions are [kh,kw,I,O], as TensorFlow.js has them.
func (n *Net) Script() ([]byte, error) {
	type tensor struct {
		Tensor
		At int `json:"at"`
	}
	text := struct {
		Tensors []tensor `json:"tensors"`
		Ops     []Op     `json:"ops"`
		Input   int      `json:"input"`
		Output  int      `json:"output"`
	}{Ops: n.Ops, Input: n.Input, Output: n.Output}
	filters := map[int]bool{}
	for _, o := range n.Ops {
		if o.Kind == Conv {
			filters[o.In[1]] = true
		}
	}
	var floats []float32
	for i, t := range n.Tensors {
		at := -1
		if t.Data != nil {
			at = len(floats)
			data := t.Data
			if filters[i] {
				data, t.Shape = outputsLast(t)
			}
			floats = append(floats, data...)
		}
		text.Tensors = append(text.Tensors, tensor{t, at})
	}
	head, err := json.Marshal(text)
	if err != nil {
		return nil, err
	}
	for len(head)%4 != 0 {
		head = append(head, ' ')
	}
	out := binary.LittleEndian.AppendUint32(nil, uint32(len(head)))
	out = append(out, head...)
	for _, v := range floats {
		out = binary.LittleEndian.AppendUint32(out, math.Float32bits(v))
	}
	return out, nil
}

// outputsLast turns weights [O,kh,kw,I] into [kh,kw,I,O].
func outputsLast(t Tensor) ([]float32, []int) {
	o, rest := t.Shape[0], len(t.Data)/t.Shape[0]
	out := make([]float32, len(t.Data))
	for i, v := range t.Data {
		out[i%rest*o+i/rest] = v
	}
	return out, append(append([]int(nil), t.Shape[1:]...), o)
}
