package asm

import (
	"encoding/binary"
	"fmt"
	"math"
)

// Type is a WebAssembly value type; Void marks a statement.
type Type byte

// The value types and their binary codes (specification 5.3.1).
const (
	Void Type = 0
	I32  Type = 0x7f
	I64  Type = 0x7e
	F32  Type = 0x7d
	F64  Type = 0x7c
	V128 Type = 0x7b
)

// Types lists value types, for signatures.
func Types(t ...Type) []Type { return t }

func (t Type) String() string {
	switch t {
	case Void:
		return "void"
	case I32:
		return "i32"
	case I64:
		return "i64"
	case F32:
		return "f32"
	case F64:
		return "f64"
	case V128:
		return "v128"
	}
	return fmt.Sprintf("type(%#x)", byte(t))
}

// Value is an operand: an Expr, a Local or a Global.
type Value interface {
	// Type is the value's type.
	Type() Type
	appendTo(code []byte) []byte
}

// Expr is an encoded expression, or a statement when its type is Void.
type Expr struct {
	typ  Type
	code []byte
}

// Type implements Value.
func (e Expr) Type() Type { return e.typ }

func (e Expr) appendTo(code []byte) []byte { return append(code, e.code...) }

// Local is a parameter or a local variable of one function.
type Local struct {
	typ   Type
	index uint32
}

// Type implements Value.
func (l Local) Type() Type { return l.typ }

func (l Local) appendTo(code []byte) []byte { return leb(append(code, 0x20), uint64(l.index)) }

// Tee sets a local and yields its new value.
func Tee(l Local, v Value) Expr {
	want("local.tee", l.typ, v)
	return Expr{l.typ, leb(append(v.appendTo(nil), 0x22), uint64(l.index))}
}

// Global is a variable of a module.
type Global struct {
	typ   Type
	index uint32
}

// Type implements Value.
func (g Global) Type() Type { return g.typ }

func (g Global) appendTo(code []byte) []byte { return leb(append(code, 0x23), uint64(g.index)) }

// Int is i32.const.
func Int(v int32) Expr { return Expr{I32, sleb([]byte{0x41}, int64(v))} }

// Long is i64.const.
func Long(v int64) Expr { return Expr{I64, sleb([]byte{0x42}, v)} }

// Float is f32.const.
func Float(v float32) Expr {
	return Expr{F32, binary.LittleEndian.AppendUint32([]byte{0x43}, math.Float32bits(v))}
}

// Double is f64.const.
func Double(v float64) Expr {
	return Expr{F64, binary.LittleEndian.AppendUint64([]byte{0x44}, math.Float64bits(v))}
}

// Vec is v128.const with the given bytes.
func Vec(b [16]byte) Expr { return Expr{V128, append([]byte{0xfd, 0x0c}, b[:]...)} }

// VecI32 is v128.const of four int32 lanes.
func VecI32(lanes ...int32) Expr {
	var b [16]byte
	for i := range 4 {
		binary.LittleEndian.PutUint32(b[4*i:], uint32(lanes[i%len(lanes)]))
	}
	return Vec(b)
}

// VecI16 is v128.const of eight int16 lanes; fewer are repeated.
func VecI16(lanes ...int16) Expr {
	var b [16]byte
	for i := range 8 {
		binary.LittleEndian.PutUint16(b[2*i:], uint16(lanes[i%len(lanes)]))
	}
	return Vec(b)
}

// VecI8 is v128.const of sixteen int8 lanes; fewer are repeated.
func VecI8(lanes ...int8) Expr {
	var b [16]byte
	for i := range b {
		b[i] = byte(lanes[i%len(lanes)])
	}
	return Vec(b)
}

// VecF32 is v128.const of four float32 lanes; fewer are repeated.
func VecF32(lanes ...float32) Expr {
	var b [16]byte
	for i := range 4 {
		binary.LittleEndian.PutUint32(b[4*i:], math.Float32bits(lanes[i%len(lanes)]))
	}
	return Vec(b)
}

// want panics unless v has type t.
func want(op string, t Type, v Value) {
	if v.Type() != t {
		panic(fmt.Sprintf("asm: %s: operand is %v, want %v", op, v.Type(), t))
	}
}

// leb appends v in unsigned LEB128.
func leb(b []byte, v uint64) []byte { return binary.AppendUvarint(b, v) }

// sleb appends v in signed LEB128.
func sleb(b []byte, v int64) []byte {
	for {
		c := byte(v & 0x7f)
		v >>= 7
		if (v == 0 && c&0x40 == 0) || (v == -1 && c&0x40 != 0) {
			return append(b, c)
		}
		b = append(b, c|0x80)
	}
}
