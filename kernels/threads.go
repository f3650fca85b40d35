//go:build !js

package kernels

import (
	"unsafe"

	"eagleeye/kernels/asm"
)

// Threads. Instances of one threaded module over one shared memory are a team:
// the leader calls run, every other thread has called help and lives in it. All
// walk the same program, take chunks of each step's tiles by an atomic counter,
// and meet at a barrier before the next step. A chunk is a share of the tiles
// that are left ("guided self-scheduling", Polychronopoulos and Kuck, IEEE ToC
// C-36(12), 1987): large ones at first, whose neighbouring rows meet in a
// processor's cache, small ones at the end, lest the others wait for a slow
// thread. Which thread computes a tile does not change its bytes.
//
// The barrier is the centralized one of Mellor-Crummey and Scott ("Algorithms
// for Scalable Synchronization on Shared-Memory Multiprocessors", ACM TOCS 9(1),
// 1991, algorithm 7) with a generation number for the sense: the last to arrive
// resets the counters and raises the generation, the others wait for that. A
// wait spins about as long as a sleep and a wake cost, then sleeps, which costs
// at most twice the best choice (Karlin, Li, Manasse and Owicki, "Empirical
// Studies of Competitive Spinning for a Shared-Memory Multiprocessor", SOSP
// 1991). Sleepers announce themselves before they look a last time, wakers
// look for sleepers after they have written: with sequentially consistent
// atomics one of the two sees the other, so a wake is never lost and nobody pays
// for waking nobody.
//
// A thread may join at any time; it takes part from the next run on. The leader
// waits for a silent team for twice patience, then gives up and traps.

const (
	// spins is how often a waiting thread looks before it sleeps; V8 takes about
	// a nanosecond for each.
	spins = 20000
	// leaderPatience is half of what the leader waits for the others, in
	// nanoseconds. A tile takes far less than a millisecond, but a machine may be
	// suspended within it, which ends one wait.
	leaderPatience = 4e9
	// share: a chunk is 1/share of a thread's part of the tiles that are left.
	share = 2
)

// Addresses of the fields of Control.
const (
	ctlStart      = ControlAddr + uint32(unsafe.Offsetof(Control{}.Start))
	ctlProg       = ControlAddr + uint32(unsafe.Offsetof(Control{}.Prog))
	ctlSteps      = ControlAddr + uint32(unsafe.Offsetof(Control{}.Steps))
	ctlIdle       = ControlAddr + uint32(unsafe.Offsetof(Control{}.Idle))
	ctlNext       = ControlAddr + uint32(unsafe.Offsetof(Control{}.Next))
	ctlArrived    = ControlAddr + uint32(unsafe.Offsetof(Control{}.Arrived))
	ctlGeneration = ControlAddr + uint32(unsafe.Offsetof(Control{}.Generation))
	ctlAsleep     = ControlAddr + uint32(unsafe.Offsetof(Control{}.Asleep))
	ctlJoined     = ControlAddr + uint32(unsafe.Offsetof(Control{}.Joined))
)

// Start holds the number of the run above startShift bits of team size.
const (
	startShift = 8
	teamMask   = 1<<startShift - 1
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
	part := t.emitPart(stop)
	t.m.Export("run", t.emitRun(part))
	t.m.Export("help", t.emitHelp(part))
	t.m.Export("stop", stop)
}

// emitStop emits stop(): it marks the team as ended and wakes everybody.
func (t *team) emitStop() *asm.Func {
	f := t.m.Func("stop", nil)
	f.Do(
		asm.I32AtomicRmwOr(ctl(), ctlGeneration, asm.Int(-1<<31)),
		asm.I32AtomicRmwAdd(ctl(), ctlStart, asm.Int(1<<startShift)),
		asm.AtomicNotify(ctl(), ctlGeneration, asm.Int(-1)),
		asm.AtomicNotify(ctl(), ctlStart, asm.Int(-1)),
	)
	return f
}

// emitRun emits run(prog, n) for the leader.
func (t *team) emitRun(part *asm.Func) *asm.Func {
	f := t.m.Func("run", asm.Types(asm.I32, asm.I32))
	prog, n := f.Param(0), f.Param(1)
	size, start := f.Local(asm.I32), f.Local(asm.I32)
	f.If(ended(asm.I32AtomicLoad(ctl(), ctlGeneration)), f.Unreachable)
	f.Set(size, asm.I32Add(asm.I32AtomicLoad(ctl(), ctlJoined), asm.Int(1)))
	f.If(asm.I32GtU(size, asm.Int(MaxThreads)), func() { f.Set(size, asm.Int(MaxThreads)) })
	f.If(asm.I32Eq(size, asm.Int(1)), func() {
		serial(f, t.kernel, prog, n)
		f.Return()
	})
	f.If(asm.I32LeS(n, asm.Int(0)), func() { f.Return() })
	f.Do(asm.I32Store(ctl(), ctlProg, prog), asm.I32Store(ctl(), ctlSteps, n))
	f.Set(start, asm.I32ShrU(asm.I32AtomicLoad(ctl(), ctlStart), asm.Int(startShift)))
	f.Set(start, asm.I32Shl(asm.I32Add(start, asm.Int(1)), asm.Int(startShift)))
	f.Do(asm.I32AtomicStore(ctl(), ctlStart, asm.I32Or(start, size)))
	wake(f, ctlStart, ctlIdle)
	f.Do(asm.Call(part, prog, n, size, asm.Int(1)))
	return f
}

// emitHelp emits help() for the other threads: it returns after stop. The
// thread's number in the team is the order of joining.
func (t *team) emitHelp(part *asm.Func) *asm.Func {
	f := t.m.Func("help", nil)
	seen, now, size := f.Local(asm.I32), f.Local(asm.I32), f.Local(asm.I32)
	index := f.Local(asm.I32)
	// Runs that begin before the thread has joined leave it out, later ones
	// change Start after seen.
	f.Set(seen, asm.I32AtomicLoad(ctl(), ctlStart))
	f.Set(index, asm.I32Add(asm.I32AtomicRmwAdd(ctl(), ctlJoined, asm.Int(1)), asm.Int(1)))
	f.SetGlobal(t.thread, index)
	f.If(ended(asm.I32AtomicLoad(ctl(), ctlGeneration)), func() { f.Return() }) // later stops change Start too
	f.Loop(func(again asm.Label) {
		spin(f, ctlStart, seen, now)
		f.While(asm.I32Eq(now, seen), func() {
			sleep(f, ctlStart, ctlIdle, seen, asm.Long(-1))
			f.Set(now, asm.I32AtomicLoad(ctl(), ctlStart))
		})
		f.If(ended(asm.I32AtomicLoad(ctl(), ctlGeneration)), func() { f.Return() })
		f.Set(seen, now)
		f.Set(size, asm.I32And(now, asm.Int(teamMask)))
		f.If(asm.I32LtU(index, size), func() {
			f.Do(asm.Call(part, asm.I32Load(ctl(), ctlProg), asm.I32Load(ctl(), ctlSteps), size, asm.Int(0)))
		})
		f.Br(again)
	})
	return f
}

// emitPart emits part(prog, n, size, leader): one thread's part of n ≥ 1
// steps in a team of size threads. It traps for the leader, and returns for
// others, when the team has ended.
func (t *team) emitPart(stop *asm.Func) *asm.Func {
	var s Step
	f := t.m.Func("part", asm.Types(asm.I32, asm.I32, asm.I32, asm.I32))
	p, n, size, leader := f.Param(0), f.Param(1), f.Param(2), f.Param(3)
	end := f.Let(asm.I32Add(p, asm.I32Mul(n, asm.Int(int32(unsafe.Sizeof(s))))))
	last := f.Let(asm.I32Sub(size, asm.Int(1)))
	parts := f.Let(asm.I32Mul(size, asm.Int(share)))
	generation := f.Let(asm.I32AtomicLoad(ctl(), ctlGeneration)) // no barrier passes without this thread
	tiles, first, until := f.Local(asm.I32), f.Local(asm.I32), f.Local(asm.I32)
	now, late := f.Local(asm.I32), f.Local(asm.I32)
	limit := f.Let(asm.Select(asm.Long(t.patience), asm.Long(-1), leader))

	f.DoWhile(func() {
		f.Set(tiles, asm.I32Load(p, uint32(unsafe.Offsetof(s.Tiles))))
		f.While(asm.I32LtU(asm.Tee(first, asm.I32AtomicLoad(ctl(), ctlNext)), tiles), func() {
			f.Set(until, asm.I32DivU(asm.I32Sub(tiles, first), parts))
			f.Set(until, asm.I32Add(first, asm.Select(until, asm.Int(1), until)))
			f.If(asm.I32Eq(asm.I32AtomicRmwCmpxchg(ctl(), ctlNext, first, until), first), func() {
				f.Do(asm.CallIndirect(t.kernel, asm.I32Load(p, uint32(unsafe.Offsetof(s.Op))),
					asm.I32Load(p, uint32(unsafe.Offsetof(s.Desc))), first, until))
			})
		})
		f.Add(p, asm.Int(int32(unsafe.Sizeof(s))))

		f.If(asm.I32Eq(asm.I32AtomicRmwAdd(ctl(), ctlArrived, asm.Int(1)), last), func() {
			f.Do(
				asm.I32AtomicStore(ctl(), ctlArrived, asm.Int(0)),
				asm.I32AtomicStore(ctl(), ctlNext, asm.Int(0)),
				asm.I32AtomicRmwCmpxchg(ctl(), ctlGeneration, generation, following(generation)), // unless ended
			)
			wake(f, ctlGeneration, ctlAsleep)
		}, func() {
			f.If(asm.I32Eqz(leader), func() { // others need not see the program's end
				f.If(asm.I32GeU(p, end), func() { f.Return() })
			})
			spin(f, ctlGeneration, generation, now)
			f.Set(late, asm.Int(0))
			f.While(asm.I32Eq(now, generation), func() {
				f.Add(late, asm.I32Eq(sleep(f, ctlGeneration, ctlAsleep, generation, limit), asm.Int(timedOut)))
				f.If(asm.I32GtU(late, asm.Int(1)), func() { f.Do(asm.Call(stop)) })
				f.Set(now, asm.I32AtomicLoad(ctl(), ctlGeneration))
			})
		})
		f.Set(now, asm.I32AtomicLoad(ctl(), ctlGeneration))
		f.If(ended(now), func() {
			f.If(leader, f.Unreachable)
			f.Return()
		})
		f.Set(generation, following(generation))
	}, asm.I32LtU(p, end))
	return f
}

// ended tells from a generation whether stop has been called.
func ended(generation asm.Value) asm.Expr { return asm.I32LtS(generation, asm.Int(0)) }

// following is the next generation; the sign bit is that of stop.
func following(generation asm.Value) asm.Expr {
	return asm.I32And(asm.I32Add(generation, asm.Int(1)), asm.Int(1<<31-1))
}

// spin looks at a word until it differs from old or the patience for that ends;
// now is what was seen last.
func spin(f *asm.Func, word uint32, old, now asm.Local) {
	left := f.Let(asm.Int(spins))
	f.Block(func(done asm.Label) {
		f.Loop(func(again asm.Label) {
			f.BrIf(done, asm.I32Ne(asm.Tee(now, asm.I32AtomicLoad(ctl(), word)), old))
			f.BrIf(again, asm.Tee(left, asm.I32Sub(left, asm.Int(1))))
		})
	})
}

// sleep sleeps while a word equals old, at most limit ns, counted among the
// sleepers, and yields the result of wait32.
func sleep(f *asm.Func, word, sleepers uint32, old asm.Local, limit asm.Value) asm.Local {
	f.Do(asm.I32AtomicRmwAdd(ctl(), sleepers, asm.Int(1)))
	result := f.Let(asm.AtomicWait32(ctl(), word, old, limit))
	f.Do(asm.I32AtomicRmwSub(ctl(), sleepers, asm.Int(1)))
	return result
}

// wake wakes the sleepers on a word that has been written, if there are any.
func wake(f *asm.Func, word, sleepers uint32) {
	f.If(asm.I32AtomicLoad(ctl(), sleepers), func() {
		f.Do(asm.AtomicNotify(ctl(), word, asm.Int(-1)))
	})
}
