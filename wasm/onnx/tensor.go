package onnx

import (
	"encoding/binary"
	"fmt"
	"math"

	"eagleeye/wasm/graph"
)

// tensor reads a TensorProto. A payload in raw_data, float_data or double_data
// stays where it is in the file; float16 and the integer lists are decoded.
func (p *parser) tensor(b []byte, at int, what string) (string, *graph.Tensor, error) {
	var (
		name    string
		code    uint64
		dims    = []int{}
		raw     []byte
		has     bool
		fixed   []byte // float_data or double_data
		ints    []field
		strings bool
		typed   uint64 // the typed field that is used
	)
	err := eachField(b, at, func(f field) error {
		var err error
		switch f.num {
		case 1:
			err = f.varints("dims", func(v uint64) error {
				switch {
				case int64(v) < 0 || v > maxDim:
					return fmt.Errorf("%w: a dimension of %d; export it again", ErrShape, int64(v))
				case len(dims) == maxRank:
					return fmt.Errorf("%w: more than %d dimensions; export it again", ErrShape, maxRank)
				}
				dims = append(dims, int(v))
				return nil
			})
		case 2:
			var v int64
			v, err = f.int("data_type")
			code = uint64(v)
		case 4, 10:
			size := 4
			if f.num == 10 {
				size = 8
			}
			var b []byte
			if b, err = f.packed("data", size); err == nil {
				typed = uint64(f.num)
				if fixed == nil {
					fixed = b[:len(b):len(b)]
				} else if err = p.decode(4 * len(b)); err == nil { // growth included
					fixed = append(fixed, b...)
				}
			}
		case 5, 7:
			typed = uint64(f.num)
			if err = p.spend(64); err == nil {
				ints = append(ints, f)
			}
		case 6:
			strings = true
		case 8:
			name, err = p.text(f, "tensor name")
		case 9:
			raw, err = f.bytes("raw_data")
			has = true
		case 13:
			return fmt.Errorf("%w: the weights are in another file (external data); save the model as one file (onnx.save_model without save_as_external_data)", ErrUnsupported)
		case 14:
			var v int64
			if v, err = f.int("data_location"); err == nil && v != 0 {
				return fmt.Errorf("%w: the weights are in another file (external data); save the model as one file", ErrUnsupported)
			}
		}
		return err
	})
	var t *graph.Tensor
	if err == nil {
		dt, ok := dtypes[code]
		switch {
		case !ok || strings:
			err = fmt.Errorf("%w: %s; export with float32, float16 or int8 weights", ErrDType, dtypeName(code))
		case has && typed != 0:
			err = damaged(at, "raw and typed data at once")
		case has:
			t = &graph.Tensor{DType: dt, Shape: dims, Data: raw[:len(raw):len(raw)]}
		case typed == 4 && dt == graph.Float32, typed == 10 && dt == graph.Float64:
			t = &graph.Tensor{DType: dt, Shape: dims, Data: fixed}
		case typed == 5 && dt != graph.Int64 && dt != graph.Float32 && dt != graph.Float64, typed == 7 && dt == graph.Int64, typed == 0:
			t = &graph.Tensor{DType: dt, Shape: dims}
			t.Data, err = p.integers(ints, dt)
		default:
			err = damaged(at, fmt.Sprintf("%s data in field %d", dt, typed))
		}
	}
	if err == nil {
		if len(t.Data) == 0 {
			t.Data = []byte{}
		}
		err = checkPayload(t)
	}
	if err == nil && t.DType == graph.Float16 {
		if err = p.decode(2 * len(t.Data)); err == nil {
			t = widen(t)
		}
	}
	if err == nil && !finite(t) {
		err = fmt.Errorf("%w; the training diverged or the file is damaged: use another checkpoint", ErrNotFinite)
	}
	if err != nil {
		return "", nil, fmt.Errorf("%s %q: %w", what, name, err)
	}
	return name, t, p.spend(96 + 8*len(dims))
}

// decode accounts for n bytes of a tensor that is not used in place.
func (p *parser) decode(n int) error {
	if p.decoded += n; p.decoded > maxDecoded {
		return fmt.Errorf("%w: tensors take over %d MiB when decoded; give a smaller model", ErrTooLarge, maxDecoded>>20)
	}
	return nil
}

// integers decodes int32_data or int64_data to little-endian elements.
func (p *parser) integers(list []field, dt graph.DType) ([]byte, error) {
	size, n := dt.Size(), 0
	for _, f := range list {
		n += max(1, ends(f.b))
	}
	if err := p.decode(n * size); err != nil {
		return nil, err
	}
	out := make([]byte, 0, n*size)
	for _, f := range list {
		err := f.varints("data", func(v uint64) error {
			switch size {
			case 1:
				out = append(out, byte(v))
			case 2:
				out = binary.LittleEndian.AppendUint16(out, uint16(v))
			case 4:
				out = binary.LittleEndian.AppendUint32(out, uint32(v))
			default:
				out = binary.LittleEndian.AppendUint64(out, v)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// ends counts the last bytes of varints.
func ends(b []byte) int {
	n := 0
	for _, c := range b {
		if c < 0x80 {
			n++
		}
	}
	return n
}

// checkPayload compares the payload with the dimensions.
func checkPayload(t *graph.Tensor) error {
	elems := uint64(1)
	for _, d := range t.Shape {
		if d == 0 {
			elems = 0
			break
		}
		if elems *= uint64(d); elems > maxFile {
			return fmt.Errorf("%w: %s has more elements than a file may hold; fetch or export it again", ErrShape, shapeString(t.Shape))
		}
	}
	if want := elems * uint64(t.DType.Size()); want != uint64(len(t.Data)) {
		return fmt.Errorf("%w: %s %s needs %d bytes and has %d; fetch or export it again", ErrShape, t.DType, shapeString(t.Shape), want, len(t.Data))
	}
	return nil
}

// widen converts a float16 tensor to float32, exactly.
func widen(t *graph.Tensor) *graph.Tensor {
	out := &graph.Tensor{DType: graph.Float32, Shape: t.Shape, Data: make([]byte, 2*len(t.Data))}
	for i := 0; i < len(t.Data); i += 2 {
		binary.LittleEndian.PutUint32(out.Data[2*i:], math.Float32bits(graph.Float16to32(binary.LittleEndian.Uint16(t.Data[i:]))))
	}
	return out
}

// finite reports whether a tensor is free of NaN and infinity.
func finite(t *graph.Tensor) bool {
	switch t.DType {
	case graph.Float32:
		for d := t.Data; len(d) >= 4; d = d[4:] {
			if binary.LittleEndian.Uint32(d)&0x7f800000 == 0x7f800000 {
				return false
			}
		}
	case graph.Float64:
		for d := t.Data; len(d) >= 8; d = d[8:] {
			if binary.LittleEndian.Uint64(d)>>52&0x7ff == 0x7ff {
				return false
			}
		}
	}
	return true
}

// floats decodes little-endian float32.
func floats(b []byte) []float32 {
	out := make([]float32, len(b)/4)
	for i := range out {
		out[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
	}
	return out
}
