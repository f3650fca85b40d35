//go:build !js

package host

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
	"github.com/tetratelabs/wazero/sys"

	"eagleeye/kernels"
)

const pageSize = 65536

// maxBytes is what 32-bit addresses reach, less the last page, so that address
// arithmetic never wraps.
const maxBytes = 1<<32 - pageSize

var errClosed = errors.New("host: the machine is closed")

// compiled holds machine code of all runtimes of the process: a second machine
// of the same variant costs a decode, not a compilation. wazero asks that the
// first compilation of a module is not raced, hence the lock.
var compiled = struct {
	sync.Mutex
	cache   wazero.CompilationCache
	modules map[kernels.Variant][]byte
}{modules: map[kernels.Variant][]byte{}}

// New starts a machine on wazero's compiler (its interpreter where there is
// none), with as many threads as there are processors for a threaded variant. It
// fails for a variant that wazero cannot run, such as relaxed SIMD.
func New(v kernels.Variant) (Machine, error) {
	threads := 1
	if v.Threads {
		threads = min(runtime.GOMAXPROCS(0), kernels.MaxThreads)
	}
	return NewThreads(v, threads)
}

// NewThreads is New with a number of threads, 1 to kernels.MaxThreads; one that
// is not threaded has 1.
func NewThreads(v kernels.Variant, threads int) (Machine, error) {
	if threads < 1 || threads > kernels.MaxThreads || threads > 1 && !v.Threads {
		return nil, fmt.Errorf("host: %d threads for kernels %s; want 1 to %d, 1 where they are not threaded", threads, v, kernels.MaxThreads)
	}
	ctx := context.Background()
	compiled.Lock()
	defer compiled.Unlock()
	if compiled.cache == nil {
		compiled.cache = wazero.NewCompilationCache()
	}
	module, ok := compiled.modules[v]
	if !ok {
		module = kernels.Module(v)
		compiled.modules[v] = module
	}
	m := &wazeroMachine{ctx: ctx, variant: v, threads: threads}
	features := api.CoreFeaturesV2
	if v.Threads {
		features |= experimental.CoreFeaturesThreads
	}
	m.runtime = wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfig().
		WithCoreFeatures(features).WithCompilationCache(compiled.cache))
	err := error(nil)
	if m.module, err = m.runtime.CompileModule(ctx, module); err == nil {
		err = m.start(1)
	}
	if err != nil {
		m.Close()
		return nil, fmt.Errorf("host: kernels %s: %w", v, err)
	}
	return m, nil
}

type wazeroMachine struct {
	ctx     context.Context
	runtime wazero.Runtime
	module  wazero.CompiledModule
	memory  api.Memory
	run     api.Function
	stack   [2]uint64
	variant kernels.Variant

	threads int
	stop    api.Function   // threaded variants
	helpers sync.WaitGroup // threads besides the leader
	modules []api.Module   // instances of start
}

// start makes a memory of the given pages and the instances over it.
func (m *wazeroMachine) start(pages uint32) error {
	c, err := m.runtime.CompileModule(m.ctx, kernels.MemoryModule(m.variant, pages))
	if err != nil {
		return err
	}
	env, err := m.instantiate(c, "env")
	if err != nil {
		return err
	}
	kern, err := m.instantiate(m.module, "kernels")
	if err != nil {
		return err
	}
	m.memory, m.run, m.stop = env.ExportedMemory("memory"), kern.ExportedFunction("run"), kern.ExportedFunction("stop")
	if m.run == nil || m.variant.Threads && m.stop == nil {
		return fmt.Errorf("the module lacks an export")
	}
	for i := 1; i < m.threads; i++ {
		thread, err := m.instantiate(m.module, fmt.Sprintf("kernels%d", i))
		if err != nil {
			return err
		}
		m.helpers.Go(func() {
			if _, err := thread.ExportedFunction("help").Call(m.ctx); err != nil { // a trap: the team cannot go on
				_, _ = thread.ExportedFunction("stop").Call(m.ctx)
			}
		})
	}
	return nil
}

func (m *wazeroMachine) instantiate(c wazero.CompiledModule, name string) (api.Module, error) {
	i, err := m.runtime.InstantiateModule(m.ctx, c, wazero.NewModuleConfig().WithName(name))
	if err == nil {
		m.modules = append(m.modules, i)
	}
	return i, err
}

// dismiss ends the threads and the instances.
func (m *wazeroMachine) dismiss() {
	if m.stop != nil {
		_, _ = m.stop.Call(m.ctx)
		m.helpers.Wait()
	}
	for _, i := range m.modules {
		i.Close(m.ctx)
	}
	m.modules, m.run, m.stop, m.memory = nil, nil, nil, nil
}

// move starts anew with a larger memory, which has what the old one had: wazero
// allocates the maximum of a shared memory at once, so ours do not grow.
func (m *wazeroMachine) move(bytes int) error {
	old, _ := m.memory.Read(kernels.Base, m.memory.Size()-kernels.Base)
	old = slices.Clone(old)
	m.dismiss()
	compiled.Lock()
	defer compiled.Unlock()
	if err := m.start(uint32((bytes + pageSize - 1) / pageSize)); err != nil {
		m.dismiss()
		return fmt.Errorf("host: kernel memory of %d bytes: %w", bytes, err)
	}
	m.memory.Write(kernels.Base, old)
	return nil
}

func (m *wazeroMachine) Reserve(n int) error {
	if n < 0 || n > maxBytes {
		return fmt.Errorf("host: %d bytes of kernel memory asked for, the limit is %d", n, maxBytes)
	}
	if m.memory == nil {
		return errClosed
	}
	have := m.Size()
	if n <= have {
		return nil
	}
	if m.variant.Threads {
		return m.move(n)
	}
	if _, ok := m.memory.Grow(uint32((n - have + pageSize - 1) / pageSize)); !ok {
		return fmt.Errorf("host: kernel memory cannot grow from %d to %d bytes", have, n)
	}
	return nil
}

func (m *wazeroMachine) Size() int {
	if m.memory == nil {
		return 0
	}
	return int(m.memory.Size())
}

func (m *wazeroMachine) Write(addr uint32, p []byte) {
	if !m.memory.Write(addr, p) {
		panic(fmt.Sprintf("host: write of %d bytes at %d outside memory of %d", len(p), addr, m.Size()))
	}
}

func (m *wazeroMachine) Read(addr uint32, p []byte) {
	b, ok := m.memory.Read(addr, uint32(len(p)))
	if !ok {
		panic(fmt.Sprintf("host: read of %d bytes at %d outside memory of %d", len(p), addr, m.Size()))
	}
	copy(p, b)
}

func (m *wazeroMachine) Run(prog uint32, n int) error {
	if m.run == nil {
		return errClosed
	}
	m.stack = [2]uint64{uint64(prog), uint64(uint32(n))}
	if err := m.run.CallWithStack(m.ctx, m.stack[:]); err != nil {
		if _, exited := err.(*sys.ExitError); exited {
			return fmt.Errorf("host: the machine is closed: %w", err)
		}
		if m.stop != nil { // the team is in disorder: make another
			if again := m.move(m.Size()); again != nil {
				return errors.Join(err, again)
			}
		}
		return fmt.Errorf("host: kernel trap: %w", err)
	}
	return nil
}

func (m *wazeroMachine) Variant() string { return m.variant.String() }
func (m *wazeroMachine) Threads() int    { return m.threads }

func (m *wazeroMachine) Close() error {
	m.dismiss()
	return m.runtime.Close(m.ctx)
}
