package onnx

import (
	"fmt"
	"math"
	"strings"

	"eagleeye/wasm/graph"

	"google.golang.org/protobuf/encoding/protowire"
)

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
