package onnx

import "eagleeye/wasm/graph"

// model is a parsed ModelProto: everything but the payloads is copied out of the
// file. After check, nodes are in topological order.
type model struct {
	header  Header
	domains map[string]int64 // opset versions
	name    string
	meta    map[string]string
	nodes   []*nodeDef
	inits   []*initDef
	inputs  []*valueDef // check removes those that are initializers
	outputs []*valueDef
	consts  map[string]*graph.Tensor
}

// Header is what a file says about itself.
type Header struct {
	IRVersion       int64
	Opset           int
	Producer        string
	ProducerVersion string
	Doc             string
}

type nodeDef struct {
	name, op, domain string
	in, out          []string
	attrs            []attrDef
}

type attrDef struct {
	name string
	graph.Attr
}

type initDef struct {
	name   string
	tensor *graph.Tensor
}

type valueDef struct {
	name  string
	dtype graph.DType
	half  bool // declared as float16
	shape []int
}

// Limits that keep a hostile file from costing more than a large honest one.
const (
	maxFile    = 512 << 20 // bytes of a file
	maxRank    = 8
	maxDim     = 1<<31 - 1
	maxNodes   = 1 << 14
	maxInits   = 1 << 14
	maxAttrs   = 64        // of a node
	maxOutputs = 1024      // of the graph
	maxEdges   = 1 << 17   // inputs times outputs, over all nodes
	maxDecoded = 384 << 20 // bytes of tensors that are not used in place
	maxStruct  = 16 << 20  // bytes of structure: names, attributes, nodes
)

// The data types of TensorProto that graphs hold.
var dtypes = map[uint64]graph.DType{
	1: graph.Float32, 2: graph.Uint8, 3: graph.Int8, 4: graph.Uint16, 5: graph.Int16, 6: graph.Int32,
	7: graph.Int64, 9: graph.Bool, 10: graph.Float16, 11: graph.Float64,
}

func dtypeName(code uint64) string {
	names := [...]string{"undefined", "float32", "uint8", "int8", "uint16", "int16", "int32", "int64", "string", "bool",
		"float16", "double", "uint32", "uint64", "complex64", "complex128", "bfloat16", "float8e4m3fn",
		"float8e4m3fnuz", "float8e5m2", "float8e5m2fnuz", "uint4", "int4", "float4e2m1"}
	if code < uint64(len(names)) {
		return names[code]
	}
	return "of unknown code"
}
