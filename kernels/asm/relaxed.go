package asm

// Relaxed SIMD: results may differ between machines where the specification says so.
// Madd is a·b + c, rounded once or twice.
var (
	I8x16RelaxedSwizzle           = bin("i8x16.relaxed_swizzle", simd, 0x100, V128, V128, V128)
	I32x4RelaxedTruncF32x4S       = un("i32x4.relaxed_trunc_f32x4_s", simd, 0x101, V128, V128)
	I32x4RelaxedTruncF32x4U       = un("i32x4.relaxed_trunc_f32x4_u", simd, 0x102, V128, V128)
	F32x4RelaxedMadd              = ter("f32x4.relaxed_madd", simd, 0x105, V128, V128, V128, V128)
	F32x4RelaxedNmadd             = ter("f32x4.relaxed_nmadd", simd, 0x106, V128, V128, V128, V128)
	I8x16RelaxedLaneselect        = ter("i8x16.relaxed_laneselect", simd, 0x109, V128, V128, V128, V128)
	I16x8RelaxedLaneselect        = ter("i16x8.relaxed_laneselect", simd, 0x10a, V128, V128, V128, V128)
	I32x4RelaxedLaneselect        = ter("i32x4.relaxed_laneselect", simd, 0x10b, V128, V128, V128, V128)
	I64x2RelaxedLaneselect        = ter("i64x2.relaxed_laneselect", simd, 0x10c, V128, V128, V128, V128)
	F32x4RelaxedMin               = bin("f32x4.relaxed_min", simd, 0x10d, V128, V128, V128)
	F32x4RelaxedMax               = bin("f32x4.relaxed_max", simd, 0x10e, V128, V128, V128)
	I16x8RelaxedQ15mulrS          = bin("i16x8.relaxed_q15mulr_s", simd, 0x111, V128, V128, V128)
	I16x8RelaxedDotI8x16I7x16S    = bin("i16x8.relaxed_dot_i8x16_i7x16_s", simd, 0x112, V128, V128, V128)
	I32x4RelaxedDotI8x16I7x16AddS = ter("i32x4.relaxed_dot_i8x16_i7x16_add_s", simd, 0x113, V128, V128, V128, V128)
)
