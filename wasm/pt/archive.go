package pt

import (
	"archive/zip"
	"bytes"
	"fmt"
	"math"
	"path"
	"strings"

	"eagleeye/wasm/graph"
)

// Limits that keep a hostile file from costing more than a large honest one.
const (
	maxPickle   = 64 << 20 // bytes of data.pkl
	maxEntries  = 1 << 15
	maxElements = 1 << 27 // of a tensor
)

// archive is the zip file that torch.save writes: one folder of any name with
// data.pkl, and the raw storages under data/.
type archive struct {
	pickle   []byte
	storages map[string][]byte // by key, within the file
}

func openArchive(data []byte) (*archive, error) {
	switch {
	case len(data) >= 2 && data[0] == 0x80 && data[1] <= 5:
		return nil, fmt.Errorf("%w: it is from PyTorch before 1.6: save it again with a newer one", ErrFormat)
	case !Is(data):
		return nil, fmt.Errorf("%w: it is no zip file", ErrFormat)
	}
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	if len(z.File) > maxEntries {
		return nil, fmt.Errorf("%w: %d entries", ErrFormat, len(z.File))
	}
	a := &archive{storages: map[string][]byte{}}
	for _, f := range z.File {
		_, name, _ := strings.Cut(f.Name, "/")
		key, isStorage := strings.CutPrefix(name, "data/")
		if name != "data.pkl" && name != "byteorder" && !isStorage {
			if name == "constants.pkl" {
				return nil, fmt.Errorf("%w: it is a TorchScript archive: give the checkpoint that it was exported from", ErrFormat)
			}
			continue
		}
		body, err := stored(data, f)
		if err != nil {
			return nil, fmt.Errorf("%w: entry %q: %w", ErrFormat, path.Clean(f.Name), err)
		}
		switch {
		case name == "data.pkl" && len(body) > maxPickle:
			return nil, fmt.Errorf("%w: data.pkl has %d MiB", ErrFormat, len(body)>>20)
		case name == "data.pkl":
			a.pickle = body
		case name == "byteorder":
			if order := strings.TrimSpace(string(body[:min(len(body), 16)])); order != "little" {
				return nil, fmt.Errorf("%w: byte order %q", ErrFormat, order)
			}
		default:
			a.storages[key] = body
		}
	}
	if a.pickle == nil {
		return nil, fmt.Errorf("%w: the zip file holds no data.pkl", ErrFormat)
	}
	return a, nil
}

// stored returns an entry's bytes in place; torch.save compresses nothing.
func stored(data []byte, f *zip.File) ([]byte, error) {
	if f.Method != zip.Store || f.CompressedSize64 != f.UncompressedSize64 {
		return nil, fmt.Errorf("it is compressed, which torch.save does not do")
	}
	from, err := f.DataOffset()
	if err != nil {
		return nil, err
	}
	if from < 0 || uint64(from) > uint64(len(data)) || f.CompressedSize64 > uint64(len(data))-uint64(from) {
		return nil, fmt.Errorf("it lies outside the file")
	}
	return data[from : uint64(from)+f.CompressedSize64], nil
}

// storage is a flat array in the archive.
type storage struct {
	kind kind // its element type
	key  string
	n    int
}

// tensor is a strided view of a storage, in elements.
type tensor struct {
	from          *storage
	offset        int
	shape, stride []int
}

func (t *tensor) len() int {
	n := 1
	for _, d := range t.shape {
		n *= d
	}
	return n
}

// floats reads a tensor as float32 in row-major order.
func (a *archive) floats(t *tensor) ([]float32, error) {
	size := sizes[t.from.kind]
	raw, ok := a.storages[t.from.key]
	switch {
	case size == 0:
		return nil, fmt.Errorf("%w: a tensor of elements that are no numbers", ErrFormat)
	case !ok || len(raw)/size < t.from.n:
		return nil, fmt.Errorf("%w: storage %q has %d bytes for %d elements: the file is cut short", ErrFormat, t.from.key, len(raw), t.from.n)
	}
	if t.len() > t.from.n {
		return nil, fmt.Errorf("%w: a tensor %v of a storage of %d", ErrFormat, t.shape, t.from.n)
	}
	last := t.offset
	for i, d := range t.shape {
		if d == 0 {
			return nil, nil
		}
		last += (d - 1) * t.stride[i]
	}
	if last >= t.from.n {
		return nil, fmt.Errorf("%w: a tensor %v with strides %v exceeds its storage of %d", ErrFormat, t.shape, t.stride, t.from.n)
	}
	out := make([]float32, t.len())
	at := make([]int, len(t.shape))
	pos := t.offset
	for i := range out {
		out[i] = element(raw[pos*size:], t.from.kind)
		if v := float64(out[i]); math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, fmt.Errorf("%w: a tensor %v holds %v: the training that wrote it diverged", ErrFormat, t.shape, v)
		}
		for k := len(at) - 1; k >= 0; k-- {
			pos += t.stride[k]
			if at[k]++; at[k] < t.shape[k] {
				break
			}
			pos -= at[k] * t.stride[k]
			at[k] = 0
		}
	}
	return out, nil
}

// sizes are the bytes of the element types.
var sizes = map[kind]int{f32: 4, f16: 2, bf16: 2, f64: 8, i64: 8, i32: 4, i16: 2, i8: 1, u8: 1}

// element reads a little-endian number.
func element(b []byte, k kind) float32 {
	var u uint64
	for i := range sizes[k] {
		u |= uint64(b[i]) << (8 * i)
	}
	switch k {
	case f32:
		return math.Float32frombits(uint32(u))
	case f16:
		return graph.Float16to32(uint16(u))
	case bf16:
		return math.Float32frombits(uint32(u) << 16)
	case f64:
		return float32(math.Float64frombits(u))
	case i64:
		return float32(int64(u))
	case i32:
		return float32(int32(u))
	case i16:
		return float32(int16(u))
	case i8:
		return float32(int8(u))
	}
	return float32(u)
}
