package tensorflow

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"io"
	"testing"

	"eagleeye/build/export/exporttest"
	"eagleeye/build/export/form"
	"eagleeye/wasm/graph"
)

var packages = []string{"ai-edge-litert==2.3.0", "numpy==2.4.6"}

// runtime is LiteRT on a model that Encode writes.
func runtime(t *testing.T) exporttest.Runner {
	return exporttest.Script(exporttest.Python(t, packages...), "litert.py", func(g *graph.Graph, o form.Options) (map[string][]byte, error) {
		data, err := Encode(g, o)
		return map[string][]byte{"model.tflite": data}, err
	}, "model.tflite")
}

func encode(t *testing.T, g *graph.Graph, o form.Options) []byte {
	t.Helper()
	data, err := Encode(g, o)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// LiteRT computes the engine's numbers: float sums in another order differ by
// some 1e-5 of a box's size.
func TestNumbers(t *testing.T) {
	exporttest.Numbers(t, runtime(t), exporttest.Tolerance{Box: 2e-3, Score: 1e-5})
}

func TestBoxesOfPhotos(t *testing.T) {
	exporttest.Boxes(t, runtime(t), form.Float32, form.Float16, form.Int8)
}

func TestMetadata(t *testing.T) {
	g := exporttest.Tiny(t, 64, 64)
	data := encode(t, g, form.Options{})
	if !bytes.Equal(data[4:8], []byte("TFL3")) {
		t.Errorf("the file's identifier is %q", data[4:8])
	}
	if again := encode(t, g, form.Options{}); !bytes.Equal(data, again) {
		t.Error("the same model gave other bytes")
	}
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	f, err := z.Open("metadata.json")
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	var m struct {
		Names  map[string]string
		Imgsz  []int
		Stride int
		Task   string
	}
	if err := json.Unmarshal(text, &m); err != nil {
		t.Fatal(err)
	}
	if m.Names["1"] != "it's <b>" || len(m.Imgsz) != 2 || m.Imgsz[0] != 64 || m.Stride != 32 || m.Task != "detect" {
		t.Errorf("metadata are %s", text)
	}
}

func TestRefusals(t *testing.T) {
	exporttest.Refusals(t, func(g *graph.Graph, o form.Options) error {
		_, err := Encode(g, o)
		return err
	})
	exporttest.Refusals(t, func(g *graph.Graph, o form.Options) error {
		_, err := EncodeJS(g, o)
		return err
	})
}
