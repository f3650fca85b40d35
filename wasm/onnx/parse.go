package onnx

import (
	"fmt"
	"math"
	"strings"
	"unicode/utf8"

	"eagleeye/wasm/graph"

	"google.golang.org/protobuf/encoding/protowire"
)

// parser turns wire bytes into a model and counts what it allocates.
type parser struct {
	m       *model
	strings map[string]string
	spent   int // structure
	decoded int // tensors
	edges   int
}

func parse(data []byte) (*model, error) {
	if err := sniff(data); err != nil {
		return nil, err
	}
	if len(data) > maxFile {
		return nil, fmt.Errorf("%w: the file has %d MiB, at most %d are read; give a smaller model", ErrTooLarge, len(data)>>20, maxFile>>20)
	}
	p := &parser{m: &model{domains: map[string]int64{}, meta: map[string]string{}, consts: map[string]*graph.Tensor{}}, strings: map[string]string{}}
	if err := p.model(data); err != nil {
		return nil, err
	}
	return p.m, nil
}

// model reads a ModelProto. Its outermost lengths tell a truncated file.
func (p *parser) model(data []byte) error {
	if err := outline(data); err != nil {
		return err
	}
	graphs, opsets := 0, 0
	err := eachField(data, 0, func(f field) error {
		var err error
		switch f.num {
		case 1:
			p.m.header.IRVersion, err = f.int("ir_version")
		case 2:
			p.m.header.Producer, err = p.text(f, "producer_name")
		case 3:
			p.m.header.ProducerVersion, err = p.text(f, "producer_version")
		case 6:
			p.m.header.Doc, err = p.text(f, "doc_string")
		case 7:
			if graphs++; graphs > 1 {
				return damaged(f.at, "a second graph")
			}
			var b []byte
			if b, err = f.bytes("graph"); err == nil {
				err = p.graph(b, f.at)
			}
		case 8:
			opsets++
			err = p.opset(f)
		case 14:
			err = p.metadata(f)
		case 25:
			return fmt.Errorf("%w: the file defines functions; export it without (torch.onnx.export with dynamo=False)", ErrUnsupported)
		}
		return err
	})
	switch {
	case err != nil:
		return err
	case graphs == 0 && (p.m.header.IRVersion != 0 || opsets > 0):
		return fmt.Errorf("%w: it ends before the graph (%d bytes); fetch it again", ErrTruncated, len(data))
	case graphs == 0:
		return fmt.Errorf("%w: no graph in its %d bytes; give the .onnx file that the exporter wrote", ErrNotONNX, len(data))
	case opsets == 0:
		return fmt.Errorf("%w: it ends before the operator set (%d bytes); fetch it again", ErrTruncated, len(data))
	}
	return nil
}

// outline walks the outermost fields only, before anything is built, to tell a
// truncated ONNX file from one that is something else.
func outline(data []byte) error {
	for pos, first := 0, true; pos < len(data); first = false {
		num, typ, n := protowire.ConsumeTag(data[pos:])
		plain := n > 0 && (typ == protowire.VarintType || typ == protowire.BytesType)
		number := num == 1 || num == 5 // ir_version, model_version
		switch {
		case first && (!plain || num > 32 || number != (typ == protowire.VarintType)):
			return fmt.Errorf("%w: it begins with % x: give the .onnx file that the exporter wrote", ErrNotONNX, data[:min(len(data), 8)])
		case n < 0 && len(data)-pos < 10:
			return fmt.Errorf("%w: it ends inside a field's tag at byte %d; fetch it again", ErrTruncated, len(data))
		case !plain:
			return damaged(pos, "no field of a model begins here")
		}
		pos += n
		if typ == protowire.VarintType {
			_, n = protowire.ConsumeVarint(data[pos:])
			if n < 0 {
				return fmt.Errorf("%w: it ends inside field %d at byte %d; fetch it again", ErrTruncated, num, len(data))
			}
			pos += n
			continue
		}
		size, n := protowire.ConsumeVarint(data[pos:])
		if n < 0 {
			return fmt.Errorf("%w: it ends inside field %d at byte %d; fetch it again", ErrTruncated, num, len(data))
		}
		pos += n
		if rest := uint64(len(data) - pos); size > rest {
			return fmt.Errorf("%w: field %d at byte %d claims %d bytes and %d are left; fetch it again", ErrTruncated, num, pos, size, rest)
		}
		pos += int(size)
	}
	return nil
}

// spend accounts for n bytes of structure.
func (p *parser) spend(n int) error {
	if p.spent += n; p.spent > maxStruct {
		return fmt.Errorf("%w: names, nodes and attributes take over %d MiB; this is no detection model", ErrTooLarge, maxStruct>>20)
	}
	return nil
}

// text returns a string field, each different string once.
func (p *parser) text(f field, what string) (string, error) {
	b, err := f.bytes(what)
	if err != nil {
		return "", err
	}
	if s, ok := p.strings[string(b)]; ok {
		return s, p.spend(16)
	}
	if !utf8.Valid(b) {
		return "", damaged(f.at, what+" is not UTF-8 text")
	}
	if err := p.spend(len(b) + 64); err != nil {
		return "", err
	}
	s := string(b)
	p.strings[s] = s
	return s, nil
}

func (p *parser) opset(f field) error {
	b, err := f.bytes("opset_import")
	if err != nil {
		return err
	}
	var domain string
	var version int64
	err = eachField(b, f.at, func(f field) (err error) {
		switch f.num {
		case 1:
			domain, err = p.text(f, "opset domain")
		case 2:
			version, err = f.int("opset version")
		}
		return err
	})
	if domain == "ai.onnx" {
		domain = ""
	}
	if old, ok := p.m.domains[domain]; ok && old != version && err == nil {
		return damaged(f.at, fmt.Sprintf("opsets %d and %d at once", old, version))
	}
	p.m.domains[domain] = version
	if err == nil {
		err = p.spend(64)
	}
	return err
}

func (p *parser) metadata(f field) error {
	b, err := f.bytes("metadata_props")
	if err != nil {
		return err
	}
	var key, value string
	err = eachField(b, f.at, func(f field) (err error) {
		switch f.num {
		case 1:
			key, err = p.text(f, "metadata key")
		case 2:
			value, err = p.text(f, "metadata value")
		}
		return err
	})
	p.m.meta[key] = value
	if err == nil {
		err = p.spend(64)
	}
	return err
}

// graph reads a GraphProto.
func (p *parser) graph(b []byte, at int) error {
	return eachField(b, at, func(f field) error {
		var err error
		if f.num == 2 {
			p.m.name, err = p.text(f, "graph name")
			return err
		}
		var b []byte
		switch f.num {
		case 1, 5, 11, 12, 15:
			if b, err = f.bytes("a part of the graph"); err != nil {
				return err
			}
			if err = p.spend(128); err != nil {
				return err
			}
		}
		switch f.num {
		case 1:
			if len(p.m.nodes) == maxNodes {
				return fmt.Errorf("%w: more than %d nodes; this is no detection model", ErrTooLarge, maxNodes)
			}
			var n *nodeDef
			if n, err = p.node(b, f.at); err == nil {
				p.m.nodes = append(p.m.nodes, n)
				if p.edges += len(n.in) * len(n.out); p.edges > maxEdges {
					return fmt.Errorf("%w: nodes have more than %d operands; this is no detection model", ErrTooLarge, maxEdges)
				}
			}
		case 5:
			if len(p.m.inits) == maxInits {
				return fmt.Errorf("%w: more than %d initializers; this is no detection model", ErrTooLarge, maxInits)
			}
			var name string
			var t *graph.Tensor
			if name, t, err = p.tensor(b, f.at, "initializer"); err == nil {
				p.m.inits = append(p.m.inits, &initDef{name, t})
			}
		case 11:
			var v *valueDef
			if v, err = p.value(b, f.at, "input"); err == nil {
				p.m.inputs = append(p.m.inputs, v)
			}
		case 12:
			var v *valueDef
			if len(p.m.outputs) == maxOutputs {
				return fmt.Errorf("%w: more than %d outputs; this is no detection model", ErrTooLarge, maxOutputs)
			}
			if v, err = p.value(b, f.at, "output"); err == nil {
				p.m.outputs = append(p.m.outputs, v)
			}
		case 15:
			return fmt.Errorf("%w: sparse initializers; export with dense weights", ErrUnsupported)
		}
		return err
	})
}

// node reads a NodeProto.
func (p *parser) node(b []byte, at int) (*nodeDef, error) {
	n := &nodeDef{}
	err := eachField(b, at, func(f field) error {
		var err error
		var s string
		switch f.num {
		case 1:
			s, err = p.text(f, "node input")
			n.in = append(n.in, s)
		case 2:
			s, err = p.text(f, "node output")
			n.out = append(n.out, s)
		case 3:
			n.name, err = p.text(f, "node name")
		case 4:
			n.op, err = p.text(f, "operator")
		case 7:
			n.domain, err = p.text(f, "domain")
		case 5:
			var b []byte
			if b, err = f.bytes("attribute"); err != nil {
				return err
			}
			if len(n.attrs) == maxAttrs {
				return fmt.Errorf("%w: more than %d attributes; this is no detection model", ErrTooLarge, maxAttrs)
			}
			var a attrDef
			if a, err = p.attr(b, f.at); err == nil {
				n.attrs = append(n.attrs, a)
			}
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("node %s: %w", n.label(), err)
	}
	return n, nil
}

// label names a node in messages.
func (n *nodeDef) label() string {
	switch {
	case n.name != "":
		return fmt.Sprintf("%s %q", n.op, n.name)
	case len(n.out) > 0:
		return fmt.Sprintf("%s making %q", n.op, n.out[0])
	}
	return fmt.Sprintf("%s without a name", n.op)
}

// attrKinds lists the codes of AttributeProto.type that graphs hold.
var attrKinds = map[int64]graph.AttrKind{
	1: graph.AttrFloat, 2: graph.AttrInt, 3: graph.AttrString, 4: graph.AttrTensor, 6: graph.AttrFloats, 7: graph.AttrInts,
}

// attr reads an AttributeProto. Files of IR version 1 have no type: the field
// that is set tells.
func (p *parser) attr(b []byte, at int) (attrDef, error) {
	var a attrDef
	var code int64
	var seen graph.AttrKind
	err := eachField(b, at, func(f field) error {
		var err error
		switch f.num {
		case 1:
			a.name, err = p.text(f, "attribute name")
		case 2:
			var b []byte
			if b, err = f.packed("float", 4); err == nil && len(b) == 4 {
				a.F, seen = math.Float32frombits(uint32(f.u)), graph.AttrFloat
			}
		case 3:
			a.I, err = f.int("int")
			seen = graph.AttrInt
		case 4:
			a.S, err = p.text(f, "string")
			seen = graph.AttrString
		case 5:
			var b []byte
			if b, err = f.bytes("tensor"); err == nil {
				_, a.T, err = p.tensor(b, f.at, "attribute")
				seen = graph.AttrTensor
			}
		case 6, 11:
			return fmt.Errorf("%w: subgraphs (If, Loop, Scan); export without control flow or simplify the model", ErrUnsupported)
		case 7:
			var b []byte
			if b, err = f.packed("floats", 4); err == nil {
				err = p.spend(len(b))
				a.Floats = append(a.Floats, floats(b)...)
				seen = graph.AttrFloats
			}
		case 8:
			err = f.varints("ints", func(v uint64) error {
				a.Ints = append(a.Ints, int64(v))
				return p.spend(8)
			})
			seen = graph.AttrInts
		case 9:
			return fmt.Errorf("%w: string lists in attributes; export without them", ErrUnsupported)
		case 20:
			code, err = f.int("attribute type")
		case 10, 14, 15, 21, 22, 23:
			return fmt.Errorf("%w: attribute field %d; export without it", ErrUnsupported, f.num)
		}
		return err
	})
	if err == nil {
		err = p.spend(96)
	}
	if err == nil && code != 0 {
		kind, ok := attrKinds[code]
		switch {
		case !ok:
			err = fmt.Errorf("%w: attributes of type %d; export without them", ErrUnsupported, code)
		case kind == graph.AttrTensor && a.T == nil:
			err = damaged(at, "the attribute's tensor is missing")
		}
		seen = kind
	}
	if err == nil && seen == 0 {
		err = damaged(at, "the attribute has no value")
	}
	if err != nil {
		return a, fmt.Errorf("attribute %q: %w", a.name, err)
	}
	a.Attr = only(a.Attr, seen)
	return a, nil
}

// only keeps the field of an attribute that its kind names.
func only(a graph.Attr, kind graph.AttrKind) graph.Attr {
	switch kind {
	case graph.AttrInt:
		return graph.Attr{Kind: kind, I: a.I}
	case graph.AttrFloat:
		return graph.Attr{Kind: kind, F: a.F}
	case graph.AttrString:
		return graph.Attr{Kind: kind, S: a.S}
	case graph.AttrTensor:
		return graph.Attr{Kind: kind, T: a.T}
	case graph.AttrInts:
		return graph.Attr{Kind: kind, Ints: a.Ints}
	}
	return graph.Attr{Kind: kind, Floats: a.Floats}
}

// value reads a ValueInfoProto of a tensor. Dimensions that are unknown, named
// or −1 become −1.
func (p *parser) value(b []byte, at int, what string) (*valueDef, error) {
	v := &valueDef{}
	sub := func(f field, visit func(field) error) error {
		b, err := f.bytes("type of " + what)
		if err != nil {
			return err
		}
		return eachField(b, f.at, visit)
	}
	dim := func(f field) error {
		size := int64(-1)
		err := sub(f, func(f field) (err error) {
			if f.num == 1 {
				size, err = f.int("dimension")
			}
			return err
		})
		switch {
		case err != nil:
			return err
		case size < -1 || size > maxDim:
			return fmt.Errorf("%w: a dimension of %d; export it again", ErrShape, size)
		case len(v.shape) == maxRank:
			return fmt.Errorf("%w: more than %d dimensions; export it again", ErrShape, maxRank)
		}
		v.shape = append(v.shape, int(size))
		return nil
	}
	err := eachField(b, at, func(f field) (err error) {
		switch f.num {
		case 1:
			v.name, err = p.text(f, what+" name")
			return err
		case 2:
			return sub(f, func(f field) error {
				if f.num != 1 {
					if f.num == 6 || f.typ != protowire.BytesType {
						return nil
					}
					return fmt.Errorf("%w: it is no tensor; only tensors go in and out", ErrUnsupported)
				}
				return sub(f, func(f field) error {
					switch f.num {
					case 1:
						code, err := f.int("element type")
						if err != nil {
							return err
						}
						dt, ok := dtypes[uint64(code)]
						if !ok {
							return fmt.Errorf("%w: %s; export with float32 or float16", ErrDType, dtypeName(uint64(code)))
						}
						if v.half = dt == graph.Float16; v.half {
							dt = graph.Float32
						}
						v.dtype = dt
					case 2:
						if v.shape == nil {
							v.shape = []int{}
						}
						return sub(f, func(f field) error {
							if f.num == 1 {
								return dim(f)
							}
							return nil
						})
					}
					return nil
				})
			})
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("%s %q: %w", what, v.name, err)
	}
	return v, nil
}

// shapeString writes a shape as [1,3,?,?].
func shapeString(shape []int) string {
	var b strings.Builder
	b.WriteByte('[')
	for i, d := range shape {
		if i > 0 {
			b.WriteByte(',')
		}
		if d < 0 {
			b.WriteByte('?')
		} else {
			fmt.Fprint(&b, d)
		}
	}
	b.WriteByte(']')
	return b.String()
}
