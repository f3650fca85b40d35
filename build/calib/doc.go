// Package calib makes the int8 model that the page ships: it runs the float
// model over pictures with the engine, natively, lets package quant observe the
// activations, corrects the biases against the float model and writes the file.
// It may import wasm, kernels and what build has.
package calib
