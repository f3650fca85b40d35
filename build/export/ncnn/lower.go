package ncnn

import (
	"fmt"
	"strings"

	"eagleeye/build/export/form"
	"eagleeye/wasm/graph"
)

func (w *writer) node(n *graph.Node) error {
	if n.Op == "Detect" {
		w.detect(n)
		return nil
	}
	var out string
	switch n.Op {
	case "Conv":
		b, err := w.conv(n)
		if err != nil {
			return err
		}
		out = b
	case "MaxPool":
		k, s, p := n.Ints("kernel_shape"), form.Ints(n, "strides", 1, 1), form.Ints(n, "pads", 0, 0, 0, 0)
		out = w.one("Pooling", fmt.Sprintf("0=0 1=%d 11=%d 2=%d 12=%d 3=%d 13=%d 14=%d 15=%d 5=1",
			k[1], k[0], s[1], s[0], p[1], p[0], p[3], p[2]), w.read(n.In[0]))
	case "Upsample":
		f := float64(n.Int("factor", 1))
		out = w.one("Interp", fmt.Sprintf("0=1 1=%e 2=%e", f, f), w.read(n.In[0]))
	case "Concat":
		var in []string
		for _, v := range n.In {
			in = append(in, w.read(v))
		}
		out = w.one("Concat", "0=0", in...)
	case "Slice":
		out = w.crop(w.read(n.In[0]), int(n.Int("start", 0)), int(n.Int("end", 0)))
	case "Add", "Mul":
		op := 0
		if n.Op == "Mul" {
			op = 2
		}
		for _, v := range n.In {
			if v.Const != nil {
				return fmt.Errorf("%w for constants", form.ErrUnsupported)
			}
		}
		out = w.one("BinaryOp", fmt.Sprintf("0=%d", op), w.read(n.In[0]), w.read(n.In[1]))
	case "Sigmoid":
		out = w.one("Sigmoid", "", w.read(n.In[0]))
	case "SiLU":
		out = w.one("Swish", "", w.read(n.In[0]))
	default:
		return fmt.Errorf("%w for this operator", form.ErrUnsupported)
	}
	w.made(n.Out[0], out)
	return nil
}

// crop takes from..to of the first axis.
func (w *writer) crop(blob string, from, to int) string {
	return w.one("Crop", fmt.Sprintf("-23309=1,%d -23310=1,%d -23311=1,0", from, to), blob)
}

// conv writes a convolution, its SiLU and its residual. In int8 ncnn rounds the
// input, multiplies bytes and returns floats.
func (w *writer) conv(n *graph.Node) (string, error) {
	weights := n.In[1]
	o, perOut := weights.Shape[0], weights.Shape[1]*weights.Shape[2]*weights.Shape[3]
	s, d, p := form.Ints(n, "strides", 1, 1), form.Ints(n, "dilations", 1, 1), form.Ints(n, "pads", 0, 0, 0, 0)
	groups := int(n.Int("group", 1))
	kind := "Convolution"
	params := []string{fmt.Sprintf("0=%d 1=%d 11=%d 2=%d 12=%d 3=%d 13=%d 4=%d 14=%d 15=%d 16=%d 5=1 6=%d", o,
		weights.Shape[3], weights.Shape[2], d[1], d[0], s[1], s[0], p[1], p[0], p[3], p[2], o*perOut)}
	grid := n.In[0].Quant
	integer := weights.Quant != nil && grid != nil
	if groups > 1 {
		kind = "ConvolutionDepthWise"
		params = append(params, fmt.Sprintf("7=%d", groups))
		if integer && groups != o {
			return "", fmt.Errorf("%w for int8 convolutions of %d groups", form.ErrUnsupported, groups)
		}
	}
	if integer {
		term := 2
		if groups > 1 {
			term = 1
		}
		params = append(params, fmt.Sprintf("8=%d", term))
	}
	out := w.one(kind, strings.Join(params, " "), w.read(n.In[0]))
	if integer {
		w.bytes(weights.Const.Data)
	} else {
		w.weights(form.Weights(weights))
	}
	bias := make([]float32, o)
	if len(n.In) > 2 && n.In[2] != nil {
		copy(bias, n.In[2].Const.Floats())
	}
	w.floats(bias)
	if integer { // scales multiply: quantized = real·scale
		inv := form.Scales(weights)
		for c := range inv {
			inv[c] = 1 / inv[c]
		}
		w.floats(inv)
		w.floats([]float32{127 / reach(grid)})
	}
	if n.Str("act", "") == "SiLU" {
		out = w.one("Swish", "", out)
	}
	if len(n.In) > 3 && n.In[3] != nil {
		out = w.one("BinaryOp", "0=0", out, w.read(n.In[3]))
	}
	return out, nil
}

// reach is the largest magnitude on a grid.
func reach(q *graph.Quant) float32 {
	lo, hi := float32(0), float32(255)
	if q.DType == graph.Int8 {
		lo, hi = -128, 127
	}
	z := float32(q.Zero[0])
	return q.Scale[0] * max(z-lo, hi-z)
}

// detect writes the decoding: softmax over each side's bins, their mean by a
// 1×1 convolution, boxes about the cells' centres, sigmoid of the classes.
func (w *writer) detect(n *graph.Node) {
	h := form.HeadOf(n)
	var boxes, scores []string
	for i := 0; i < len(n.In); i += 2 {
		flat := func(v *graph.Value) string {
			return w.one("Reshape", fmt.Sprintf("0=%d 1=%d", v.Shape[2]*v.Shape[3], v.Shape[1]), w.read(v))
		}
		boxes, scores = append(boxes, flat(n.In[i])), append(scores, flat(n.In[i+1]))
	}
	total := len(h.Stride)
	box := w.one("Reshape", fmt.Sprintf("0=%d 1=%d 2=4", total, h.Bins), w.one("Concat", "0=1", boxes...))
	box = w.one("Permute", "0=2", box) // bins become channels, sides rows
	box = w.one("Softmax", "0=0 1=1", box)
	sides := w.one("Convolution", fmt.Sprintf("0=1 1=1 11=1 5=0 6=%d", h.Bins), box)
	w.weights(h.Means)
	parts := w.split(w.one("Reshape", fmt.Sprintf("0=%d 1=4", total), sides), 2)
	near, far := w.split(w.crop(parts[0], 0, 2), 2), w.split(w.crop(parts[1], 2, 4), 2)
	cells := w.one("MemoryData", fmt.Sprintf("0=%d 1=2", total))
	w.floats(h.X)
	w.floats(h.Y)
	gap := w.one("BinaryOp", "0=1", far[0], near[0])
	half := w.one("BinaryOp", "0=2 1=1 2=5.000000e-01", gap)
	centre := w.one("BinaryOp", "0=0", half, cells)
	size := w.one("BinaryOp", "0=0", far[1], near[1])
	pixels := w.one("MemoryData", fmt.Sprintf("0=%d 1=4", total))
	for range 4 {
		w.floats(h.Stride)
	}
	box = w.one("BinaryOp", "0=2", w.one("Concat", "0=0", centre, size), pixels)
	score := w.one("Sigmoid", "", w.one("Concat", "0=1", scores...))
	w.with("Concat", "out0", []string{box, score}, []string{"out0"}, "0=0")
}
