// Package graph is the intermediate representation of a model and the passes
// over it. It imports nothing of ours.
//
// A graph starts as a faithful copy of an ONNX file and ends, after Prepare, as
// the small set of nodes that package plan can lower.
package graph

import "fmt"

// DType is the element type of a tensor.
type DType uint8

// Element types.
const (
	Invalid DType = iota
	Float32
	Float16
	Int8
	Uint8
	Int32
	Int64
	Bool
	Float64
	Int16
	Uint16
)

// Size returns the bytes of one element.
func (d DType) Size() int {
	switch d {
	case Int8, Uint8, Bool:
		return 1
	case Float16, Int16, Uint16:
		return 2
	case Float32, Int32:
		return 4
	case Int64, Float64:
		return 8
	}
	return 0
}

func (d DType) String() string {
	names := [...]string{"invalid", "float32", "float16", "int8", "uint8", "int32", "int64", "bool", "float64", "int16", "uint16"}
	if int(d) < len(names) {
		return names[d]
	}
	return fmt.Sprintf("dtype(%d)", d)
}

// Tensor is a constant: a row-major payload of little-endian elements.
type Tensor struct {
	DType DType
	Shape []int
	Data  []byte // len = product(Shape)·DType.Size()
}

// Quant says how real numbers are represented: real = Scale·(q − Zero). One
// entry is per tensor, several are per index of Axis.
type Quant struct {
	DType DType // Int8, Uint8 (also Int32 for biases)
	Scale []float32
	Zero  []int32
	Axis  int
}

// Value is an edge: the result of a node, a graph input, or a constant. A nil
// *Value in Node.In is an omitted optional input.
type Value struct {
	Name  string
	DType DType
	Shape []int   // NCHW as in ONNX; −1 where unknown; nil when the rank is unknown
	Const *Tensor // set for initializers and folded values
	Quant *Quant  // set by LiftQDQ: a constant holds q, an activation is rounded to this grid
}

// Attr is an attribute of a node; one field is set.
type Attr struct {
	I      int64
	F      float32
	S      string
	T      *Tensor
	Ints   []int64
	Floats []float32
	Kind   AttrKind
}

// AttrKind tells which field of an Attr holds its value.
type AttrKind uint8

// Kinds of attributes.
const (
	AttrInt AttrKind = iota + 1
	AttrFloat
	AttrString
	AttrTensor
	AttrInts
	AttrFloats
)

// Node is an operation. Op is ONNX's operator name, or one of this package's
// fused operators (see Prepare).
type Node struct {
	Name  string
	Op    string
	In    []*Value
	Out   []*Value
	Attrs map[string]Attr
}

// Graph is a model. Nodes are in topological order.
type Graph struct {
	Name    string
	Opset   int
	Nodes   []*Node
	Inputs  []*Value // without initializers
	Outputs []*Value
	Meta    map[string]string // metadata_props: names, stride, imgsz, task …
}

// Int returns an integer attribute or its default.
func (n *Node) Int(name string, def int64) int64 {
	if a, ok := n.Attrs[name]; ok && a.Kind == AttrInt {
		return a.I
	}
	return def
}

// Float returns a float attribute or its default.
func (n *Node) Float(name string, def float32) float32 {
	if a, ok := n.Attrs[name]; ok && a.Kind == AttrFloat {
		return a.F
	}
	return def
}

// Str returns a string attribute or its default.
func (n *Node) Str(name, def string) string {
	if a, ok := n.Attrs[name]; ok && a.Kind == AttrString {
		return a.S
	}
	return def
}

// Ints returns a list attribute, nil when absent.
func (n *Node) Ints(name string) []int64 {
	return n.Attrs[name].Ints
}
