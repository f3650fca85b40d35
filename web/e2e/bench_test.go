//go:build !js

package e2e

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"eagleeye/build/render"
)

// benchInfo is what bench.info() tells.
type benchInfo struct {
	Ready, Isolated           bool
	Model, Precision, Variant string
	Size                      [2]int
	Threads                   int
	Memory                    float64
	Stages                    struct{ Prepare, Infer, Decode, Total float64 }
}

// bench.html gives any harness the engine: the boxes of the native one, what it
// runs on, how long the stages took.
func TestBenchPage(t *testing.T) {
	path, model := tiny(t, 160)
	scene := render.Scene(8, 320, 240)
	conf, want := sliderConf(t, model, scene)
	pixels, err := json.Marshal(scene.Pix) // base64
	if err != nil {
		t.Fatal(err)
	}
	isolated, ctx := serve(t, path), chromium(t)
	for _, c := range []struct {
		name, url, query, variant string
		size, threads             int
	}{
		{"one thread", isolated, "&threads=1&kernels=simd128", "simd128", 160, 1},
		{"two threads", isolated, "&threads=2&kernels=simd128", "simd128-threads", 160, 2},
		{"not isolated", unisolated(t, isolated), "&threads=2&kernels=simd128", "simd128", 160, 1},
		{"model by address", isolated, "&threads=1&kernels=simd128&model=model.onnx", "simd128", 160, 1},
		{"other size", isolated, "&size=96&threads=1", "", 96, 1},
		{"what the machine has", isolated, "", "", 160, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newTab(t, ctx, fmt.Sprintf("%sbench.html?conf=%g%s", c.url, float64(conf)/100, c.query))
			var info benchInfo
			p.eval(fmt.Sprintf(`(async () => {
				await bench.load();
				bench.feed({data: Uint8ClampedArray.from(atob(%s), c => c.charCodeAt(0)), width: 320, height: 240});
				const [a, b] = await Promise.all([bench.run(), bench.run()]);
				if (!(a.total > 0 && b.infer > 0)) throw new Error(JSON.stringify([a, b]));
				return bench.info();
			})()`, pixels), &info)
			var found []detection
			p.eval("bench.check()", &found)
			if c.size == 160 && c.variant != "" {
				compare(t, found, want)
			}
			if c.variant != "" && info.Variant != c.variant || c.threads != 0 && info.Threads != c.threads || info.Threads < 1 {
				t.Errorf("kernels %q on %d threads, want %q on %d", info.Variant, info.Threads, c.variant, c.threads)
			}
			if !info.Ready || info.Size != [2]int{c.size, c.size} || info.Precision != "float32" || info.Memory == 0 || !strings.HasSuffix(info.Model, ".onnx") {
				t.Errorf("info: %+v", info)
			}
			if s := info.Stages; !(s.Infer > 0 && s.Total >= s.Infer && s.Decode >= 0) {
				t.Errorf("stages: %+v", s)
			}
			var property float64
			if p.eval("bench.info.threads", &property); int(property) != info.Threads {
				t.Errorf("bench.info.threads is %v, not %d", property, info.Threads)
			}
			p.clean()
		})
	}
	t.Run("by itself", func(t *testing.T) {
		p := newTab(t, ctx, isolated+"bench.html?auto")
		var first struct{ Ready, Boxes, First float64 }
		if p.eval("bench.first", &first); !(first.Ready > 0 && first.First > 0 && first.Boxes >= first.Ready) {
			t.Errorf("first: %+v", first)
		}
		p.clean()
	})
}

// Whatever goes wrong rejects the promise with words that tell what.
func TestBenchPageErrors(t *testing.T) {
	path, _ := tiny(t, 96)
	site, ctx := serve(t, path), chromium(t)
	for _, c := range []struct{ name, url, call, text string }{
		{"no model", serve(t, "") + "bench.html", "load()", "name one with ?model="},
		{"missing model", site + "bench.html?model=absent.onnx", "load()", "answered 404"},
		{"model of another origin", site + "bench.html?model=http://127.0.0.1:1/m.onnx", "load()", "of this origin"},
		{"no model's bytes", site + "bench.html?model=wasm_exec.js", "load()", "ONNX"},
		{"odd size", site + "bench.html?size=100", "load()", "multiples of 32"},
		{"no number", site + "bench.html?size=big", "run()", "size=big"},
		{"bad score", site + "bench.html?conf=2", "load()", "conf=2"},
		{"no engine", serve(t, path, "engine.wasm") + "bench.html", "load()", "engine.wasm"},
		{"no worker", serve(t, path, "worker.js") + "bench.html", "run()", "worker"},
		{"short picture", site + "bench.html", "feed({data: new Uint8Array(7), width: 2, height: 1})", "4 bytes a pixel"},
	} {
		t.Run(c.name, func(t *testing.T) {
			target, cancel := chromedp.NewContext(ctx)
			defer cancel()
			p := &tab{t, target}
			p.run(chromedp.Navigate(c.url), chromedp.Poll("window.bench", nil, chromedp.WithPollingTimeout(20*time.Second)))
			var text string
			p.eval(`(async () => bench.`+c.call+`)().then(() => 'no error', (e) => e.message)`, &text)
			if !strings.Contains(text, c.text) {
				t.Errorf("rejected with %q, want %q in it", text, c.text)
			}
		})
	}
}
