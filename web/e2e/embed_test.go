//go:build !js

package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"eagleeye/build/demo"
	"eagleeye/build/render"
	film "eagleeye/build/scenes"
	"eagleeye/build/shared"
	"eagleeye/build/site"
	"eagleeye/wasm/message"
)

// examples are the pages that docs/EMBEDDING.md shows.
func examples(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(shared.Repo(t), "docs", "EMBEDDING.md"))
	if err != nil {
		t.Fatal(err)
	}
	var pages []string
	for _, m := range regexp.MustCompile("(?s)```html\n(.*?)```").FindAllSubmatch(text, -1) {
		pages = append(pages, string(m[1]))
	}
	if len(pages) != 2 || strings.Count(pages[0], "\n") != 10 {
		t.Fatalf("%d examples, the first of %d lines, want 2 and 10", len(pages), strings.Count(pages[0], "\n"))
	}
	return pages
}

// embedder is a plain host, on a port of its own, of a page and a picture;
// isolated adds the headers that threads need.
func embedder(t *testing.T, picture []byte, page string, isolated bool) (url string) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if isolated {
			w.Header().Set("Cross-Origin-Opener-Policy", "same-origin")
			w.Header().Set("Cross-Origin-Embedder-Policy", "require-corp")
		}
		switch r.URL.Path {
		case "/":
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			fmt.Fprint(w, page)
		case "/picture.png":
			w.Header().Set("Content-Type", "image/png")
			_, _ = w.Write(picture)
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(server.Close)
	return server.URL + "/"
}

// embedded opens a page that embeds the detector.
func embedded(t *testing.T, p *tab, url string) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(p.ctx)
	t.Cleanup(cancel)
	q := &tab{t, ctx}
	q.run(chromedp.Navigate(url))
	return q
}

// TestEmbedExamples runs what docs/EMBEDDING.md shows, word for word but for the
// site's address, on another port than the site's.
func TestEmbedExamples(t *testing.T) {
	pages := examples(t)
	server := httptest.NewServer(site.Handler(demoSite(t, demo.Name)))
	t.Cleanup(server.Close)
	frame, boxes := film.FilmFrame(0)
	picture := encodePNG(t, frame)
	for i, page := range pages {
		if !strings.Contains(page, "http://127.0.0.1:8080/") {
			t.Fatalf("example %d names another site", i)
		}
		pages[i] = strings.ReplaceAll(page, "http://127.0.0.1:8080", server.URL)
	}
	outer := embedding(t, server.URL)
	for _, isolated := range []bool{false, true} {
		t.Run(fmt.Sprintf("module, isolated %v", isolated), func(t *testing.T) {
			p := embedded(t, outer, embedder(t, picture, pages[0], isolated))
			var title string
			for deadline := time.Now().Add(60 * time.Second); (title == "" || title == "Boxes") && time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
				p.eval(`document.title`, &title)
			}
			for _, b := range boxes {
				if !strings.Contains(title, film.Names[b.Class]) {
					t.Errorf("found %q, which lacks %s", title, film.Names[b.Class])
				}
			}
		})
		t.Run(fmt.Sprintf("element, isolated %v", isolated), func(t *testing.T) {
			p := embedded(t, outer, embedder(t, picture, pages[1], isolated))
			var found struct {
				Names   []string
				Threads int
				Painted bool
			}
			p.eval(`(async () => {
				const e = document.querySelector('eagle-eye');
				await customElements.whenDefined('eagle-eye');
				if (!e.result) await new Promise((done, fail) => { e.addEventListener('detect', done); e.addEventListener('error', (x) => fail(x.detail)); });
				const c = e.shadowRoot.querySelector('canvas'), pixels = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
				const out = { names: e.result.boxes.map((b) => b.name), threads: e.detector.info.threads, painted: pixels.some((v) => v > 0) };
				const all = e.result.boxes.length;
				const few = new Promise((done) => e.addEventListener('detect', done, { once: true }));
				e.setAttribute('max', '1');
				await few;
				if (all < 2 || e.result.boxes.length !== 1) throw new Error('max=1 gives ' + e.result.boxes.length + ' of ' + all);
				const { detector } = e;
				e.remove();
				await new Promise(requestAnimationFrame);
				if (e.detector || !await detector.detect(document.createElement('canvas')).catch((x) => x.message)) throw new Error('it lives on');
				return out;
			})()`, &found)
			if len(found.Names) < len(boxes) || !found.Painted || found.Threads < 1 || !isolated && found.Threads != 1 {
				t.Errorf("%+v, want %d symbols", found, len(boxes))
			}
		})
	}
}

// embedding starts a browser whose pages may ask the site at an address.
func embedding(t *testing.T, site string, extra ...chromedp.ExecAllocatorOption) *tab {
	t.Helper()
	alsoAsked.Store(t, site)
	return &tab{t, chromium(t, extra...)}
}

// Every kind of picture gives the same boxes, on one thread and on two, and what
// goes wrong rejects with words.
func TestEmbedModule(t *testing.T) {
	server := httptest.NewServer(site.Handler(demoSite(t, demo.Name)))
	t.Cleanup(server.Close)
	frame, _ := film.FilmFrame(0)
	page := `<!doctype html><title>x</title><script type="module">import * as m from '` + server.URL + `/eagleeye.js'; window.m = m;</script><img id="i" src="picture.png">`
	outer := embedding(t, server.URL)
	p := embedded(t, outer, embedder(t, encodePNG(t, frame), page, true))
	p.run(chromedp.Poll(`window.m && document.getElementById('i').complete`, nil, chromedp.WithPollingTimeout(20*time.Second)))
	var got struct {
		Threads []int
		Counts  map[string]int
		Same    bool
		Errors  []string
	}
	p.eval(`(async () => {
		const i = document.getElementById('i'), c = document.createElement('canvas');
		c.width = i.naturalWidth; c.height = i.naturalHeight;
		const g = c.getContext('2d');
		g.drawImage(i, 0, 0);
		const data = g.getImageData(0, 0, c.width, c.height), out = { threads: [], counts: {}, errors: [], same: true };
		let first;
		for (const threads of [1, 2]) {
			const d = await m.load(undefined, { threads });
			out.threads.push(d.info.threads);
			const frame = new VideoFrame(data.data, { format: 'RGBA', codedWidth: c.width, codedHeight: c.height, timestamp: 0 });
			const sources = { image: i, canvas: c, data, frame, bitmap: await createImageBitmap(i), blob: await (await fetch('picture.png')).blob() };
			const results = await Promise.all(Object.values(sources).map((s) => d.detect(s, { conf: 0.5 }))); // they queue
			results.forEach((r, k) => {
				out.counts[Object.keys(sources)[k]] = r.boxes.length;
				first ??= JSON.stringify(r.boxes);
				out.same &&= JSON.stringify(r.boxes) === first && r.width === c.width && r.height === c.height && r.times.infer > 0;
			});
			sources.bitmap.width || out.errors.push('the bitmap was taken');
			frame.close();
			d.dispose();
			await d.detect(c).then(() => out.errors.push('detects after its end'), () => {});
		}
		for (const [model, options] of [['absent.onnx'], [new Uint8Array(9)], [undefined, { size: 100 }], [undefined, { precision: 'half' }]]) {
			out.errors.push(await m.load(model, options).then(() => 'no error', (e) => e.message));
		}
		return out;
	})()`, &got)
	if len(got.Counts) != 6 || got.Counts["image"] < 3 || !got.Same || fmt.Sprint(got.Threads) != "[1 2]" {
		t.Errorf("%+v", got)
	}
	wants := []string{"answered 404", "ONNX", "multiples of 32", "precision half"}
	for i, want := range wants {
		if len(got.Errors) != len(wants) || !strings.Contains(got.Errors[i], want) {
			t.Fatalf("errors %q, want %q", got.Errors, wants)
		}
	}
	p.shot("embed")
}

// The module's encoding is that of wasm/message.
func TestEmbedMessages(t *testing.T) {
	server := httptest.NewServer(site.Handler(build(t, site.Options{})))
	t.Cleanup(server.Close)
	p := embedded(t, &tab{t, chromium(t)}, server.URL+"/bench.html")
	thresholds := message.Thresholds{Conf: 0.25, IoU: 0.7, Max: 300}
	for _, c := range []struct {
		name, call string
		want       message.Message
	}{
		{"load", `m.encode('load', {name: 'yolo 模型.onnx', width: 320, height: 640, precision: 2})`, message.Load{Name: "yolo 模型.onnx", Choice: message.Choice{Width: 320, Height: 640, Precision: message.PrecisionMixed}}},
		{"frame", `m.encode('frame', {id: 2147483648, width: 1920, height: 1080, conf: 0.25, iou: 0.7, max: 300, thumb: true})`, message.Frame{ID: 1 << 31, Width: 1920, Height: 1080, Thresholds: thresholds, Thumb: true}},
	} {
		var bytes []int
		p.eval(`import('./eagleeye.js').then((m) => Array.from(`+c.call+`))`, &bytes)
		raw := make([]byte, len(bytes))
		for i, b := range bytes {
			raw[i] = byte(b)
		}
		if got, err := message.Decode(raw); err != nil || fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", c.want) {
			t.Errorf("%s is %+v, %v; want %+v", c.name, got, err, c.want)
		}
	}
	for _, c := range []struct {
		name string
		in   message.Message
		want string
	}{
		{"ready", message.Ready{Variant: "simd128"}, `{"kind":"ready","variant":"simd128"}`},
		{"progress", message.Progress{Stage: 2}, `{"kind":"progress","stage":2}`},
		{"loaded", message.Loaded{Name: "m", Width: 640, Height: 320, Precision: "int8", Variant: "v", Threads: 2, Params: 3151904, MACs: 4372000000, Memory: 1 << 33, Classes: []string{"人", "", "b"}, OpenMicros: 5, WarmMicros: 6, Quantized: true},
			`{"kind":"loaded","name":"m","width":640,"height":320,"precision":"int8","variant":"v","threads":2,"params":3151904,"macs":4372000000,"memory":8589934592,"classes":["人","","b"],"open":5,"warm":6,"quantized":true}`},
		{"result", message.Result{ID: 3, Width: 640, Height: 480, Prepare: 1, Infer: 2, Decode: 3, Copy: 9, Planes: true, KernelBytes: 4, EngineBytes: 5, Detections: []message.Detection{{X1: 1, Y1: 2, X2: 3, Y2: 4, Score: 0.5, Class: 79}, {Class: 1 << 30}}},
			`{"kind":"result","id":3,"width":640,"height":480,"prepare":1,"infer":2,"decode":3,"copy":9,"planes":true,"kernelBytes":4,"engineBytes":5,"boxes":[{"x1":1,"y1":2,"x2":3,"y2":4,"score":0.5,"class":79},{"x1":0,"y1":0,"x2":0,"y2":0,"score":0,"class":1073741824}],"thumb":""}`},
		{"failed", message.Failed{Frame: true, ID: 12, Reason: message.ReasonOperator, Text: "NonZero"}, `{"kind":"failed","frame":true,"id":12,"reason":4,"text":"NonZero"}`},
	} {
		var ints []int
		for _, b := range message.Append(nil, c.in) {
			ints = append(ints, int(b))
		}
		list, err := json.Marshal(ints)
		if err != nil {
			t.Fatal(err)
		}
		var got string
		if p.eval(`import('./eagleeye.js').then((m) => JSON.stringify(m.decode(new Uint8Array(`+string(list)+`))))`, &got); got != c.want {
			t.Errorf("%s is read as\n%s, want\n%s", c.name, got, c.want)
		}
	}
}

// The element shows the camera.
func TestEmbedCamera(t *testing.T) {
	server := httptest.NewServer(site.Handler(demoSite(t, demo.Name)))
	t.Cleanup(server.Close)
	page := `<!doctype html><title>x</title><script type="module" src="` + server.URL + `/eagleeye.js"></script><eagle-eye camera conf="0.9"></eagle-eye>`
	outer := embedding(t, server.URL, chromedp.Flag("use-fake-device-for-media-stream", true), chromedp.Flag("use-fake-ui-for-media-stream", true))
	p := embedded(t, outer, embedder(t, encodePNG(t, render.Scene(1, 64, 64)), page, false))
	var out struct {
		Frames, Width int
		Ended         string
	}
	p.eval(`(async () => {
		const e = document.querySelector('eagle-eye');
		let frames = 0, width = 0;
		await new Promise((done, fail) => {
			e.addEventListener('detect', ({ detail }) => { width = detail.width; if (++frames === 5) done(); });
			e.addEventListener('error', (x) => fail(x.detail));
		});
		const track = e.shadowRoot.querySelector('video').srcObject.getTracks()[0];
		e.remove();
		await new Promise((done) => setTimeout(done));
		return { frames, width, ended: track.readyState };
	})()`, &out)
	if out.Frames < 5 || out.Width == 0 || out.Ended != "ended" {
		t.Errorf("%+v", out)
	}
}

// TypeScript reads the types, and what the documentation says of them holds.
func TestEmbedTypes(t *testing.T) {
	if testing.Short() {
		t.Skip("installs TypeScript: skipped with -short")
	}
	npm, err := exec.LookPath("npm")
	if err != nil {
		t.Skip("no npm: the types are not checked")
	}
	types, err := os.ReadFile(filepath.Join(shared.Repo(t), "web", "static", "eagleeye.d.ts"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, text := range map[string]string{
		"package.json":  `{"private": true, "type": "module", "dependencies": {"typescript": "5.9.3"}}`,
		"eagleeye.d.ts": string(types),
		"use.ts": `import { load, type Box, type Detector } from './eagleeye.js';
const detector: Detector = await load(new Blob([]), { size: [640, 320], threads: 2, precision: 'mixed' });
const boxes: Box[] = (await detector.detect(document.createElement('video'), { conf: 0.5 })).boxes;
const names: readonly string[] = detector.info.classes;
document.querySelector('eagle-eye')!.addEventListener('detect', (e) => console.log(e.detail.boxes[0].name, names, boxes));
// @ts-expect-error a number is no picture
detector.detect(3);
// @ts-expect-error no such precision
load(undefined, { precision: 'half' });
detector.dispose();
`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range [][]string{
		{npm, "install", "--no-audit", "--no-fund", "--prefer-offline"},
		{filepath.Join(dir, "node_modules", ".bin", "tsc"), "--noEmit", "--strict", "--target", "es2022", "--module", "nodenext", "--lib", "es2022,dom,dom.iterable", "use.ts"},
	} {
		cmd := exec.CommandContext(t.Context(), args[0], args[1:]...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
	}
}
