// Package calib is the command's side of wasm/calib: models from files, pictures
// from folders or drawn scenes, bars, and an output that appears complete or not
// at all. It may import wasm, kernels and what build has.
package calib
