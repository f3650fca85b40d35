// Package host is where kernels run: a Machine is an instance of a kernel
// module over its own linear memory, by wazero natively and by the browser in
// the tab. It may import kernels.
package host

// Machine runs kernel programs. Memory only ever grows; its first kernels.Base
// bytes belong to the kernels. A Machine is used by one goroutine at a time.
type Machine interface {
	// Reserve makes at least n bytes of memory addressable, zeroed when new.
	Reserve(n int) error
	// Size returns the bytes of memory.
	Size() int
	// Write copies p to memory at addr, Read copies memory at addr to p. Both
	// panic outside the reserved memory.
	Write(addr uint32, p []byte)
	Read(addr uint32, p []byte)
	// Run executes n steps of the program (kernels.Step records) at prog.
	Run(prog uint32, n int) error
	// Variant names the kernels in use, such as "simd128".
	Variant() string
	// Threads is the largest number of threads that a Run uses.
	Threads() int
	Close() error
}
