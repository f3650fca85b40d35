// Package bench times the engine against other runtimes that run YOLOv8 in a
// browser, by turns in one browser, after checking that each finds the right
// boxes. The others come from npm, at the versions that package-lock.json pins;
// none is part of the product. The package may import wasm, kernels and what
// lies in build.
package bench
