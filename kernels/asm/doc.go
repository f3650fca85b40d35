// Package asm is a small assembler: Go calls in, the bytes of a WebAssembly
// module out.
//
// A module is made of functions; a function's body is a list of statements over
// typed expressions. An expression is already encoded: operators are Go
// functions from values to a new value, so code reads inside out as in any
// language, and a value of the wrong type panics at once with the operator's
// name (a broken emitter is a bug of ours, never input):
//
//	m := asm.NewModule()
//	mem := asm.Memory{Min: 1}
//	m.ImportMemory("env", "memory", mem)
//
//	f := m.Func("scale", asm.Types(asm.I32, asm.I32, asm.F32)) // (ptr, end, k)
//	ptr, end, k := f.Param(0), f.Param(1), f.Param(2)
//	kv := f.Local(asm.V128)
//	f.Set(kv, asm.F32x4Splat(k))
//	f.While(asm.I32LtU(ptr, end), func() {
//		x := asm.V128Load(ptr, 0)
//		f.Do(asm.V128Store(ptr, 0, asm.F32x4Mul(x, kv)))
//		f.Add(ptr, asm.Int(16))
//	})
//	m.Export("scale", f)
//	wasm := m.Bytes()
//
// Statements are methods of Func: Set, Add (x += v), Do (a store, a call),
// Block, Loop, If, For, While, DoWhile, Br, BrIf, Return. Operators are package
// variables named after the specification's text format (i32x4.dot_i16x8_s is
// I32x4DotI16x8S), each with its opcode in one table line. Memory operators take
// the address, then a constant byte offset (loads: address, offset; stores:
// address, offset, value; lane ones then the lane).
//
// An expression is evaluated where it is used, as often as it is used: Set a
// local to keep a value. Operands are evaluated left to right. Functions return
// at most one value.
//
// Encodings follow the WebAssembly 3.0 core specification, section 5 (binary
// format), and the threads proposal for atomics.
package asm
