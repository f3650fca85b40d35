package tensorflow

import (
	flatbuffers "github.com/google/flatbuffers/go"
)

// The parts of TensorFlow Lite's schema (tensorflow/lite/schema/schema.fbs)
// that a detector needs: enumerations here, field numbers where they are
// written.

// elementType is the schema's TensorType.
type elementType int8

const (
	float32Type elementType = 0
	float16Type elementType = 1
	int32Type   elementType = 2
	int8Type    elementType = 9
)

// opcode is the schema's BuiltinOperator.
type opcode int32

const (
	opAdd           opcode = 0
	opConcatenation opcode = 2
	opConv2D        opcode = 3
	opDepthwise     opcode = 4
	opDequantize    opcode = 6
	opLogistic      opcode = 14
	opMaxPool2D     opcode = 17
	opMul           opcode = 18
	opReshape       opcode = 22
	opSoftmax       opcode = 25
	opPad           opcode = 34
	opTranspose     opcode = 39
	opSub           opcode = 41
	opSlice         opcode = 65
	opResizeNearest opcode = 97
	opQuantize      opcode = 114
)

// version is the lowest version of an operator that knows int8 operands.
func (c opcode) version() int32 {
	switch c {
	case opConv2D, opDepthwise:
		return 3
	case opDequantize, opQuantize:
		return 2
	case opAdd, opConcatenation, opLogistic, opMaxPool2D, opMul, opPad, opTranspose, opSub, opSlice, opResizeNearest, opSoftmax:
		return 2
	}
	return 1
}

// options are an operator's options table: the union's type (BuiltinOptions)
// and the fields that differ from their defaults.
type options struct {
	union  byte
	fields []field
}

// field is a field's number and value: an int8, an int32 or a float32.
type field struct {
	slot  int
	value any
}

// element is a tensor of the file; shapes are NHWC.
type element struct {
	name   string
	kind   elementType
	shape  []int
	buffer int // 0: computed
	scale  []float32
	zero   []int64
	axis   int
}

// operator is one step of the file.
type operator struct {
	code    opcode
	in, out []int
	options options
}

// file collects a model.
type file struct {
	elements      []element
	buffers       [][]byte // the first is empty, as the schema demands
	operators     []operator
	inputs, outer []int
	description   string
}

// encode returns the file's bytes.
func (f *file) encode() []byte {
	b := flatbuffers.NewBuilder(1 << 20)
	var codes []opcode
	index := map[opcode]int{}
	for _, o := range f.operators {
		if _, ok := index[o.code]; !ok {
			index[o.code] = len(codes)
			codes = append(codes, o.code)
		}
	}
	var buffers, tensors, operators, kinds []flatbuffers.UOffsetT
	for _, data := range f.buffers {
		buffers = append(buffers, bufferTable(b, data))
	}
	for i := range f.elements {
		tensors = append(tensors, tensorTable(b, &f.elements[i]))
	}
	for _, o := range f.operators {
		operators = append(operators, operatorTable(b, o, index[o.code]))
	}
	for _, c := range codes {
		b.StartObject(4)
		b.PrependInt8Slot(0, int8(c), 0) // deprecated_builtin_code, which old readers use
		b.PrependInt32Slot(2, c.version(), 1)
		b.PrependInt32Slot(3, int32(c), 0)
		kinds = append(kinds, b.EndObject())
	}

	tensorsAt, operatorsAt := offsets(b, tensors), offsets(b, operators)
	in, out, name := ints(b, f.inputs), ints(b, f.outer), b.CreateString("main")
	b.StartObject(5)
	b.PrependUOffsetTSlot(0, tensorsAt, 0)
	b.PrependUOffsetTSlot(1, in, 0)
	b.PrependUOffsetTSlot(2, out, 0)
	b.PrependUOffsetTSlot(3, operatorsAt, 0)
	b.PrependUOffsetTSlot(4, name, 0)
	graphs := offsets(b, []flatbuffers.UOffsetT{b.EndObject()})

	kindsAt, buffersAt, text := offsets(b, kinds), offsets(b, buffers), b.CreateString(f.description)
	b.StartObject(8)
	b.PrependUint32Slot(0, 3, 0) // version of the schema
	b.PrependUOffsetTSlot(1, kindsAt, 0)
	b.PrependUOffsetTSlot(2, graphs, 0)
	b.PrependUOffsetTSlot(3, text, 0)
	b.PrependUOffsetTSlot(4, buffersAt, 0)
	b.FinishWithFileIdentifier(b.EndObject(), []byte("TFL3"))
	return b.FinishedBytes()
}

// bufferTable writes a Buffer; readers map the data, so it lies aligned to 16.
func bufferTable(b *flatbuffers.Builder, data []byte) flatbuffers.UOffsetT {
	var at flatbuffers.UOffsetT
	if len(data) > 0 {
		b.StartVector(1, len(data), 16)
		for i := len(data) - 1; i >= 0; i-- {
			b.PlaceByte(data[i])
		}
		at = b.EndVector(len(data))
	}
	b.StartObject(1)
	b.PrependUOffsetTSlot(0, at, 0)
	return b.EndObject()
}

func tensorTable(b *flatbuffers.Builder, e *element) flatbuffers.UOffsetT {
	name, shape := b.CreateString(e.name), ints(b, e.shape)
	var quant flatbuffers.UOffsetT
	if e.scale != nil {
		b.StartVector(4, len(e.scale), 4)
		for i := len(e.scale) - 1; i >= 0; i-- {
			b.PrependFloat32(e.scale[i])
		}
		scale := b.EndVector(len(e.scale))
		b.StartVector(8, len(e.zero), 8)
		for i := len(e.zero) - 1; i >= 0; i-- {
			b.PrependInt64(e.zero[i])
		}
		zero := b.EndVector(len(e.zero))
		b.StartObject(7)
		b.PrependUOffsetTSlot(2, scale, 0)
		b.PrependUOffsetTSlot(3, zero, 0)
		b.PrependInt32Slot(6, int32(e.axis), 0)
		quant = b.EndObject()
	}
	b.StartObject(8)
	b.PrependUOffsetTSlot(0, shape, 0)
	b.PrependInt8Slot(1, int8(e.kind), 0)
	b.PrependUint32Slot(2, uint32(e.buffer), 0)
	b.PrependUOffsetTSlot(3, name, 0)
	b.PrependUOffsetTSlot(4, quant, 0)
	return b.EndObject()
}

func operatorTable(b *flatbuffers.Builder, o operator, code int) flatbuffers.UOffsetT {
	in, out := ints(b, o.in), ints(b, o.out)
	var table flatbuffers.UOffsetT
	if o.options.union != 0 {
		b.StartObject(8)
		for _, f := range o.options.fields {
			switch v := f.value.(type) {
			case int8:
				b.PrependInt8(v)
			case int32:
				b.PrependInt32(v)
			case float32:
				b.PrependFloat32(v)
			}
			b.Slot(f.slot)
		}
		table = b.EndObject()
	}
	b.StartObject(5)
	b.PrependUint32Slot(0, uint32(code), 0)
	b.PrependUOffsetTSlot(1, in, 0)
	b.PrependUOffsetTSlot(2, out, 0)
	b.PrependByteSlot(3, o.options.union, 0)
	b.PrependUOffsetTSlot(4, table, 0)
	return b.EndObject()
}

func offsets(b *flatbuffers.Builder, at []flatbuffers.UOffsetT) flatbuffers.UOffsetT {
	b.StartVector(4, len(at), 4)
	for i := len(at) - 1; i >= 0; i-- {
		b.PrependUOffsetT(at[i])
	}
	return b.EndVector(len(at))
}

func ints(b *flatbuffers.Builder, v []int) flatbuffers.UOffsetT {
	b.StartVector(4, len(v), 4)
	for i := len(v) - 1; i >= 0; i-- {
		b.PrependInt32(int32(v[i]))
	}
	return b.EndVector(len(v))
}
