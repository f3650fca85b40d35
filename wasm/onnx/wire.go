package onnx

import (
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
)

// field is one field of a message; u holds varints and fixed values, b bytes.
type field struct {
	num protowire.Number
	typ protowire.Type
	u   uint64
	b   []byte
	at  int // offset of b in the file
}

// eachField visits the fields of a message that starts at offset at of the
// file. Groups do not occur in onnx.proto and are refused.
func eachField(b []byte, at int, visit func(field) error) error {
	for pos := 0; pos < len(b); {
		num, typ, n := protowire.ConsumeTag(b[pos:])
		if n < 0 {
			return damaged(at+pos, "a field's tag cannot be read")
		}
		pos += n
		f := field{num: num, typ: typ}
		switch typ {
		case protowire.VarintType:
			f.u, n = protowire.ConsumeVarint(b[pos:])
		case protowire.Fixed32Type:
			var v uint32
			v, n = protowire.ConsumeFixed32(b[pos:])
			f.u = uint64(v)
		case protowire.Fixed64Type:
			f.u, n = protowire.ConsumeFixed64(b[pos:])
		case protowire.BytesType:
			f.b, n = protowire.ConsumeBytes(b[pos:])
			f.at = at + pos + n - len(f.b)
		default:
			return damaged(at+pos, fmt.Sprintf("field %d has wire type %d", num, typ))
		}
		if n < 0 {
			return damaged(at+pos, fmt.Sprintf("field %d is longer than what holds it", num))
		}
		pos += n
		if err := visit(f); err != nil {
			return err
		}
	}
	return nil
}

func damaged(at int, what string) error {
	return fmt.Errorf("%w at byte %d: %s; fetch or export the file again", ErrCorrupt, at, what)
}

// bytes returns the field's bytes, or an error if its wire type differs.
func (f field) bytes(what string) ([]byte, error) {
	if f.typ != protowire.BytesType {
		return nil, fmt.Errorf("%w: %s (field %d) has wire type %d, not bytes; fetch or export the file again", ErrCorrupt, what, f.num, f.typ)
	}
	return f.b, nil
}

// int returns the field's varint.
func (f field) int(what string) (int64, error) {
	if f.typ != protowire.VarintType {
		return 0, fmt.Errorf("%w: %s (field %d) has wire type %d, not a number; fetch or export the file again", ErrCorrupt, what, f.num, f.typ)
	}
	return int64(f.u), nil
}

// varints visits a repeated integer field, packed or not.
func (f field) varints(what string, visit func(uint64) error) error {
	if f.typ == protowire.VarintType {
		return visit(f.u)
	}
	b, err := f.bytes(what)
	if err != nil {
		return err
	}
	for pos := 0; pos < len(b); {
		v, n := protowire.ConsumeVarint(b[pos:])
		if n < 0 {
			return damaged(f.at+pos, what+" is cut off")
		}
		pos += n
		if err := visit(v); err != nil {
			return err
		}
	}
	return nil
}

// packed returns the payload of a repeated fixed-size field, packed or one
// element of it.
func (f field) packed(what string, size int) ([]byte, error) {
	switch {
	case f.typ == protowire.Fixed32Type && size == 4:
		return protowire.AppendFixed32(nil, uint32(f.u)), nil
	case f.typ == protowire.Fixed64Type && size == 8:
		return protowire.AppendFixed64(nil, f.u), nil
	}
	b, err := f.bytes(what)
	if err == nil && len(b)%size != 0 {
		err = damaged(f.at, fmt.Sprintf("%s has %d bytes, not a multiple of %d", what, len(b), size))
	}
	return b, err
}
