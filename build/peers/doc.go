// Package peers compares the engine with ONNX Runtime Web in one browser: its
// test says whether both read the same from the int8 file, and which is faster.
// ONNX Runtime comes from npm, at the version that package.json pins; it is no
// part of the product. The package may import wasm, kernels and what lies in
// build.
package peers
