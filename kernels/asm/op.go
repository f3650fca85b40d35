package asm

import "fmt"

// The shapes that operators come in. Each is a function value made by a
// constructor below from one line of the opcode tables.
type (
	// Unary is an operator of one operand.
	Unary func(a Value) Expr
	// Binary is an operator of two operands.
	Binary func(a, b Value) Expr
	// Ternary is an operator of three operands.
	Ternary func(a, b, c Value) Expr
	// Load reads memory at address + offset.
	Load func(addr Value, offset uint32) Expr
	// Store writes v to memory at address + offset; use it in Func.Do.
	Store func(addr Value, offset uint32, v Value) Expr
	// Extract reads a lane of a vector.
	Extract func(v Value, lane int) Expr
	// Replace yields v with one lane replaced by x.
	Replace func(v, x Value, lane int) Expr
	// LoadLane yields v with one lane read from memory.
	LoadLane func(addr Value, offset uint32, v Value, lane int) Expr
	// StoreLane writes one lane of v to memory; use it in Func.Do.
	StoreLane func(addr Value, offset uint32, v Value, lane int) Expr
)

// operator is what tests know about a table line: its name, and a sample use
// with operands fresh from arg.
type operator struct {
	name   string
	result Type
	sample func(arg func(Type) Value) Expr
}

// operators lists every table line in order of declaration.
var operators []operator

func register(name string, result Type, sample func(arg func(Type) Value) Expr) {
	operators = append(operators, operator{name, result, sample})
}

// Opcode prefixes (specification 5.4).
const (
	plain  = 0
	misc   = 0xfc
	simd   = 0xfd
	atomic = 0xfe
)

// opcode appends a prefixed opcode: prefix<<16 | code.
func opcode(b []byte, prefix, code uint32) []byte {
	if prefix == plain {
		return append(b, byte(code))
	}
	return leb(append(b, byte(prefix)), uint64(code))
}

// apply encodes the operands, then the opcode.
func apply(name string, prefix, code uint32, result Type, types []Type, args ...Value) Expr {
	var b []byte
	for i, a := range args {
		want(fmt.Sprintf("%s operand %d", name, i), types[i], a)
		b = a.appendTo(b)
	}
	return Expr{result, opcode(b, prefix, code)}
}

func un(name string, prefix, code uint32, result, a Type) Unary {
	types := Types(a)
	op := func(x Value) Expr { return apply(name, prefix, code, result, types, x) }
	register(name, result, func(arg func(Type) Value) Expr { return op(arg(a)) })
	return op
}

func bin(name string, prefix, code uint32, result, a, b Type) Binary {
	types := Types(a, b)
	op := func(x, y Value) Expr { return apply(name, prefix, code, result, types, x, y) }
	register(name, result, func(arg func(Type) Value) Expr { return op(arg(a), arg(b)) })
	return op
}

func ter(name string, prefix, code uint32, result, a, b, c Type) Ternary {
	types := Types(a, b, c)
	op := func(x, y, z Value) Expr { return apply(name, prefix, code, result, types, x, y, z) }
	register(name, result, func(arg func(Type) Value) Expr { return op(arg(a), arg(b), arg(c)) })
	return op
}

// memarg appends alignment (log2 of bytes; a hint, exact for atomics) and offset.
func memarg(e Expr, align, offset uint32) Expr {
	e.code = leb(leb(e.code, uint64(align)), uint64(offset))
	return e
}

func load(name string, prefix, code uint32, result Type, align uint32) Load {
	types := Types(I32)
	op := func(addr Value, offset uint32) Expr {
		return memarg(apply(name, prefix, code, result, types, addr), align, offset)
	}
	register(name, result, func(arg func(Type) Value) Expr { return op(arg(I32), 16) })
	return op
}

func store(name string, prefix, code uint32, v Type, align uint32) Store {
	types := Types(I32, v)
	op := func(addr Value, offset uint32, x Value) Expr {
		return memarg(apply(name, prefix, code, Void, types, addr, x), align, offset)
	}
	register(name, Void, func(arg func(Type) Value) Expr { return op(arg(I32), 16, arg(v)) })
	return op
}

// lane appends a lane index after checking it.
func lane(name string, e Expr, n, lanes int) Expr {
	if n < 0 || n >= lanes {
		panic(fmt.Sprintf("asm: %s: lane %d of %d", name, n, lanes))
	}
	e.code = append(e.code, byte(n))
	return e
}

func extract(name string, code uint32, result Type, lanes int) Extract {
	types := Types(V128)
	op := func(v Value, n int) Expr {
		return lane(name, apply(name, simd, code, result, types, v), n, lanes)
	}
	register(name, result, func(arg func(Type) Value) Expr { return op(arg(V128), lanes-1) })
	return op
}

func replace(name string, code uint32, x Type, lanes int) Replace {
	types := Types(V128, x)
	op := func(v, y Value, n int) Expr {
		return lane(name, apply(name, simd, code, V128, types, v, y), n, lanes)
	}
	register(name, V128, func(arg func(Type) Value) Expr { return op(arg(V128), arg(x), lanes-1) })
	return op
}

func loadLane(name string, code, align uint32) LoadLane {
	types, lanes := Types(I32, V128), 16>>align
	op := func(addr Value, offset uint32, v Value, n int) Expr {
		return lane(name, memarg(apply(name, simd, code, V128, types, addr, v), align, offset), n, lanes)
	}
	register(name, V128, func(arg func(Type) Value) Expr { return op(arg(I32), 16, arg(V128), lanes-1) })
	return op
}

func storeLane(name string, code, align uint32) StoreLane {
	types, lanes := Types(I32, V128), 16>>align
	op := func(addr Value, offset uint32, v Value, n int) Expr {
		return lane(name, memarg(apply(name, simd, code, Void, types, addr, v), align, offset), n, lanes)
	}
	register(name, Void, func(arg func(Type) Value) Expr { return op(arg(I32), 16, arg(V128), lanes-1) })
	return op
}
