package openvino

import (
	"bytes"
	"encoding/binary"
	"encoding/xml"
	"fmt"
	"math"
	"sort"
	"strconv"
	"strings"

	"eagleeye/build/export/form"
	"eagleeye/wasm/graph"
)

// port is a layer's result.
type port struct {
	layer, port int
	shape       []int
	kind        string // element type: f32, f16, i8, i64
}

type attr struct{ key, value string }

// layer is a layer of the XML.
type layer struct {
	kind, name string
	set        int // of operations
	attrs      []attr
	in         []port
	out        port
	tensor     string // the name of its result
}

type writer struct {
	layers []layer
	bin    []byte
	half   bool
	at     map[*graph.Value]port
}

// list joins numbers as the attributes have them.
func list[T int | int64](v []T) string {
	words := make([]string, len(v))
	for i, n := range v {
		words[i] = strconv.Itoa(int(n))
	}
	return strings.Join(words, ",")
}

// layer adds a layer whose result is float32.
func (w *writer) layer(l layer, shape []int) port {
	l.out = port{len(w.layers), len(l.in), shape, "f32"}
	if l.name == "" {
		l.name = fmt.Sprintf("%s_%d", l.kind, len(w.layers))
	}
	w.layers = append(w.layers, l)
	return l.out
}

func (w *writer) op(kind string, set int, shape []int, attrs []attr, in ...port) port {
	return w.layer(layer{kind: kind, set: set, attrs: attrs, in: in}, shape)
}

// constant adds data, aligned to their elements.
func (w *writer) constant(kind string, data []byte, shape ...int) port {
	for len(w.bin)%8 != 0 {
		w.bin = append(w.bin, 0)
	}
	p := w.layer(layer{kind: "Const", set: 1, attrs: []attr{{"element_type", kind}, {"shape", list(shape)},
		{"offset", strconv.Itoa(len(w.bin))}, {"size", strconv.Itoa(len(data))}}}, shape)
	w.bin = append(w.bin, data...)
	w.layers[p.layer].out.kind = kind
	p.kind = kind
	return p
}

// reals adds float constants, as halves where weights shrink.
func (w *writer) reals(v []float32, weights bool, shape ...int) port {
	var data []byte
	if weights && w.half {
		for _, f := range v {
			data = binary.LittleEndian.AppendUint16(data, graph.Float32to16(f))
		}
		return w.convert(w.constant("f16", data, shape...))
	}
	for _, f := range v {
		data = binary.LittleEndian.AppendUint32(data, math.Float32bits(f))
	}
	return w.constant("f32", data, shape...)
}

func (w *writer) convert(p port) port {
	return w.op("Convert", 1, p.shape, []attr{{"destination_type", "f32"}}, p)
}

func (w *writer) indices(v ...int) port {
	var data []byte
	for _, n := range v {
		data = binary.LittleEndian.AppendUint64(data, uint64(n))
	}
	return w.constant("i64", data, len(v))
}

func (w *writer) reshape(x port, shape ...int) port {
	return w.op("Reshape", 1, shape, []attr{{"special_zero", "false"}}, x, w.indices(shape...))
}

func (w *writer) slice(x port, axis, from, to int) port {
	shape := append([]int(nil), x.shape...)
	shape[axis] = to - from
	return w.op("Slice", 8, shape, nil, x, w.indices(from), w.indices(to), w.indices(1), w.indices(axis))
}

var broadcast = []attr{{"auto_broadcast", "numpy"}}

func (w *writer) binary(kind string, a, b port) port { return w.op(kind, 1, a.shape, broadcast, a, b) }

// made records the port of a value, rounded to the value's grid unless its
// source already lies on it.
func (w *writer) made(v, source *graph.Value, p port) {
	if q := v.Quant; q != nil && (source == nil || !form.SameGrid(q, source.Quant)) {
		lo, hi := float32(0), float32(255)
		if q.DType == graph.Int8 {
			lo, hi = -128, 127
		}
		zero := float32(q.Zero[0])
		low := w.reals([]float32{q.Scale[0] * (lo - zero)}, false, 1, 1, 1, 1)
		high := w.reals([]float32{q.Scale[0] * (hi - zero)}, false, 1, 1, 1, 1)
		p = w.op("FakeQuantize", 1, p.shape, []attr{{"levels", "256"}, {"auto_broadcast", "numpy"}}, p, low, high, low, high)
	}
	w.at[v] = p
}

// xml writes the layers, the edges between them and the metadata.
func (w *writer) xml(name string, meta map[string]string, input []int) []byte {
	var b bytes.Buffer
	quote := func(s string) string {
		var q bytes.Buffer
		_ = xml.EscapeText(&q, []byte(s)) // a Buffer takes all
		return q.String()
	}
	if name == "" {
		name = "yolov8"
	}
	fmt.Fprintf(&b, "<?xml version=\"1.0\"?>\n<net name=\"%s\" version=\"11\">\n\t<layers>\n", quote(name))
	for i, l := range w.layers {
		fmt.Fprintf(&b, "\t\t<layer id=\"%d\" name=\"%s\" type=\"%s\" version=\"opset%d\">\n", i, quote(l.name), l.kind, l.set)
		if len(l.attrs) > 0 {
			b.WriteString("\t\t\t<data")
			for _, a := range l.attrs {
				fmt.Fprintf(&b, " %s=\"%s\"", a.key, quote(a.value))
			}
			b.WriteString("/>\n")
		}
		if len(l.in) > 0 {
			b.WriteString("\t\t\t<input>\n")
			for k, p := range l.in {
				writePort(&b, k, p, "")
			}
			b.WriteString("\t\t\t</input>\n")
		}
		if l.kind != "Result" {
			b.WriteString("\t\t\t<output>\n")
			writePort(&b, l.out.port, l.out, quote(l.tensor))
			b.WriteString("\t\t\t</output>\n")
		}
		b.WriteString("\t\t</layer>\n")
	}
	b.WriteString("\t</layers>\n\t<edges>\n")
	for i, l := range w.layers {
		for k, p := range l.in {
			fmt.Fprintf(&b, "\t\t<edge from-layer=\"%d\" from-port=\"%d\" to-layer=\"%d\" to-port=\"%d\"/>\n", p.layer, p.port, i, k)
		}
	}
	b.WriteString("\t</edges>\n\t<rt_info>\n\t\t<framework>\n")
	info := map[string]string{"imgsz": fmt.Sprintf("[%d, %d]", input[2], input[3])}
	for k, v := range meta {
		if k != "imgsz" {
			info[k] = v
		}
	}
	keys := make([]string, 0, len(info))
	for k := range info {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	for _, k := range keys {
		if word(k) {
			fmt.Fprintf(&b, "\t\t\t<%s value=\"%s\"/>\n", k, quote(info[k]))
		}
	}
	b.WriteString("\t\t</framework>\n\t</rt_info>\n</net>\n")
	return b.Bytes()
}

// word says whether a key can be an element's name.
func word(s string) bool {
	for i, r := range s {
		if !(r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || i > 0 && r >= '0' && r <= '9') {
			return false
		}
	}
	return s != ""
}

func writePort(b *bytes.Buffer, id int, p port, names string) {
	precision := map[string]string{"f32": "FP32", "f16": "FP16", "i8": "I8", "i64": "I64"}[p.kind]
	if names != "" {
		names = fmt.Sprintf(" names=\"%s\"", names)
	}
	fmt.Fprintf(b, "\t\t\t\t<port id=\"%d\" precision=\"%s\"%s>\n", id, precision, names)
	for _, d := range p.shape {
		fmt.Fprintf(b, "\t\t\t\t\t<dim>%d</dim>\n", d)
	}
	b.WriteString("\t\t\t\t</port>\n")
}
