package onnx

import (
	"encoding/binary"
	"math"
	"reflect"
	"slices"
	"testing"

	"eagleeye/wasm/graph"

	"google.golang.org/protobuf/encoding/protowire"
)

func varints(v ...int64) (b []byte) {
	for _, x := range v {
		b = protowire.AppendVarint(b, uint64(x))
	}
	return b
}

// Every way to write a tensor gives the same little-endian payload.
func TestTensorForms(t *testing.T) {
	for _, c := range []struct {
		name   string
		code   int64
		fields []byte
		dtype  graph.DType
		data   string
	}{
		{"float32 raw", 1, sub(9, f32(1, -2)), graph.Float32, string(f32(1, -2))},
		{"float32 packed", 1, sub(4, f32(1, -2)), graph.Float32, string(f32(1, -2))},
		{"float32 one by one", 1, msg([]byte{0x25}, f32(1), []byte{0x25}, f32(-2)), graph.Float32, string(f32(1, -2))},
		{"float32 in two runs", 1, msg(sub(4, f32(1)), sub(4, f32(-2))), graph.Float32, string(f32(1, -2))},
		{"float16 raw", 10, str(9, "\x00\x3c\x00\xc0"), graph.Float32, string(f32(1, -2))},
		{"float16 as integers", 10, sub(5, varints(0x3c00, 0xc000)), graph.Float32, string(f32(1, -2))},
		{"double raw", 11, str(9, "\x00\x00\x00\x00\x00\x00\xf0\x3f\x00\x00\x00\x00\x00\x00\x00\xc0"), graph.Float64, "\x00\x00\x00\x00\x00\x00\xf0\x3f\x00\x00\x00\x00\x00\x00\x00\xc0"},
		{"double packed", 11, sub(10, binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(nil, math.Float64bits(1)), math.Float64bits(-2))), graph.Float64, "\x00\x00\x00\x00\x00\x00\xf0\x3f\x00\x00\x00\x00\x00\x00\x00\xc0"},
		{"int8 raw", 3, str(9, "\x01\xfe"), graph.Int8, "\x01\xfe"},
		{"int8 as integers", 3, sub(5, varints(1, -2)), graph.Int8, "\x01\xfe"},
		{"uint8 as integers", 2, sub(5, varints(1, 254)), graph.Uint8, "\x01\xfe"},
		{"bool as integers", 9, sub(5, varints(1, 0)), graph.Bool, "\x01\x00"},
		{"int16 as integers", 5, sub(5, varints(1, -2)), graph.Int16, "\x01\x00\xfe\xff"},
		{"uint16 raw", 4, str(9, "\x01\x00\xfe\xff"), graph.Uint16, "\x01\x00\xfe\xff"},
		{"int32 packed", 6, sub(5, varints(1, -2)), graph.Int32, "\x01\x00\x00\x00\xfe\xff\xff\xff"},
		{"int32 one by one", 6, msg(num(5, 1), num(5, -2)), graph.Int32, "\x01\x00\x00\x00\xfe\xff\xff\xff"},
		{"int64 packed", 7, sub(7, varints(1, -2)), graph.Int64, "\x01\x00\x00\x00\x00\x00\x00\x00\xfe\xff\xff\xff\xff\xff\xff\xff"},
		{"int64 one by one", 7, msg(num(7, 1), num(7, -2)), graph.Int64, "\x01\x00\x00\x00\x00\x00\x00\x00\xfe\xff\xff\xff\xff\xff\xff\xff"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, shape := range [][]byte{dims(2), sub(1, varints(2))} {
				init := sub(5, str(8, "w"), num(2, c.code), shape, c.fields)
				constant := node("Constant", nil, []string{"k"}, sub(5, str(1, "value"), sub(5, num(2, c.code), shape, c.fields), num(20, 4)))
				g := bothDrivers(t, c.name, file(constant, node("Add", []string{"w", "k"}, []string{"y"}), image, result, init))
				for what, got := range map[string]*graph.Tensor{"initializer": g.Nodes[1].In[0].Const, "attribute": g.Nodes[0].Attrs["value"].T} {
					if got.DType != c.dtype || string(got.Data) != c.data || !slices.Equal(got.Shape, []int{2}) {
						t.Errorf("%s is %s %v % x, want %s % x", what, got.DType, got.Shape, got.Data, c.dtype, c.data)
					}
				}
			}
		})
	}
}

// All 63488 finite binary16 numbers become the float32 of the same value.
func TestHalfIsExact(t *testing.T) {
	for h := range 1 << 16 {
		exp, frac := h>>10&31, float64(h&1023)
		want := math.Ldexp(1+frac/1024, exp-15)
		switch exp {
		case 31:
			continue
		case 0:
			want = math.Ldexp(frac, -24)
		}
		if h>>15 == 1 {
			want = math.Copysign(want, -1)
		}
		if got := float64(graph.Float16to32(uint16(h))); got != want || math.Signbit(got) != math.Signbit(want) {
			t.Fatalf("%#04x is %g, want %g", h, got, want)
		}
	}
}

func TestScalarsAndEmptyTensors(t *testing.T) {
	g := bothDrivers(t, "scalar", file(node("Add", []string{"s", "images"}, []string{"a"}), node("Concat", []string{"a", "e"}, []string{"y"}), image, result,
		sub(5, str(8, "s"), num(2, 1), sub(9, f32(3))), sub(5, str(8, "e"), num(2, 1), dims(0), sub(9))))
	if s, e := g.Nodes[0].In[0].Const, g.Nodes[1].In[1].Const; s.Shape == nil || len(s.Shape) != 0 || len(s.Data) != 4 || len(e.Data) != 0 || e.Shape[0] != 0 {
		t.Errorf("scalar %v, empty %v", s, e)
	}
}

func TestAttributeForms(t *testing.T) {
	attr := func(name string, fields ...[]byte) []byte { return sub(5, str(1, name), msg(fields...)) }
	g := bothDrivers(t, "attributes", file(relu("images", "y"), image, result, node("Relu", []string{"images"}, []string{"z"},
		attr("i", num(3, -7), num(20, 2)), attr("zero", num(20, 2)), attr("f", []byte{0x15}, f32(0.5), num(20, 1)), attr("s", str(4, "nearest"), num(20, 3)),
		attr("packed", sub(8, varints(1, -2)), num(20, 7)), attr("single", num(8, 1), num(8, -2), num(20, 7)), attr("floats", sub(7, f32(1, 2)), num(20, 6)),
		attr("none", num(20, 7)), attr("untyped", num(3, 9)), attr("untyped list", num(8, 9)))))
	want := map[string]graph.Attr{
		"i": {Kind: graph.AttrInt, I: -7}, "zero": {Kind: graph.AttrInt}, "f": {Kind: graph.AttrFloat, F: 0.5}, "s": {Kind: graph.AttrString, S: "nearest"},
		"packed": {Kind: graph.AttrInts, Ints: []int64{1, -2}}, "single": {Kind: graph.AttrInts, Ints: []int64{1, -2}}, "floats": {Kind: graph.AttrFloats, Floats: []float32{1, 2}},
		"none": {Kind: graph.AttrInts}, "untyped": {Kind: graph.AttrInt, I: 9}, "untyped list": {Kind: graph.AttrInts, Ints: []int64{9}},
	}
	if got := g.Nodes[1].Attrs; !reflect.DeepEqual(got, want) {
		t.Errorf("attributes are %v, want %v", got, want)
	}
}

// What the two drivers could see differently: omitted, repeated, multiple and
// shared operands, nodes without inputs, unused results, odd names.
func TestEdges(t *testing.T) {
	scales := sub(5, str(8, "scales"), num(2, 1), dims(4), sub(9, f32(1, 1, 2, 2)))
	constant := func(out string) []byte {
		return node("Constant", nil, []string{out}, sub(5, str(1, "value_int"), num(3, 5), num(20, 2)))
	}
	g := bothDrivers(t, "edges", file(
		constant("k1"), constant("k2"), // onnx-go invents an input of one name for both
		node("Split", []string{"images"}, []string{"a", "b"}),
		node("Mul", []string{"a", "a"}, []string{"aa"}),
		node("Resize", []string{"aa", "", "scales"}, []string{"r"}),
		node("Resize", []string{"b", "", "scales", ""}, []string{"the Constant/input"}), // a name onnx-go may make up
		node("MaxPool", []string{"r"}, []string{"p", ""}),
		node("Concat", []string{"p", "the Constant/input", "p"}, []string{"y"}),
		node("Relu", []string{"a"}, []string{"unused"}),
		image, result, scales))
	in := func(i int) (names []string) {
		for _, v := range g.Nodes[i].In {
			if v == nil {
				names = append(names, "-")
			} else {
				names = append(names, v.Name)
			}
		}
		return names
	}
	for i, want := range [][]string{nil, nil, {"images"}, {"a", "a"}, {"aa", "-", "scales"}, {"b", "-", "scales"}, {"r"}, {"p", "the Constant/input", "p"}, {"a"}} {
		if got := in(i); !slices.Equal(got, want) {
			t.Errorf("node %d reads %v, want %v", i, got, want)
		}
	}
	if len(g.Nodes[2].Out) != 2 || len(g.Nodes[6].Out) != 1 {
		t.Error("results of Split or MaxPool are wrong")
	}
	data, err := Write(g)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "edges, written and read", bothDrivers(t, "edges written", data), g)
}

func TestNodesOutOfOrder(t *testing.T) {
	g := bothDrivers(t, "reversed", file(relu("b", "y"), relu("a", "b"), relu("images", "a"), image, result))
	if g.Nodes[0].Out[0].Name != "a" || g.Nodes[2].Out[0].Name != "y" {
		t.Error("nodes are not sorted")
	}
}

func TestDynamicDimensions(t *testing.T) {
	g := bothDrivers(t, "dynamic", file(relu("images", "y"), value(11, "images", 1, 0, 3, 0, -1), value(12, "y", 1, 0, 84, 0)))
	if in, out := g.Inputs[0].Shape, g.Outputs[0].Shape; !slices.Equal(in, []int{-1, 3, -1, -1}) || !slices.Equal(out, []int{-1, 84, -1}) {
		t.Errorf("shapes are %v and %v", in, out)
	}
	data, err := Write(g)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "dynamic, written and read", bothDrivers(t, "dynamic written", data), g)
	g = bothDrivers(t, "no output type", file(relu("images", "y"), image, sub(12, str(1, "y"))))
	if g.Outputs[0].Shape != nil || g.Outputs[0].DType != graph.Invalid {
		t.Error("an output without a type got one")
	}
}

// A half=True model becomes its float32 twin.
func TestHalfModel(t *testing.T) {
	g := bothDrivers(t, "half", file(
		node("Cast", []string{"images"}, []string{"c"}, sub(5, str(1, "to"), num(3, 10), num(20, 2))),
		node("Mul", []string{"c", "w"}, []string{"y"}),
		value(11, "images", 10, 1, 3, 32, 32), value(12, "y", 10, 1, 3, 32, 32),
		sub(5, str(8, "w"), num(2, 10), dims(1), str(9, "\x00\x38"))))
	if g.Inputs[0].DType != graph.Float32 || g.Outputs[0].DType != graph.Float32 || g.Nodes[0].Int("to", 0) != 1 || string(g.Nodes[1].In[1].Const.Data) != string(f32(0.5)) {
		t.Error("float16 is left in the graph")
	}
}

func TestHeaderAndMetadata(t *testing.T) {
	data := msg(with(), sub(14, str(1, "task"), str(2, "detect")), sub(14, str(1, "names"), str(2, "{0: 'nut'}")), str(3, "2.1"), str(6, "a note"))
	g := bothDrivers(t, "metadata", data)
	if g.Meta["task"] != "detect" || g.Meta["names"] != "{0: 'nut'}" || len(g.Meta) != 2 || g.Opset != 13 {
		t.Errorf("metadata %v, opset %d", g.Meta, g.Opset)
	}
	h, err := ReadHeader(data)
	if err != nil || h != (Header{IRVersion: 8, Opset: 13, Producer: "test", ProducerVersion: "2.1", Doc: "a note"}) {
		t.Errorf("header %+v, %v", h, err)
	}
}

// Before IR version 4 a file lists initializers among its inputs.
func TestInitializersAsInputs(t *testing.T) {
	g := bothDrivers(t, "old", file(node("Mul", []string{"images", "w"}, []string{"y"}), value(11, "w", 1, 1), image, result,
		sub(5, str(8, "w"), num(2, 1), dims(1), sub(9, f32(2)))))
	if len(g.Inputs) != 1 || g.Inputs[0].Name != "images" || g.Nodes[0].In[1].Const == nil {
		t.Error("the weight is still an input")
	}
}

// Payloads lie in the file, not in copies.
func TestPayloadsAlias(t *testing.T) {
	data := file(node("Mul", []string{"images", "w"}, []string{"y"}), image, result, sub(5, str(8, "w"), num(2, 1), dims(1), sub(9, f32(2))))
	g := bothDrivers(t, "alias", data)
	g.Nodes[0].In[1].Const.Data[0] ^= 1
	if reflect.DeepEqual(data, file(node("Mul", []string{"images", "w"}, []string{"y"}), image, result, sub(5, str(8, "w"), num(2, 1), dims(1), sub(9, f32(2))))) {
		t.Error("the payload was copied")
	}
}

func TestWriteRefuses(t *testing.T) {
	graphOf := func() *graph.Graph { return bothDrivers(t, "base", with()) }
	for name, spoil := range map[string]func(*graph.Graph){
		"fused activation": func(g *graph.Graph) {
			g.Nodes[0].Attrs = map[string]graph.Attr{"act": {Kind: graph.AttrString, S: "SiLU"}}
		},
		"own operator":       func(g *graph.Graph) { g.Nodes[0].Op = "Detect" },
		"implicit scale":     func(g *graph.Graph) { g.Nodes[0].Out[0].Quant = &graph.Quant{} },
		"two of a name":      func(g *graph.Graph) { g.Nodes[0].Out[0].Name = "images" },
		"unknown value":      func(g *graph.Graph) { g.Nodes[0].In[0] = &graph.Value{Name: "x"} },
		"twin of a value":    func(g *graph.Graph) { g.Nodes[0].In[0] = &graph.Value{Name: "images"} },
		"missing operand":    func(g *graph.Graph) { g.Nodes[0].In[0] = nil },
		"output of no node":  func(g *graph.Graph) { g.Outputs[0] = &graph.Value{Name: "z", DType: graph.Float32} },
		"output of no type":  func(g *graph.Graph) { g.Outputs[0].DType = 0 },
		"opset":              func(g *graph.Graph) { g.Opset = 9 },
		"payload too short":  func(g *graph.Graph) { g.Nodes[0].In[0] = constantOf(3, 1) },
		"weights not finite": func(g *graph.Graph) { g.Nodes[0].In[0] = constantOf(1, float32(math.NaN())) },
	} {
		g := graphOf()
		spoil(g)
		if _, err := Write(g); err == nil {
			t.Errorf("%s is written", name)
		}
	}
}

func constantOf(dim int, v ...float32) *graph.Value {
	return &graph.Value{Name: "k", Const: &graph.Tensor{DType: graph.Float32, Shape: []int{dim}, Data: f32(v...)}}
}
