package openvino

import (
	"bytes"
	"encoding/xml"
	"testing"

	"eagleeye/build/export/exporttest"
	"eagleeye/build/export/form"
	"eagleeye/wasm/graph"
)

var packages = []string{"openvino==2026.4.1", "numpy==2.4.6"}

// runtime is OpenVINO on a model that Encode writes.
func runtime(t *testing.T) exporttest.Runner {
	return exporttest.Script(exporttest.Python(t, packages...), "run.py", func(g *graph.Graph, o form.Options) (map[string][]byte, error) {
		m, err := Encode(g, o)
		if err != nil {
			return nil, err
		}
		return map[string][]byte{"model.xml": m.XML, "model.bin": m.Bin}, nil
	}, "model.xml")
}

func encode(t *testing.T, g *graph.Graph, o form.Options) *Model {
	t.Helper()
	m, err := Encode(g, o)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// OpenVINO computes the engine's numbers up to the order of sums.
func TestNumbers(t *testing.T) {
	exporttest.Numbers(t, runtime(t), exporttest.Tolerance{Box: 2e-3, Score: 1e-5})
}

func TestBoxesOfPhotos(t *testing.T) {
	exporttest.Boxes(t, runtime(t), form.Float32, form.Float16, form.Int8)
}

// The XML is well formed and the same model gives the same bytes.
func TestXML(t *testing.T) {
	g := exporttest.Tiny(t, 64, 64)
	m, again := encode(t, g, form.Options{}), encode(t, g, form.Options{})
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
	exporttest.Refusals(t, func(g *graph.Graph, o form.Options) error {
		_, err := Encode(g, o)
		return err
	})
}
