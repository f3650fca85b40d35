//go:build !js

package kernels

import "eagleeye/kernels/asm"

// Probe returns a small module without imports that exports
//
//	probe(all i32) i32
//
// probe(255) is 1 where the byte kernels of relaxed variants give right results,
// else 0. What i16x8.relaxed_dot_i8x16_i7x16_s does with bytes above 127 is up
// to the machine: x86 takes them as unsigned, as the kernels need it, ARM as
// signed. The module is valid only where SIMD is relaxed.
func Probe() []byte { return probe(asm.I16x8RelaxedDotI8x16I7x16S) }

// probe is Probe with another dot product, of weights and bytes.
func probe(dot func(w, a asm.Value) asm.Expr) []byte {
	m := asm.NewModule()
	f := m.Func("probe", asm.Types(asm.I32), asm.I32)
	// An argument, so that no compiler computes the answer ahead.
	all := f.Let(asm.I8x16Splat(f.Param(0)))
	right := f.Let(asm.Int(1))
	weights := [...]int8{127, 1, -127, -1, -128, 0, 127, -127, 64, 64, -64, -64, 0, 1, -1, 1}
	for _, bytes := range [...][16]uint8{
		{255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255},
		{128, 128, 128, 129, 200, 255, 255, 254, 254, 255, 129, 128, 255, 254, 192, 64},
		{0, 127, 127, 127, 1, 2, 3, 255, 0, 128, 128, 0, 77, 127, 126, 1},
	} {
		var want [8]int16
		var other [16]int8
		for i, b := range bytes {
			want[i/2] += int16(weights[i]) * int16(b)
			other[i] = int8(^b) // 255 xor it is b
		}
		got := dot(asm.VecI8(weights[:]...), asm.V128Xor(all, asm.VecI8(other[:]...)))
		f.Set(right, asm.I32And(right, asm.I16x8AllTrue(asm.I16x8Eq(got, asm.VecI16(want[:]...)))))
	}
	f.Return(right)
	m.Export("probe", f)
	return m.Bytes()
}
