//go:build !js

package e2e

import (
	"cmp"
	"slices"
	"testing"
	"time"

	"eagleeye/build/browser"
)

// What a camera's frame costs besides the network. Its planes are taken as they
// are; then the best of the frames, which a busy machine has left alone, stays
// within 6 ms. The log tells the medians.
func TestFrameStages(t *testing.T) {
	clip, _ := scenes(t, 4, 12, 640, 480)
	path, _ := tiny(t, 640)
	for _, c := range []struct {
		name, before string
		planes       bool
	}{
		{"planes", "", true},
		{"bitmaps", `delete window.VideoFrame; delete HTMLVideoElement.prototype.requestVideoFrameCallback`, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newTab(t, chromium(t, browser.FakeCamera(clip)...), serve(t, path), collect, c.before)
			p.ready()
			p.click("start")
			p.until("frames", 60*time.Second, func(s snapshot) bool { return s.Live && s.Frames >= 10 })
			var results []result
			for deadline := time.Now().Add(60 * time.Second); len(results) < 25; time.Sleep(100 * time.Millisecond) {
				var batch []result
				p.eval(`testResults.splice(0)`, &batch)
				results = append(results, batch...)
				if time.Now().After(deadline) {
					t.Fatalf("only %d results in a minute", len(results))
				}
			}
			median := func(of func(r result) float64) float64 {
				var v []float64
				for _, r := range results {
					v = append(v, of(r))
				}
				slices.Sort(v)
				return v[len(v)/2]
			}
			outside := func(r result) float64 {
				s := r.Stages
				return s.Capture + s.Copy + s.Letterbox + s.Decode + s.Draw
			}
			best := outside(slices.MinFunc(results, func(a, b result) int { return cmp.Compare(outside(a), outside(b)) }))
			t.Logf("%d frames of %d×%d, medians in ms: capture %.2f, copy %.2f, letterbox %.2f, decode %.2f, draw %.2f; together %.2f, best %.2f, besides infer %.1f",
				len(results), results[0].Width, results[0].Height,
				median(func(r result) float64 { return r.Stages.Capture }), median(func(r result) float64 { return r.Stages.Copy }),
				median(func(r result) float64 { return r.Stages.Letterbox }), median(func(r result) float64 { return r.Stages.Decode }),
				median(func(r result) float64 { return r.Stages.Draw }), median(outside), best,
				median(func(r result) float64 { return r.Infer }))
			for _, r := range results {
				if r.Planes != c.planes {
					t.Fatalf("planes %t, want %t", r.Planes, c.planes)
				}
			}
			if best <= 0 || c.planes && best > 6 {
				t.Errorf("no frame took less than %.2f ms besides the network", best)
			}
			p.clean()
		})
	}
}
