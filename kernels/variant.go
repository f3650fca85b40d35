package kernels

import "strings"

// Variant selects the instructions of a module. The zero value is plain SIMD
// on one thread, which every current browser runs.
type Variant struct {
	Relaxed bool // relaxed SIMD (not in Safari, not in wazero)
	Threads bool // shared memory and atomics
}

// ParseVariant is the inverse of String; other names give the zero Variant.
func ParseVariant(name string) Variant {
	kind, threads := strings.CutSuffix(name, "-threads")
	return Variant{Relaxed: kind == "relaxed", Threads: threads}
}

// String names a variant: "simd128" or "relaxed", with "-threads" after it.
func (v Variant) String() string {
	s := "simd128"
	if v.Relaxed {
		s = "relaxed"
	}
	if v.Threads {
		s += "-threads"
	}
	return s
}
