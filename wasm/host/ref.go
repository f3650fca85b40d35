//go:build !js

package host

import (
	"fmt"

	"eagleeye/kernels"
)

// NewRef returns a machine that runs the plain-Go oracles of package kernels:
// slow, and the judge of the others in tests.
func NewRef() Machine { return &refMachine{} }

type refMachine struct{ mem []byte }

func (m *refMachine) Reserve(n int) error {
	if n < 0 || n > maxBytes {
		return fmt.Errorf("host: %d bytes of kernel memory asked for, the limit is %d", n, maxBytes)
	}
	if n > len(m.mem) {
		grown := make([]byte, (n+pageSize-1)/pageSize*pageSize)
		copy(grown, m.mem)
		m.mem = grown
	}
	return nil
}

func (m *refMachine) Size() int                   { return len(m.mem) }
func (m *refMachine) Write(addr uint32, p []byte) { copy(m.mem[addr:int(addr)+len(p)], p) }
func (m *refMachine) Read(addr uint32, p []byte)  { copy(p, m.mem[addr:int(addr)+len(p)]) }
func (m *refMachine) Variant() string             { return "oracle" }
func (m *refMachine) Threads() int                { return 1 }
func (m *refMachine) Close() error                { m.mem = nil; return nil }
func (m *refMachine) Run(prog uint32, n int) error {
	kernels.RefRun(m.mem, prog, n)
	return nil
}
