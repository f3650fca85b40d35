// Package demo holds the model that the project ships: it finds drawn and printed
// symbols, and was trained by build/demo/recipe on scenes of build/scenes alone.
// training/ holds the record of that. It imports nothing of ours.
package demo

import _ "embed"

// Name is the model's file name, as the page shows it.
const Name = "eagle-eye-symbols.onnx"

// Model is the int8 model, an ONNX file.
//
//go:embed eagle-eye-symbols.onnx
var Model []byte

// Classes are its class names.
var Classes = []string{"circle", "triangle", "square", "star", "heart", "cross", "arrow", "smiley"}
