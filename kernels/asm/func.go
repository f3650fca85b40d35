package asm

import (
	"fmt"
	"slices"
)

// Func is a function under construction. Calls to its methods append to its
// body.
type Func struct {
	name   string
	params []Type
	result Type
	index  uint32
	typ    uint32
	locals []Type
	code   []byte
	depth  int
}

// Label is the target of a branch: the end of a Block or If, the start of a
// Loop.
type Label struct{ depth int }

// Param is the i-th parameter.
func (f *Func) Param(i int) Local {
	if i < 0 || i >= len(f.params) {
		panic(fmt.Sprintf("asm: %s: parameter %d of %d", f.name, i, len(f.params)))
	}
	return Local{f.params[i], uint32(i)}
}

// Local declares a local variable, zero at the start.
func (f *Func) Local(t Type) Local {
	f.locals = append(f.locals, t)
	return Local{t, uint32(len(f.params) + len(f.locals) - 1)}
}

// Locals declares n local variables of one type.
func (f *Func) Locals(t Type, n int) []Local {
	l := make([]Local, n)
	for i := range l {
		l[i] = f.Local(t)
	}
	return l
}

// Let declares a local variable and sets it.
func (f *Func) Let(v Value) Local {
	l := f.Local(v.Type())
	f.Set(l, v)
	return l
}

// Set assigns v to a local.
func (f *Func) Set(l Local, v Value) {
	want("local.set", l.typ, v)
	f.code = leb(append(v.appendTo(f.code), 0x21), uint64(l.index))
}

// SetGlobal assigns v to a global.
func (f *Func) SetGlobal(g Global, v Value) {
	want("global.set", g.typ, v)
	f.code = leb(append(v.appendTo(f.code), 0x24), uint64(g.index))
}

// Add adds v to an i32, i64 or f32 local.
func (f *Func) Add(l Local, v Value) {
	switch l.typ {
	case I32:
		f.Set(l, I32Add(l, v))
	case I64:
		f.Set(l, I64Add(l, v))
	case F32:
		f.Set(l, F32Add(l, v))
	default:
		panic(fmt.Sprintf("asm: %s: Add to a %v", f.name, l.typ))
	}
}

// Do appends statements; a value that an expression leaves is dropped.
func (f *Func) Do(stmts ...Expr) {
	for _, s := range stmts {
		f.code = s.appendTo(f.code)
		if s.typ != Void {
			f.code = append(f.code, 0x1a)
		}
	}
}

// open starts a structured instruction without parameters and results.
func (f *Func) open(op byte) Label {
	f.code = append(f.code, op, 0x40)
	f.depth++
	return Label{f.depth}
}

func (f *Func) end() {
	f.code = append(f.code, 0x0b)
	f.depth--
}

// Block runs body; a branch to its label leaves it.
func (f *Func) Block(body func(done Label)) {
	l := f.open(0x02)
	body(l)
	f.end()
}

// Loop runs body once; a branch to its label repeats it.
func (f *Func) Loop(body func(again Label)) {
	l := f.open(0x03)
	body(l)
	f.end()
}

// If runs then when cond is not zero, else the optional otherwise.
func (f *Func) If(cond Value, then func(), otherwise ...func()) {
	want("if", I32, cond)
	f.code = cond.appendTo(f.code)
	f.open(0x04)
	then()
	for i, body := range otherwise {
		if i > 0 {
			panic("asm: if with two else branches")
		}
		f.code = append(f.code, 0x05)
		body()
	}
	f.end()
}

// Br jumps to a label of an enclosing Block or Loop.
func (f *Func) Br(l Label) { f.branch(0x0c, l) }

// BrIf jumps when cond is not zero.
func (f *Func) BrIf(l Label, cond Value) {
	want("br_if", I32, cond)
	f.code = cond.appendTo(f.code)
	f.branch(0x0d, l)
}

func (f *Func) branch(op byte, l Label) {
	if l.depth < 1 || l.depth > f.depth {
		panic(fmt.Sprintf("asm: %s: branch out of its block", f.name))
	}
	f.code = leb(append(f.code, op), uint64(f.depth-l.depth))
}

// While repeats body as long as cond, tested before each round, is not zero.
func (f *Func) While(cond Value, body func()) {
	f.If(cond, func() { f.DoWhile(body, cond) })
}

// DoWhile repeats body as long as cond, tested after each round, is not zero.
func (f *Func) DoWhile(body func(), cond Value) {
	f.Loop(func(again Label) {
		body()
		f.BrIf(again, cond)
	})
}

// For counts an i32 local from start, below end (signed), by step. The end is
// evaluated each round.
func (f *Func) For(i Local, start, end Value, step int32, body func()) {
	f.Set(i, start)
	f.While(I32LtS(i, end), func() {
		body()
		f.Add(i, Int(step))
	})
}

// Return leaves the function, with a value when it has a result.
func (f *Func) Return(v ...Value) {
	if f.result == Void != (len(v) == 0) || len(v) > 1 {
		panic(fmt.Sprintf("asm: %s: return of %d values", f.name, len(v)))
	}
	for _, x := range v {
		want("return", f.result, x)
		f.code = x.appendTo(f.code)
	}
	f.code = append(f.code, 0x0f)
}

// Unreachable traps.
func (f *Func) Unreachable() { f.code = append(f.code, 0x00) }

// Call calls a function of the module.
func Call(f *Func, args ...Value) Expr {
	return Expr{f.result, leb(append(arguments(f.name, f.params, args), 0x10), uint64(f.index))}
}

// CallIndirect calls entry number index of the module's table, which must have
// the signature of like.
func CallIndirect(like *Func, index Value, args ...Value) Expr {
	want("call_indirect", I32, index)
	code := index.appendTo(arguments(like.name, like.params, args))
	return Expr{like.result, append(leb(append(code, 0x11), uint64(like.typ)), 0)}
}

func arguments(name string, types []Type, args []Value) []byte {
	if len(args) != len(types) {
		panic(fmt.Sprintf("asm: call of %s with %d arguments, want %d", name, len(args), len(types)))
	}
	var code []byte
	for i, a := range args {
		want("call of "+name, types[i], a)
		code = a.appendTo(code)
	}
	return code
}

// body is the code-section entry of the function. Runs of equal local types
// share one declaration.
func (f *Func) body() []byte {
	if f.depth != 0 {
		panic(fmt.Sprintf("asm: %s: %d blocks left open", f.name, f.depth))
	}
	var runs []byte
	n := uint64(0)
	for rest := f.locals; len(rest) > 0; n++ {
		k := slices.IndexFunc(rest, func(t Type) bool { return t != rest[0] })
		if k < 0 {
			k = len(rest)
		}
		runs = append(leb(runs, uint64(k)), byte(rest[0]))
		rest = rest[k:]
	}
	b := append(leb(nil, n), runs...)
	b = append(b, f.code...)
	if f.result != Void {
		b = append(b, 0x00) // results leave by Return; the end is not reached
	}
	return append(b, 0x0b)
}
