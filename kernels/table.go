//go:build !js

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
	OpNop:            {"nop", func(*emitter) {}, func([]byte, uint32, int32, int32) {}},
	OpLetterbox:      {"letterbox", emitLetterbox, refLetterbox},
	OpFillBorder:     {"fill_border", emitFillBorder, refFillBorder},
	OpWiden:          {"widen", emitWiden, refWiden},
	OpConvI16:        {"conv_i16", convI16.emit, refConvI16},
	OpConvI16F32:     {"conv_i16_f32", convI16F32.emit, refConvI16F32},
	OpConvF32:        {"conv_f32", convF32.emit, refConvF32},
	OpMaxPoolU8:      {"maxpool_u8", emitMaxPoolU8, refMaxPoolU8},
	OpMaxPoolF32:     {"maxpool_f32", emitMaxPoolF32, refMaxPoolF32},
	OpUpsample:       {"upsample", emitUpsample, refUpsample},
	OpCopy:           {"copy", emitCopy, refCopy},
	OpAddU8:          {"add_u8", emitAddU8, refAddU8},
	OpAddF32:         {"add_f32", emitAddF32, refAddF32},
	OpRequant:        {"requant", emitRequant, refRequant},
	OpQuantize:       {"quantize", emitQuantize, refQuantize},
	OpDequantize:     {"dequantize", emitDequantize, refDequantize},
	OpSigmoidF32:     {"sigmoid_f32", emitSigmoid, refSigmoid},
	OpSiLUF32:        {"silu_f32", emitSiLU, refSiLU},
	OpMulF32:         {"mul_f32", emitMulF32, refMulF32},
	OpSoftmaxF32:     {"softmax_f32", emitSoftmax, refSoftmax},
	OpDetect:         {"detect", emitDetect, refDetect},
	OpWinogradI16:    {"winograd_i16", winogradI16.emit, refWinogradI16},
	OpWinogradF32:    {"winograd_f32", winogradF32.emit, refWinogradF32},
	OpConvU8:         {"conv_u8", convU8.emit, refConvU8},
	OpConvU8F32:      {"conv_u8_f32", convU8F32.emit, refConvU8F32},
	OpLetterboxYUV:   {"letterbox_yuv", emitLetterboxYUV, refLetterboxYUV},
	OpWinograd43I16:  {"winograd43_i16", winograd43I16.emit, refWinograd43I16},
	OpWidenF32:       {"widen_f32", emitWidenF32, refWidenF32},
	OpPackWinograd43: {"pack_winograd43", emitPackWinograd43, refPackWinograd43},
}

// String is the kernel's name.
func (op Op) String() string {
	if op < NumOps {
		return table[op].name
	}
	return "unknown"
}
