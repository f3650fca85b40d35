//go:build !js

package wasm

import (
	"encoding/json"
	"image"
	"image/draw"
	_ "image/jpeg"
	"math"
	"os"
	"path/filepath"
	"testing"

	"eagleeye/build/shared"
	"eagleeye/kernels"
	"eagleeye/wasm/host"
)

type golden struct {
	File, Model    string
	Size           int
	PadLeft        int    `json:"pad_left"`
	PadTop         int    `json:"pad_top"`
	ResizedWH      [2]int `json:"resized_wh"`
	Input, Output0 struct {
		File  string
		Shape []int
	}
}

func goldens(t *testing.T) []golden {
	b, err := os.ReadFile(shared.File(t, "golden", "index.json"))
	if err != nil {
		t.Fatal(err)
	}
	var index struct{ Tensors []golden }
	if err := json.Unmarshal(b, &index); err != nil {
		t.Fatal(err)
	}
	return index.Tensors
}

// pixels turns a golden input [1,3,S,S] of 0..1 back into the RGBA bytes that
// it was made of.
func pixels(in []float32) []byte {
	n := len(in) / 3
	out := make([]byte, 4*n)
	for i := range n {
		for c := range 3 {
			out[4*i+c] = byte(math.Round(float64(in[c*n+i]) * 255))
		}
	}
	return out
}

func readModel(t testing.TB, name string) []byte {
	b, err := os.ReadFile(shared.File(t, "models", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func open(t testing.TB, model []byte, o Options) *Detector {
	t.Helper()
	m, err := host.New(kernels.Variant{})
	if err != nil {
		t.Fatal(err)
	}
	d, err := Open(model, m, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

func readRGBA(t testing.TB, path string) ([]byte, int, int) {
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	img, _, err := image.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	b := img.Bounds()
	rgba := image.NewRGBA(image.Rect(0, 0, b.Dx(), b.Dy()))
	draw.Draw(rgba, rgba.Bounds(), img, b.Min, draw.Src)
	return rgba.Pix, b.Dx(), b.Dy()
}

// TestGoldenOutput compares the float network with ONNX Runtime on the same
// input bytes: float32 sums in another order differ by less than these bounds.
func TestGoldenOutput(t *testing.T) {
	for _, g := range goldens(t) {
		t.Run(filepath.Base(g.File)+"-"+g.Model, func(t *testing.T) {
			d := open(t, readModel(t, g.Model), Options{Precision: F32})
			if i := d.Info(); i.Width != g.Size || i.Height != g.Size || len(i.Names) != 80 || i.Names[0] != "person" || i.Precision != "float32" {
				t.Fatalf("info %+v", i)
			}
			rgba := pixels(shared.Floats(t, "golden", g.Input.File))
			if _, _, err := d.Detect(rgba, g.Size, g.Size, DefaultThresholds); err != nil {
				t.Fatal(err)
			}
			boxes, logits, err := d.Raw()
			if err != nil {
				t.Fatal(err)
			}
			want := shared.Floats(t, "golden", g.Output0.File)
			n := len(boxes) / 4
			if n*84 != len(want) {
				t.Fatalf("%d anchors, want %d", n, len(want)/84)
			}
			var worstBox, worstScore float64
			for i := range n {
				b := boxes[4*i:]
				for k, v := range [4]float32{(b[0] + b[2]) / 2, (b[1] + b[3]) / 2, b[2] - b[0], b[3] - b[1]} {
					worstBox = max(worstBox, math.Abs(float64(v-want[k*n+i])))
				}
				for c := range 80 {
					worstScore = max(worstScore, math.Abs(float64(sigmoid(logits[80*i+c])-want[(4+c)*n+i])))
				}
			}
			t.Logf("worst box difference %.4f px, worst score difference %.6f", worstBox, worstScore)
			if !(worstBox < 0.1) || !(worstScore < 0.002) {
				t.Errorf("box %.4f px (limit 0.1), score %.6f (limit 0.002)", worstBox, worstScore)
			}
		})
	}
}
