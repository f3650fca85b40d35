package pt

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strings"
)

// What a pickle's values become: nil, bool, int, float64, string, []any for
// tuples, and these.
type (
	// list is a Python list.
	list struct{ items []any }
	// dict is a dictionary in order of insertion. Keys that are no strings or
	// integers are kept in order only.
	dict struct {
		keys, values []any
		at           map[any]int
	}
	// object is an instance of an allowed class, its attributes in a dict.
	object struct {
		class string // "module name"
		attrs *dict
	}
)

func newDict() *dict { return &dict{at: map[any]int{}} }

func (d *dict) set(k, v any) {
	switch k.(type) {
	case string, int:
		if i, ok := d.at[k]; ok {
			d.values[i] = v
			return
		}
		d.at[k] = len(d.keys)
	}
	d.keys, d.values = append(d.keys, k), append(d.values, v)
}

// get returns the value of a key, nil without it; d may be nil.
func (d *dict) get(k any) any {
	if d == nil {
		return nil
	}
	if i, ok := d.at[k]; ok {
		return d.values[i]
	}
	return nil
}

// machine is a pickle machine for the operations that torch.save and Python's
// protocols 2 and 3 use on such objects. It is ours: see docs/RATIONALE.md.
type machine struct {
	data  []byte
	pos   int
	stack []any
	marks []int
	memo  map[int]any

	assigned int // attributes of all objects
}

// maxMemo bounds the objects that a pickle recalls, and their attributes.
const maxMemo = 1 << 20

func unpickle(data []byte) (any, error) {
	m := &machine{data: data, memo: map[int]any{}}
	for {
		at := m.pos
		op, err := m.take(1)
		if err == nil && op[0] == '.' {
			v, err := m.pop()
			if err != nil {
				return nil, fmt.Errorf("%w: data.pkl: %w", ErrFormat, err)
			}
			return v, nil
		}
		if err == nil {
			err = m.step(op[0])
		}
		if errors.Is(err, ErrGlobal) || errors.Is(err, ErrArchitecture) {
			return nil, err
		}
		if err != nil {
			return nil, fmt.Errorf("%w: data.pkl, byte %d: %w", ErrFormat, at, err)
		}
	}
}

func (m *machine) take(n int) ([]byte, error) {
	if n < 0 || n > len(m.data)-m.pos {
		return nil, fmt.Errorf("it ends in the middle")
	}
	m.pos += n
	return m.data[m.pos-n : m.pos], nil
}

// number takes n little-endian bytes.
func (m *machine) number(n int) (int, error) {
	b, err := m.take(n)
	v := 0
	for i, x := range b {
		v |= int(x) << (8 * i)
	}
	return v, err
}

func (m *machine) line() (string, error) {
	for i := m.pos; i < len(m.data) && i < m.pos+512; i++ {
		if m.data[i] == '\n' {
			s := string(m.data[m.pos:i])
			m.pos = i + 1
			return s, nil
		}
	}
	return "", fmt.Errorf("a name without end")
}

func (m *machine) push(v any) { m.stack = append(m.stack, v) }

func (m *machine) pop() (any, error) {
	low := 0
	if len(m.marks) > 0 {
		low = m.marks[len(m.marks)-1]
	}
	if len(m.stack) <= low {
		return nil, fmt.Errorf("its stack is empty")
	}
	v := m.stack[len(m.stack)-1]
	m.stack = m.stack[:len(m.stack)-1]
	return v, nil
}

// pops takes n values, the first pushed first.
func (m *machine) pops(n int) ([]any, error) {
	out := make([]any, n)
	for i := n - 1; i >= 0; i-- {
		v, err := m.pop()
		if err != nil {
			return nil, err
		}
		out[i] = v
	}
	return out, nil
}

// marked takes what was pushed since the last mark.
func (m *machine) marked() ([]any, error) {
	if len(m.marks) == 0 {
		return nil, fmt.Errorf("it has no mark")
	}
	from := m.marks[len(m.marks)-1]
	m.marks = m.marks[:len(m.marks)-1]
	out := append([]any(nil), m.stack[from:]...)
	m.stack = m.stack[:from]
	return out, nil
}

// step executes one operation; the names are those of pickletools.
func (m *machine) step(op byte) error {
	switch op {
	case 0x80: // PROTO
		v, err := m.number(1)
		if err == nil && (v < 2 || v > 3) {
			err = fmt.Errorf("protocol %d: save it with PyTorch's default, 2", v)
		}
		return err
	case '(': // MARK
		m.marks = append(m.marks, len(m.stack))
		return nil
	case 'N', 0x88, 0x89: // NONE, NEWTRUE, NEWFALSE
		m.push(map[byte]any{'N': nil, 0x88: true, 0x89: false}[op])
		return nil
	case 'K', 'M', 'J', 0x8a, 'G': // BININT1, BININT2, BININT, LONG1, BINFLOAT
		return m.literal(op)
	case 'X', 'U', 'T', 'C', 'B': // BINUNICODE, SHORT_BINSTRING, BINSTRING, SHORT_BINBYTES, BINBYTES
		n, err := m.number(map[byte]int{'X': 4, 'U': 1, 'T': 4, 'C': 1, 'B': 4}[op])
		if err != nil {
			return err
		}
		b, err := m.take(n)
		m.push(string(b))
		return err
	case 'q', 'r': // BINPUT, LONG_BINPUT
		i, err := m.number(map[byte]int{'q': 1, 'r': 4}[op])
		if err != nil || len(m.stack) == 0 || len(m.memo) >= maxMemo {
			return fmt.Errorf("it cannot remember a value")
		}
		m.memo[i] = m.stack[len(m.stack)-1]
		return nil
	case 'h', 'j': // BINGET, LONG_BINGET
		i, err := m.number(map[byte]int{'h': 1, 'j': 4}[op])
		v, ok := m.memo[i]
		if err != nil || !ok {
			return fmt.Errorf("it recalls a value that it did not remember")
		}
		m.push(v)
		return nil
	case 'c': // GLOBAL
		module, err := m.line()
		if err != nil {
			return err
		}
		name, err := m.line()
		if err != nil {
			return err
		}
		g, err := findGlobal(module, name)
		m.push(g)
		return err
	case '0': // POP
		_, err := m.pop()
		return err
	}
	return m.collect(op)
}

// literal pushes a number.
func (m *machine) literal(op byte) error {
	switch op {
	case 'G':
		b, err := m.take(8)
		if err == nil {
			m.push(math.Float64frombits(binary.BigEndian.Uint64(b)))
		}
		return err
	case 0x8a:
		n, err := m.number(1)
		if err != nil {
			return err
		}
		b, err := m.take(n)
		if err != nil {
			return err
		}
		if n > 8 { // such as a random seed: nothing that is looked at
			m.push(string(b))
			return nil
		}
		v := uint64(0)
		for i, x := range b {
			v |= uint64(x) << (8 * i)
		}
		shift := 64 - 8*n
		m.push(int(int64(v<<shift) >> shift))
		return nil
	}
	v, err := m.number(map[byte]int{'K': 1, 'M': 2, 'J': 4}[op])
	if op == 'J' {
		v = int(int32(v))
	}
	m.push(v)
	return err
}

// collect executes the operations on containers and objects.
func (m *machine) collect(op byte) error {
	switch op {
	case ']': // EMPTY_LIST
		m.push(&list{})
		return nil
	case '}': // EMPTY_DICT
		m.push(newDict())
		return nil
	case ')', 0x85, 0x86, 0x87: // EMPTY_TUPLE, TUPLE1, TUPLE2, TUPLE3
		t, err := m.pops(map[byte]int{')': 0, 0x85: 1, 0x86: 2, 0x87: 3}[op])
		m.push(t)
		return err
	case 't': // TUPLE
		t, err := m.marked()
		m.push(t)
		return err
	case 'a', 'e': // APPEND, APPENDS
		items, err := m.operands(op == 'e', 1)
		if err != nil {
			return err
		}
		l, err := m.pop()
		if into, ok := l.(*list); ok {
			into.items = append(into.items, items...)
		} else if err == nil {
			err = fmt.Errorf("it appends to what is no list")
		}
		m.push(l)
		return err
	case 's', 'u': // SETITEM, SETITEMS
		items, err := m.operands(op == 'u', 2)
		if err != nil {
			return err
		}
		d, err := m.pop()
		into, ok := d.(*dict)
		if !ok || len(items)%2 != 0 {
			return fmt.Errorf("it sets items of what is no dictionary")
		}
		for i := 0; i < len(items); i += 2 {
			into.set(items[i], items[i+1])
		}
		m.push(d)
		return err
	case 'b': // BUILD
		pair, err := m.pops(2)
		if err != nil {
			return err
		}
		m.push(pair[0])
		if o, ok := pair[0].(*object); ok {
			return m.assign(o, pair[1])
		}
		return nil
	case 0x81, 'R': // NEWOBJ, REDUCE
		pair, err := m.pops(2)
		if err != nil {
			return err
		}
		g, ok1 := pair[0].(*global)
		args, ok2 := pair[1].([]any)
		if !ok1 || !ok2 {
			return fmt.Errorf("it calls what is no name")
		}
		v, err := g.call(args)
		m.push(v)
		return err
	case 'Q': // BINPERSID
		id, err := m.pop()
		if err != nil {
			return err
		}
		s, err := newStorage(id)
		m.push(s)
		return err
	}
	return fmt.Errorf("operation %#02x is not one that torch.save uses", op)
}

func (m *machine) operands(marked bool, n int) ([]any, error) {
	if marked {
		return m.marked()
	}
	return m.pops(n)
}

// assign sets an object's attributes: a dictionary, or a pair of one and one of
// slots.
func (m *machine) assign(o *object, state any) error {
	parts := []any{state}
	if pair, ok := state.([]any); ok && len(pair) == 2 {
		parts = pair
	}
	for _, p := range parts {
		d, ok := p.(*dict)
		if !ok {
			continue
		}
		if m.assigned += len(d.keys); m.assigned > maxMemo {
			return fmt.Errorf("it sets too many attributes")
		}
		for i, k := range d.keys {
			o.attrs.set(k, d.values[i])
		}
	}
	return nil
}

// call makes what a global stands for.
func (g *global) call(args []any) (any, error) {
	switch g.kind {
	case class, opaque:
		return &object{g.name, newDict()}, nil
	case mapping:
		return newDict(), nil
	case method:
		if len(args) == 2 {
			_, ok := args[0].(*object)
			if name, _ := args[1].(string); ok && strings.HasPrefix(name, "forward") {
				return &object{g.name, newDict()}, nil
			}
		}
		return nil, fmt.Errorf("%w: getattr of other than a module's forward", ErrGlobal)
	case parameter:
		if len(args) > 0 {
			if t, ok := args[0].(*tensor); ok {
				return t, nil
			}
		}
		return nil, fmt.Errorf("a parameter that is no tensor")
	case rebuild:
		return newTensor(args)
	}
	return nil, fmt.Errorf("it calls %q", g.name)
}

// newStorage reads ("storage", class, key, device, elements).
func newStorage(id any) (*storage, error) {
	t, _ := id.([]any)
	if len(t) == 5 && t[0] == "storage" {
		g, ok1 := t[1].(*global)
		key, ok2 := t[2].(string)
		n, ok3 := t[4].(int)
		if ok1 && ok2 && ok3 && sizes[g.kind] > 0 && n >= 0 && n <= maxElements {
			return &storage{g.kind, key, n}, nil
		}
	}
	return nil, fmt.Errorf("a storage that is not PyTorch's")
}

// newTensor reads (storage, offset, shape, strides, …).
func newTensor(args []any) (*tensor, error) {
	if len(args) >= 4 {
		s, ok1 := args[0].(*storage)
		offset, ok2 := args[1].(int)
		shape, ok3 := integers(args[2])
		stride, ok4 := integers(args[3])
		n := 1
		for i := 0; i < len(shape) && n <= maxElements; i++ {
			n *= shape[i]
		}
		if ok1 && ok2 && ok3 && ok4 && len(shape) == len(stride) && offset >= 0 && offset <= maxElements && n <= maxElements {
			return &tensor{s, offset, shape, stride}, nil
		}
	}
	return nil, fmt.Errorf("a tensor that is not PyTorch's")
}

// integers reads at most 8 dimensions or strides.
func integers(v any) ([]int, bool) {
	t, ok := v.([]any)
	if !ok || len(t) > 8 {
		return nil, false
	}
	out := make([]int, len(t))
	for i, x := range t {
		d, ok := x.(int)
		if !ok || d < 0 || d > maxElements {
			return nil, false
		}
		out[i] = d
	}
	return out, true
}
