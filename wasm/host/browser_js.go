package host

import (
	"errors"
	"fmt"
	"syscall/js"
	"unsafe"

	"eagleeye/kernels"
)

const pageSize = 65536

// maxBytes is what 32-bit addresses reach, less the last page, so that address
// arithmetic never wraps.
const maxBytes = 1<<32 - pageSize

// New takes over the kernels that the worker's bootstrap has instantiated. It
// must have set
//
//	globalThis.eagleeyeKernels = {memory, run, variant, threads}
//
// with the WebAssembly.Memory that the module imports as env.memory, its export
// run, the name of the variant (kernels.Variant.String) and how many threads it
// has started, the worker included. There is one such instance, so all machines
// of a worker are the same one: use one at a time.
func New(v kernels.Variant) (Machine, error) {
	m, err := Bootstrapped()
	if err == nil && m.Variant() != v.String() {
		return nil, fmt.Errorf("host: the worker started kernels %q, not %q", m.Variant(), v)
	}
	return m, err
}

// Bootstrapped is New for whatever variant the worker's bootstrap has chosen.
func Bootstrapped() (Machine, error) {
	k := js.Global().Get("eagleeyeKernels")
	if !k.Truthy() {
		return nil, errors.New("host: globalThis.eagleeyeKernels is not set: the worker's bootstrap must instantiate the kernels first")
	}
	m := &browserMachine{memory: k.Get("memory"), run: k.Get("run"), variant: k.Get("variant").String(), threads: 1, bytes: js.Global().Get("Uint8Array")}
	if n := k.Get("threads"); n.Type() == js.TypeNumber {
		m.threads = max(1, min(n.Int(), kernels.MaxThreads))
	}
	if m.run.Type() != js.TypeFunction || !m.memory.Truthy() {
		return nil, errors.New("host: globalThis.eagleeyeKernels lacks memory or run")
	}
	m.refresh()
	return m, nil
}

// Another makes a machine of its own from the module that the worker's bootstrap
// has compiled, which must not be a threaded one: eagleeyeKernels.module.
func Another() (m Machine, err error) {
	k := js.Global().Get("eagleeyeKernels")
	if !k.Truthy() || !k.Get("module").Truthy() {
		return nil, errors.New("host: globalThis.eagleeyeKernels.module is not set")
	}
	defer func() { // the browser throws a RangeError where it has no addresses left
		if r := recover(); r != nil {
			err = fmt.Errorf("host: no memory for other kernels: %v", r)
		}
	}()
	wa := js.Global().Get("WebAssembly")
	memory := wa.Get("Memory").New(map[string]any{"initial": 16, "maximum": maxBytes / pageSize / 2})
	instance := wa.Get("Instance").New(k.Get("module"), map[string]any{"env": map[string]any{"memory": memory}})
	b := &browserMachine{memory: memory, run: instance.Get("exports").Get("run"), variant: k.Get("variant").String(), threads: 1, bytes: js.Global().Get("Uint8Array")}
	b.refresh()
	return b, nil
}

type browserMachine struct {
	memory, run, bytes js.Value
	buffer             js.Value
	size               int
	views              map[uint32]js.Value // from an address to the end of memory
	variant            string
	threads            int
}

// maxViews bounds the cached views; a frame needs a handful.
const maxViews = 64

// refresh takes the memory's present buffer: growth detaches the old one.
func (m *browserMachine) refresh() {
	m.buffer = m.memory.Get("buffer")
	m.size = m.buffer.Get("byteLength").Int()
	m.views = map[uint32]js.Value{}
}

func (m *browserMachine) Reserve(n int) (err error) {
	if n < 0 || int64(n) > maxBytes {
		return fmt.Errorf("host: %d bytes of kernel memory asked for, the limit is %d", n, int64(maxBytes))
	}
	if n <= m.size {
		return nil
	}
	defer func() { // grow throws a RangeError
		if r := recover(); r != nil {
			err = fmt.Errorf("host: kernel memory cannot grow from %d to %d bytes: %v", m.size, n, r)
		}
	}()
	m.memory.Call("grow", (n-m.size+pageSize-1)/pageSize)
	m.refresh()
	return nil
}

func (m *browserMachine) Size() int { return m.size }

// view returns the memory from addr on, n bytes at least.
func (m *browserMachine) view(addr uint32, n int) js.Value {
	if int64(addr)+int64(n) > int64(m.size) {
		panic(fmt.Sprintf("host: %d bytes at %d are outside memory of %d", n, addr, m.size))
	}
	v, ok := m.views[addr]
	if !ok {
		v = m.bytes.New(m.buffer, addr)
		if len(m.views) == maxViews {
			clear(m.views)
		}
		m.views[addr] = v
	}
	return v
}

func (m *browserMachine) Write(addr uint32, p []byte) { js.CopyBytesToJS(m.view(addr, len(p)), p) }
func (m *browserMachine) Read(addr uint32, p []byte)  { js.CopyBytesToGo(p, m.view(addr, len(p))) }

func (m *browserMachine) Run(prog uint32, n int) (err error) {
	defer func() { // a trap is a JavaScript exception
		if r := recover(); r != nil {
			err = fmt.Errorf("host: kernel trap: %v", r)
			if m.threads > 1 { // the others wait in the middle of this run: no other can begin
				m.Write(generation+3, []byte{0x80})
			}
		}
	}()
	m.run.Invoke(prog, n)
	return nil
}

// generation is the address of the word whose sign bit ends a team.
const generation = kernels.ControlAddr + uint32(unsafe.Offsetof(kernels.Control{}.Turn))

// Ended reports whether a Run of a threaded machine has trapped or lost a
// thread: no other will succeed, and the worker must be started anew.
func Ended(m Machine) bool {
	var b [4]byte
	if m.Threads() > 1 {
		m.Read(generation, b[:])
	}
	return b[3]&0x80 != 0
}

func (m *browserMachine) Variant() string { return m.variant }
func (m *browserMachine) Threads() int    { return m.threads }

// Close forgets the memory of a machine of its own, so that it can be collected.
func (m *browserMachine) Close() error {
	if !m.memory.Equal(js.Global().Get("eagleeyeKernels").Get("memory")) {
		*m = browserMachine{variant: m.variant, threads: 1}
	}
	return nil
}
