package calib

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"eagleeye/build/render"
	"eagleeye/kernels"
	"eagleeye/wasm"
	"eagleeye/wasm/graph"
	"eagleeye/wasm/host"
	"eagleeye/wasm/onnx"
	"eagleeye/wasm/zoo"
)

// All the ways in which YOLOv8 is exported come out as int8 models that still
// compute what the float model does.
func TestExports(t *testing.T) {
	keep := os.Getenv("CALIB_KEEP") // a folder, for a look with other tools
	pics := photos(t, filepath.Join(t.TempDir(), "pics"), 2)
	same := map[string]bool{"opset 11": true, "opset 12": true, "opset 17": true, "opset 21": true, "dynamic": true}
	var plain []float32
	for name, change := range map[string]func(*zoo.Config){
		"opset 11":  func(c *zoo.Config) { c.Opset = 11 },
		"opset 12":  func(c *zoo.Config) { c.Opset = 12 },
		"opset 17":  func(c *zoo.Config) { c.Opset = 17 },
		"opset 21":  func(c *zoo.Config) { c.Opset = 21 },
		"half":      func(c *zoo.Config) { c.Half = true },
		"dynamic":   func(c *zoo.Config) { c.Dynamic = true },
		"landscape": func(c *zoo.Config) { c.Size, c.Height = 96, 64 },
		"deeper":    func(c *zoo.Config) { c.Depth = 0.67 },
	} {
		t.Run(name, func(t *testing.T) {
			cfg := small
			change(&cfg)
			dir := t.TempDir()
			if keep != "" {
				dir = filepath.Join(keep, name)
			}
			g := model(t, cfg)
			out := filepath.Join(dir, "int8.onnx")
			in := filepath.Join(dir, "float.onnx")
			if err := os.MkdirAll(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			writeModel(t, in, g)
			o := Options{In: in, Out: out, CalibDir: pics, BiasImages: -1}
			if cfg.Dynamic {
				o.Size = 64
			}
			if _, err := Quantize(context.Background(), o); err != nil {
				t.Fatal(err)
			}
			data, err := os.ReadFile(out)
			if err != nil {
				t.Fatal(err)
			}
			q, err := onnx.Read(data)
			if err != nil {
				t.Fatal(err)
			}
			if q.Opset < 13 {
				t.Errorf("opset %d has no scales a channel", q.Opset)
			}
			got := logits(t, q, o.Size, wasm.Auto)
			if same[name] {
				if plain == nil {
					plain = got
				}
				if !slices.Equal(got, plain) {
					t.Error("the same weights give other logits than in other forms of the file")
				}
			}
			// Random weights amplify rounding where trained ones damp it, so that
			// this is no measure of quality; unrelated outputs correlate at 0.
			if r := correlation(logits(t, g, o.Size, wasm.F32), got); r < 0.6 {
				t.Errorf("logits correlate with the float model's at %.3f", r)
			}
		})
	}
}

// logits runs a scene that was calibrated on.
func logits(t *testing.T, g *graph.Graph, size int, p wasm.Precision) []float32 {
	t.Helper()
	m, err := host.New(kernels.Variant{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	d, err := wasm.OpenGraph(g, m, wasm.Options{Width: size, Height: size, Precision: p})
	if err != nil {
		t.Fatal(err)
	}
	if d.Info().Precision != map[wasm.Precision]string{wasm.F32: "float32", wasm.Auto: "int8"}[p] {
		t.Errorf("precision is %s", d.Info().Precision)
	}
	if _, _, err := d.Detect(render.Scene(0, 96, 64).Pix, 96, 64, wasm.DefaultThresholds); err != nil {
		t.Fatal(err)
	}
	_, logits, err := d.Raw()
	if err != nil {
		t.Fatal(err)
	}
	return logits
}

func correlation(a, b []float32) float64 {
	var sa, sb, saa, sbb, sab float64
	for i := range a {
		x, y := float64(a[i]), float64(b[i])
		sa, sb, saa, sbb, sab = sa+x, sb+y, saa+x*x, sbb+y*y, sab+x*y
	}
	n := float64(len(a))
	return (sab - sa*sb/n) / math.Sqrt((saa-sa*sa/n)*(sbb-sb*sb/n))
}
