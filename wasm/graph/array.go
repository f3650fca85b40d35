package graph

import "fmt"

// array is an operand during inference and interpretation: type and shape are
// always known, the elements perhaps. Floating-point types hold float32s,
// integers and bools int64s.
type array struct {
	dt    DType
	shape []int
	f     []float32
	i     []int64
	src   *Value // constant whose elements load fetches on demand
}

func isFloat(dt DType) bool { return dt == Float32 || dt == Float16 || dt == Float64 }

// constArray wraps a constant; a quantized one reads as its real numbers.
func constArray(v *Value) *array {
	a := &array{dt: v.Const.DType, shape: v.Const.Shape, src: v}
	if v.Quant != nil {
		a.dt = Float32
	}
	return a
}

// tensorArray wraps a tensor.
func tensorArray(t *Tensor) *array { return constArray(&Value{Const: t}) }

func (a *array) known() bool { return a.src != nil || a.f != nil || a.i != nil }

// load makes the elements of a constant available.
func (a *array) load() *array {
	if a.src == nil || a.f != nil || a.i != nil {
		return a
	}
	t := a.src.Const
	switch {
	case a.src.Quant != nil:
		a.f = dequantize(t, a.src.Quant)
	case isFloat(t.DType):
		a.f = t.Floats()
	default:
		a.i = t.Int64s()
	}
	return a
}

// tensor converts back; floats of any width become Float32.
func (a *array) tensor() *Tensor {
	if isFloat(a.dt) {
		return FloatTensor(a.f, a.shape...)
	}
	return intTensor(a.dt, a.i, a.shape)
}

func (a *array) len() int {
	n := 1
	for _, d := range a.shape {
		n *= d
	}
	return n
}

// with returns the same elements under another shape.
func (a *array) with(shape []int) *array {
	return &array{dt: a.dt, shape: shape, f: a.f, i: a.i}
}

// call is one operator applied to operands.
type call struct {
	n     *Node
	opset int
	in    []*array // nil when omitted
	out   []*array
}

// arg returns operand k, nil when omitted.
func (c *call) arg(k int) *array {
	if k < len(c.in) {
		return c.in[k]
	}
	return nil
}

// need returns operand k or an error when it was omitted.
func (c *call) need(k int) (*array, error) {
	if a := c.arg(k); a != nil {
		return a, nil
	}
	return nil, fmt.Errorf("input %d is missing", k)
}

// list returns the integers of operand k; nil when it is omitted. Data that
// depends on pixels is an error.
func (c *call) list(k int) ([]int64, error) {
	a := c.arg(k)
	if a == nil {
		return nil, nil
	}
	if !a.known() {
		return nil, fmt.Errorf("input %d must be a constant", k)
	}
	if isFloat(a.dt) {
		return nil, fmt.Errorf("input %d must hold integers, not %v", k, a.dt)
	}
	return a.load().i, nil
}

// floats returns the numbers of operand k; nil when it is omitted or empty.
func (c *call) floats(k int) ([]float32, error) {
	a := c.arg(k)
	if a == nil {
		return nil, nil
	}
	if !a.known() {
		return nil, fmt.Errorf("input %d must be a constant", k)
	}
	if !isFloat(a.dt) {
		return nil, fmt.Errorf("input %d must hold floats, not %v", k, a.dt)
	}
	return a.load().f, nil
}

// listOr reads a list that moved from an attribute to an input with a later
// opset: whichever is present.
func (c *call) listOr(k int, attr string) ([]int64, error) {
	if l, err := c.list(k); err != nil || l != nil {
		return l, err
	}
	return c.n.Ints(attr), nil
}

// result declares output k.
func (c *call) result(k int, dt DType, shape []int) error {
	if _, err := elements(shape); err != nil {
		return err
	}
	if k < len(c.out) {
		c.out[k] = &array{dt: dt, shape: shape}
	}
	return nil
}

// alloc makes room for the elements of a declared output.
func (a *array) alloc() *array {
	n := a.len()
	if isFloat(a.dt) {
		a.f = make([]float32, n)
	} else {
		a.i = make([]int64, n)
	}
	return a
}

// axis normalizes an axis that may count from the end.
func axis(a int64, rank int) (int, error) {
	if a < 0 {
		a += int64(rank)
	}
	if a < 0 || a >= int64(rank) {
		return 0, fmt.Errorf("axis out of range for rank %d", rank)
	}
	return int(a), nil
}

// around returns the products of the dimensions before and after an axis.
func around(shape []int, axis int) (outer, inner int) {
	outer, inner = 1, 1
	for _, d := range shape[:axis] {
		outer *= d
	}
	for _, d := range shape[axis+1:] {
		inner *= d
	}
	return outer, inner
}

func sameShape(a, b []int) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// strides returns the row-major element strides of a shape.
func strides(shape []int) []int {
	s := make([]int, len(shape))
	n := 1
	for i := len(shape) - 1; i >= 0; i-- {
		s[i] = n
		n *= shape[i]
	}
	return s
}
