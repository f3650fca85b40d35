package onnx

import "errors"

// What can be wrong with a file. Errors of this package wrap one of these and
// add what was found, where, and what to do about it.
var (
	ErrEmpty       = errors.New("onnx: the file is empty")
	ErrNotONNX     = errors.New("onnx: not an ONNX file")
	ErrTruncated   = errors.New("onnx: the file is truncated")
	ErrCorrupt     = errors.New("onnx: the file is damaged")
	ErrTooLarge    = errors.New("onnx: too large")
	ErrOpset       = errors.New("onnx: unsupported opset")
	ErrUnknownOp   = errors.New("onnx: unsupported operator")
	ErrUnsupported = errors.New("onnx: unsupported feature")
	ErrDType       = errors.New("onnx: unsupported element type")
	ErrShape       = errors.New("onnx: wrong shape")
	ErrName        = errors.New("onnx: inconsistent names")
	ErrCycle       = errors.New("onnx: the graph has a cycle")
	ErrInput       = errors.New("onnx: not an image model")
	ErrNotFinite   = errors.New("onnx: weights hold NaN or infinity")
)
