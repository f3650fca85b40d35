//go:build !js

package host

import (
	"context"
	"fmt"
	"sync"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/sys"

	"eagleeye/kernels"
)

const pageSize = 65536

// maxBytes is what 32-bit addresses reach, less the last page, so that address
// arithmetic never wraps.
const maxBytes = 1<<32 - pageSize

// compiled holds machine code of all runtimes of the process: a second machine
// of the same variant costs a decode, not a compilation. wazero asks that the
// first compilation of a module is not raced, hence the lock.
var compiled = struct {
	sync.Mutex
	cache   wazero.CompilationCache
	modules map[kernels.Variant][]byte
}{modules: map[kernels.Variant][]byte{}}

// New starts a machine on wazero's compiler (its interpreter where there is
// none). It fails for a variant that wazero cannot run, such as relaxed SIMD.
func New(v kernels.Variant) (Machine, error) {
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
	m := &wazeroMachine{ctx: ctx, variant: v.String()}
	m.runtime = wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfig().
		WithCoreFeatures(api.CoreFeaturesV2).WithCompilationCache(compiled.cache))
	if err := m.start(v, module); err != nil {
		m.runtime.Close(ctx)
		return nil, fmt.Errorf("host: kernels %s: %w", m.variant, err)
	}
	return m, nil
}

type wazeroMachine struct {
	ctx     context.Context
	runtime wazero.Runtime
	memory  api.Memory
	run     api.Function
	stack   [2]uint64
	variant string
}

func (m *wazeroMachine) start(v kernels.Variant, module []byte) error {
	env, err := m.instantiate(kernels.MemoryModule(v, 1), "env")
	if err != nil {
		return err
	}
	m.memory = env.ExportedMemory("memory")
	kern, err := m.instantiate(module, "kernels")
	if err != nil {
		return err
	}
	if m.run = kern.ExportedFunction("run"); m.run == nil {
		return fmt.Errorf("the module exports no function run")
	}
	return nil
}

func (m *wazeroMachine) instantiate(module []byte, name string) (api.Module, error) {
	c, err := m.runtime.CompileModule(m.ctx, module)
	if err != nil {
		return nil, err
	}
	return m.runtime.InstantiateModule(m.ctx, c, wazero.NewModuleConfig().WithName(name))
}

func (m *wazeroMachine) Reserve(n int) error {
	if n < 0 || n > maxBytes {
		return fmt.Errorf("host: %d bytes of kernel memory asked for, the limit is %d", n, maxBytes)
	}
	have := m.Size()
	if n <= have {
		return nil
	}
	if _, ok := m.memory.Grow(uint32((n - have + pageSize - 1) / pageSize)); !ok {
		return fmt.Errorf("host: kernel memory cannot grow from %d to %d bytes", have, n)
	}
	return nil
}

func (m *wazeroMachine) Size() int { return int(m.memory.Size()) }

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
		return fmt.Errorf("host: the machine is closed")
	}
	m.stack = [2]uint64{uint64(prog), uint64(uint32(n))}
	if err := m.run.CallWithStack(m.ctx, m.stack[:]); err != nil {
		if _, exited := err.(*sys.ExitError); exited {
			return fmt.Errorf("host: the machine is closed: %w", err)
		}
		return fmt.Errorf("host: kernel trap: %w", err)
	}
	return nil
}

func (m *wazeroMachine) Variant() string { return m.variant }

func (m *wazeroMachine) Close() error {
	m.run = nil
	return m.runtime.Close(m.ctx)
}
