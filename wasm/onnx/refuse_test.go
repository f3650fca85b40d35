package onnx

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"runtime"
	"strings"
	"testing"
	"time"

	"eagleeye/wasm/graph"

	"google.golang.org/protobuf/encoding/protowire"
)

// msg joins fields.
func msg(fields ...[]byte) []byte { return bytes.Join(fields, nil) }

func num(n protowire.Number, v int64) []byte     { return appendInt(nil, n, uint64(v)) }
func str(n protowire.Number, s string) []byte    { return appendString(nil, n, s) }
func sub(n protowire.Number, f ...[]byte) []byte { return appendBytes(nil, n, msg(f...)) }
func dims(d ...int64) (b []byte) {
	for _, v := range d {
		b = append(b, num(1, v)...)
	}
	return b
}

func f32(v ...float32) (b []byte) {
	for _, x := range v {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(x))
	}
	return b
}

// value declares a tensor of a type code and dimensions; 0 is a named dimension.
func value(field protowire.Number, name string, code int64, shape ...int64) []byte {
	var d []byte
	for _, v := range shape {
		if v == 0 {
			d = append(d, sub(1, str(2, "n"))...)
		} else {
			d = append(d, sub(1, num(1, v))...)
		}
	}
	return sub(field, str(1, name), sub(2, sub(1, num(1, code), sub(2, d))))
}

func node(op string, in, out []string, attrs ...[]byte) []byte {
	var b []byte
	for _, s := range in {
		b = append(b, str(1, s)...)
	}
	for _, s := range out {
		b = append(b, str(2, s)...)
	}
	return sub(1, b, str(3, "the "+op), str(4, op), msg(attrs...))
}

func relu(in, out string) []byte { return node("Relu", []string{in}, []string{out}) }

var (
	image  = value(11, "images", 1, 1, 3, 32, 32)
	result = value(12, "y", 1, 1, 3, 32, 32)
)

// file wraps graph fields as a model of opset 13.
func file(fields ...[]byte) []byte {
	return msg(num(1, 8), str(2, "test"), sub(7, fields...), sub(8, str(1, ""), num(2, 13)))
}

// with is a good model with more fields in its graph.
func with(fields ...[]byte) []byte {
	return file(append([][]byte{relu("images", "y"), image, result}, fields...)...)
}

func TestRefusals(t *testing.T) {
	good := with()
	bothDrivers(t, "good", good)
	weights := func(fields ...[]byte) []byte { return with(sub(5, fields...)) }
	for _, c := range []struct {
		name string
		data []byte
		want error
		says string // must be in the message
	}{
		{"nothing", nil, ErrEmpty, "0 bytes"},
		{"web page", []byte("\xef\xbb\xbf\n <!DOCTYPE html><html>"), ErrNotONNX, "web page"},
		{"xml", []byte("<?xml version=\"1.0\"?><net>"), ErrNotONNX, "OpenVINO"},
		{"checkpoint", []byte("PK\x03\x04........yolov8n/data.pkl"), ErrNotONNX, "yolo export"},
		{"zip", []byte("PK\x03\x04........model.onnx"), ErrNotONNX, "unpack"},
		{"gzip", []byte("\x1f\x8b\x08\x00rest"), ErrNotONNX, "gunzip"},
		{"pickle", []byte("\x80\x02ctorch"), ErrNotONNX, "yolo export"},
		{"lfs pointer", []byte("version https://git-lfs.github.com/spec/v1\n"), ErrNotONNX, "git lfs pull"},
		{"json", []byte(`{"error": "not found"}`), ErrNotONNX, "JSON"},
		{"tflite", []byte("\x1c\x00\x00\x00TFL3...."), ErrNotONNX, "TensorFlow Lite"},
		{"safetensors", []byte("\x40\x00\x00\x00\x00\x00\x00\x00{\"a\":1}"), ErrNotONNX, "safetensors"},
		{"png", []byte("\x89PNG\r\n"), ErrNotONNX, "picture"},
		{"text", []byte("hello world, this is no model"), ErrNotONNX, "begins with"},
		{"frozen graph", sub(1, str(1, "node"), str(2, "Conv")), ErrNotONNX, "begins with"},
		{"zeros", make([]byte, 100), ErrNotONNX, "begins with"},
		{"only a version", num(1, 8), ErrTruncated, "before the graph"},
		{"cut in the graph", good[:len(good)/2], ErrTruncated, "are left"},
		{"cut before the opset", good[:len(good)-6], ErrTruncated, "operator set"},
		{"cut in the opset", good[:len(good)-1], ErrTruncated, "are left"},
		{"two graphs", msg(good, good), ErrCorrupt, "second graph"},
		{"wrong wire type", with(sub(5, str(2, "x"))), ErrCorrupt, "wire type"},
		{"inner length", file(protowire.AppendVarint([]byte{0x0a}, 1<<40)), ErrCorrupt, "longer than"},
		{"names not text", with(sub(5, str(8, "\xff\xfe"), num(2, 1))), ErrCorrupt, "UTF-8"},

		{"opset 10", msg(num(1, 8), sub(7, relu("images", "y"), image, result), sub(8, num(2, 10))), ErrOpset, "opset 10"},
		{"opset 22", msg(num(1, 8), sub(7, relu("images", "y"), image, result), sub(8, num(2, 22))), ErrOpset, "opset 22"},
		{"two opsets", msg(good, sub(8, num(2, 12))), ErrCorrupt, "opsets 13 and 12"},
		{"unknown operator", with(node("NonMaxSuppression", []string{"y"}, []string{"z"})), ErrUnknownOp, "nms=False"},
		{"unknown operator, with the list", with(node("Mystery", []string{"y"}, []string{"z"})), ErrUnknownOp, "Supported are Abs, Add, ArgMax, "},
		{"other domain", with(sub(1, str(1, "y"), str(2, "z"), str(4, "FusedConv"), str(7, "com.microsoft"))), ErrUnknownOp, "com.microsoft.FusedConv"},
		{"subgraph", with(node("Relu", []string{"y"}, []string{"z"}, sub(5, str(1, "then_branch"), sub(6), num(20, 5)))), ErrUnsupported, "subgraphs"},
		{"functions", msg(good, sub(25, str(1, "f"))), ErrUnsupported, "functions"},
		{"external data", weights(str(8, "w"), num(2, 1), dims(4), sub(13, str(1, "location"), str(2, "w.bin")), num(14, 1)), ErrUnsupported, "another file"},
		{"sparse weights", with(sub(15, num(3, 1))), ErrUnsupported, "sparse"},
		{"attribute strings", with(node("Relu", []string{"y"}, []string{"z"}, sub(5, str(1, "a"), str(9, "x"), num(20, 8)))), ErrUnsupported, "string lists"},

		{"string tensor", weights(str(8, "labels"), num(2, 8), dims(1), str(6, "x")), ErrDType, `"labels"`},
		{"bfloat16", weights(str(8, "w"), num(2, 16), dims(1), str(9, "xx")), ErrDType, "bfloat16"},
		{"int4", weights(str(8, "w"), num(2, 22), dims(2), str(9, "x")), ErrDType, "int4"},
		{"type 99", weights(str(8, "w"), num(2, 99), dims(2), str(9, "x")), ErrDType, "unknown code"},
		{"short payload", weights(str(8, "w"), num(2, 1), dims(2, 3), sub(9, f32(1, 2, 3))), ErrShape, "needs 24 bytes and has 12"},
		{"no payload", weights(str(8, "w"), num(2, 1), dims(2, 3)), ErrShape, "has 0"},
		{"negative dimension", weights(str(8, "w"), num(2, 1), dims(-2, 3), sub(9, f32(1))), ErrShape, "-2"},
		{"huge dimensions", weights(str(8, "w"), num(2, 1), dims(1<<30, 1<<30, 1<<30, 1<<30), sub(9, f32(1))), ErrShape, "more elements"},
		{"overflowing dimensions", weights(str(8, "w"), num(2, 1), dims(1<<16, 1<<16, 1<<16, 1<<16), sub(9)), ErrShape, "more elements"},
		{"rank 9", weights(str(8, "w"), num(2, 1), dims(1, 1, 1, 1, 1, 1, 1, 1, 1), sub(9, f32(1))), ErrShape, "more than 8"},
		{"raw and typed", weights(str(8, "w"), num(2, 1), dims(1), sub(9, f32(1)), sub(4, f32(1))), ErrCorrupt, "at once"},
		{"floats in int64", weights(str(8, "w"), num(2, 7), dims(1), sub(4, f32(1))), ErrCorrupt, "int64 data in field 4"},
		{"NaN", weights(str(8, "model.0.conv.weight"), num(2, 1), dims(2), sub(9, f32(1, float32(math.NaN())))), ErrNotFinite, "model.0.conv.weight"},
		{"infinity in float_data", weights(str(8, "w"), num(2, 1), dims(2), sub(4, f32(1, float32(math.Inf(-1))))), ErrNotFinite, `"w"`},
		{"float16 infinity", weights(str(8, "w"), num(2, 10), dims(1), str(9, "\x00\x7c")), ErrNotFinite, `"w"`},

		{"dangling input", with(relu("nowhere", "z")), ErrName, `"nowhere"`},
		{"made twice", with(relu("images", "y")), ErrName, "defined twice"},
		{"weights twice", with(sub(5, str(8, "w"), num(2, 1), dims(1), sub(9, f32(1))), sub(5, str(8, "w"), num(2, 1), dims(1), sub(9, f32(1)))), ErrName, "defined twice"},
		{"weights without a name", weights(num(2, 1), dims(1), sub(9, f32(1))), ErrName, "no name"},
		{"undefined output", file(relu("images", "x"), image, result), ErrName, `output "y"`},
		{"output twice", with(result), ErrName, "listed twice"},
		{"attribute twice", with(node("Relu", []string{"y"}, []string{"z"}, sub(5, str(1, "a"), num(3, 1), num(20, 2)), sub(5, str(1, "a"), num(3, 1), num(20, 2)))), ErrName, `"a"`},
		{"reserved attribute", with(node("Relu", []string{"y"}, []string{"z"}, sub(5, str(1, tagAttr), num(3, 0), num(20, 2)))), ErrName, tagAttr},
		{"cycle", with(relu("b", "a"), relu("a", "b")), ErrCycle, "depends on its own"},
		{"self cycle", with(relu("a", "a")), ErrCycle, "depends on its own"},
		{"too few operands", with(node("Conv", []string{"y"}, []string{"z"})), ErrCorrupt, "1 inputs"},
		{"omitted operand", with(node("Conv", []string{"", "y"}, []string{"z"})), ErrCorrupt, "inputs"},
		{"no result", with(node("Relu", []string{"y"}, nil)), ErrCorrupt, "0 outputs"},

		{"NHWC", file(relu("images", "y"), value(11, "images", 1, 1, 640, 640, 3), result), ErrInput, "[1,640,640,3]"},
		{"grey", file(relu("images", "y"), value(11, "images", 1, 1, 1, 32, 32), result), ErrInput, "[N,3,H,W]"},
		{"rank 2", file(relu("images", "y"), value(11, "images", 1, 1, 10), result), ErrInput, "[1,10]"},
		{"bytes", file(relu("images", "y"), value(11, "images", 2, 1, 3, 32, 32), result), ErrInput, "uint8"},
		{"no type", file(relu("images", "y"), sub(11, str(1, "images")), result), ErrInput, "invalid"},
		{"two images", with(value(11, "mask", 1, 1, 3, 32, 32)), ErrInput, "2 inputs"},
		{"no input", file(node("Constant", nil, []string{"y"}, sub(5, str(1, "value_int"), num(3, 1), num(20, 2))), result), ErrInput, "0 inputs"},
		{"no output", file(relu("images", "y"), image), ErrInput, "no outputs"},
		{"no nodes", file(image, value(12, "images", 1, 1, 3, 32, 32)), ErrInput, "no nodes"},
		{"sequence output", file(relu("images", "y"), image, sub(12, str(1, "y"), sub(2, sub(4)))), ErrUnsupported, "no tensor"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := ReadWire(c.data)
			if !errors.Is(err, c.want) {
				t.Fatalf("error is %v, want %v", err, c.want)
			}
			if !strings.Contains(err.Error(), c.says) {
				t.Errorf("message %q does not say %q", err, c.says)
			}
			if _, other := ReadOnnxGo(c.data); other == nil || other.Error() != err.Error() {
				t.Errorf("onnx-go driver says %v, wire driver %v", other, err)
			}
		})
	}
}

// Every prefix of a file is refused, and named as truncated once it has begun.
func TestTruncation(t *testing.T) {
	good := with(sub(5, str(8, "w"), num(2, 1), dims(2), sub(9, f32(1, 2))))
	for n := range good {
		_, err := ReadWire(good[:n])
		if err == nil {
			t.Fatalf("%d of %d bytes are read", n, len(good))
		}
		if n > 2 && !errors.Is(err, ErrTruncated) {
			t.Errorf("%d of %d bytes: %v", n, len(good), err)
		}
	}
}

func TestTooLarge(t *testing.T) {
	if testing.Short() {
		t.Skip("makes half a GiB")
	}
	if _, err := ReadWire(append(with(), make([]byte, maxFile)...)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("a file over the limit: %v", err)
	}
	// Two bytes a node: the cheapest way to make a reader allocate.
	if _, err := ReadWire(file(bytes.Repeat([]byte{0x0a, 0x00}, 1<<20))); !errors.Is(err, ErrTooLarge) {
		t.Errorf("a million empty nodes: %v", err)
	}
	if _, err := ReadWire(with(sub(5, num(2, 7), sub(7, make([]byte, 64<<20))))); !errors.Is(err, ErrTooLarge) {
		t.Errorf("64 Mi integers of one byte: %v", err)
	}
	if _, err := ReadWire(with(node("Relu", []string{"y"}, []string{"z"}, sub(5, str(1, "a"), sub(8, make([]byte, 64<<20)))))); !errors.Is(err, ErrTooLarge) {
		t.Errorf("64 Mi integers in an attribute: %v", err)
	}
}

// Files made to cost: both drivers stay under 2 s and 1 GiB.
func TestCostlyFiles(t *testing.T) {
	if testing.Short() {
		t.Skip("large files")
	}
	repeat := func(n int, make func(i int) []byte) []byte {
		var b []byte
		for i := range n {
			b = append(b, make(i)...)
		}
		return b
	}
	name := func(i int) string { return fmt.Sprint("v", i) }
	wide := make([]string, 1<<16)
	for i := range wide {
		wide[i] = name(i)
	}
	for what, data := range map[string][]byte{
		"chain":            with(relu("y", "v0"), repeat(maxNodes-2, func(i int) []byte { return relu(name(i), name(i+1)) })),
		"chain in reverse": with(repeat(maxNodes-2, func(i int) []byte { return relu(name(maxNodes-i-1), name(maxNodes-i)) }), relu("y", "v2")),
		"attributes":       with(node("Relu", []string{"y"}, []string{"z"}, repeat(1<<16, func(i int) []byte { return sub(5, str(1, name(i)), num(3, 1)) }))),
		"attributes allowed": with(repeat(2000, func(i int) []byte {
			return node("Relu", []string{"y"}, []string{name(i)}, repeat(maxAttrs, func(k int) []byte { return sub(5, str(1, name(k)), num(3, 1)) }))
		})),
		"wide node":         with(node("Split", wide, wide)),
		"wide inputs":       with(node("Concat", wide, []string{"z"})),
		"wide outputs":      with(node("Split", []string{"y"}, wide)),
		"outputs":           with(repeat(1<<16, func(i int) []byte { return value(12, name(i), 1, 1) })),
		"inputs":            with(repeat(1<<16, func(i int) []byte { return value(11, name(i), 1, 1) })),
		"initializers":      with(repeat(maxInits, func(i int) []byte { return sub(5, str(8, name(i)), num(2, 1), dims(1), sub(9, f32(1))) })),
		"metadata":          msg(with(), repeat(1<<16, func(i int) []byte { return sub(14, str(1, name(i)), str(2, "x")) })),
		"integers":          with(sub(5, str(8, "w"), num(2, 7), dims(8<<20), sub(7, make([]byte, 8<<20)))),
		"integers in runs":  with(sub(5, str(8, "w"), num(2, 7), dims(1<<16), bytes.Repeat(sub(7, []byte{1}), 1<<16))),
		"floats one by one": with(sub(5, str(8, "w"), num(2, 1), dims(1<<20), bytes.Repeat(append([]byte{0x25}, f32(1)...), 1<<20))),
		"halves":            with(sub(5, str(8, "w"), num(2, 10), dims(8<<20), sub(9, make([]byte, 16<<20)))),
	} {
		for driver, read := range map[string]func([]byte) (*graph.Graph, error){"wire": ReadWire, "onnx-go": ReadOnnxGo} {
			var before, after runtime.MemStats
			var elapsed time.Duration
			var used uint64
			for range 3 { // another process may have the processor
				runtime.ReadMemStats(&before)
				start := time.Now()
				read(data)
				elapsed = time.Since(start)
				runtime.ReadMemStats(&after)
				if used = (after.TotalAlloc - before.TotalAlloc) >> 20; elapsed < 2*time.Second {
					break
				}
			}
			if elapsed > 2*time.Second || used > 1<<10 {
				t.Errorf("%s, %s driver: %v, %d MiB", what, driver, elapsed, used)
			}
		}
	}
}
