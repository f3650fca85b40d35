package nhwc

import (
	"encoding/binary"
	"fmt"
	"math"
)

// operation appends one of the net's, on int8 tensors or on float32 ones.
func (w *writer) operation(o Op, bytes bool) error {
	in := make([]int32, len(o.In))
	for k, i := range o.In {
		at, ok := w.tensorOf[i]
		if !ok && !(o.Kind == Conv && bytes) {
			at = w.float(i) // a constant
		}
		in[k] = at
	}
	if o.Kind == Conv {
		w.conv(o, in, bytes)
		return nil
	}
	var out int32
	if bytes {
		out = w.quantized(o.Out)
	} else {
		out = w.float(o.Out)
	}
	shape := w.net.Tensors[o.Out].Shape
	switch o.Kind {
	case Sigmoid:
		w.op(opLogistic, in, out, 0, nil)
	case Mul:
		w.op(opMul, in, out, optMul, func() {})
	case Add:
		w.op(opAdd, in, out, optAdd, func() {})
	case Sub:
		w.op(opSub, in, out, optSub, func() {})
	case Concat:
		w.op(opConcatenation, in, out, optConcatenation, func() { w.PrependInt32Slot(0, int32(o.Axis), 0) })
	case Softmax:
		w.op(opSoftmax, in, out, optSoftmax, func() { w.PrependFloat32Slot(0, 1, 0) })
	case Reshape:
		dims := make([]int32, len(shape))
		for i, d := range shape {
			dims[i] = int32(d)
		}
		w.op(opReshape, append(in, w.constantInts(dims, len(dims))), out, 0, nil)
	case Slice:
		begin, size := make([]int32, len(shape)), make([]int32, len(shape))
		for i, d := range shape {
			size[i] = int32(d)
		}
		begin[len(begin)-1] = int32(o.Begin)
		w.op(opSlice, append(in, w.constantInts(begin, len(begin)), w.constantInts(size, len(size))), out, 0, nil)
	case Upsample:
		to := w.constantInts([]int32{int32(shape[1]), int32(shape[2])}, 2)
		w.op(opResizeNearest, append(in, to), out, optResizeNearest, func() {})
	case MaxPool:
		w.op(opMaxPool2D, in, out, optPool2D, func() {
			w.PrependInt8Slot(0, paddingSame, 0)
			for slot, v := range []int{1, 1, o.Window, o.Window} {
				w.PrependInt32Slot(slot+1, int32(v), 0)
			}
		})
	default:
		return fmt.Errorf("%w: %s", ErrUnsupported, o.Kind)
	}
	return nil
}

// conv writes a convolution. TensorFlow's "same" padding of stride 2 is none
// above and left, so such a convolution gets a PAD before it, as converters do.
func (w *writer) conv(o Op, in []int32, bytes bool) {
	weight, bias := w.net.Tensors[o.In[1]], w.net.Tensors[o.In[2]]
	if bytes {
		x := w.grids[o.In[0]]
		q, g := weights(weight)
		in[1] = w.tensor(weight.Shape, typeInt8, q, g)
		sums := grid{scale: make([]float32, len(g.scale))}
		var data []byte
		for c, v := range bias.Data {
			sums.scale[c] = x.scale[0] * g.scale[c]
			data = binary.LittleEndian.AppendUint32(data, uint32(int32(math.Round(float64(v)/float64(sums.scale[c])))))
		}
		in[2] = w.tensor(bias.Shape, typeInt32, data, sums)
	}
	padding := int8(paddingValid)
	if o.Pad > 0 && o.Stride == 1 {
		padding = paddingSame
	} else if o.Pad > 0 {
		s, p := w.net.Tensors[o.In[0]].Shape, int32(o.Pad)
		padded := []int{s[0], s[1] + 2*o.Pad, s[2] + 2*o.Pad, s[3]}
		to := w.tensor(padded, typeFloat32, nil, grid{})
		if bytes {
			to = w.tensor(padded, typeInt8, nil, w.grids[o.In[0]])
		}
		w.op(opPad, []int32{in[0], w.constantInts([]int32{0, 0, p, p, p, p, 0, 0}, 4, 2)}, to, 0, nil)
		in[0] = to
	}
	var out int32
	if bytes {
		out = w.quantized(o.Out)
	} else {
		out = w.float(o.Out)
	}
	w.op(opConv2D, in, out, optConv2D, func() {
		w.PrependInt8Slot(0, padding, 0)
		w.PrependInt32Slot(1, int32(o.Stride), 0)
		w.PrependInt32Slot(2, int32(o.Stride), 0)
	})
}
