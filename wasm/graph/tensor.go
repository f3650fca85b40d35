package graph

import (
	"encoding/binary"
	"fmt"
	"math"
	"unsafe"
)

// maxElements bounds every tensor that a file can make us think of: 2^28
// elements are 1 GiB of float32.
const maxElements = 1 << 28

// elements multiplies dimensions; negative ones and products beyond
// maxElements are errors.
func elements(shape []int) (int, error) {
	n := 1
	for _, d := range shape {
		if d < 0 {
			return 0, fmt.Errorf("shape %v has an unknown or negative dimension", shape)
		}
		if d > maxElements || n*d > maxElements {
			return 0, fmt.Errorf("shape %v has more than %d elements", shape, maxElements)
		}
		n *= d
	}
	return n, nil
}

func (t *Tensor) check() error {
	n, err := elements(t.Shape)
	if err != nil {
		return err
	}
	size := t.DType.Size()
	if size == 0 {
		return fmt.Errorf("element type %v", t.DType)
	}
	if len(t.Data) != n*size {
		return fmt.Errorf("%d bytes for shape %v of %v", len(t.Data), t.Shape, t.DType)
	}
	return nil
}

// Len returns the number of elements that the payload holds.
func (t *Tensor) Len() int {
	if s := t.DType.Size(); s > 0 {
		return len(t.Data) / s
	}
	return 0
}

// FloatTensor makes a Float32 tensor over data, which it keeps.
func FloatTensor(data []float32, shape ...int) *Tensor {
	return &Tensor{DType: Float32, Shape: shape, Data: floatBytes(data)}
}

// IntTensor makes an Int64 tensor, a list when no shape is given.
func IntTensor(data []int64, shape ...int) *Tensor {
	if len(shape) == 0 {
		shape = []int{len(data)}
	}
	t := &Tensor{DType: Int64, Shape: shape, Data: make([]byte, 8*len(data))}
	for i, v := range data {
		binary.LittleEndian.PutUint64(t.Data[8*i:], uint64(v))
	}
	return t
}

// littleEndian tells whether payloads can be read in place.
var littleEndian = func() bool {
	x := uint16(1)
	return *(*byte)(unsafe.Pointer(&x)) == 1
}()

// floatBytes views float32s as their little-endian bytes.
func floatBytes(f []float32) []byte {
	if len(f) == 0 {
		return nil
	}
	if littleEndian {
		return unsafe.Slice((*byte)(unsafe.Pointer(&f[0])), 4*len(f))
	}
	b := make([]byte, 4*len(f))
	for i, v := range f {
		binary.LittleEndian.PutUint32(b[4*i:], math.Float32bits(v))
	}
	return b
}

// Floats returns the elements of a floating-point tensor as float32, or nil
// for another type. A Float32 payload may be shared: do not write into it.
func (t *Tensor) Floats() []float32 {
	n := t.Len()
	switch t.DType {
	case Float32:
		if n > 0 && littleEndian && uintptr(unsafe.Pointer(&t.Data[0]))%4 == 0 {
			return unsafe.Slice((*float32)(unsafe.Pointer(&t.Data[0])), n)
		}
		out := make([]float32, n)
		for i := range out {
			out[i] = math.Float32frombits(binary.LittleEndian.Uint32(t.Data[4*i:]))
		}
		return out
	case Float16:
		out := make([]float32, n)
		for i := range out {
			out[i] = Float16to32(binary.LittleEndian.Uint16(t.Data[2*i:]))
		}
		return out
	case Float64:
		out := make([]float32, n)
		for i := range out {
			out[i] = float32(math.Float64frombits(binary.LittleEndian.Uint64(t.Data[8*i:])))
		}
		return out
	}
	return nil
}

// Int64s returns the elements of an integer or bool tensor, or nil for another
// type.
func (t *Tensor) Int64s() []int64 {
	le := binary.LittleEndian
	out := make([]int64, t.Len())
	for i := range out {
		switch t.DType {
		case Int8:
			out[i] = int64(int8(t.Data[i]))
		case Uint8, Bool:
			out[i] = int64(t.Data[i])
		case Int16:
			out[i] = int64(int16(le.Uint16(t.Data[2*i:])))
		case Uint16:
			out[i] = int64(le.Uint16(t.Data[2*i:]))
		case Int32:
			out[i] = int64(int32(le.Uint32(t.Data[4*i:])))
		case Int64:
			out[i] = int64(le.Uint64(t.Data[8*i:]))
		default:
			return nil
		}
	}
	return out
}

// intTensor stores integers as elements of an integer type, wrapping as Go
// conversions do.
func intTensor(dt DType, data []int64, shape []int) *Tensor {
	size := dt.Size()
	t := &Tensor{DType: dt, Shape: shape, Data: make([]byte, size*len(data))}
	for i, v := range data {
		for b := range size {
			t.Data[i*size+b] = byte(v >> (8 * b))
		}
	}
	return t
}

// Float16to32 converts an IEEE 754 half-precision number.
func Float16to32(h uint16) float32 {
	sign := uint32(h>>15) << 31
	exp := uint32(h>>10) & 31
	man := uint32(h & 1023)
	switch {
	case exp == 31:
		return math.Float32frombits(sign | 0xff<<23 | man<<13)
	case exp != 0:
		return math.Float32frombits(sign | (exp+112)<<23 | man<<13)
	}
	v := float32(man) / (1 << 24) // subnormal
	if sign != 0 {
		v = -v
	}
	return v
}

// dequantize turns a quantized constant into float32: (q − zero)·scale, one
// rounding each.
func dequantize(t *Tensor, q *Quant) []float32 {
	out := make([]float32, t.Len())
	per, n := len(out), len(q.Scale)
	if n > 1 {
		per = 1
		for _, d := range t.Shape[q.Axis+1:] {
			per *= d
		}
	}
	raw := t.Int64s()
	for i := range out {
		c := 0
		if n > 1 {
			c = i / per % n
		}
		out[i] = float32(raw[i]-int64(q.Zero[c])) * q.Scale[c]
	}
	return out
}

// round applies the grid of a quantized activation (per tensor) to data in
// place, as QuantizeLinear and DequantizeLinear do: half to even, saturating.
func (q *Quant) round(data []float32) {
	lo, hi := limits(q.DType)
	s, z := q.Scale[0], float64(q.Zero[0])
	for i, x := range data {
		v := math.RoundToEven(float64(x/s)) + z
		data[i] = float32(min(max(v, lo), hi)-z) * s
	}
}

// limits returns the range of an integer type.
func limits(dt DType) (lo, hi float64) {
	switch dt {
	case Int8:
		return -128, 127
	case Uint8:
		return 0, 255
	case Int16:
		return -32768, 32767
	case Uint16:
		return 0, 65535
	}
	return math.MinInt32, math.MaxInt32
}

// Float32to16 returns the IEEE 754 half nearest to f, ties to even; what is too
// large for one becomes the largest.
func Float32to16(f float32) uint16 {
	b := math.Float32bits(f)
	sign := uint16(b >> 16 & 0x8000)
	x := math.Abs(float64(f))
	switch {
	case x >= 65504:
		return sign | 0x7bff
	case x < 1.0/(1<<14): // subnormal: units of 2⁻²⁴
		return sign | uint16(math.RoundToEven(x*(1<<24)))
	}
	mant, exp := math.Frexp(x) // x = mant·2^exp, ½ ≤ mant < 1
	m := uint16(math.RoundToEven(mant * 2048))
	return sign | (uint16(exp+13)<<10 + m)
}
