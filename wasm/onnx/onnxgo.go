//go:build !js

package onnx

import (
	"fmt"

	"eagleeye/wasm/graph"

	onnxgo "github.com/owulveryck/onnx-go"
	gonum "gonum.org/v1/gonum/graph"
)

// ReadOnnxGo reads an ONNX file with onnx-go as the driver of the builder. It
// refuses the same files and gives the same graphs as ReadWire.
func ReadOnnxGo(data []byte) (*graph.Graph, error) {
	m, err := load(data)
	if err != nil {
		return nil, err
	}
	b := newBuilder(m)
	if err := driveOnnxGo(b, m); err != nil {
		return nil, err
	}
	return b.finish()
}

// driveOnnxGo hands onnx-go the model without payloads, types and metadata,
// each node tagged with its index. A panic of the library becomes an error.
func driveOnnxGo(b *builder, m *model) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: onnx-go gave up: %v", ErrCorrupt, r)
		}
	}()
	stripped, err := strip(m)
	if err != nil {
		return err
	}
	if err := onnxgo.NewModel(&backend{b: b}).UnmarshalBinary(stripped); err != nil {
		return fmt.Errorf("onnx-go: %w", err)
	}
	return nil
}

// strip encodes what onnx-go may see: the names of inputs and outputs, and of
// each node its operator, edges, tag and those attributes that are no tensors.
// Its tensor decoder refuses int8, uint8 and float16 and trusts dimensions.
func strip(m *model) ([]byte, error) {
	var g []byte
	for i, n := range m.nodes {
		var b []byte
		for _, name := range n.in {
			b = appendString(b, 1, name)
		}
		for _, name := range n.out {
			b = appendString(b, 2, name)
		}
		b = appendString(b, 4, n.op)
		tag, err := appendAttr(appendString(nil, 1, tagAttr), graph.Attr{Kind: graph.AttrInt, I: int64(i)})
		if err != nil {
			return nil, err
		}
		b = appendBytes(b, 5, tag)
		for _, a := range n.attrs {
			if a.Kind == graph.AttrTensor {
				continue
			}
			at, err := appendAttr(appendString(nil, 1, a.name), a.Attr)
			if err != nil {
				return nil, err
			}
			b = appendBytes(b, 5, at)
		}
		g = appendBytes(g, 1, b)
	}
	for _, v := range m.inputs {
		g = appendBytes(g, 11, appendString(nil, 1, v.name))
	}
	for _, v := range m.outputs {
		g = appendBytes(g, 12, appendString(nil, 1, v.name))
	}
	return appendBytes(nil, 7, g), nil
}

// backend shows the builder as an onnx-go backend. onnx-go only adds vertices,
// edges and operations; the queries of gonum's interface have no answer here.
type backend struct{ b *builder }

type arc struct {
	from, to gonum.Node
	weight   float64
}

func (a arc) From() gonum.Node         { return a.from }
func (a arc) To() gonum.Node           { return a.to }
func (a arc) ReversedEdge() gonum.Edge { return arc{a.to, a.from, a.weight} }
func (a arc) Weight() float64          { return a.weight }

func (k *backend) NewNode() gonum.Node { return k.b.vertex() }
func (k *backend) AddNode(gonum.Node)  {}

// NewWeightedEdge tells that node from reads node to; the weight is the
// input's position.
func (k *backend) NewWeightedEdge(from, to gonum.Node, weight float64) gonum.WeightedEdge {
	return arc{from, to, weight}
}

func (k *backend) SetWeightedEdge(e gonum.WeightedEdge) {
	k.b.edge(e.From().(*vertex), e.To().(*vertex), int(e.Weight()))
}

func (k *backend) ApplyOperation(op onnxgo.Operation, nodes ...gonum.Node) error {
	attrs := make(map[string]graph.Attr, len(op.Attributes))
	for name, v := range op.Attributes {
		switch v := v.(type) {
		case int64:
			attrs[name] = graph.Attr{Kind: graph.AttrInt, I: v}
		case float32:
			attrs[name] = graph.Attr{Kind: graph.AttrFloat, F: v}
		case string:
			attrs[name] = graph.Attr{Kind: graph.AttrString, S: v}
		case []int64:
			attrs[name] = graph.Attr{Kind: graph.AttrInts, Ints: v}
		case []float32:
			attrs[name] = graph.Attr{Kind: graph.AttrFloats, Floats: v}
		default:
			return fmt.Errorf("%w: attribute %q of %s arrived as %T", ErrUnsupported, name, op.Name, v)
		}
	}
	outs := make([]*vertex, len(nodes))
	for i, n := range nodes {
		outs[i] = n.(*vertex)
	}
	return k.b.apply(op.Name, attrs, outs)
}

func (k *backend) Node(int64) gonum.Node                      { return nil }
func (k *backend) Nodes() gonum.Nodes                         { return gonum.Empty }
func (k *backend) From(int64) gonum.Nodes                     { return gonum.Empty }
func (k *backend) To(int64) gonum.Nodes                       { return gonum.Empty }
func (k *backend) HasEdgeBetween(_, _ int64) bool             { return false }
func (k *backend) HasEdgeFromTo(_, _ int64) bool              { return false }
func (k *backend) Edge(_, _ int64) gonum.Edge                 { return nil }
func (k *backend) WeightedEdge(_, _ int64) gonum.WeightedEdge { return nil }
func (k *backend) Weight(_, _ int64) (w float64, ok bool)     { return 0, false }
