package pt

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"eagleeye/build/shared"
	"eagleeye/wasm/graph"
	"eagleeye/wasm/onnx"
	"eagleeye/wasm/zoo"
)

func fixture(t testing.TB, name string) []byte {
	t.Helper()
	return shared.Gunzip(t, filepath.Join("testdata", name+".pt.gz"))
}

// picture is fixture.py's, 64×64.
func picture() *graph.Tensor {
	x := make([]float32, 3*64*64)
	for i := range x {
		c, y, x0 := i/4096, i/64%64, i%64
		x[i] = float32((7*x0+13*y+29*c+x0*y)%256) / 255
	}
	return graph.FloatTensor(x, 1, 3, 64, 64)
}

// What PyTorch computed from the checkpoint, the interpreter computes from the
// graph; boxes in pixels, scores in 0..1.
func TestOutputs(t *testing.T) {
	var expect map[string][]float32
	data, err := os.ReadFile("testdata/expect.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &expect); err != nil {
		t.Fatal(err)
	}
	for name, size := range map[string]int{"saved": 640, "trained": 320, "fused": 640} {
		t.Run(name, func(t *testing.T) {
			g, err := Read(fixture(t, name))
			if err != nil {
				t.Fatal(err)
			}
			if h, w := graph.InputSize(g); h != size || w != size {
				t.Errorf("size %d×%d, want %d", w, h, size)
			}
			if want := `{0: 'circle', 1: "cat's eye", 2: 'näh'}`; g.Meta["names"] != want {
				t.Errorf("names %s, want %s", g.Meta["names"], want)
			}
			norms := 0
			for _, n := range g.Nodes {
				if n.Op == "BatchNormalization" {
					norms++
				}
			}
			if want := map[string]int{"fused": 0}[name]; name != "fused" && norms != 57 || name == "fused" && norms != want {
				t.Errorf("%d batch norms", norms)
			}
			folded, err := zoo.Fold(g)
			if err != nil {
				t.Fatal(err)
			}
			for _, g := range []*graph.Graph{g, folded} {
				p, err := graph.Prepare(g, 64, 64)
				if err != nil {
					t.Fatal(err)
				}
				out, err := graph.Eval(p, map[string]*graph.Tensor{"images": picture()})
				if err != nil {
					t.Fatal(err)
				}
				got := out["output0"].Floats()
				if len(got) != len(expect[name]) {
					t.Fatalf("%d numbers, want %d", len(got), len(expect[name]))
				}
				spread := 0.0
				for i, want := range expect[name] {
					tol := 1e-4
					if i < 4*84 {
						tol = 1e-2 // of pixels
					}
					if d := math.Abs(float64(got[i] - want)); !(d <= tol) {
						t.Fatalf("number %d is %g, PyTorch's %g", i, got[i], want)
					}
					if i >= 4*84 {
						spread = max(spread, math.Abs(float64(want-expect[name][4*84])))
					}
				}
				if spread < 0.01 {
					t.Errorf("all scores are alike: the fixture tests nothing")
				}
			}
			file, err := onnx.Write(folded)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := onnx.Read(file); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// rezip writes an archive again with data.pkl changed, or left out where change
// gives nil.
func rezip(t testing.TB, data []byte, method uint16, change func(name string, body []byte) []byte) []byte {
	t.Helper()
	r, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, f := range r.File {
		in, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(in)
		if err != nil {
			t.Fatal(err)
		}
		_, name, _ := strings.Cut(f.Name, "/")
		if body = change(name, body); body == nil {
			continue
		}
		if method == zip.Store { // sizes in front, as torch writes them
			h := &zip.FileHeader{Name: f.Name, Method: zip.Store, UncompressedSize64: uint64(len(body)), CompressedSize64: uint64(len(body))}
			raw, err := w.CreateRaw(h)
			if err != nil {
				t.Fatal(err)
			}
			raw.Write(body)
			continue
		}
		out, err := w.CreateHeader(&zip.FileHeader{Name: f.Name, Method: method})
		if err != nil {
			t.Fatal(err)
		}
		out.Write(body)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// pickled wraps a pickle of protocol 2 in an archive.
func pickled(t testing.TB, body string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	data := "\x80\x02" + body
	raw, err := w.CreateRaw(&zip.FileHeader{Name: "a/data.pkl", Method: zip.Store, UncompressedSize64: uint64(len(data)), CompressedSize64: uint64(len(data))})
	if err != nil {
		t.Fatal(err)
	}
	raw.Write([]byte(data))
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestRefused(t *testing.T) {
	good := fixture(t, "saved")
	pickle := func(old, new string) []byte {
		return rezip(t, good, zip.Store, func(name string, body []byte) []byte {
			if name != "data.pkl" {
				return body
			}
			if !bytes.Contains(body, []byte(old)) {
				t.Fatalf("data.pkl has no %q", old)
			}
			return bytes.ReplaceAll(body, []byte(old), []byte(new))
		})
	}
	for _, c := range []struct {
		name string
		data []byte
		err  error
		says string
	}{
		{"empty", nil, ErrFormat, "no zip"},
		{"cut short", good[:len(good)/2], ErrFormat, ""},
		{"before 1.6", []byte("\x80\x02\x8a\x0al\xfc"), ErrFormat, "before 1.6"},
		{"compressed", rezip(t, good, zip.Deflate, func(_ string, b []byte) []byte { return b }), ErrFormat, "compressed"},
		{"no pickle", rezip(t, good, zip.Store, func(n string, b []byte) []byte {
			if n == "data.pkl" {
				return nil
			}
			return b
		}), ErrFormat, "no data.pkl"},
		{"a storage is missing", rezip(t, good, zip.Store, func(n string, b []byte) []byte {
			if n == "data/0" {
				return nil
			}
			return b
		}), ErrFormat, "cut short"},
		{"big-endian", rezip(t, good, zip.Store, func(n string, b []byte) []byte {
			if n == "byteorder" {
				return []byte("big")
			}
			return b
		}), ErrFormat, "byte order"},
		{"NaN", rezip(t, good, zip.Store, func(n string, b []byte) []byte {
			if n == "data/0" {
				b[0], b[1] = 0, 0x7e
			}
			return b
		}), ErrFormat, "model.0.conv.weight"},
		{"code", pickled(t, "cos\nsystem\nX\x02\x00\x00\x00ls\x85R."), ErrGlobal, `"os.system"`},
		{"built-in code", pickled(t, "c__builtin__\neval\n)R."), ErrGlobal, `"__builtin__.eval"`},
		{"code under another name", pickled(t, "ctorch\nload\n."), ErrGlobal, `"torch.load"`},
		{"an attribute", pickled(t, "c__builtin__\ngetattr\nNX\x06\x00\x00\x00system\x86R."), ErrGlobal, "getattr"},
		{"stack global", pickled(t, "X\x02\x00\x00\x00osX\x06\x00\x00\x00system\x93."), ErrFormat, "0x93"},
		{"other task", pickle("DetectionModel", "SegmentationModel"), ErrArchitecture, "SegmentationModel"},
		{"other block", pickle("ultralytics.nn.modules.block\nC2f\n", "ultralytics.nn.modules.block\nC3k2\n"), ErrArchitecture, "C3k2"},
		{"other activation", pickle("SiLU", "ReLU"), ErrArchitecture, "ReLU"},
		{"YOLOv5", pickle("ultralytics.nn.tasks\nDetectionModel", "models.yolo\nDetectionModel"), ErrArchitecture, "YOLOv5"},
		{"other pooling", pickle("kernel_size", "kernel_sizf"), ErrArchitecture, "settings"},
		{"other layers", pickle("ultralytics.nn.modules.block\nSPPF\n", "ultralytics.nn.modules.block\nC2f\n"), ErrArchitecture, "layer 9"},
		{"state dictionary", pickled(t, "}X\x13\x00\x00\x00model.0.conv.weightNs."), ErrArchitecture, "neither"},
		{"number", pickled(t, "K\x01."), ErrArchitecture, "no model"},
		{"protocol 5", pickled(t, "\x80\x05."), ErrFormat, "protocol 5"},
		{"no end", pickled(t, "K\x01"), ErrFormat, "ends"},
		{"empty stack", pickled(t, "."), ErrFormat, "empty"},
		{"long text", pickled(t, "X\xff\xff\xff\xffa."), ErrFormat, "ends"},
		{"a list in itself", pickled(t, "]q\x00h\x00accollections\nOrderedDict\nh\x00\x85R."), ErrArchitecture, "neither"},
	} {
		_, err := Read(c.data)
		if !errors.Is(err, c.err) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v; want %v that says %q", c.name, err, c.err, c.says)
		}
	}
}

// Views with any strides read in row-major order; those beyond their storage do
// not.
func TestFloats(t *testing.T) {
	s := &storage{f16, "0", 6}
	a := &archive{storages: map[string][]byte{"0": {0, 0x3c, 0, 0x40, 0, 0x42, 0, 0x44, 0, 0x45, 0, 0x46}}} // 1 to 6
	for _, c := range []struct {
		t    tensor
		want []float32
	}{
		{tensor{s, 0, []int{2, 3}, []int{3, 1}}, []float32{1, 2, 3, 4, 5, 6}},
		{tensor{s, 0, []int{3, 2}, []int{1, 3}}, []float32{1, 4, 2, 5, 3, 6}},
		{tensor{s, 2, []int{2}, []int{2}}, []float32{3, 5}},
		{tensor{s, 5, []int{}, []int{}}, []float32{6}},
		{tensor{s, 3, []int{2}, []int{3}}, nil},
		{tensor{s, 0, []int{9}, []int{0}}, nil},
		{tensor{&storage{f16, "0", 7}, 0, []int{1}, []int{1}}, nil},
		{tensor{&storage{class, "0", 1}, 0, []int{1}, []int{1}}, nil},
	} {
		got, err := a.floats(&c.t)
		if (err != nil) != (c.want == nil) || err == nil && !reflect.DeepEqual(got, c.want) {
			t.Errorf("%v %v from %d: %v, %v; want %v", c.t.shape, c.t.stride, c.t.offset, got, err, c.want)
		}
	}
}

// Whatever the bytes, reading ends with a graph or an error.
func FuzzPickle(f *testing.F) {
	f.Add([]byte("\x80\x02]q\x00h\x00a."))
	f.Add([]byte("\x80\x02cultralytics.nn.tasks\nDetectionModel\n)\x81q\x00}X\x08\x00\x00\x00_modules}X\x01\x00\x00\x00ah\x00ssb."))
	f.Fuzz(func(t *testing.T, data []byte) {
		root, err := unpickle(data)
		if err == nil {
			_, err = describe(&archive{storages: map[string][]byte{}}, root)
		}
		if err != nil && !errors.Is(err, ErrFormat) && !errors.Is(err, ErrGlobal) && !errors.Is(err, ErrArchitecture) {
			t.Fatalf("an error of no kind: %v", err)
		}
	})
}
