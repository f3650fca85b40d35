package onnx

import (
	"fmt"
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
