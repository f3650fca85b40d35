// Package kernels generates the WebAssembly module that does the arithmetic of
// the engine. One file holds one family of operators: the emitter, the plain-Go
// oracle and the memory layout (packing) side by side. All variants of a module
// (simd128 or relaxed SIMD, each with or without threads) come from the same
// emitters.
//
// A page gets the finished module, so emitters and oracles are not compiled for
// GOOS=js: there the package is the ABI, the packing and the tables.
//
// Kernels know nothing of graphs: the package may import kernels/asm and the
// standard library only.
package kernels
