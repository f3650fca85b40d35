package export

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"eagleeye/build/export/exporttest"
	"eagleeye/build/export/form"
	"eagleeye/wasm"
	"eagleeye/wasm/graph"
	"eagleeye/wasm/onnx"
)

var packages = []string{"onnxruntime==1.30.0", "onnx==1.22.0", "numpy==2.4.6"}

func encode(t *testing.T, g *graph.Graph, o ONNXOptions) []byte {
	t.Helper()
	data, err := ONNX(g, o)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func run(t *testing.T, python string, model []byte, batch, h, w int, input []float32) []float32 {
	t.Helper()
	path := filepath.Join(t.TempDir(), "model.onnx")
	if err := os.WriteFile(path, model, 0o666); err != nil {
		t.Fatal(err)
	}
	return exporttest.Run(t, python, filepath.Join("testdata", "ort.py"), input, path, strconv.Itoa(batch), strconv.Itoa(h), strconv.Itoa(w))
}

// Every form of a seeded model, read back, gives the engine's numbers.
func TestONNXForms(t *testing.T) {
	const h, w = 96, 128
	g := exporttest.Tiny(t, w, h)
	p := exporttest.Scenes(1, w, h)[0]
	d := exporttest.Engine(t, g, wasm.Options{})
	for _, opset := range []int{11, 12, 13, 17, 21} {
		for _, dynamic := range []bool{false, true} {
			for _, precision := range []form.Precision{form.Float32, form.Float16} {
				t.Run(fmt.Sprintf("opset %d, dynamic %v, %s", opset, dynamic, precision), func(t *testing.T) {
					data := encode(t, g, ONNXOptions{Options: form.Options{Precision: precision}, Opset: opset, Dynamic: dynamic})
					most := exporttest.Tolerance{Box: 2e-3, Score: 1e-5}
					if precision == form.Float16 {
						most = exporttest.Half
					}
					back, err := onnx.Read(data)
					if err != nil {
						t.Fatal(err)
					}
					prepared, err := graph.Prepare(back, h, w)
					if err != nil {
						t.Fatal(err)
					}
					x := graph.FloatTensor(p.Input(), 1, 3, h, w)
					out, err := graph.Eval(prepared, map[string]*graph.Tensor{"images": x})
					if err != nil {
						t.Fatal(err)
					}
					exporttest.Within(t, d, p, out["output0"].Floats(), most)
				})
			}
		}
	}
}

// Every opset from 11 to 21 passes ONNX's own checker, says its opset and its
// open sizes, and computes the engine's numbers.
func TestOpsets(t *testing.T) {
	python := exporttest.Python(t, packages...)
	const h, w = 64, 96
	g := exporttest.Tiny(t, w, h)
	p := exporttest.Scenes(1, w, h)[0]
	files := map[string][]byte{}
	for opset := 11; opset <= 21; opset++ {
		for _, sizes := range []string{"fixed", "dynamic"} {
			for _, precision := range []form.Precision{form.Float32, form.Float16} {
				o := ONNXOptions{Options: form.Options{Precision: precision}, Opset: opset, Dynamic: sizes == "dynamic"}
				files[fmt.Sprintf("%d %s %s.onnx", opset, sizes, precision)] = encode(t, g, o)
			}
		}
	}
	dir := exporttest.Files(t, files)
	y := exporttest.Run(t, python, filepath.Join("testdata", "check.py"), p.Input(), dir, strconv.Itoa(h), strconv.Itoa(w))
	d := exporttest.Engine(t, g, wasm.Options{})
	n := len(y) / len(files)
	for i, name := range slices.Sorted(maps.Keys(files)) {
		t.Run(name, func(t *testing.T) {
			most := exporttest.Tolerance{Box: 2e-3, Score: 1e-5}
			if strings.Contains(name, string(form.Float16)) {
				most = exporttest.Half
			}
			exporttest.Within(t, d, p, y[i*n:(i+1)*n], most)
		})
	}
}

// A dynamic file takes other sizes and batches.
func TestDynamic(t *testing.T) {
	python := exporttest.Python(t, packages...)
	g := exporttest.Tiny(t, 128, 96)
	data := encode(t, g, ONNXOptions{Dynamic: true, Opset: 17})
	const h, w, n = 160, 64, 2
	ps := exporttest.Scenes(n, w, h)
	y := run(t, python, data, n, h, w, exporttest.Inputs(ps))
	d := exporttest.Engine(t, g, wasm.Options{Width: w, Height: h})
	for i, p := range ps {
		exporttest.Within(t, d, p, y[i*len(y)/n:(i+1)*len(y)/n], exporttest.Tolerance{Box: 2e-3, Score: 1e-5})
	}
}

func TestBoxesOfPhotos(t *testing.T) {
	python := exporttest.Python(t, packages...)
	for _, opset := range []int{13, 21} {
		t.Run(fmt.Sprintf("opset %d", opset), func(t *testing.T) {
			exporttest.Boxes(t, func(t *testing.T, g *graph.Graph, o form.Options, h, w int, input []float32) []float32 {
				return run(t, python, encode(t, g, ONNXOptions{Options: o, Opset: opset}), 1, h, w, input)
			}, form.Float32, form.Float16, form.Int8)
		})
	}
}

func TestRefusals(t *testing.T) {
	exporttest.Refusals(t, func(g *graph.Graph, o form.Options) error {
		_, err := ONNX(g, ONNXOptions{Options: o})
		return err
	})
}

func TestEncode(t *testing.T) {
	g := exporttest.Tiny(t, 64, 64)
	want := map[string][]string{
		"onnx":     {"m.onnx"},
		"tensorrt": {"m_tensorrt.onnx"},
		"tflite":   {"m.tflite"},
		"tfjs":     {"m_web_model/group1-shard1of1.bin", "m_web_model/model.json"},
		"ncnn":     {"m_ncnn_model/model.ncnn.bin", "m_ncnn_model/metadata.yaml", "m_ncnn_model/model.ncnn.param"},
		"openvino": {"m_openvino_model/m.bin", "m_openvino_model/m.xml"},
	}
	for _, f := range Formats {
		files, hint, err := Encode(g, f, "m", ONNXOptions{})
		if err != nil {
			t.Fatalf("%s: %v", f, err)
		}
		var names []string
		for _, x := range files {
			names = append(names, filepath.ToSlash(x.Name))
			if len(x.Data) == 0 {
				t.Errorf("%s: %s is empty", f, x.Name)
			}
		}
		if fmt.Sprint(names) != fmt.Sprint(want[f]) {
			t.Errorf("%s: files %v, want %v", f, names, want[f])
		}
		if strings.Contains(hint, "trtexec --onnx=m_tensorrt.onnx") != (f == "tensorrt") {
			t.Errorf("%s: hint %q", f, hint)
		}
		if _, _, err := Encode(g, f, "m", ONNXOptions{Options: form.Options{Precision: form.Int8}}); err == nil {
			t.Errorf("%s: int8 of a float model was accepted", f)
		}
	}
	for name, o := range map[string]ONNXOptions{
		"opset 10":             {Opset: 10},
		"opset 22":             {Opset: 22},
		"int8 before opset 13": {Opset: 12, Options: form.Options{Precision: form.Int8}},
	} {
		if _, _, err := Encode(g, "onnx", "m", o); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
	if _, _, err := Encode(g, "ncnn", "m", ONNXOptions{Dynamic: true}); err == nil {
		t.Error("a dynamic ncnn model was accepted")
	}
	if _, _, err := Encode(g, "coreml", "m", ONNXOptions{}); err == nil {
		t.Error("an unknown format was accepted")
	}
}
