package asm

// Atomic access to 32-bit words of shared memory, sequentially consistent; the
// address is a multiple of 4 (threads proposal).
var (
	I32AtomicLoad    = load("i32.atomic.load", atomic, 0x10, I32, 2)
	I32AtomicStore   = store("i32.atomic.store", atomic, 0x17, I32, 2)
	I32AtomicRmwAdd  = rmw("i32.atomic.rmw.add", 0x1e)
	I32AtomicRmwSub  = rmw("i32.atomic.rmw.sub", 0x25)
	I32AtomicRmwAnd  = rmw("i32.atomic.rmw.and", 0x2c)
	I32AtomicRmwOr   = rmw("i32.atomic.rmw.or", 0x33)
	I32AtomicRmwXor  = rmw("i32.atomic.rmw.xor", 0x3a)
	I32AtomicRmwXchg = rmw("i32.atomic.rmw.xchg", 0x41)
)

// Rmw changes a word of memory and yields its old value.
type Rmw func(addr Value, offset uint32, v Value) Expr

func rmw(name string, code uint32) Rmw {
	types := Types(I32, I32)
	op := func(addr Value, offset uint32, v Value) Expr {
		return memarg(apply(name, atomic, code, I32, types, addr, v), 2, offset)
	}
	register(name, I32, func(arg func(Type) Value) Expr { return op(arg(I32), 16, arg(I32)) })
	return op
}

// I32AtomicRmwCmpxchg stores v where the word equals expected; it yields the old
// value.
func I32AtomicRmwCmpxchg(addr Value, offset uint32, expected, v Value) Expr {
	return memarg(apply("i32.atomic.rmw.cmpxchg", atomic, 0x48, I32, Types(I32, I32, I32), addr, expected, v), 2, offset)
}

// I64AtomicLoad loads 8 bytes at a multiple of 8.
func I64AtomicLoad(addr Value, offset uint32) Expr {
	return memarg(apply("i64.atomic.load", atomic, 0x11, I64, Types(I32), addr), 3, offset)
}

// I64AtomicRmwCmpxchg is I32AtomicRmwCmpxchg for 8 bytes at a multiple of 8.
func I64AtomicRmwCmpxchg(addr Value, offset uint32, expected, v Value) Expr {
	return memarg(apply("i64.atomic.rmw.cmpxchg", atomic, 0x49, I64, Types(I32, I64, I64), addr, expected, v), 3, offset)
}

// AtomicWait32 sleeps while the word equals expected, at most timeout ns (< 0:
// for ever). It yields 0 when woken, 1 when the word differs, 2 after timeout,
// and traps on memory that is not shared.
func AtomicWait32(addr Value, offset uint32, expected, timeout Value) Expr {
	return memarg(apply("memory.atomic.wait32", atomic, 0x01, I32, Types(I32, I32, I64), addr, expected, timeout), 2, offset)
}

// AtomicNotify wakes at most count sleepers on a word and yields their number.
func AtomicNotify(addr Value, offset uint32, count Value) Expr {
	return memarg(apply("memory.atomic.notify", atomic, 0x00, I32, Types(I32, I32), addr, count), 2, offset)
}

// AtomicFence orders all memory access before and after it.
func AtomicFence() Expr { return Expr{Void, []byte{atomic, 0x03, 0x00}} }
