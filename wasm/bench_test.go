//go:build !js

package wasm

import (
	"testing"

	"eagleeye/build/shared"
)

// BenchmarkFrame measures a whole frame of YOLOv8n at 640 (4.37 GMAC) on one
// thread, kernels by wazero.
func BenchmarkFrame(b *testing.B) {
	for _, c := range []struct {
		name  string
		model func(testing.TB) []byte
	}{
		{"float32", func(t testing.TB) []byte { return readModel(t, "yolov8n.onnx") }},
		{"int8", quantized},
	} {
		b.Run(c.name, func(b *testing.B) {
			d := open(b, c.model(b), Options{})
			rgba, w, h := readRGBA(b, shared.File(b, "coco", "val", "images", "000000183709.jpg"))
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := d.Detect(rgba, w, h, DefaultThresholds); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(d.Info().MACs)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GMAC/s")
		})
	}
}
