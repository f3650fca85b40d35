//go:build !js

package kernels

import (
	"unsafe"

	"eagleeye/kernels/asm"
)

// maxPages is the limit of a shared memory: all that 32-bit addresses reach.
const maxPages = 65536

// Module returns the bytes of a kernel module. It imports the memory
// env.memory (shared, with a maximum of 65,536 pages, in threaded variants) and
// exports
//
//	run(prog i32, n i32)
//
// which executes n Step records at prog in order. Threaded variants also export
//
//	help()
//	stop()
//
// help makes the calling thread, with an instance of its own over the same
// memory, one of the team that executes the runs of another; it returns after
// stop, which any thread may call. A run traps then, and when a thread of the
// team stays away for seconds; another memory starts anew. Equal variants give
// equal bytes.
func Module(v Variant) []byte { return module(v, leaderPatience) }

func module(v Variant, patience int64) []byte {
	m := asm.NewModule()
	mem := asm.Memory{Min: 1}
	if v.Threads {
		mem.Max, mem.Shared = maxPages, true
	}
	m.ImportMemory("env", "memory", mem)

	entries, thread := emitKernels(m, v)
	m.Table(entries...)
	kernel := entries[OpNop]
	if v.Threads {
		t := &team{m, kernel, thread, patience}
		t.emit()
	} else {
		f := m.Func("run", asm.Types(asm.I32, asm.I32))
		serial(f, kernel, f.Param(0), f.Param(1))
		m.Export("run", f)
	}
	return m.Bytes()
}

// emitKernels emits all kernels, in order. thread is the index of the instance's
// thread, in threaded variants.
func emitKernels(m *asm.Module, v Variant) (entries []*asm.Func, thread asm.Global) {
	if v.Threads {
		thread = m.Global(asm.Int(0))
	}
	for _, k := range table {
		f := m.Func(k.name, asm.Types(asm.I32, asm.I32, asm.I32))
		if k.emit == nil {
			f.Unreachable()
		} else {
			k.emit(&emitter{Func: f, module: m, variant: v, thread: thread,
				desc: f.Param(0), begin: f.Param(1), end: f.Param(2)})
		}
		entries = append(entries, f)
	}
	return entries, thread
}

// serial emits the loop over n steps at p: table[Op](Desc, 0, Tiles). It moves p.
func serial(f *asm.Func, kernel *asm.Func, p, n asm.Local) {
	var s Step
	end := f.Let(asm.I32Add(p, asm.I32Mul(n, asm.Int(int32(unsafe.Sizeof(s))))))
	f.While(asm.I32LtU(p, end), func() {
		f.Do(asm.CallIndirect(kernel, asm.I32Load(p, uint32(unsafe.Offsetof(s.Op))),
			asm.I32Load(p, uint32(unsafe.Offsetof(s.Desc))), asm.Int(0),
			asm.I32Load(p, uint32(unsafe.Offsetof(s.Tiles)))))
		f.Add(p, asm.Int(int32(unsafe.Sizeof(s))))
	})
}

// MemoryModule returns a module that defines a memory of pages pages of 64 KiB
// and exports it as "memory": for hosts that cannot make the import of Module
// themselves. In threaded variants the memory is shared and cannot grow: hosts
// without virtual memory tricks allocate the maximum.
func MemoryModule(v Variant, pages uint32) []byte {
	m := asm.NewModule()
	mem := asm.Memory{Min: pages, Max: maxPages}
	if v.Threads {
		mem.Max, mem.Shared = pages, true
	}
	m.ExportMemory("memory", mem)
	return m.Bytes()
}

// emitter is what the emitter of a kernel works with: the function under
// construction, its parameters, and what the variant allows.
type emitter struct {
	*asm.Func
	module           *asm.Module
	variant          Variant
	thread           asm.Global // threaded variants: see emitKernels
	desc, begin, end asm.Local
}

// field reads the int32 (or address) at a byte offset of the descriptor into a
// new local: e.field(unsafe.Offsetof(d.OutW)).
func (e *emitter) field(offset uintptr) asm.Local {
	return e.Let(asm.I32Load(e.desc, uint32(offset)))
}

// floatField reads a float32 of the descriptor into a new local.
func (e *emitter) floatField(offset uintptr) asm.Local {
	return e.Let(asm.F32Load(e.desc, uint32(offset)))
}

// splatField reads a float32 of the descriptor into all lanes of a new local.
func (e *emitter) splatField(offset uintptr) asm.Local {
	return e.Let(asm.V128Load32Splat(e.desc, uint32(offset)))
}

// mapLocals is a Map in locals.
type mapLocals struct{ addr, row, pix asm.Local }

// mapField reads the Map at a byte offset of the descriptor.
func (e *emitter) mapField(offset uintptr) mapLocals {
	var m Map
	return mapLocals{
		addr: e.field(offset + unsafe.Offsetof(m.Addr)),
		row:  e.field(offset + unsafe.Offsetof(m.Row)),
		pix:  e.field(offset + unsafe.Offsetof(m.Pix)),
	}
}

// tiles runs body for each tile of this call; body must leave t alone.
func (e *emitter) tiles(body func(t asm.Local)) {
	t := e.Local(asm.I32)
	e.For(t, e.begin, e.end, 1, func() { body(t) })
}
