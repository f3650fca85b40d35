//go:build !js

package wasm

import (
	"math/rand/v2"
	"testing"

	"eagleeye/build/shared"
	"eagleeye/kernels"
	"eagleeye/wasm/graph"
	"eagleeye/wasm/host"
	"eagleeye/wasm/onnx"
	"eagleeye/wasm/quant"
	"eagleeye/wasm/zoo"
)

// small is a YOLOv8 of narrow layers with seeded weights.
func small(t testing.TB, c zoo.Config) *graph.Graph {
	t.Helper()
	g, err := zoo.YOLOv8(c)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// noise is a picture of coloured blocks, which have edges and flat parts.
func noise(w, h int, seed uint64) []byte {
	r := rand.New(rand.NewPCG(seed, 9))
	const cell = 12
	cols := (w + cell - 1) / cell
	colours := make([][4]byte, cols*((h+cell-1)/cell))
	for i := range colours {
		colours[i] = [4]byte{byte(r.Uint32()), byte(r.Uint32()), byte(r.Uint32()), byte(r.Uint32())}
	}
	out := make([]byte, 0, 4*w*h)
	for y := range h {
		for x := range w {
			c := colours[y/cell*cols+x/cell]
			out = append(out, c[0]+byte(y%cell*8), c[1], c[2]+byte(x%cell*8), c[3])
		}
	}
	return out
}

func openGraph(t testing.TB, g *graph.Graph, m host.Machine, o Options) *Detector {
	t.Helper()
	if m == nil {
		var err error
		if m, err = host.New(kernels.Variant{}); err != nil {
			t.Fatal(err)
		}
	}
	d, err := OpenGraph(g, m, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

// quantize calibrates a float model on pictures and returns it with Q/DQ.
func quantize(t testing.TB, g *graph.Graph, w, h int, rgba ...[]byte) *graph.Graph {
	t.Helper()
	l, err := quant.Analyze(g)
	if err != nil {
		t.Fatal(err)
	}
	c := quant.NewCalibrator(l)
	d := openGraph(t, g, nil, Options{Keep: l.Taps()})
	for _, p := range rgba {
		if _, _, err := d.Detect(p, w, h, DefaultThresholds); err != nil {
			t.Fatal(err)
		}
		for _, name := range l.Taps() {
			data, _, err := d.Tap(name)
			if err != nil {
				t.Fatal(err)
			}
			if err := c.Observe(name, data); err != nil {
				t.Fatal(err)
			}
		}
	}
	q, err := quant.Quantize(g, c, quant.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return q
}

// quantized is YOLOv8n calibrated on one picture: the speed of a real one.
func quantized(t testing.TB) []byte {
	t.Helper()
	g, err := onnx.Read(readModel(t, "yolov8n.onnx"))
	if err != nil {
		t.Fatal(err)
	}
	rgba, w, h := readRGBA(t, shared.File(t, "coco", "val", "images", "000000183709.jpg"))
	b, err := onnx.Write(quantize(t, g, w, h, rgba))
	if err != nil {
		t.Fatal(err)
	}
	return b
}
