package graph

import (
	"fmt"
	"math"
)

// broadcast joins two shapes by ONNX's (numpy's) rule.
func broadcast(a, b []int) ([]int, error) {
	if len(a) < len(b) {
		a, b = b, a
	}
	out := append([]int(nil), a...)
	off := len(a) - len(b)
	for i, d := range b {
		switch e := a[off+i]; {
		case e == d || d == 1:
		case e == 1:
			out[off+i] = d
		default:
			return nil, fmt.Errorf("shapes %v and %v do not broadcast", a, b)
		}
	}
	return out, nil
}

// broadcastStrides returns the strides with which an operand of a shape walks
// the output: 0 along repeated dimensions.
func broadcastStrides(shape, out []int) []int {
	s := make([]int, len(out))
	own := strides(shape)
	off := len(out) - len(shape)
	for i, d := range shape {
		if d != 1 {
			s[off+i] = own[i]
		}
	}
	return s
}

// eachRow visits the rows (last dimension) of an output with the offsets at
// which the operands' rows begin. A scalar output is one row of one element.
func eachRow(out []int, ops [][]int, visit func(o int, at []int)) {
	row, rank := 1, len(out)
	if rank > 0 {
		row = out[rank-1]
	}
	n := 1
	for _, d := range out {
		n *= d
	}
	if n == 0 {
		return
	}
	at := make([]int, len(ops))
	index := make([]int, max(rank-1, 0))
	for o := 0; o < n; o += row {
		visit(o, at)
		for d := rank - 2; d >= 0; d-- {
			index[d]++
			for k := range ops {
				at[k] += ops[k][d]
			}
			if index[d] < out[d] {
				break
			}
			for k := range ops {
				at[k] -= ops[k][d] * out[d]
			}
			index[d] = 0
		}
	}
}

// last returns the stride along rows and the row length.
func last(s []int) int {
	if len(s) == 0 {
		return 0
	}
	return s[len(s)-1]
}

// zip computes out = f(a, b) with broadcasting.
func zip[T, R any](out []R, shape []int, a []T, as []int, b []T, bs []int, f func(x, y T) R) {
	row := 1
	if len(shape) > 0 {
		row = shape[len(shape)-1]
	}
	sa, sb := last(as), last(bs)
	eachRow(shape, [][]int{as, bs}, func(o int, at []int) {
		ia, ib := at[0], at[1]
		for k := range out[o : o+row] {
			out[o+k] = f(a[ia], b[ib])
			ia += sa
			ib += sb
		}
	})
}

func binaryOp(op string) OpSpec {
	logical := op == "Equal" || op == "Less" || op == "Greater"
	infer := func(c *call) error {
		a, b := c.in[0], c.in[1]
		if isFloat(a.dt) != isFloat(b.dt) {
			return fmt.Errorf("operands are %v and %v", a.dt, b.dt)
		}
		if op == "Mod" && isFloat(a.dt) {
			return fmt.Errorf("%w for floats", ErrUnsupported)
		}
		shape, err := broadcast(a.shape, b.shape)
		if err != nil {
			return err
		}
		dt := a.dt
		if logical {
			dt = Bool
		}
		return c.result(0, dt, shape)
	}
	eval := func(c *call) error {
		a, b, out := c.in[0], c.in[1], c.out[0].alloc()
		as, bs := broadcastStrides(a.shape, out.shape), broadcastStrides(b.shape, out.shape)
		switch {
		case logical && isFloat(a.dt):
			zip(out.i, out.shape, a.f, as, b.f, bs, func(x, y float32) int64 { return compare(op, x, y) })
		case logical:
			zip(out.i, out.shape, a.i, as, b.i, bs, func(x, y int64) int64 { return compare(op, x, y) })
		case isFloat(a.dt):
			zip(out.f, out.shape, a.f, as, b.f, bs, floatOp(op))
		default:
			if op == "Div" || op == "Mod" {
				for _, y := range b.i {
					if y == 0 {
						return fmt.Errorf("integer division by zero")
					}
				}
			}
			zip(out.i, out.shape, a.i, as, b.i, bs, intOp(op))
		}
		return nil
	}
	return OpSpec{2, 2, 1, 1, infer, eval}
}

func compare[T float32 | int64](op string, x, y T) int64 {
	if op == "Equal" && x == y || op == "Less" && x < y || op == "Greater" && x > y {
		return 1
	}
	return 0
}

func floatOp(op string) func(x, y float32) float32 {
	switch op {
	case "Add":
		return func(x, y float32) float32 { return x + y }
	case "Sub":
		return func(x, y float32) float32 { return x - y }
	case "Mul":
		return func(x, y float32) float32 { return x * y }
	case "Div":
		return func(x, y float32) float32 { return x / y }
	case "Max":
		return func(x, y float32) float32 { return max(x, y) }
	case "Min":
		return func(x, y float32) float32 { return min(x, y) }
	}
	return func(x, y float32) float32 { return float32(math.Pow(float64(x), float64(y))) }
}

func intOp(op string) func(x, y int64) int64 {
	switch op {
	case "Add":
		return func(x, y int64) int64 { return x + y }
	case "Sub":
		return func(x, y int64) int64 { return x - y }
	case "Mul":
		return func(x, y int64) int64 { return x * y }
	case "Div": // truncates, as ONNX says
		return func(x, y int64) int64 { return x / y }
	case "Mod": // the sign of the divisor (fmod=0)
		return func(x, y int64) int64 {
			if r := x % y; r != 0 && (r < 0) != (y < 0) {
				return r + y
			}
			return x % y
		}
	case "Max":
		return func(x, y int64) int64 { return max(x, y) }
	case "Min":
		return func(x, y int64) int64 { return min(x, y) }
	}
	return func(x, y int64) int64 { return int64(math.Pow(float64(x), float64(y))) }
}

// variadic is Max or Min of any number of operands.
func variadic(op string) OpSpec {
	two := binaryOp(op)
	return OpSpec{1, -1, 1, 1, func(c *call) error {
		acc := c.in[0]
		for k := range c.in {
			b, err := c.need(k)
			if err != nil {
				return err
			}
			step := &call{n: c.n, in: []*array{acc, b}, out: make([]*array, 1)}
			if err := two.infer(step); err != nil {
				return err
			}
			acc = step.out[0]
		}
		return c.result(0, acc.dt, acc.shape)
	}, func(c *call) error {
		acc := c.in[0]
		for _, b := range c.in {
			step := &call{n: c.n, in: []*array{acc, b}, out: make([]*array, 1)}
			if err := two.infer(step); err != nil {
				return err
			}
			if err := two.eval(step); err != nil {
				return err
			}
			acc = step.out[0]
		}
		c.out[0] = acc
		return nil
	}}
}

func inferUnary(c *call) error { return c.result(0, c.in[0].dt, c.in[0].shape) }

// exp is e^x to 1e-9, relative: in double precision far better than the
// float32 results need. x = n·ln 2 + r, and e^r by its Taylor polynomial in
// Estrin's order.
func exp(x float64) float64 {
	if x < -700 {
		x = -700
	} else if x > 700 {
		x = 700
	}
	n := int64(x*math.Log2E+1100.5) - 1100 // floor, since the sum is positive
	r := x - float64(n)*math.Ln2
	r2 := r * r
	p := (1 + r) + r2*((1.0/2+r*(1.0/6))+r2*((1.0/24+r*(1.0/120))+r2*((1.0/720+r*(1.0/5040))+r2*(1.0/40320))))
	return p * math.Float64frombits(uint64(n+1023)<<52)
}

// exps remembers e^x of float32 numbers: the maps that a decoding tail is checked
// on hold few different ones, see fill.
type exps struct {
	bits [1 << 14]uint32
	exp  [1 << 14]float64
}

// newExps returns what remembers e^x for n numbers, nil where they are few.
func newExps(n int) *exps {
	if n < 1<<16 {
		return nil
	}
	e := new(exps)
	e.exp[0] = 1 // of 0, whose bits are all slots'
	return e
}

// of is exp(x).
func (e *exps) of(x float32) float64 {
	if e == nil {
		return exp(float64(x))
	}
	bits := math.Float32bits(x)
	at := bits * 0x9e3779b1 >> 18 // Fibonacci hashing (Knuth, TAOCP 3, 6.4)
	if e.bits[at] != bits {
		e.bits[at], e.exp[at] = bits, exp(float64(x))
	}
	return e.exp[at]
}

// sigmoid is 1/(1+e^−x) in double precision, rounded once.
func sigmoid(x float32) float32 { return float32(1 / (1 + exp(-float64(x)))) }

func silu(x float32) float32 { return float32(float64(x) / (1 + exp(-float64(x)))) }

func unaryOp(op string) OpSpec {
	infer := func(c *call) error {
		if a := c.in[0]; !isFloat(a.dt) && op != "Neg" && op != "Abs" && op != "Relu" {
			return fmt.Errorf("operand is %v", a.dt)
		}
		return inferUnary(c)
	}
	var f func(float64) float64
	switch op {
	case "Exp":
		f = math.Exp
	case "Log":
		f = math.Log
	case "Sqrt":
		f = math.Sqrt
	case "Floor":
		f = math.Floor
	case "Ceil":
		f = math.Ceil
	case "Abs":
		f = math.Abs
	case "Tanh":
		f = math.Tanh
	case "Neg":
		f = func(x float64) float64 { return -x }
	case "Relu":
		f = func(x float64) float64 { return max(x, 0) }
	}
	eval := func(c *call) error {
		a, out := c.in[0], c.out[0].alloc()
		switch op {
		case "Sigmoid":
			e := newExps(len(a.f))
			for k, x := range a.f {
				out.f[k] = float32(1 / (1 + e.of(-x)))
			}
		case "SiLU":
			for k, x := range a.f {
				out.f[k] = silu(x)
			}
		default:
			for k, x := range a.f {
				out.f[k] = float32(f(float64(x)))
			}
			for k, x := range a.i {
				out.i[k] = int64(f(float64(x)))
			}
		}
		return nil
	}
	return OpSpec{1, 1, 1, 1, infer, eval}
}

func evalClip(c *call) error {
	a, out := c.in[0], c.out[0].alloc()
	bound := func(k int, attr string, def float64) (float64, error) {
		b := c.arg(k)
		switch {
		case b == nil:
			return float64(c.n.Float(attr, float32(def))), nil
		case b.len() != 1:
			return 0, fmt.Errorf("input %d must be a scalar", k)
		case isFloat(b.dt):
			return float64(b.load().f[0]), nil
		}
		return float64(b.load().i[0]), nil
	}
	lo, err := bound(1, "min", math.Inf(-1))
	if err != nil {
		return err
	}
	hi, err := bound(2, "max", math.Inf(1))
	if err != nil {
		return err
	}
	for k, x := range a.f {
		out.f[k] = float32(min(max(float64(x), lo), hi))
	}
	for k, x := range a.i {
		out.i[k] = int64(min(max(float64(x), lo), hi))
	}
	return nil
}

func evalIdentity(c *call) error {
	c.out[0] = c.in[0].with(c.in[0].shape)
	if len(c.out) > 1 && c.out[1] != nil {
		return fmt.Errorf("%w: a dropout mask", ErrUnsupported)
	}
	return nil
}

func inferWhere(c *call) error {
	cond, a, b := c.in[0], c.in[1], c.in[2]
	if isFloat(cond.dt) || isFloat(a.dt) != isFloat(b.dt) {
		return fmt.Errorf("operands are %v, %v and %v", cond.dt, a.dt, b.dt)
	}
	shape, err := broadcast(a.shape, b.shape)
	if err != nil {
		return err
	}
	if shape, err = broadcast(shape, cond.shape); err != nil {
		return err
	}
	return c.result(0, a.dt, shape)
}

func evalWhere(c *call) error {
	cond, a, b, out := c.in[0], c.in[1], c.in[2], c.out[0].alloc()
	s := [][]int{broadcastStrides(cond.shape, out.shape), broadcastStrides(a.shape, out.shape), broadcastStrides(b.shape, out.shape)}
	row := 1
	if r := len(out.shape); r > 0 {
		row = out.shape[r-1]
	}
	eachRow(out.shape, s, func(o int, at []int) {
		for k := range row {
			from, i := a, at[1]+k*last(s[1])
			if cond.i[at[0]+k*last(s[0])] == 0 {
				from, i = b, at[2]+k*last(s[2])
			}
			if out.f != nil {
				out.f[o+k] = from.f[i]
			} else {
				out.i[o+k] = from.i[i]
			}
		}
	})
	return nil
}

// onnxTypes maps TensorProto.DataType to ours; unsigned 32 and 64 bits do not
// occur.
var onnxTypes = map[int64]DType{1: Float32, 2: Uint8, 3: Int8, 4: Uint16, 5: Int16, 6: Int32, 7: Int64, 9: Bool, 10: Float16, 11: Float64}

func inferCast(c *call) error {
	dt, ok := onnxTypes[c.n.Int("to", 0)]
	if !ok {
		return fmt.Errorf("%w: a cast to ONNX type %d", ErrUnsupported, c.n.Int("to", 0))
	}
	return c.result(0, dt, c.in[0].shape)
}

func evalCast(c *call) error {
	a, out := c.in[0], c.out[0]
	if isFloat(a.dt) == isFloat(out.dt) && (isFloat(a.dt) || a.dt == out.dt) {
		out.f, out.i = a.f, a.i // all float types are computed as float32
		return nil
	}
	out.alloc()
	switch {
	case isFloat(out.dt):
		for k, x := range a.i {
			out.f[k] = float32(x)
		}
	case out.dt == Bool:
		for k, x := range a.f {
			out.i[k] = compare("Greater", float32(math.Abs(float64(x))), 0)
		}
		for k, x := range a.i {
			if x != 0 {
				out.i[k] = 1
			}
		}
	default:
		for k, x := range a.f {
			out.i[k] = int64(x)
		}
		copy(out.i, a.i)
		wrap(out.i, out.dt)
	}
	return nil
}

// wrap reduces integers to the range of a type as a conversion in Go does.
func wrap(v []int64, dt DType) {
	for k, x := range v {
		switch dt {
		case Int8:
			v[k] = int64(int8(x))
		case Uint8:
			v[k] = int64(uint8(x))
		case Int16:
			v[k] = int64(int16(x))
		case Uint16:
			v[k] = int64(uint16(x))
		case Int32:
			v[k] = int64(int32(x))
		}
	}
}

func evalSoftmax(c *call) error {
	a, out := c.in[0], c.out[0].alloc()
	def := int64(-1)
	if c.opset < 13 {
		def = 1
	}
	ax, err := axis(c.n.Int("axis", def), len(a.shape))
	if err != nil {
		return err
	}
	outer, inner := around(a.shape, ax)
	n := a.shape[ax]
	if c.opset < 13 { // flattened to two dimensions at the axis
		n, inner = n*inner, 1
	}
	top, sum, exps := make([]float32, inner), make([]float64, inner), newExps(len(a.f))
	for o := range outer {
		x, y := a.f[o*n*inner:(o+1)*n*inner], out.f[o*n*inner:(o+1)*n*inner]
		for j := range inner {
			top[j], sum[j] = float32(math.Inf(-1)), 0
		}
		for k := 0; k < n*inner; k += inner {
			for j, v := range x[k : k+inner] {
				if v > top[j] { // max is a slow call in the tab
					top[j] = v
				}
			}
		}
		for k := 0; k < n*inner; k += inner {
			for j, v := range x[k : k+inner] {
				e := exps.of(v - top[j])
				y[k+j] = float32(e)
				sum[j] += e
			}
		}
		for k := 0; k < n*inner; k += inner {
			for j := range inner {
				y[k+j] = float32(float64(y[k+j]) / sum[j])
			}
		}
	}
	return nil
}
