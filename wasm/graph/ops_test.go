package graph

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"
)

// packed is a tensor as testdata/ops.py writes it: [type, shape, elements].
type packed struct {
	dtype string
	shape []int
	ints  []int64
	reals []float32
}

func (p *packed) UnmarshalJSON(b []byte) error {
	var raw []json.RawMessage
	if err := json.Unmarshal(b, &raw); err != nil || len(raw) != 3 {
		return fmt.Errorf("tensor %.40s: %w", b, err)
	}
	if err := json.Unmarshal(raw[0], &p.dtype); err != nil {
		return err
	}
	if err := json.Unmarshal(raw[1], &p.shape); err != nil {
		return err
	}
	if strings.HasPrefix(p.dtype, "float") {
		return json.Unmarshal(raw[2], &p.reals)
	}
	return json.Unmarshal(raw[2], &p.ints)
}

func (p *packed) tensor(t *testing.T) *Tensor {
	types := map[string]DType{"float32": Float32, "int64": Int64, "int32": Int32, "uint8": Uint8, "int8": Int8, "uint16": Uint16, "bool": Bool}
	dt, ok := types[p.dtype]
	if !ok {
		t.Fatalf("type %q", p.dtype)
	}
	if dt == Float32 {
		return FloatTensor(p.reals, p.shape...)
	}
	return intTensor(dt, p.ints, p.shape)
}

func attrOf(t *testing.T, raw json.RawMessage) Attr {
	var (
		p  packed
		s  string
		n  json.Number
		ns []json.Number
	)
	switch {
	case json.Unmarshal(raw, &s) == nil:
		return Attr{Kind: AttrString, S: s}
	case json.Unmarshal(raw, &n) == nil:
		if i, err := n.Int64(); err == nil {
			return Attr{Kind: AttrInt, I: i}
		}
		f, _ := n.Float64()
		return Attr{Kind: AttrFloat, F: float32(f)}
	case json.Unmarshal(raw, &ns) == nil:
		a := Attr{Kind: AttrInts, Ints: []int64{}}
		for _, n := range ns {
			f, _ := n.Float64()
			a.Floats = append(a.Floats, float32(f))
			if i, err := n.Int64(); err == nil {
				a.Ints = append(a.Ints, i)
			}
		}
		if len(a.Ints) < len(ns) {
			return Attr{Kind: AttrFloats, Floats: a.Floats}
		}
		a.Floats = nil
		return a
	}
	if err := json.Unmarshal(raw, &p); err != nil {
		t.Fatal(err)
	}
	return Attr{Kind: AttrTensor, T: p.tensor(t)}
}

// Every operator gives what ONNX Runtime gave, interpreted and folded.
func TestOperatorsAgreeWithONNXRuntime(t *testing.T) {
	file, err := os.Open("testdata/ops.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	seen := map[string]bool{}
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var c struct {
			Name, Op string
			Opset    int
			In, Out  []*packed
			Attrs    map[string]json.RawMessage
		}
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		seen[c.Op] = true
		t.Run(c.Name, func(t *testing.T) {
			n := &Node{Name: c.Name, Op: c.Op, Attrs: map[string]Attr{}}
			for k, raw := range c.Attrs {
				n.Attrs[k] = attrOf(t, raw)
			}
			g := &Graph{Opset: c.Opset, Nodes: []*Node{n}}
			for k, p := range c.In {
				var v *Value
				if p != nil {
					v = &Value{Name: fmt.Sprint("in", k), Const: p.tensor(t)}
				}
				n.In = append(n.In, v)
			}
			for k := range c.Out {
				n.Out = append(n.Out, &Value{Name: fmt.Sprint("out", k)})
			}
			g.Outputs = n.Out
			if err := g.Verify(); err != nil {
				t.Fatal(err)
			}
			if err := checkOps(g); err != nil {
				t.Fatal(err)
			}
			got, err := Eval(g, nil)
			if err != nil {
				t.Fatal(err)
			}
			for k, p := range c.Out {
				near(t, got[fmt.Sprint("out", k)], p.tensor(t))
			}
			if err := Fold(g); err != nil {
				t.Fatal(err)
			}
			for k, p := range c.Out {
				if c.Op == "DequantizeLinear" {
					continue // left for LiftQDQ
				}
				near(t, g.Outputs[k].Const, p.tensor(t))
			}
		})
	}
	for _, op := range Supported {
		if !seen[op] && op != "Constant" && op != "Dropout" {
			t.Errorf("no case for %s", op)
		}
	}
}

// near compares tensors: integers exactly, floats within 2e-5 (the file has
// seven digits, and sums may be in another order).
func near(t *testing.T, got, want *Tensor) {
	t.Helper()
	if got == nil {
		t.Fatal("no result")
	}
	if got.DType != want.DType || !sameShape(got.Shape, want.Shape) {
		t.Fatalf("result is %v of %v, want %v of %v", got.DType, got.Shape, want.DType, want.Shape)
	}
	a, b := got.Floats(), want.Floats()
	for i := range a {
		if d := math.Abs(float64(a[i] - b[i])); !(d <= 2e-5*math.Max(1, math.Abs(float64(b[i])))) && a[i] != b[i] {
			t.Fatalf("element %d is %g, want %g", i, a[i], b[i])
		}
	}
	x, y := got.Int64s(), want.Int64s()
	for i := range x {
		if x[i] != y[i] {
			t.Fatalf("element %d is %d, want %d", i, x[i], y[i])
		}
	}
}
