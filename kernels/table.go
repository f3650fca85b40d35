package kernels

// kernel is one entry of the function table: its name in profiles, its emitter
// and its plain-Go oracle, which define the same function. Without an emitter
// the kernel traps.
type kernel struct {
	name string
	emit func(e *emitter)
	ref  oracle
}

// table lists all kernels.
var table = [NumOps]kernel{
	OpNop:        {"nop", func(*emitter) {}, func([]byte, uint32, int32, int32) {}},
	OpLetterbox:  {"letterbox", emitLetterbox, refLetterbox},
	OpFillBorder: {"fill_border", nil, nil},
	OpWiden:      {"widen", nil, nil},
	OpConvI16:    {"conv_i16", nil, nil},
	OpConvI16F32: {"conv_i16_f32", nil, nil},
	OpConvF32:    {"conv_f32", nil, nil},
	OpMaxPoolU8:  {"maxpool_u8", nil, nil},
	OpMaxPoolF32: {"maxpool_f32", nil, nil},
	OpUpsample:   {"upsample", nil, nil},
	OpCopy:       {"copy", nil, nil},
	OpAddU8:      {"add_u8", nil, nil},
	OpAddF32:     {"add_f32", nil, nil},
	OpRequant:    {"requant", nil, nil},
	OpQuantize:   {"quantize", nil, nil},
	OpDequantize: {"dequantize", nil, nil},
	OpSigmoidF32: {"sigmoid_f32", nil, nil},
	OpSiLUF32:    {"silu_f32", nil, nil},
	OpMulF32:     {"mul_f32", nil, nil},
	OpSoftmaxF32: {"softmax_f32", nil, nil},
	OpDetect:     {"detect", nil, nil},
}

// String is the kernel's name.
func (op Op) String() string {
	if op < NumOps {
		return table[op].name
	}
	return "unknown"
}
