//go:build !js

package kernels

import (
	"bytes"
	"context"
	"math"
	"math/rand/v2"
	"sync"
	"testing"
	"unsafe"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

// machine is a simd128 module over its own memory in wazero.
type machine struct {
	memory api.Memory
	run    api.Function
}

// newMachine makes a machine with at least size bytes of memory.
func newMachine(t testing.TB, size int) *machine {
	t.Helper()
	ctx := context.Background()
	rt := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfig().WithCompilationCache(cache()))
	t.Cleanup(func() { rt.Close(ctx) })
	pages := uint32((size + 65535) / 65536)
	env, err := rt.InstantiateWithConfig(ctx, MemoryModule(Variant{}, pages), wazero.NewModuleConfig().WithName("env"))
	if err != nil {
		t.Fatal(err)
	}
	mod, err := rt.InstantiateWithConfig(ctx, Module(Variant{}), wazero.NewModuleConfig().WithName("kernels"))
	if err != nil {
		t.Fatal(err)
	}
	return &machine{env.ExportedMemory("memory"), mod.ExportedFunction("run")}
}

// cache shares compiled code between the machines of a test run.
var cache = sync.OnceValue(wazero.NewCompilationCache)

// image builds a memory image for a differential test: an allocator with a
// program. Guard bytes of noise lie between allocations, so that a kernel that
// writes outside its outputs is seen.
type image struct {
	mem   []byte
	steps []Step
	rng   *rand.Rand
}

func newImage(seed uint64) *image {
	return &image{mem: make([]byte, Base), rng: rand.New(rand.NewPCG(seed, 1))}
}

// alloc reserves n bytes of noise at a multiple of 16 and returns their address.
func (im *image) alloc(n int) uint32 {
	for range 32 {
		im.mem = append(im.mem, byte(im.rng.Uint32()))
	}
	for len(im.mem)%16 != 0 {
		im.mem = append(im.mem, byte(im.rng.Uint32()))
	}
	addr := uint32(len(im.mem))
	for range n {
		im.mem = append(im.mem, byte(im.rng.Uint32()))
	}
	return addr
}

// put stores values at a multiple of 16 and returns their address.
func put[T any](im *image, values ...T) uint32 {
	var t T
	addr := im.alloc(len(values) * int(unsafe.Sizeof(t)))
	copy(view[T](im.mem, addr, len(values)), values)
	return addr
}

// floats stores n random float32 in [−scale, scale).
func (im *image) floats(n int, scale float32) uint32 {
	v := make([]float32, n)
	for i := range v {
		v[i] = (im.rng.Float32()*2 - 1) * scale
	}
	return put(im, v...)
}

// step appends a step that runs op on a descriptor.
func step[D any](im *image, op Op, desc D, tiles int32) {
	im.steps = append(im.steps, Step{Op: op, Desc: put(im, desc), Tiles: uint32(tiles)})
}

// floatRegion is a part of memory that holds float32 results to be compared
// within tol·max(1, |want|).
type floatRegion struct {
	addr uint32
	n    int
	tol  float32
}

// compare runs the image's program by module and by oracle on copies of the
// memory and compares all of memory: bit for bit, but for the given regions.
func (im *image) compare(t testing.TB, regions ...floatRegion) {
	t.Helper()
	prog := put(im, im.steps...)
	im.alloc(16)
	im.compareOn(t, sharedMachine(t), prog, regions...)
}

// common is the machine that all comparisons of a process run on: making one
// takes far longer than most comparisons.
var common struct {
	sync.Once
	*machine
}

// lasting is a test whose clean-up never comes.
type lasting struct{ testing.TB }

func (lasting) Cleanup(func()) {}

func sharedMachine(t testing.TB) *machine {
	t.Helper()
	common.Do(func() { common.machine = newMachine(lasting{t}, 1<<16) })
	return common.machine
}

func (im *image) compareOn(t testing.TB, m *machine, prog uint32, regions ...floatRegion) {
	t.Helper()
	if recording != nil {
		recording.add(t.Name(), im, prog, regions)
		return
	}
	im.judge(t, m.exec(t, im.mem, prog, len(im.steps)), prog, regions...)
}

// judge compares memory after a run with the oracle's. got is changed.
func (im *image) judge(t testing.TB, got []byte, prog uint32, regions ...floatRegion) {
	t.Helper()
	want := bytes.Clone(im.mem)
	RefRun(want, prog, len(im.steps))
	copy(got[:Base], want) // threaded kernels count there
	for _, r := range regions {
		g, w := view[float32](got, r.addr, r.n), view[float32](want, r.addr, r.n)
		for i := range g {
			if !near(g[i], w[i], r.tol) {
				t.Fatalf("float %d of region at %d: module %v, oracle %v (tolerance %v)", i, r.addr, g[i], w[i], r.tol)
			}
		}
		copy(g, w)
	}
	if i := firstDifference(got, want); i >= 0 {
		t.Fatalf("memory at %d: module % x, oracle % x, before % x", i,
			window(got, i), window(want, i), window(im.mem, i))
	}
}

// exec runs n steps on a copy of mem and returns memory afterwards.
func (m *machine) exec(t testing.TB, mem []byte, prog uint32, n int) []byte {
	t.Helper()
	if have := m.memory.Size(); int(have) < len(mem) {
		m.memory.Grow((uint32(len(mem)) - have + 65535) / 65536)
	}
	m.memory.Write(0, mem)
	if _, err := m.run.Call(context.Background(), uint64(prog), uint64(n)); err != nil {
		t.Fatal(err)
	}
	got, _ := m.memory.Read(0, uint32(len(mem)))
	return bytes.Clone(got)
}

func near(got, want, tol float32) bool {
	if got != got || want != want {
		return got != got && want != want
	}
	if got == want {
		return true
	}
	return float32(math.Abs(float64(got-want))) <= tol*max(1, float32(math.Abs(float64(want))))
}

func firstDifference(a, b []byte) int {
	for i := range a {
		if a[i] != b[i] {
			return i
		}
	}
	return -1
}

func window(b []byte, i int) []byte { return b[i:min(i+8, len(b))] }

func TestModuleRunsStepsInOrder(t *testing.T) {
	im := newImage(1)
	step(im, OpNop, Map{}, 3)
	step(im, OpNop, Map{}, 0)
	im.compare(t)
}

func TestModuleIsDeterministic(t *testing.T) {
	for _, v := range []Variant{{}, {Threads: true}, {Relaxed: true}, {Relaxed: true, Threads: true}} {
		t.Run(v.String(), func(t *testing.T) {
			if !bytes.Equal(Module(v), Module(v)) {
				t.Fatal("two calls give different bytes")
			}
		})
	}
}
