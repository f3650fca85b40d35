//go:build !js

package kernels

import (
	"unsafe"

	"eagleeye/kernels/asm"
)

// Threads. Instances of one threaded module over one shared memory are a team:
// the leader calls run, every other thread has called help and lives in it. All
// walk the same program and take chunks of each step's tiles. A step ends when
// all its tiles are computed, whoever did that: a thread that the system has put
// aside holds nobody up unless it is in the middle of a chunk. That is the
// difference to a barrier, at which every thread is waited for, and what makes a
// team useful on a machine that others use too.
//
// A chunk is a share of the tiles that are left ("guided self-scheduling",
// Polychronopoulos and Kuck, IEEE ToC C-36(12), 1987): large ones at first,
// small ones at the end, lest the others wait for a slow thread. One half of the
// team takes them from the first tile on, the other from the last one back, so
// that a thread meets the rows that it wrote itself in its own cache. Which
// thread computes a tile does not change its bytes.
//
// The tiles taken and the number of the step are one word of 64 bits, so one
// compare-and-exchange takes a chunk only if everything that a thread has read
// of the step still holds: a thread that slept through steps, runs or another
// program finds another number there.
//
// A thread without work spins for longer than a frame's serial parts take, then
// sleeps: sleeping within a frame would cost a wake a step, and systems like to
// put a woken thread beside the one that woke it, on the same processor.
// Sleepers announce themselves before they look a last time, wakers look for
// sleepers after they have written: with sequentially consistent atomics one of
// the two sees the other, so a wake is never lost and nobody pays for waking
// nobody.
//
// A thread may join at any time. The leader waits for a silent thread in the
// middle of a chunk for twice patience, then gives up and traps.

const (
	// spins is how often a waiting thread looks before it sleeps; V8 takes about
	// a nanosecond for each.
	spins = 300000
	// leaderPatience is half of what the leader waits for the others, in
	// nanoseconds. A tile takes far less than a millisecond, but a machine may be
	// suspended within it, which ends one wait.
	leaderPatience = 4e9
	// share: a chunk is 1/share of a thread's part of the tiles that are left.
	share = 2
)

// Addresses of the fields of Control.
const (
	ctlState  = ControlAddr + uint32(unsafe.Offsetof(Control{}.Low)) // Low, High and Turn at once
	ctlTurn   = ControlAddr + uint32(unsafe.Offsetof(Control{}.Turn))
	ctlDone   = ControlAddr + uint32(unsafe.Offsetof(Control{}.Done))
	ctlFirst  = ControlAddr + uint32(unsafe.Offsetof(Control{}.First))
	ctlProg   = ControlAddr + uint32(unsafe.Offsetof(Control{}.Prog))
	ctlSteps  = ControlAddr + uint32(unsafe.Offsetof(Control{}.Steps))
	ctlAsleep = ControlAddr + uint32(unsafe.Offsetof(Control{}.Asleep))
	ctlJoined = ControlAddr + uint32(unsafe.Offsetof(Control{}.Joined))
)

// timedOut is memory.atomic.wait32's result after its limit.
const timedOut = 2

// team emits the functions of a threaded module.
type team struct {
	m        *asm.Module
	kernel   *asm.Func  // any entry of the table, for its signature
	thread   asm.Global // index of this instance's thread, 0 for the leader
	patience int64
}

// ctl is the operand for access to a field of Control: the address is an offset.
func ctl() asm.Value { return asm.Int(0) }

// emit adds the exports run, help and stop to the module.
func (t *team) emit() {
	stop := t.emitStop()
	work := t.emitWork()
	t.m.Export("run", t.emitRun(work, stop))
	t.m.Export("help", t.emitHelp(work))
	t.m.Export("stop", stop)
}

// emitStop emits stop(): it marks the team as ended and wakes everybody.
func (t *team) emitStop() *asm.Func {
	f := t.m.Func("stop", nil)
	f.Do(
		asm.I32AtomicRmwOr(ctl(), ctlTurn, asm.Int(-1<<31)),
		asm.AtomicNotify(ctl(), ctlTurn, asm.Int(-1)),
	)
	return f
}

// emitRun emits run(prog, n) for the leader.
func (t *team) emitRun(work, stop *asm.Func) *asm.Func {
	f := t.m.Func("run", asm.Types(asm.I32, asm.I32))
	prog, n := f.Param(0), f.Param(1)
	turn := f.Let(asm.I32AtomicLoad(ctl(), ctlTurn)) // at rest only this thread and stop change it
	late := f.Local(asm.I32)
	f.If(ended(turn), f.Unreachable)
	f.If(asm.I32Eqz(asm.I32AtomicLoad(ctl(), ctlJoined)), func() {
		serial(f, t.kernel, prog, n)
		f.Return()
	})
	f.If(asm.I32LeS(n, asm.Int(0)), func() { f.Return() })
	// First comes first: with it, no step that others may read of the old turn
	// lies in the program.
	f.Do(
		asm.I32AtomicStore(ctl(), ctlFirst, following(turn)),
		asm.I32AtomicStore(ctl(), ctlProg, prog),
		asm.I32AtomicStore(ctl(), ctlSteps, n),
		asm.I32AtomicRmwCmpxchg(ctl(), ctlTurn, turn, following(turn)), // unless ended
	)
	wake(f)
	f.Do(asm.Call(work))
	f.Loop(func(again asm.Label) {
		f.Set(turn, asm.I32AtomicLoad(ctl(), ctlTurn))
		f.If(ended(turn), f.Unreachable)
		f.If(asm.I32LtU(since(turn), n), func() { // others compute the last tiles of a step
			spin(f, turn, func() {
				f.Set(late, asm.Int(0))
				f.While(asm.I32Eq(asm.I32AtomicLoad(ctl(), ctlTurn), turn), func() {
					f.Add(late, asm.I32Eq(sleep(f, turn, asm.Long(t.patience)), asm.Int(timedOut)))
					f.If(asm.I32GtU(late, asm.Int(1)), func() { f.Do(asm.Call(stop)) })
				})
			})
			f.Do(asm.Call(work))
			f.Br(again)
		})
	})
	return f
}

// emitHelp emits help() for the other threads: it returns after stop. The
// thread's number in the team is the order of joining.
func (t *team) emitHelp(work *asm.Func) *asm.Func {
	f := t.m.Func("help", nil)
	turn := f.Local(asm.I32)
	f.SetGlobal(t.thread, asm.I32Add(asm.I32AtomicRmwAdd(ctl(), ctlJoined, asm.Int(1)), asm.Int(1)))
	f.If(asm.I32GeU(t.thread, asm.Int(MaxThreads)), func() { f.Return() }) // it has no scratch
	f.Loop(func(again asm.Label) {
		// Read before work looks at the same word: what changes after it has
		// found nothing is seen by spin.
		f.Set(turn, asm.I32AtomicLoad(ctl(), ctlTurn))
		f.If(ended(turn), func() { f.Return() })
		f.Do(asm.Call(work))
		spin(f, turn, func() { sleep(f, turn, asm.Long(-1)) })
		f.Br(again)
	})
	return f
}

// emitWork emits work(): it computes chunks as long as there are any for this
// thread to take.
func (t *team) emitWork() *asm.Func {
	var s Step
	f := t.m.Func("work", nil)
	parts := f.Let(asm.I32Mul(asm.I32Add(asm.I32AtomicLoad(ctl(), ctlJoined), asm.Int(1)), asm.Int(share)))
	back := f.Let(asm.I32And(t.thread, asm.Int(1))) // takes the last tiles
	state := f.Local(asm.I64)
	turn, p, taken := f.Local(asm.I32), f.Local(asm.I32), f.Local(asm.I32)
	tiles, unit, units := f.Local(asm.I32), f.Local(asm.I32), f.Local(asm.I32)
	low, left, chunk := f.Local(asm.I32), f.Local(asm.I32), f.Local(asm.I32)
	begin, end := f.Local(asm.I32), f.Local(asm.I32)

	// become replaces the state read at the start of the round.
	become := func(turn, taken asm.Value) asm.Expr {
		v := asm.I64Or(asm.I64ExtendI32U(taken), asm.I64Shl(asm.I64ExtendI32U(turn), asm.Long(32)))
		return asm.I64Eq(asm.I64AtomicRmwCmpxchg(ctl(), ctlState, state, v), state)
	}
	// compute computes the chunk and ends the step when it was the last.
	compute := func() {
		f.Set(begin, asm.I32Mul(asm.Select(asm.I32Sub(asm.I32Add(low, left), chunk), low, back), unit))
		f.Set(end, asm.I32Add(begin, asm.I32Mul(chunk, unit)))
		f.Set(end, asm.Select(end, tiles, asm.I32LtU(end, tiles))) // the last unit may be smaller
		f.Do(asm.CallIndirect(t.kernel, asm.I32Load(p, uint32(unsafe.Offsetof(s.Op))),
			asm.I32Load(p, uint32(unsafe.Offsetof(s.Desc))), begin, end))
		f.If(asm.I32Eq(asm.I32Add(asm.I32AtomicRmwAdd(ctl(), ctlDone, chunk), chunk), units), func() {
			f.Do(asm.I32AtomicStore(ctl(), ctlDone, asm.Int(0)))
			f.Set(state, asm.I64AtomicLoad(ctl(), ctlState)) // everything is taken: only stop changes it
			f.If(asm.I32Eq(word(state, 32), turn), func() {
				f.If(become(following(turn), asm.Int(0)), func() { wake(f) })
			})
		})
	}
	f.Loop(func(again asm.Label) {
		f.Set(state, asm.I64AtomicLoad(ctl(), ctlState))
		f.Set(turn, word(state, 32))
		f.Set(p, asm.I32AtomicLoad(ctl(), ctlSteps))
		f.If(asm.I32GeU(since(turn), p), func() { f.Return() }) // at rest, or ended
		f.Set(p, asm.I32Add(asm.I32AtomicLoad(ctl(), ctlProg), asm.I32Mul(since(turn), asm.Int(int32(unsafe.Sizeof(s))))))
		f.BrIf(again, asm.I32Ne(asm.I32AtomicLoad(ctl(), ctlTurn), turn)) // else all four were of this run
		f.Set(tiles, asm.I32Load(p, uint32(unsafe.Offsetof(s.Tiles))))
		// Tiles are counted in units, of which there are less than 1<<16.
		f.Set(unit, asm.I32Add(asm.I32ShrU(tiles, asm.Int(16)), asm.Int(1)))
		f.Set(units, asm.I32DivU(asm.I32Add(tiles, asm.I32Sub(unit, asm.Int(1))), unit))
		f.Set(taken, word(state, 0))
		f.Set(low, asm.I32And(taken, asm.Int(0xffff)))
		f.Set(left, asm.I32Sub(asm.I32Sub(units, low), asm.I32ShrU(taken, asm.Int(16))))
		f.If(left, func() {
			f.Set(chunk, asm.I32DivU(left, parts))
			f.Set(chunk, asm.Select(chunk, asm.Int(1), chunk))
			f.If(become(turn, asm.I32Add(taken, asm.I32Shl(chunk, asm.I32Shl(back, asm.Int(4))))), compute)
			f.Br(again)
		})
		f.If(asm.I32Eqz(units), func() { // nobody will compute the last of no tiles
			f.If(become(following(turn), asm.Int(0)), func() { wake(f) })
			f.Br(again)
		})
	})
	return f
}

// word is the half of a 64-bit local from a bit on.
func word(v asm.Local, bit int64) asm.Expr {
	return asm.I32WrapI64(asm.I64ShrU(v, asm.Long(bit)))
}

// ended tells from a turn whether stop has been called.
func ended(turn asm.Value) asm.Expr { return asm.I32LtS(turn, asm.Int(0)) }

// following is the next turn; the sign bit is that of stop.
func following(turn asm.Value) asm.Expr {
	return asm.I32And(asm.I32Add(turn, asm.Int(1)), asm.Int(1<<31-1))
}

// since is the index of a turn's step in the run, not below the number of steps
// when the run is over, not yet begun, or the team has ended.
func since(turn asm.Local) asm.Expr {
	steps := asm.I32And(asm.I32Sub(turn, asm.I32AtomicLoad(ctl(), ctlFirst)), asm.Int(1<<31-1))
	return asm.Select(asm.Int(-1), steps, ended(turn))
}

// spin looks at Turn until it differs from turn; when its patience ends before,
// it does otherwise.
func spin(f *asm.Func, turn asm.Local, otherwise func()) {
	left := f.Let(asm.Int(spins))
	f.Block(func(done asm.Label) {
		f.Loop(func(again asm.Label) {
			f.BrIf(done, asm.I32Ne(asm.I32AtomicLoad(ctl(), ctlTurn), turn))
			f.BrIf(again, asm.Tee(left, asm.I32Sub(left, asm.Int(1))))
		})
		otherwise()
	})
}

// sleep sleeps while Turn equals turn, at most limit ns, counted among the
// sleepers, and yields the result of wait32.
func sleep(f *asm.Func, turn asm.Local, limit asm.Value) asm.Local {
	f.Do(asm.I32AtomicRmwAdd(ctl(), ctlAsleep, asm.Int(1)))
	result := f.Let(asm.AtomicWait32(ctl(), ctlTurn, turn, limit))
	f.Do(asm.I32AtomicRmwSub(ctl(), ctlAsleep, asm.Int(1)))
	return result
}

// wake wakes the sleepers on Turn, which has changed, if there are any.
func wake(f *asm.Func) {
	f.If(asm.I32AtomicLoad(ctl(), ctlAsleep), func() {
		f.Do(asm.AtomicNotify(ctl(), ctlTurn, asm.Int(-1)))
	})
}
