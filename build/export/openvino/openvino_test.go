package openvino

import (
	"bytes"
	"encoding/xml"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"eagleeye/build/export/exporttest"
	"eagleeye/wasm"
	"eagleeye/wasm/graph"
	"eagleeye/wasm/zoo"
)

var packages = []string{"openvino==2026.4.1", "numpy==2.4.6"}

// run executes a model with OpenVINO on pictures of one size.
func run(t *testing.T, python string, m *Model, h, w int, input []float32) []float32 {
	t.Helper()
	dir := t.TempDir()
	xml, bin := filepath.Join(dir, "model.xml"), filepath.Join(dir, "model.bin")
	for path, data := range map[string][]byte{xml: m.XML, bin: m.Bin} {
		if err := os.WriteFile(path, data, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return exporttest.Run(t, python, filepath.Join("testdata", "run.py"), input, xml, strconv.Itoa(h), strconv.Itoa(w))
}

func encode(t *testing.T, g *graph.Graph, o Options) *Model {
	t.Helper()
	m, err := Encode(g, o)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// OpenVINO computes the engine's numbers up to the order of sums; halves round
// each weight by 2⁻¹¹.
func TestNumbers(t *testing.T) {
	python := exporttest.Python(t, packages...)
	const h, w = 96, 128
	g := tiny(t, zoo.Config{Depth: 0.33, Width: 0.25, MaxChannels: 1024, Classes: []string{"a", "it's", "c"}, Size: w, Height: h, Seed: 3})
	p := exporttest.Scenes(1, w, h)[0]
	d := exporttest.Engine(t, g, wasm.Options{})
	for _, c := range []struct {
		precision  Precision
		box, score float64 // pixels, probability
	}{
		{Float32, 2e-3, 1e-5},
		{Float16, 0.5, 5e-3},
	} {
		t.Run(string(c.precision), func(t *testing.T) {
			y := run(t, python, encode(t, g, Options{Precision: c.precision}), h, w, p.Input())
			box, score := exporttest.Distance(t, d, p, y)
			t.Logf("boxes within %.2g px, scores within %.2g", box, score)
			if !(box <= c.box && score <= c.score) {
				t.Errorf("boxes differ by %g px, scores by %g", box, score)
			}
		})
	}
}

func tiny(t *testing.T, c zoo.Config) *graph.Graph {
	t.Helper()
	g, err := zoo.YOLOv8(c)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestBoxesOfPhotos(t *testing.T) {
	const size, count = 320, 20
	photos := exporttest.Photos(t, count, size)
	python := exporttest.Python(t, packages...)
	float, int8ed := exporttest.Reference(t)
	for _, c := range []struct {
		precision Precision
		g         *graph.Graph
		iou       float64
	}{
		{Float32, float, 0.98},
		{Float16, float, 0.98},
		{Int8, int8ed, 0.93},
	} {
		t.Run(string(c.precision), func(t *testing.T) {
			y := run(t, python, encode(t, c.g, Options{Precision: c.precision}), size, size, exporttest.Inputs(photos))
			exporttest.Agree(t, c.g, photos, y, c.iou)
		})
	}
}

// The XML is well formed and the same model gives the same bytes.
func TestXML(t *testing.T) {
	g := tiny(t, zoo.Config{Depth: 0.33, Width: 0.125, MaxChannels: 1024, Classes: []string{"a", "it's <b>"}, Size: 64})
	m, again := encode(t, g, Options{}), encode(t, g, Options{})
	if !bytes.Equal(m.XML, again.XML) || !bytes.Equal(m.Bin, again.Bin) {
		t.Error("the same model gave other bytes")
	}
	var net struct {
		Layers struct {
			Layer []struct {
				ID   int    `xml:"id,attr"`
				Type string `xml:"type,attr"`
			} `xml:"layer"`
		} `xml:"layers"`
		Info struct {
			Framework struct {
				Names struct {
					Value string `xml:"value,attr"`
				} `xml:"names"`
			} `xml:"framework"`
		} `xml:"rt_info"`
	}
	if err := xml.Unmarshal(m.XML, &net); err != nil {
		t.Fatal(err)
	}
	first, last := net.Layers.Layer[0], net.Layers.Layer[len(net.Layers.Layer)-1]
	if first.Type != "Parameter" || last.Type != "Result" || last.ID != len(net.Layers.Layer)-1 {
		t.Errorf("the layers run from %v to %v", first, last)
	}
	if net.Info.Framework.Names.Value != g.Meta["names"] {
		t.Errorf("names are %q, want %q", net.Info.Framework.Names.Value, g.Meta["names"])
	}
}

func TestRefusals(t *testing.T) {
	g := tiny(t, zoo.Config{Depth: 0.33, Width: 0.125, MaxChannels: 1024, Classes: []string{"a"}, Size: 64})
	if _, err := Encode(g, Options{Precision: Int8}); !errors.Is(err, ErrUnsupported) {
		t.Errorf("int8 of a float model: %v", err)
	}
	if _, err := Encode(g, Options{Width: 65, Height: 64}); err == nil {
		t.Error("a width of 65 was accepted")
	}
}
