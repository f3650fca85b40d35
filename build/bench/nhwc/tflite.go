package nhwc

import (
	"encoding/binary"
	"fmt"
	"math"

	flatbuffers "github.com/google/flatbuffers/go"
)

// Numbers of TensorFlow Lite's schema (schema.fbs, version 3).
const (
	schemaVersion = 3

	typeFloat32, typeInt32, typeInt8 = 0, 2, 9

	paddingSame, paddingValid = 0, 1

	opAdd, opConcatenation, opConv2D, opDequantize, opLogistic = 0, 2, 3, 6, 14
	opMaxPool2D, opMul, opReshape, opSoftmax, opPad, opSub     = 17, 18, 22, 25, 34, 41
	opSlice, opResizeNearest, opQuantize                       = 65, 97, 114

	optConv2D, optPool2D, optSoftmax, optConcatenation, optAdd = 1, 5, 9, 10, 11
	optMul, optSub, optResizeNearest                           = 21, 28, 74
)

// opVersions are the versions of the operations that have int8.
var opVersions = map[int]int32{
	opAdd: 2, opConcatenation: 2, opConv2D: 3, opDequantize: 2, opLogistic: 2, opMaxPool2D: 2,
	opMul: 2, opReshape: 1, opSoftmax: 1, opPad: 2, opSub: 1, opSlice: 2, opResizeNearest: 2, opQuantize: 1,
}

// TFLite is the net as a .tflite file in float32.
func (n *Net) TFLite() ([]byte, error) { return n.tflite(nil) }

// TFLiteInt8 is the net as a .tflite file whose convolutions and what is between
// them are int8; its input and output and the decoding of the head are float32.
// ranges are those of the graph's values, by name, on pictures.
func (n *Net) TFLiteInt8(ranges map[string]Range) ([]byte, error) {
	grids, err := n.grids(ranges)
	if err != nil {
		return nil, err
	}
	return n.tflite(grids)
}

// writer collects the tables of a file.
type writer struct {
	*flatbuffers.Builder
	net       *Net
	grids     map[int]grid
	tensorOf  map[int]int32 // a net's tensor to the file's
	buffers   []flatbuffers.UOffsetT
	tensors   []flatbuffers.UOffsetT
	operators []flatbuffers.UOffsetT
	codes     []int
}

func (n *Net) tflite(grids map[int]grid) ([]byte, error) {
	w := &writer{Builder: flatbuffers.NewBuilder(1 << 20), net: n, grids: grids, tensorOf: map[int]int32{}}
	w.buffer(nil) // the first is empty by convention
	body := len(n.body())
	input := w.float(n.Input)
	if grids != nil {
		w.op(opQuantize, []int32{input}, w.quantized(n.Input), 0, nil)
	}
	for i, o := range n.Ops {
		if i == body && grids != nil { // the rest is float: read the maps back
			for _, r := range n.Ops[i:] {
				if r.Kind == Reshape {
					if from, ok := w.tensorOf[r.In[0]]; ok && grids[r.In[0]].scale != nil {
						w.op(opDequantize, []int32{from}, w.float(r.In[0]), 0, nil)
					}
				}
			}
		}
		if err := w.operation(o, grids != nil && i < body); err != nil {
			return nil, err
		}
	}
	subgraph := w.subgraph(input, w.tensorOf[n.Output])
	return w.model(subgraph), nil
}

// float makes a float32 tensor for the net's tensor i.
func (w *writer) float(i int) int32 {
	t := w.net.Tensors[i]
	var data []byte
	for _, v := range t.Data {
		data = binary.LittleEndian.AppendUint32(data, math.Float32bits(v))
	}
	w.tensorOf[i] = w.tensor(t.Shape, typeFloat32, data, grid{})
	return w.tensorOf[i]
}

// quantized makes an int8 tensor for it.
func (w *writer) quantized(i int) int32 {
	w.tensorOf[i] = w.tensor(w.net.Tensors[i].Shape, typeInt8, nil, w.grids[i])
	return w.tensorOf[i]
}

func (w *writer) buffer(data []byte) uint32 {
	var bytes flatbuffers.UOffsetT
	if len(data) > 0 {
		w.Prep(16, len(data))
		bytes = w.CreateByteVector(data)
	}
	w.StartObject(3)
	if len(data) > 0 {
		w.PrependUOffsetTSlot(0, bytes, 0)
	}
	w.buffers = append(w.buffers, w.EndObject())
	return uint32(len(w.buffers) - 1)
}

func (w *writer) tensor(shape []int, kind int8, data []byte, g grid) int32 {
	buffer := uint32(0)
	if data != nil {
		buffer = w.buffer(data)
	}
	dims := make([]int32, len(shape))
	for i, d := range shape {
		dims[i] = int32(d)
	}
	dimsAt := w.ints(dims)
	name := w.CreateString(fmt.Sprintf("t%d", len(w.tensors)))
	var quant flatbuffers.UOffsetT
	if g.scale != nil {
		quant = w.quantization(g)
	}
	w.StartObject(10)
	w.PrependUOffsetTSlot(0, dimsAt, 0)
	w.PrependInt8Slot(1, kind, 0)
	w.PrependUint32Slot(2, buffer, 0)
	w.PrependUOffsetTSlot(3, name, 0)
	if g.scale != nil {
		w.PrependUOffsetTSlot(4, quant, 0)
	}
	w.tensors = append(w.tensors, w.EndObject())
	return int32(len(w.tensors) - 1)
}

func (w *writer) quantization(g grid) flatbuffers.UOffsetT {
	w.StartVector(4, len(g.scale), 4)
	for i := len(g.scale) - 1; i >= 0; i-- {
		w.PrependFloat32(g.scale[i])
	}
	scale := w.EndVector(len(g.scale))
	w.StartVector(8, len(g.scale), 8)
	for range g.scale {
		w.PrependInt64(g.zero)
	}
	zero := w.EndVector(len(g.scale))
	w.StartObject(7)
	w.PrependUOffsetTSlot(2, scale, 0)
	w.PrependUOffsetTSlot(3, zero, 0)
	return w.EndObject()
}

func (w *writer) ints(v []int32) flatbuffers.UOffsetT {
	w.StartVector(4, len(v), 4)
	for i := len(v) - 1; i >= 0; i-- {
		w.PrependInt32(v[i])
	}
	return w.EndVector(len(v))
}

// constantInts is a tensor of int32 numbers.
func (w *writer) constantInts(v []int32, shape ...int) int32 {
	var data []byte
	for _, x := range v {
		data = binary.LittleEndian.AppendUint32(data, uint32(x))
	}
	return w.tensor(shape, typeInt32, data, grid{})
}

// op appends an operator; options makes the table of its options.
func (w *writer) op(code int, in []int32, out int32, kind uint8, options func()) {
	index := -1
	for i, c := range w.codes {
		if c == code {
			index = i
		}
	}
	if index < 0 {
		index = len(w.codes)
		w.codes = append(w.codes, code)
	}
	inputs, results := w.ints(in), w.ints([]int32{out})
	var opts flatbuffers.UOffsetT
	if options != nil {
		w.StartObject(7)
		options()
		opts = w.EndObject()
	}
	w.StartObject(14)
	w.PrependUint32Slot(0, uint32(index), 0)
	w.PrependUOffsetTSlot(1, inputs, 0)
	w.PrependUOffsetTSlot(2, results, 0)
	if options != nil {
		w.PrependUint8Slot(3, kind, 0)
		w.PrependUOffsetTSlot(4, opts, 0)
	}
	w.operators = append(w.operators, w.EndObject())
}

// offsets is a vector of tables.
func (w *writer) offsets(v []flatbuffers.UOffsetT) flatbuffers.UOffsetT {
	w.StartVector(4, len(v), 4)
	for i := len(v) - 1; i >= 0; i-- {
		w.PrependUOffsetT(v[i])
	}
	return w.EndVector(len(v))
}

func (w *writer) subgraph(input, output int32) flatbuffers.UOffsetT {
	tensors, operators := w.offsets(w.tensors), w.offsets(w.operators)
	in, out := w.ints([]int32{input}), w.ints([]int32{output})
	w.StartObject(6)
	w.PrependUOffsetTSlot(0, tensors, 0)
	w.PrependUOffsetTSlot(1, in, 0)
	w.PrependUOffsetTSlot(2, out, 0)
	w.PrependUOffsetTSlot(3, operators, 0)
	return w.offsets([]flatbuffers.UOffsetT{w.EndObject()})
}

func (w *writer) model(subgraphs flatbuffers.UOffsetT) []byte {
	var codes []flatbuffers.UOffsetT
	for _, c := range w.codes {
		w.StartObject(4)
		w.PrependInt8Slot(0, int8(c), 0)
		w.PrependInt32Slot(2, opVersions[c], 1)
		w.PrependInt32Slot(3, int32(c), 0)
		codes = append(codes, w.EndObject())
	}
	codesAt, buffers := w.offsets(codes), w.offsets(w.buffers)
	description := w.CreateString("Eagle Eye")
	w.StartObject(8)
	w.PrependUint32Slot(0, schemaVersion, 0)
	w.PrependUOffsetTSlot(1, codesAt, 0)
	w.PrependUOffsetTSlot(2, subgraphs, 0)
	w.PrependUOffsetTSlot(3, description, 0)
	w.PrependUOffsetTSlot(4, buffers, 0)
	w.FinishWithFileIdentifier(w.EndObject(), []byte("TFL3"))
	return w.FinishedBytes()
}
