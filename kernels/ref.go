//go:build !js

package kernels

import (
	"fmt"
	"unsafe"
)

// oracle defines a kernel in plain Go over an image of the kernels' memory.
type oracle func(mem []byte, desc uint32, begin, end int32)

// Ref runs the oracle of a kernel over tiles [begin, end) on a memory image.
// It is slow and exact: what it writes is what the emitted kernel must write.
// Oracles convert explicitly to float32 around each product, so that no
// compiler fuses it with an addition.
func Ref(mem []byte, op Op, desc uint32, begin, end int32) {
	if op >= NumOps || table[op].ref == nil {
		panic(fmt.Sprintf("kernels: op %d has no oracle", op))
	}
	table[op].ref(mem, desc, begin, end)
}

// RefRun runs the oracles of n Step records at prog, as the module's run does.
func RefRun(mem []byte, prog uint32, n int) {
	for i := range n {
		s := at[Step](mem, prog+uint32(i)*uint32(unsafe.Sizeof(Step{})))
		Ref(mem, s.Op, s.Desc, 0, int32(s.Tiles))
	}
}

// at views the T at an address of a memory image.
func at[T any](mem []byte, addr uint32) *T {
	return &view[T](mem, addr, 1)[0]
}

// view views n consecutive T at an address of a memory image; it panics outside.
func view[T any](mem []byte, addr uint32, n int) []T {
	var t T
	b := mem[addr:][:n*int(unsafe.Sizeof(t))]
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(b))), n)
}

// pixel is the address of pixel (y, x) of a map.
func (m *Map) pixel(y, x int32) uint32 {
	return m.Addr + uint32(y*m.Row+x*m.Pix)
}
