package ncnn

import (
	"encoding/binary"
	"fmt"
	"math"
	"strings"

	"eagleeye/wasm/graph"
)

// writer collects layers. Every blob of ncnn has one reader, so values with
// several pass through a Split.
type writer struct {
	text          strings.Builder
	bin           []byte
	layers, blobs int
	half          bool
	uses          map[*graph.Value]int
	names         map[*graph.Value]string
	left          map[*graph.Value][]string // a Split's blobs that nobody reads yet
}

// layer writes a line of .param; params are "key=value" words.
func (w *writer) layer(kind, name string, in []string, out ...string) *writer {
	return w.with(kind, name, in, out, "")
}

func (w *writer) with(kind, name string, in, out []string, params string) *writer {
	w.layers++
	w.blobs += len(out)
	words := []string{fmt.Sprintf("%-20s %-24s %d %d", kind, name, len(in), len(out))}
	words = append(append(words, in...), out...)
	if params != "" {
		words = append(words, params)
	}
	w.text.WriteString(strings.Join(words, " ") + "\n")
	return w
}

// blob makes a name for a layer and its result.
func (w *writer) blob(kind string) string { return fmt.Sprintf("%s%d", kind, w.layers) }

// one writes a layer with one result and returns its blob.
func (w *writer) one(kind, params string, in ...string) string {
	b := w.blob(strings.ToLower(kind) + "_")
	w.with(kind, b, in, []string{b}, params)
	return b
}

// made records the blob that holds a value.
func (w *writer) made(v *graph.Value, blob string) {
	w.names[v] = blob
	if n := w.uses[v]; n > 1 {
		w.left[v] = w.split(blob, n)
	}
}

func (w *writer) split(blob string, n int) []string {
	name := w.blob("split_")
	var out []string
	for i := range n {
		out = append(out, fmt.Sprintf("%s_%d", name, i))
	}
	w.with("Split", name, []string{blob}, out, "")
	return out
}

// read returns a blob of the value for one reader.
func (w *writer) read(v *graph.Value) string {
	if l := w.left[v]; len(l) > 0 {
		w.left[v] = l[1:]
		return l[0]
	}
	return w.names[v]
}

// Tags before weights tell how they are stored (ncnn's modelbin.cpp).
const (
	tagFloat32 = 0
	tagFloat16 = 0x01306B47
	tagInt8    = 0x000D4B38
)

// weights appends tagged weights.
func (w *writer) weights(v []float32) {
	if !w.half {
		w.bin = binary.LittleEndian.AppendUint32(w.bin, tagFloat32)
		w.floats(v)
		return
	}
	w.bin = binary.LittleEndian.AppendUint32(w.bin, tagFloat16)
	for _, f := range v {
		w.bin = binary.LittleEndian.AppendUint16(w.bin, graph.Float32to16(f))
	}
	w.align()
}

func (w *writer) bytes(v []byte) {
	w.bin = append(binary.LittleEndian.AppendUint32(w.bin, tagInt8), v...)
	w.align()
}

func (w *writer) align() {
	for len(w.bin)%4 != 0 {
		w.bin = append(w.bin, 0)
	}
}

// floats appends numbers without a tag.
func (w *writer) floats(v []float32) {
	for _, f := range v {
		w.bin = binary.LittleEndian.AppendUint32(w.bin, math.Float32bits(f))
	}
}
