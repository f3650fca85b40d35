package asm

import (
	"bytes"
	"context"
	"os/exec"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero/api"
)

// instantiate runs a module with one exported function "f".
func instantiate(t *testing.T, m *Module) api.Function {
	t.Helper()
	mod, err := runtime(t).Instantiate(context.Background(), m.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	return mod.ExportedFunction("f")
}

func call(t *testing.T, f api.Function, args ...uint64) uint64 {
	t.Helper()
	r, err := f.Call(context.Background(), args...)
	if err != nil {
		t.Fatal(err)
	}
	return r[0]
}

func TestControl(t *testing.T) {
	for _, c := range []struct {
		name    string
		body    func(f *Func, n, r Local) // computes r from n
		n, want uint64
	}{
		{"for", func(f *Func, n, r Local) {
			f.For(f.Local(I32), Int(0), n, 3, func() { f.Add(r, Int(1)) })
		}, 10, 4},
		{"for of nothing", func(f *Func, n, r Local) {
			f.For(f.Local(I32), n, n, 1, func() { f.Add(r, Int(1)) })
		}, 7, 0},
		{"while", func(f *Func, n, r Local) {
			f.While(I32GtU(n, Int(1)), func() { f.Set(n, I32ShrU(n, Int(1))); f.Add(r, Int(1)) })
		}, 1000, 9},
		{"do while", func(f *Func, n, r Local) {
			f.DoWhile(func() { f.Add(r, Int(1)) }, I32LtU(r, n))
		}, 0, 1},
		{"if", func(f *Func, n, r Local) {
			f.If(n, func() { f.Set(r, Int(5)) }, func() { f.Set(r, Int(6)) })
		}, 2, 5},
		{"else", func(f *Func, n, r Local) {
			f.If(n, func() { f.Set(r, Int(5)) }, func() { f.Set(r, Int(6)) })
		}, 0, 6},
		{"leave two blocks", func(f *Func, n, r Local) {
			f.Block(func(outer Label) {
				f.Loop(func(again Label) {
					f.Add(r, Int(1))
					f.Block(func(Label) { f.BrIf(outer, I32Eq(r, n)) })
					f.Br(again)
				})
			})
		}, 12, 12},
		{"select", func(f *Func, n, r Local) { f.Set(r, Select(Int(1), Int(2), n)) }, 0, 2},
		{"tee", func(f *Func, n, r Local) { f.Set(r, I32Add(Tee(n, Int(4)), n)) }, 0, 8},
		{"early return", func(f *Func, n, r Local) { f.If(n, func() { f.Return(Int(9)) }) }, 1, 9},
		{"big constants", func(f *Func, n, r Local) { f.Set(r, I32Xor(Int(-1<<31), Int(1<<31-1))) }, 0, 1<<32 - 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := NewModule()
			f := m.Func("f", Types(I32), I32)
			r := f.Local(I32)
			c.body(f, f.Param(0), r)
			f.Return(r)
			m.Export("f", f)
			if got := call(t, instantiate(t, m), c.n); got != c.want {
				t.Errorf("f(%d) = %d, want %d", c.n, got, c.want)
			}
		})
	}
}

func TestCallsTablesGlobals(t *testing.T) {
	m := NewModule()
	count := m.Global(Int(40))
	double := m.Func("double", Types(I32), I32)
	double.Return(I32Shl(double.Param(0), Int(1)))
	next := m.Func("next", Types(I32), I32)
	next.SetGlobal(count, I32Add(count, next.Param(0)))
	next.Return(count)
	m.Table(double, next)
	f := m.Func("f", Types(I32, I32), I32)
	f.Do(Call(next, Int(2))) // its value is dropped
	f.Return(CallIndirect(double, f.Param(0), f.Param(1)))
	m.Export("f", f)
	run := instantiate(t, m)
	if got := call(t, run, 0, 21); got != 42 {
		t.Errorf("table[0](21) = %d, want 42", got)
	}
	if got := call(t, run, 1, 5); got != 49 {
		t.Errorf("table[1](5) = %d, want 40 + 2 + 2 + 5", got)
	}
}

func TestMixedLocalsKeepTheirTypes(t *testing.T) {
	m := NewModule()
	f := m.Func("f", nil, I32)
	a, v, b, w := f.Let(Int(1)), f.Let(VecI32(2)), f.Let(Int(3)), f.Let(VecF32(4, 5))
	f.Set(v, I32x4Add(v, I32x4TruncSatF32x4S(w)))
	f.Return(I32Add(I32Add(a, b), I32Add(I32x4ExtractLane(v, 0), I32x4ExtractLane(v, 1))))
	m.Export("f", f)
	if got := call(t, instantiate(t, m)); got != 1+3+6+7 {
		t.Errorf("got %d, want 17", got)
	}
}

func TestShuffle(t *testing.T) {
	m := NewModule()
	f := m.Func("f", nil, I32)
	v := f.Let(I32x4Shuffle(VecI32(10, 11, 12, 13), VecI32(20, 21, 22, 23), [4]int{3, 4, 0, 6}))
	sum := Value(Int(0))
	for i := range 4 {
		sum = I32Add(I32Mul(sum, Int(100)), I32x4ExtractLane(v, i))
	}
	f.Return(sum)
	m.Export("f", f)
	if got := call(t, instantiate(t, m)); got != 13201022 {
		t.Errorf("lanes %d, want 13 20 10 22", got)
	}
}

func TestBulkMemory(t *testing.T) {
	m := NewModule()
	m.ExportMemory("memory", Memory{Min: 1})
	f := m.Func("f", nil, I32)
	f.Do(MemoryFill(Int(8), Int(7), Int(8)), MemoryCopy(Int(64), Int(10), Int(4)))
	f.Return(I32Load(Int(64), 0))
	m.Export("f", f)
	if got := call(t, instantiate(t, m)); got != 0x07070707 {
		t.Errorf("got %#x", got)
	}
}

func TestAtomicsOfSharedMemory(t *testing.T) {
	m := NewModule()
	m.ExportMemory("memory", Memory{Min: 1, Max: 2, Shared: true})
	f := m.Func("f", nil, I32)
	old := f.Let(I32AtomicRmwCmpxchg(Int(64), 4, Int(0), Int(11)))
	woken := f.Let(AtomicNotify(Int(64), 4, Int(1)))
	differs := f.Let(AtomicWait32(Int(64), 4, Int(3), Long(-1)))
	timeout := f.Let(AtomicWait32(Int(64), 4, Int(11), Long(1)))
	f.Do(AtomicFence())
	sum := I32Add(I32Mul(old, Int(1000)), I32Add(I32Mul(woken, Int(100)), I32Add(I32Mul(differs, Int(10)), timeout)))
	f.Return(I32Add(I32Mul(sum, Int(100)), I32AtomicLoad(Int(64), 4)))
	m.Export("f", f)
	if got := call(t, instantiate(t, m)); got != 1211 {
		t.Errorf("got %d, want old 0, woken 0, differs 1, timeout 2, value 11", got)
	}
}

func TestMistakesPanic(t *testing.T) {
	for _, c := range []struct {
		name, want string
		do         func(m *Module, f *Func)
	}{
		{"operand type", "i32.add operand 1", func(m *Module, f *Func) { I32Add(Int(1), Float(1)) }},
		{"set type", "local.set", func(m *Module, f *Func) { f.Set(f.Local(I32), Float(1)) }},
		{"lane", "lane 4 of 4", func(m *Module, f *Func) { I32x4ExtractLane(VecI32(1), 4) }},
		{"shuffle", "picks byte 32", func(m *Module, f *Func) { I8x16Shuffle(VecI32(1), VecI32(1), [16]byte{32}) }},
		{"argument count", "with 1 arguments", func(m *Module, f *Func) { Call(m.Func("g", nil), Int(1)) }},
		{"return of nothing", "return of 0 values", func(m *Module, f *Func) { f.Return() }},
		{"branch out of its block", "branch out", func(m *Module, f *Func) {
			var l Label
			f.Block(func(in Label) { l = in })
			f.Br(l)
		}},
		{"unlimited shared memory", "without a maximum", func(m *Module, f *Func) {
			m.ImportMemory("env", "memory", Memory{Shared: true})
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			defer func() {
				if got, _ := recover().(string); !strings.Contains(got, c.want) {
					t.Errorf("panic %q, want %q in it", got, c.want)
				}
			}()
			m := NewModule()
			c.do(m, m.Func("f", Types(I32), I32))
		})
	}
}

// TestRelaxedOperatorsValidate asks Node.js, where there is one, whether the
// encodings of relaxed SIMD are valid.
func TestRelaxedOperatorsValidate(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("no node: skipped")
	}
	m := NewModule()
	n := 0
	for _, op := range operators {
		if strings.Contains(op.name, "relaxed") {
			m.Func(op.name, nil, op.result).Return(op.sample(zero))
			n++
		}
	}
	script := `let b=[];process.stdin.on("data",d=>b.push(d)).on("end",()=>console.log(WebAssembly.validate(Buffer.concat(b))))`
	cmd := exec.Command(node, "--experimental-wasm-relaxed-simd", "-e", script)
	cmd.Stdin = bytes.NewReader(m.Bytes())
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Skipf("node cannot judge relaxed SIMD (%v): skipped", err)
	}
	if strings.TrimSpace(string(out)) != "true" {
		t.Errorf("%d relaxed operators: %s", n, out)
	}
}
