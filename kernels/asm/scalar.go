package asm

// Memory access (specification 5.4.6).
var (
	I32Load    = load("i32.load", plain, 0x28, I32, 2)
	I64Load    = load("i64.load", plain, 0x29, I64, 3)
	F32Load    = load("f32.load", plain, 0x2a, F32, 2)
	F64Load    = load("f64.load", plain, 0x2b, F64, 3)
	I32Load8S  = load("i32.load8_s", plain, 0x2c, I32, 0)
	I32Load8U  = load("i32.load8_u", plain, 0x2d, I32, 0)
	I32Load16S = load("i32.load16_s", plain, 0x2e, I32, 1)
	I32Load16U = load("i32.load16_u", plain, 0x2f, I32, 1)

	I32Store   = store("i32.store", plain, 0x36, I32, 2)
	I64Store   = store("i64.store", plain, 0x37, I64, 3)
	F32Store   = store("f32.store", plain, 0x38, F32, 2)
	F64Store   = store("f64.store", plain, 0x39, F64, 3)
	I32Store8  = store("i32.store8", plain, 0x3a, I32, 0)
	I32Store16 = store("i32.store16", plain, 0x3b, I32, 1)
)

// 32-bit integers (specification 5.4.7).
var (
	I32Eqz = un("i32.eqz", plain, 0x45, I32, I32)
	I32Eq  = bin("i32.eq", plain, 0x46, I32, I32, I32)
	I32Ne  = bin("i32.ne", plain, 0x47, I32, I32, I32)
	I32LtS = bin("i32.lt_s", plain, 0x48, I32, I32, I32)
	I32LtU = bin("i32.lt_u", plain, 0x49, I32, I32, I32)
	I32GtS = bin("i32.gt_s", plain, 0x4a, I32, I32, I32)
	I32GtU = bin("i32.gt_u", plain, 0x4b, I32, I32, I32)
	I32LeS = bin("i32.le_s", plain, 0x4c, I32, I32, I32)
	I32LeU = bin("i32.le_u", plain, 0x4d, I32, I32, I32)
	I32GeS = bin("i32.ge_s", plain, 0x4e, I32, I32, I32)
	I32GeU = bin("i32.ge_u", plain, 0x4f, I32, I32, I32)

	I32Clz    = un("i32.clz", plain, 0x67, I32, I32)
	I32Ctz    = un("i32.ctz", plain, 0x68, I32, I32)
	I32Popcnt = un("i32.popcnt", plain, 0x69, I32, I32)
	I32Add    = bin("i32.add", plain, 0x6a, I32, I32, I32)
	I32Sub    = bin("i32.sub", plain, 0x6b, I32, I32, I32)
	I32Mul    = bin("i32.mul", plain, 0x6c, I32, I32, I32)
	I32DivS   = bin("i32.div_s", plain, 0x6d, I32, I32, I32)
	I32DivU   = bin("i32.div_u", plain, 0x6e, I32, I32, I32)
	I32RemS   = bin("i32.rem_s", plain, 0x6f, I32, I32, I32)
	I32RemU   = bin("i32.rem_u", plain, 0x70, I32, I32, I32)
	I32And    = bin("i32.and", plain, 0x71, I32, I32, I32)
	I32Or     = bin("i32.or", plain, 0x72, I32, I32, I32)
	I32Xor    = bin("i32.xor", plain, 0x73, I32, I32, I32)
	I32Shl    = bin("i32.shl", plain, 0x74, I32, I32, I32)
	I32ShrS   = bin("i32.shr_s", plain, 0x75, I32, I32, I32)
	I32ShrU   = bin("i32.shr_u", plain, 0x76, I32, I32, I32)
)

// 64-bit integers.
var (
	I64Eqz = un("i64.eqz", plain, 0x50, I32, I64)
	I64Eq  = bin("i64.eq", plain, 0x51, I32, I64, I64)
	I64LtS = bin("i64.lt_s", plain, 0x53, I32, I64, I64)
	I64LtU = bin("i64.lt_u", plain, 0x54, I32, I64, I64)

	I64Add  = bin("i64.add", plain, 0x7c, I64, I64, I64)
	I64Sub  = bin("i64.sub", plain, 0x7d, I64, I64, I64)
	I64Mul  = bin("i64.mul", plain, 0x7e, I64, I64, I64)
	I64And  = bin("i64.and", plain, 0x83, I64, I64, I64)
	I64Or   = bin("i64.or", plain, 0x84, I64, I64, I64)
	I64Xor  = bin("i64.xor", plain, 0x85, I64, I64, I64)
	I64Shl  = bin("i64.shl", plain, 0x86, I64, I64, I64)
	I64ShrS = bin("i64.shr_s", plain, 0x87, I64, I64, I64)
	I64ShrU = bin("i64.shr_u", plain, 0x88, I64, I64, I64)
)

// 32-bit floats.
var (
	F32Eq = bin("f32.eq", plain, 0x5b, I32, F32, F32)
	F32Ne = bin("f32.ne", plain, 0x5c, I32, F32, F32)
	F32Lt = bin("f32.lt", plain, 0x5d, I32, F32, F32)
	F32Gt = bin("f32.gt", plain, 0x5e, I32, F32, F32)
	F32Le = bin("f32.le", plain, 0x5f, I32, F32, F32)
	F32Ge = bin("f32.ge", plain, 0x60, I32, F32, F32)

	F32Abs     = un("f32.abs", plain, 0x8b, F32, F32)
	F32Neg     = un("f32.neg", plain, 0x8c, F32, F32)
	F32Ceil    = un("f32.ceil", plain, 0x8d, F32, F32)
	F32Floor   = un("f32.floor", plain, 0x8e, F32, F32)
	F32Trunc   = un("f32.trunc", plain, 0x8f, F32, F32)
	F32Nearest = un("f32.nearest", plain, 0x90, F32, F32)
	F32Sqrt    = un("f32.sqrt", plain, 0x91, F32, F32)
	F32Add     = bin("f32.add", plain, 0x92, F32, F32, F32)
	F32Sub     = bin("f32.sub", plain, 0x93, F32, F32, F32)
	F32Mul     = bin("f32.mul", plain, 0x94, F32, F32, F32)
	F32Div     = bin("f32.div", plain, 0x95, F32, F32, F32)
	F32Min     = bin("f32.min", plain, 0x96, F32, F32, F32)
	F32Max     = bin("f32.max", plain, 0x97, F32, F32, F32)
)

// Conversions.
var (
	I32WrapI64        = un("i32.wrap_i64", plain, 0xa7, I32, I64)
	I64ExtendI32S     = un("i64.extend_i32_s", plain, 0xac, I64, I32)
	I64ExtendI32U     = un("i64.extend_i32_u", plain, 0xad, I64, I32)
	F32ConvertI32S    = un("f32.convert_i32_s", plain, 0xb2, F32, I32)
	F32ConvertI32U    = un("f32.convert_i32_u", plain, 0xb3, F32, I32)
	I32ReinterpretF32 = un("i32.reinterpret_f32", plain, 0xbc, I32, F32)
	F32ReinterpretI32 = un("f32.reinterpret_i32", plain, 0xbe, F32, I32)
	I32Extend8S       = un("i32.extend8_s", plain, 0xc0, I32, I32)
	I32Extend16S      = un("i32.extend16_s", plain, 0xc1, I32, I32)
	I32TruncSatF32S   = un("i32.trunc_sat_f32_s", misc, 0x00, I32, F32)
	I32TruncSatF32U   = un("i32.trunc_sat_f32_u", misc, 0x01, I32, F32)
)

// Select yields a when cond is not zero, else b. Both are evaluated.
func Select(a, b, cond Value) Expr {
	want("select", a.Type(), b)
	want("select condition", I32, cond)
	code := cond.appendTo(b.appendTo(a.appendTo(nil)))
	if a.Type() == V128 {
		return Expr{V128, append(code, 0x1c, 1, byte(V128))} // the untyped form is for numbers
	}
	return Expr{a.Type(), append(code, 0x1b)}
}

// MemoryCopy copies n bytes between places that may overlap (bulk memory).
func MemoryCopy(dst, src, n Value) Expr {
	e := apply("memory.copy", misc, 10, Void, Types(I32, I32, I32), dst, src, n)
	e.code = append(e.code, 0, 0)
	return e
}

// MemoryFill sets n bytes to the low byte of v (bulk memory).
func MemoryFill(dst, v, n Value) Expr {
	e := apply("memory.fill", misc, 11, Void, Types(I32, I32, I32), dst, v, n)
	e.code = append(e.code, 0)
	return e
}
