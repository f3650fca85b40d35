package asm

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"
	"math/rand/v2"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// The memory image of an operator's test: three vectors, whose first bytes
// serve scalars too, the address operand's target, and the result.
const (
	resultAt  = 256
	imageSize = 512
	// integer is every i32 operand: an aligned address, and a shift count of 4
	// modulo 8, 16 and 32.
	integer = 100
	memAt   = integer + 16 // samples use the offset 16
)

// TestOperatorsCompute runs every operator that wazero knows and compares all of
// memory with what the operator's name means.
func TestOperatorsCompute(t *testing.T) {
	r := runtime(t)
	for _, op := range operators {
		t.Run(op.name, func(t *testing.T) {
			if strings.Contains(op.name, "relaxed") {
				t.Skip("wazero has no relaxed SIMD")
			}
			m := NewModule()
			m.ExportMemory("memory", Memory{Min: 1, Max: 1, Shared: strings.Contains(op.name, "atomic")})
			f := m.Func("f", nil)
			vectors, scalars := uint32(0), uint32(0)
			e := op.sample(func(t Type) Value {
				if t == V128 {
					vectors++
					return V128Load(Int(0), 16*(vectors-1))
				}
				scalars++
				if t == I32 && !vectorName.MatchString(op.name) && !memoryOp.MatchString(op.name) {
					return I32Load(Int(0), 16*(scalars-1))
				}
				return map[Type]Value{
					I32: Int(integer), I64: I64Load(Int(0), 16*(scalars-1)),
					F32: F32Load(Int(0), 16*(scalars-1)), F64: F64Load(Int(0), 16*(scalars-1)),
				}[t]
			})
			if op.result != Void {
				e = map[Type]Store{I32: I32Store, I64: I64Store, F32: F32Store, F64: F64Store, V128: V128Store}[op.result](Int(resultAt), 0, e)
			}
			f.Do(e)
			m.Export("f", f)
			mod, err := r.Instantiate(context.Background(), m.Bytes())
			if err != nil {
				t.Fatal(err)
			}
			defer mod.Close(context.Background())
			rng := rand.New(rand.NewPCG(1, 2))
			for range 8 {
				before := make([]byte, imageSize)
				for i := range before {
					before[i] = byte(rng.Uint32())
				}
				if rng.IntN(3) == 0 {
					copy(before[16:], before[:8]) // equal operands happen
				}
				if strings.Contains(op.name, "f32") || strings.Contains(op.name, "f64") {
					floats(before, rng, strings.Contains(op.name, "f64"), noNaN.MatchString(op.name))
				}
				mod.Memory().Write(0, before)
				if _, err := mod.ExportedFunction("f").Call(context.Background()); err != nil {
					t.Fatal(err)
				}
				got, _ := mod.Memory().Read(0, imageSize)
				want := append([]byte(nil), before...)
				if !reference(op.name, want) {
					t.Fatalf("the test does not know %s", op.name)
				}
				for i := range want {
					if got[i] != want[i] {
						t.Fatalf("byte %d: % x, want % x", i, got[i/16*16:][:16], want[i/16*16:][:16])
					}
				}
			}
		})
	}
}

var (
	// memoryOp are scalar operators whose first i32 operand is an address.
	memoryOp = regexp.MustCompile(`\.(load|store|atomic)`)
	// noNaN are operators that make a NaN, with free bits, of some operands.
	noNaN = regexp.MustCompile(`\.(sqrt|div)$`)
)

// floats fills the operands with floats: small quarters, some of them equal,
// or positive ones.
func floats(mem []byte, rng *rand.Rand, double, positive bool) {
	for i := 0; i < 64; i += 4 {
		v := float64(rng.IntN(41)-20) / 4
		if positive {
			v = math.Abs(v) + 1
		}
		if double && i%8 == 0 {
			binary.LittleEndian.PutUint64(mem[i:], math.Float64bits(v))
		} else if !double {
			binary.LittleEndian.PutUint32(mem[i:], math.Float32bits(float32(v)))
		}
	}
}

var vectorName = regexp.MustCompile(`^([if])(8|16|32|64)x(\d+)\.(.+)$`)

// reference applies the operator to the image; it reports whether it knows the
// name.
func reference(name string, mem []byte) bool {
	if strings.HasPrefix(name, "v128.") {
		return wholeVector(name[5:], mem)
	}
	if p := vectorName.FindStringSubmatch(name); p != nil {
		width, _ := strconv.Atoi(p[2])
		if p[1] == "f" {
			return floatLanes(p[4], width, mem)
		}
		return intLanes(p[4], width, mem)
	}
	return scalar(name, mem)
}

// lane and setLane access lane i of width bits at a byte address.
func getLane(mem []byte, at, width, i int, signed bool) int64 {
	var b [8]byte
	n := width / 8
	copy(b[:n], mem[at+n*i:])
	u := binary.LittleEndian.Uint64(b[:])
	if signed {
		return int64(u) << (64 - width) >> (64 - width)
	}
	return int64(u)
}

func setLane(mem []byte, at, width, i int, v int64) {
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], uint64(v))
	copy(mem[at+width/8*i:at+width/8*(i+1)], b[:width/8])
}

func wholeVector(op string, mem []byte) bool {
	out := mem[resultAt:]
	a, b, c := mem[:16], mem[16:32], mem[32:48]
	var n int
	var sign byte
	scan := func(format string, args ...any) bool { // the whole of op matches
		k, _ := fmt.Sscanf(op, format, args...)
		return k == len(args)
	}
	bitwise := func(f func(i int) byte) bool {
		for i := range 16 {
			out[i] = f(i)
		}
		return true
	}
	var m int
	switch {
	case op == "not":
		return bitwise(func(i int) byte { return ^a[i] })
	case op == "and":
		return bitwise(func(i int) byte { return a[i] & b[i] })
	case op == "andnot":
		return bitwise(func(i int) byte { return a[i] &^ b[i] })
	case op == "or":
		return bitwise(func(i int) byte { return a[i] | b[i] })
	case op == "xor":
		return bitwise(func(i int) byte { return a[i] ^ b[i] })
	case op == "bitselect":
		return bitwise(func(i int) byte { return a[i]&c[i] | b[i]&^c[i] })
	case op == "any_true":
		setLane(mem, resultAt, 32, 0, 1) // random vectors are not zero
	case op == "load":
		copy(out[:16], mem[memAt:])
	case op == "store":
		copy(mem[memAt:], a)
	case strings.HasSuffix(op, "_lane") && scan("load%d_lane", &n):
		copy(out[:16], a)
		copy(out[16-n/8:16], mem[memAt:])
	case strings.HasSuffix(op, "_lane") && scan("store%d_lane", &n):
		copy(mem[memAt:], a[16-n/8:])
	case strings.HasSuffix(op, "_splat") && scan("load%d_splat", &n):
		for i := 0; i < 16; i += n / 8 {
			copy(out[i:i+n/8], mem[memAt:])
		}
	case strings.HasSuffix(op, "_zero") && scan("load%d_zero", &n):
		clear(out[:16])
		copy(out[:n/8], mem[memAt:])
	case scan("load%dx%d_%c", &n, &m, &sign):
		for i := range m {
			setLane(mem, resultAt, 2*n, i, getLane(mem, memAt, n, i, sign == 's'))
		}
	default:
		return false
	}
	return true
}

// saturate clamps v to width bits.
func saturate(v int64, width int, signed bool) int64 {
	if signed {
		return min(max(v, -1<<(width-1)), 1<<(width-1)-1)
	}
	return min(max(v, 0), 1<<width-1)
}

func intLanes(op string, width int, mem []byte) bool {
	n := 128 / width
	signed := !strings.HasSuffix(op, "_u")
	base := strings.TrimSuffix(strings.TrimSuffix(op, "_s"), "_u")
	a := func(i int) int64 { return getLane(mem, 0, width, i, signed) }
	b := func(i int) int64 { return getLane(mem, 16, width, i, signed) }
	narrow := func(at, w, i int) int64 { return getLane(mem, at, w, i, signed) }
	result := make([]int64, n)
	scalarResult := func(v int64, w int) bool { setLane(mem, resultAt, w, 0, v); return true }
	half := 0
	if strings.Contains(op, "_high") {
		half = n
	}
	shift := uint(integer % width)
	for i := range result {
		r := &result[i]
		switch {
		case base == "splat":
			*r = integer
			if width == 64 {
				*r = getLane(mem, 0, 64, 0, true)
			}
		case base == "extract_lane":
			return scalarResult(a(n-1), max(width, 32))
		case base == "replace_lane":
			*r = a(i)
			if i == n-1 {
				*r = integer
				if width == 64 {
					*r = getLane(mem, 0, 64, 0, true) // the first scalar
				}
			}
		case base == "all_true":
			all := int64(1)
			for k := range n {
				if a(k) == 0 {
					all = 0
				}
			}
			return scalarResult(all, 32)
		case base == "bitmask":
			var mask int64
			for k := range n {
				mask |= getLane(mem, 0, width, k, false) >> (width - 1) & 1 << k
			}
			return scalarResult(mask, 32)
		case base == "abs":
			*r = max(a(i), -a(i))
		case base == "neg":
			*r = -a(i)
		case base == "popcnt":
			*r = int64(bits.OnesCount8(uint8(a(i))))
		case base == "swizzle":
			if k := getLane(mem, 16, 8, i, false); k < 16 {
				*r = a(int(k))
			}
		case base == "add":
			*r = a(i) + b(i)
		case base == "sub":
			*r = a(i) - b(i)
		case base == "mul":
			*r = a(i) * b(i)
		case base == "min":
			*r = min(a(i), b(i))
		case base == "max":
			*r = max(a(i), b(i))
		case base == "avgr":
			*r = (a(i) + b(i) + 1) / 2
		case base == "add_sat":
			*r = saturate(a(i)+b(i), width, signed)
		case base == "sub_sat":
			*r = saturate(a(i)-b(i), width, signed)
		case base == "q15mulr_sat":
			*r = saturate((a(i)*b(i)+1<<14)>>15, 16, true)
		case base == "shl":
			*r = a(i) << shift
		case base == "shr":
			*r = a(i) >> shift
			if !signed {
				*r = int64(uint64(a(i)) >> shift)
			}
		case strings.HasPrefix(base, "narrow"):
			// The source is signed, the suffix is the target's.
			k, at := i, 0
			if i >= n/2 {
				k, at = i-n/2, 16
			}
			*r = saturate(getLane(mem, at, 2*width, k, true), width, signed)
		case strings.HasPrefix(base, "extend"):
			*r = narrow(0, width/2, half+i)
		case strings.HasPrefix(base, "extmul"):
			*r = narrow(0, width/2, half+i) * narrow(16, width/2, half+i)
		case strings.HasPrefix(base, "extadd_pairwise"):
			*r = narrow(0, width/2, 2*i) + narrow(0, width/2, 2*i+1)
		case base == "dot_i16x8":
			*r = narrow(0, 16, 2*i)*narrow(16, 16, 2*i) + narrow(0, 16, 2*i+1)*narrow(16, 16, 2*i+1)
		case op == "trunc_sat_f64x2_s_zero":
			if i < 2 {
				*r = saturate(int64(max(math.MinInt32, min(math.MaxInt32, getFloat(mem, 0, 64, i)))), 32, true)
			}
		case base == "trunc_sat_f32x4":
			*r = saturate(int64(getFloat(mem, 0, 32, i)), 32, signed)
		default:
			holds, ok := compare(base, a(i), b(i))
			if !ok {
				return false
			}
			if holds {
				*r = -1
			}
		}
	}
	for i, v := range result {
		setLane(mem, resultAt, width, i, v)
	}
	return true
}

func compare[T int64 | float64](op string, a, b T) (holds, ok bool) {
	switch op {
	case "eq":
		return a == b, true
	case "ne":
		return a != b, true
	case "lt":
		return a < b, true
	case "gt":
		return a > b, true
	case "le":
		return a <= b, true
	case "ge":
		return a >= b, true
	}
	return false, false
}

func getFloat(mem []byte, at, width, i int) float64 {
	if width == 64 {
		return math.Float64frombits(binary.LittleEndian.Uint64(mem[at+8*i:]))
	}
	return float64(math.Float32frombits(binary.LittleEndian.Uint32(mem[at+4*i:])))
}

func floatBits(v float64, width int) int64 {
	if width == 64 {
		return int64(math.Float64bits(v))
	}
	return int64(math.Float32bits(float32(v)))
}

// floatOp computes in float64: rounding that to float32 is exact for add, sub,
// mul, div and sqrt.
func floatOp(op string, a, b float64) (float64, bool) {
	switch op {
	case "ceil":
		return math.Ceil(a), true
	case "floor":
		return math.Floor(a), true
	case "trunc":
		return math.Trunc(a), true
	case "nearest":
		return math.RoundToEven(a), true
	case "abs":
		return math.Abs(a), true
	case "neg":
		return -a, true
	case "sqrt":
		return math.Sqrt(a), true
	case "add":
		return a + b, true
	case "sub":
		return a - b, true
	case "mul":
		return a * b, true
	case "div":
		return a / b, true
	case "min":
		return math.Min(a, b), true
	case "max":
		return math.Max(a, b), true
	case "pmin":
		if b < a {
			return b, true
		}
		return a, true
	case "pmax":
		if a < b {
			return b, true
		}
		return a, true
	}
	return 0, false
}

func floatLanes(op string, width int, mem []byte) bool {
	n := 128 / width
	result := make([]int64, n)
	for i := range result {
		a, b := getFloat(mem, 0, width, i), getFloat(mem, 16, width, i)
		switch op {
		case "splat":
			result[i] = floatBits(getFloat(mem, 0, width, 0), width)
		case "extract_lane":
			setLane(mem, resultAt, width, 0, floatBits(getFloat(mem, 0, width, n-1), width))
			return true
		case "replace_lane":
			result[i] = floatBits(a, width)
			if i == n-1 {
				result[i] = floatBits(getFloat(mem, 0, width, 0), width) // the first scalar
			}
		case "convert_i32x4_s", "convert_i32x4_u":
			result[i] = int64(math.Float32bits(float32(getLane(mem, 0, 32, i, op[len(op)-1] == 's'))))
		case "convert_low_i32x4_s":
			result[i] = floatBits(float64(int32(getLane(mem, 0, 32, i, true))), 64)
		case "promote_low_f32x4":
			result[i] = floatBits(getFloat(mem, 0, 32, i), 64)
		case "demote_f64x2_zero":
			if i < 2 {
				result[i] = floatBits(getFloat(mem, 0, 64, i), 32)
			}
		default:
			if v, ok := floatOp(op, a, b); ok {
				result[i] = floatBits(v, width)
			} else if holds, ok := compare(op, a, b); ok && holds {
				result[i] = -1
			} else if !ok {
				return false
			}
		}
	}
	for i, v := range result {
		setLane(mem, resultAt, width, i, v)
	}
	return true
}

// scalar applies operators of i32, i64 and f32.
func scalar(name string, mem []byte) bool {
	prefix, op, _ := strings.Cut(name, ".")
	width := 32
	if prefix == "i64" {
		width = 64
	}
	set := func(v int64) bool { setLane(mem, resultAt, width, 0, v); return true }
	setBool := func(v bool) bool {
		setLane(mem, resultAt, 32, 0, map[bool]int64{true: 1}[v])
		return true
	}
	signed := !strings.HasSuffix(op, "_u")
	base := strings.TrimSuffix(strings.TrimSuffix(op, "_s"), "_u")
	a, b := getLane(mem, 0, width, 0, signed), getLane(mem, 16, width, 0, signed)
	word := getLane(mem, memAt, 32, 0, true)
	const operand = integer // the value operand of stores and atomics
	var n int
	switch base {
	case "load", "atomic.load":
		if prefix == "f64" {
			width = 64
		}
		return set(getLane(mem, memAt, width, 0, true))
	case "load8", "load16":
		fmt.Sscanf(base, "load%d", &n)
		return set(getLane(mem, memAt, n, 0, signed))
	case "store", "store8", "store16", "atomic.store":
		n = width
		if prefix == "f64" {
			n = 64
		}
		fmt.Sscanf(base, "store%d", &n)
		v := int64(operand)
		if prefix != "i32" {
			v = getLane(mem, 16, n, 0, false) // the second scalar
		}
		setLane(mem, memAt, n, 0, v)
		return true
	case "atomic.rmw.add", "atomic.rmw.sub", "atomic.rmw.and", "atomic.rmw.or", "atomic.rmw.xor", "atomic.rmw.xchg":
		setLane(mem, memAt, 32, 0, map[string]int64{"add": word + operand, "sub": word - operand, "and": word & operand,
			"or": word | operand, "xor": word ^ operand, "xchg": operand}[base[11:]])
		return set(word)
	case "wrap_i64":
		return set(getLane(mem, 0, 64, 0, true))
	case "extend_i32":
		return set(getLane(mem, 0, 32, 0, signed))
	case "extend8", "extend16":
		fmt.Sscanf(base, "extend%d", &n)
		return set(getLane(mem, 0, n, 0, true))
	case "reinterpret_f32", "reinterpret_i32":
		return set(getLane(mem, 0, 32, 0, true))
	case "convert_i32":
		return set(int64(math.Float32bits(float32(getLane(mem, 0, 32, 0, signed)))))
	case "trunc_sat_f32":
		return set(saturate(int64(getFloat(mem, 0, 32, 0)), 32, signed))
	}
	if prefix == "f32" {
		x, y := getFloat(mem, 0, 32, 0), getFloat(mem, 16, 32, 0)
		if v, ok := floatOp(op, x, y); ok {
			return set(floatBits(v, 32))
		}
		holds, ok := compare(op, x, y)
		return ok && setBool(holds)
	}
	shift := uint(b) % uint(width)
	switch base {
	case "eqz":
		return setBool(a == 0)
	case "clz":
		return set(int64(bits.LeadingZeros32(uint32(a))))
	case "ctz":
		return set(int64(bits.TrailingZeros32(uint32(a))))
	case "popcnt":
		return set(int64(bits.OnesCount32(uint32(a))))
	case "add":
		return set(a + b)
	case "sub":
		return set(a - b)
	case "mul":
		return set(a * b)
	case "div":
		return set(a / b)
	case "rem":
		return set(a % b)
	case "and":
		return set(a & b)
	case "or":
		return set(a | b)
	case "xor":
		return set(a ^ b)
	case "shl":
		return set(a << shift)
	case "shr":
		if signed {
			return set(a >> shift)
		}
		return set(int64(uint64(a) >> shift))
	}
	if !signed && width == 64 {
		switch base {
		case "lt":
			return setBool(uint64(a) < uint64(b))
		}
		return false
	}
	holds, ok := compare(base, a, b)
	return ok && setBool(holds)
}
