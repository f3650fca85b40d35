package asm

import (
	"bytes"
)

// Memory describes a linear memory. A shared one needs Max.
type Memory struct {
	Min, Max uint32 // pages of 64 KiB; Max 0: no limit
	Shared   bool
}

// Module is a WebAssembly module under construction. Functions keep the order
// in which they were declared; imported ones come first.
type Module struct {
	types    [][]byte
	imports  [][]byte
	imported int
	funcs    []*Func
	memory   *Memory
	table    []*Func
	globals  [][]byte
	exports  [][]byte
}

// NewModule returns an empty module.
func NewModule() *Module { return &Module{} }

// Func declares a function with the given parameters and at most one result.
func (m *Module) Func(name string, params []Type, result ...Type) *Func {
	f := m.newFunc(name, params, result)
	f.index = uint32(m.imported + len(m.funcs))
	m.funcs = append(m.funcs, f)
	return f
}

// ImportFunc imports a function; all imports precede the first Func.
func (m *Module) ImportFunc(module, name string, params []Type, result ...Type) *Func {
	if len(m.funcs) > 0 {
		panic("asm: import of " + name + " after the first function")
	}
	f := m.newFunc(name, params, result)
	f.index = uint32(m.imported)
	m.imported++
	m.imports = append(m.imports, leb(append(text(text(nil, module), name), 0), uint64(f.typ)))
	return f
}

func (m *Module) newFunc(name string, params []Type, result []Type) *Func {
	f := &Func{name: name, params: params}
	if len(result) > 1 {
		panic("asm: " + name + ": more than one result")
	}
	if len(result) == 1 {
		f.result = result[0]
	}
	f.typ = m.signature(params, f.result)
	return f
}

// signature returns the index of a function type, adding it when new.
func (m *Module) signature(params []Type, result Type) uint32 {
	t := leb([]byte{0x60}, uint64(len(params)))
	for _, p := range params {
		t = append(t, byte(p))
	}
	if result == Void {
		t = append(t, 0)
	} else {
		t = append(t, 1, byte(result))
	}
	for i, have := range m.types {
		if bytes.Equal(have, t) {
			return uint32(i)
		}
	}
	m.types = append(m.types, t)
	return uint32(len(m.types) - 1)
}

// ImportMemory imports the module's memory.
func (m *Module) ImportMemory(module, name string, mem Memory) {
	m.imports = append(m.imports, append(append(text(text(nil, module), name), 2), mem.limits()...))
}

// ExportMemory defines the module's memory and exports it.
func (m *Module) ExportMemory(name string, mem Memory) {
	m.memory = &mem
	m.exports = append(m.exports, append(text(nil, name), 2, 0))
}

// Global declares a mutable i32, f32 or i64 variable with a constant start.
func (m *Module) Global(init Expr) Global {
	m.globals = append(m.globals, append(append([]byte{byte(init.typ), 1}, init.code...), 0x0b))
	return Global{init.typ, uint32(len(m.globals) - 1)}
}

// Table sets the entries of the module's table, the target of CallIndirect.
func (m *Module) Table(entries ...*Func) { m.table = entries }

// Export makes a function visible by name.
func (m *Module) Export(name string, f *Func) {
	m.exports = append(m.exports, leb(append(text(nil, name), 0), uint64(f.index)))
}

// limits encodes the memory type (specification 5.3.9; flag 2 is shared).
func (mem Memory) limits() []byte {
	switch {
	case mem.Shared && mem.Max == 0:
		panic("asm: shared memory without a maximum")
	case mem.Shared:
		return leb(leb([]byte{3}, uint64(mem.Min)), uint64(mem.Max))
	case mem.Max > 0:
		return leb(leb([]byte{1}, uint64(mem.Min)), uint64(mem.Max))
	}
	return leb([]byte{0}, uint64(mem.Min))
}

// Bytes encodes the module, with a name section for profilers (specification
// 5.5 and appendix 7.4). Equal calls give equal bytes.
func (m *Module) Bytes() []byte {
	out := append([]byte("\x00asm"), 1, 0, 0, 0)
	out = section(out, 1, m.types)
	out = section(out, 2, m.imports)
	var typs, bodies, names [][]byte
	for _, f := range m.funcs {
		body := f.body()
		typs = append(typs, leb(nil, uint64(f.typ)))
		bodies = append(bodies, append(leb(nil, uint64(len(body))), body...))
		names = append(names, text(leb(nil, uint64(f.index)), f.name))
	}
	out = section(out, 3, typs)
	if n := uint64(len(m.table)); n > 0 {
		out = section(out, 4, [][]byte{leb(leb([]byte{0x70, 1}, n), n)})
	}
	if m.memory != nil {
		out = section(out, 5, [][]byte{m.memory.limits()})
	}
	out = section(out, 6, m.globals)
	out = section(out, 7, m.exports)
	if n := uint64(len(m.table)); n > 0 {
		elem := leb([]byte{0, 0x41, 0, 0x0b}, n)
		for _, f := range m.table {
			elem = leb(elem, uint64(f.index))
		}
		out = section(out, 9, [][]byte{elem})
	}
	out = section(out, 10, bodies)
	sub := vector(names)
	custom := append(leb(append(text(nil, "name"), 1), uint64(len(sub))), sub...)
	return append(leb(append(out, 0), uint64(len(custom))), custom...)
}

// section appends a section that is a vector of items, unless it is empty.
func section(out []byte, id byte, items [][]byte) []byte {
	if len(items) == 0 {
		return out
	}
	v := vector(items)
	return append(leb(append(out, id), uint64(len(v))), v...)
}

func vector(items [][]byte) []byte {
	return append(leb(nil, uint64(len(items))), bytes.Join(items, nil)...)
}

// text appends a name: length, then UTF-8.
func text(b []byte, s string) []byte { return append(leb(b, uint64(len(s))), s...) }
