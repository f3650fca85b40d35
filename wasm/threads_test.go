//go:build !js

package wasm

import (
	"slices"
	"testing"
	"time"

	"eagleeye/build/shared"
	"eagleeye/kernels"
	"eagleeye/wasm/graph"
	"eagleeye/wasm/host"
)

func threadMachine(t testing.TB, threads int) host.Machine {
	t.Helper()
	m, err := host.NewThreads(kernels.Variant{Threads: threads > 1}, threads)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

// Any number of threads gives the same bits: boxes, raw output, and boxes with
// many labels, whose candidates come in any order.
func TestThreadsAgree(t *testing.T) {
	float := small(t, tiny(160, 128))
	pics := [][]byte{noise(97, 64, 21), noise(97, 64, 22)}
	for name, g := range map[string]*graph.Graph{"float": float, "int8": quantize(t, float, 97, 64, pics...)} {
		t.Run(name, func(t *testing.T) {
			type output struct {
				found, labels []Detection
				boxes, logits []float32
			}
			var want []output
			for _, threads := range []int{1, 2, 3, 8} {
				d := openGraph(t, g, threadMachine(t, threads), Options{})
				if d.Info().Threads != threads {
					t.Errorf("%d threads, want %d", d.Info().Threads, threads)
				}
				for i := range 6 {
					var o output
					var err error
					if o.found, _, err = d.Detect(pics[i%2], 97, 64, Thresholds{Conf: 0.001, IoU: 0.7}); err != nil {
						t.Fatal(err)
					}
					if o.boxes, o.logits, err = d.Raw(); err != nil {
						t.Fatal(err)
					}
					if o.labels, err = d.Again(Thresholds{Conf: 0.001, IoU: 0.7, MultiLabel: true}); err != nil {
						t.Fatal(err)
					}
					if threads == 1 && i < 2 {
						if len(o.found) < 5 || len(o.labels) < 5 {
							t.Fatalf("%d boxes, %d with many labels", len(o.found), len(o.labels))
						}
						want = append(want, o)
						continue
					}
					w := want[i%2]
					if !slices.Equal(o.found, w.found) || !slices.Equal(o.labels, w.labels) ||
						!slices.Equal(o.boxes, w.boxes) || !slices.Equal(o.logits, w.logits) {
						t.Fatalf("picture %d: %d threads give another result than 1", i, threads)
					}
				}
			}
		})
	}
}

// BenchmarkThreads compares 1 and 2 threads on whole frames of the quantized
// YOLOv8n at 640, alternating.
func BenchmarkThreads(b *testing.B) {
	model := quantized(b)
	rgba, w, h := readRGBA(b, shared.File(b, "coco", "val", "images", "000000183709.jpg"))
	var detectors [2]*Detector
	var times [2][]time.Duration
	for i := range detectors {
		d, err := Open(model, threadMachine(b, i+1), Options{})
		if err != nil {
			b.Fatal(err)
		}
		detectors[i] = d
	}
	for b.Loop() {
		for i, d := range detectors {
			start := time.Now()
			if _, _, err := d.Detect(rgba, w, h, DefaultThresholds); err != nil {
				b.Fatal(err)
			}
			times[i] = append(times[i], time.Since(start))
		}
	}
	median := func(d []time.Duration) float64 {
		slices.Sort(d)
		return d[len(d)/2].Seconds() * 1000
	}
	one, two := median(times[0]), median(times[1])
	b.ReportMetric(one, "ms/1thread")
	b.ReportMetric(two, "ms/2threads")
	b.ReportMetric(one/two, "speedup")
}
