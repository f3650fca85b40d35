//go:build !js

package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"eagleeye/build/demo"
	film "eagleeye/build/scenes"
	"eagleeye/build/site"
)

// demoSite builds a site with the project's own model under a name.
func demoSite(t *testing.T, name string) (dir string) {
	t.Helper()
	frames, err := film.Film()
	if err != nil {
		t.Fatal(err)
	}
	return build(t, site.Options{ModelName: name, ModelData: demo.Model, Film: frames})
}

// website is a server whose files can be exchanged, and that counts what is asked.
type website struct {
	*httptest.Server
	mu    sync.Mutex
	files http.Handler
	asked map[string]int // by name without hash
}

func newWebsite(t *testing.T, files http.Handler) *website {
	h := &website{files: files}
	h.forget()
	h.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.mu.Lock()
		files := h.files
		h.asked[site.Plain(filepath.Base(r.URL.Path))]++
		h.mu.Unlock()
		files.ServeHTTP(w, r)
	}))
	t.Cleanup(h.Close)
	return h
}

func (h *website) forget() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.asked = map[string]int{}
}

func (h *website) requests() map[string]int {
	h.mu.Lock()
	defer h.mu.Unlock()
	asked := h.asked
	h.asked = map[string]int{}
	return asked
}

func (h *website) serve(files http.Handler) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.files = files
}

// loads counts in a page how often it was loaded.
const loads = `sessionStorage.testLoads = Number(sessionStorage.testLoads || 0) + 1;`

func (p *tab) loads() (n int) {
	p.t.Helper()
	p.eval(`Number(sessionStorage.testLoads)`, &n)
	return n
}

// kept waits until the page works without a network.
func (p *tab) kept() {
	p.t.Helper()
	p.until("the page kept", 60*time.Second, func(s snapshot) bool {
		if s.Offline.Failed != "" {
			p.t.Fatalf("not kept: %s", s.Offline.Failed)
		}
		return s.Offline.Kept
	})
}

func (p *tab) reload() {
	p.t.Helper()
	p.run(chromedp.Reload())
}

// detects plays the demo until symbols are found.
func (p *tab) detects() {
	p.t.Helper()
	p.ready()
	p.click("demo")
	p.until("symbols", 30*time.Second, func(s snapshot) bool { return s.Live && s.Result != nil && len(s.Result.Detections) > 2 })
	p.click("stop")
}

// A page that was loaded once works when its host is gone.
func TestOffline(t *testing.T) {
	h := newWebsite(t, site.Handler(demoSite(t, demo.Name)))
	p := newTab(t, chromium(t), h.URL+"/", loads)
	p.kept()
	p.shows("kept", "Works without a network")
	h.Close()
	if _, err := http.Get(h.URL); err == nil {
		t.Fatal("the host still answers")
	}
	p.reload()
	p.detects()
	p.shot("offline")
	if n := p.loads(); n != 2 {
		t.Errorf("loaded %d times, want 2", n)
	}
	p.clean()
}

// A newer version comes only whole: while its files are not what it says, and
// until the person wants it, the older one works on, from the device alone.
func TestUpdate(t *testing.T) {
	first, second := demoSite(t, demo.Name), demoSite(t, "second.onnx")
	h := newWebsite(t, site.Handler(first))
	p := newTab(t, chromium(t), h.URL+"/", loads)
	p.kept()
	update := func() (failed string) {
		p.eval(`navigator.serviceWorker.ready.then((r) => r.update()).then(() => '', (e) => e.message)`, &failed)
		return failed
	}

	// The host has the new version but for one file, which is cut short.
	model := filepath.Join(second, asset(t, second, "model.json"))
	whole, err := os.ReadFile(model)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(model, whole[:len(whole)/2], 0o644); err != nil {
		t.Fatal(err)
	}
	h.serve(site.Handler(second))
	update()
	var state string
	for deadline := time.Now().Add(20 * time.Second); state != "redundant" && time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		p.eval(`navigator.serviceWorker.ready.then((r) => r.installing || r.waiting ? 'installing' : 'redundant')`, &state)
	}
	if s := p.snap(); s.Offline.Update || state != "redundant" {
		t.Errorf("a version with a broken file is %s, offered: %v", state, s.Offline.Update)
	}
	p.reload()
	if s := p.ready(); s.Model.Name != demo.Name {
		t.Errorf("after that the page runs %s", s.Model.Name)
	}
	p.detects()

	// Whole, it is offered, and the first goes on until it is wanted.
	h.requests()
	if err := os.WriteFile(model, whole, 0o644); err != nil {
		t.Fatal(err)
	}
	if text := update(); text != "" {
		t.Fatalf("the update fails: %s", text)
	}
	p.until("the newer version", 30*time.Second, func(s snapshot) bool { return s.Offline.Update })
	p.shows("offline-notice", "A new version of this page is ready.")
	p.shot("update")
	if asked := h.requests(); asked["engine.wasm"] != 0 || asked["model.json"] == 0 {
		t.Errorf("for the update the page asked for %v, want what changed", asked)
	}
	_, own := tiny(t, 96)
	p.choose(file(t, "own.onnx", own)) // starts a worker of the first version
	p.until("another model", 60*time.Second, func(s snapshot) bool { return s.Engine == "ready" && s.Model.Name == "own.onnx" })
	p.reload()
	if s := p.ready(); s.Model.Name != demo.Name {
		t.Errorf("before it is wanted the page runs %s", s.Model.Name)
	}
	p.until("the offer again", 30*time.Second, func(s snapshot) bool { return s.Offline.Update })
	before := p.loads()
	p.click("update")
	p.until("the second version", 60*time.Second, func(s snapshot) bool { return s.Engine == "ready" && s.Model.Name == "second.onnx" })
	if n := p.loads(); n != before+1 {
		t.Errorf("loaded %d times for the update, want 1", n-before)
	}
	p.kept()
	var caches []string
	p.eval(`caches.keys().then((all) => all.filter((n) => n.startsWith('eagleeye-app-')))`, &caches)
	if len(caches) != 1 {
		t.Errorf("caches %v, want that of the version in use", caches)
	}
	p.detects()
	p.clean()
}

// What broke in the cache is replaced from the host: one request, no further
// load, and it is whole again after.
func TestRepair(t *testing.T) {
	files := site.Handler(demoSite(t, demo.Name))
	h := newWebsite(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		files.ServeHTTP(unkept{w}, r)
	}))
	p := newTab(t, chromium(t), h.URL+"/?threads=1&kernels=simd128", loads)
	p.kept()
	for _, c := range []struct{ name, file, how string }{
		{"document missing", "", "delete"},
		{"document garbled", "", "garble"},
		{"script missing", "boot.js", "delete"},
		{"script garbled", "boot.js", "garble"},
		{"script of the worker garbled", "team.js", "garble"},
		{"page's module missing", "ui.wasm", "delete"},
		{"page's module garbled", "ui.wasm", "garble"},
		{"engine garbled", "engine.wasm", "garble"},
		{"kernels garbled", "kernels.wasm", "garble"},
		{"model garbled", "model.onnx", "garble"},
		{"all gone", "*", "delete"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := p.in(t)
			var broken int
			p.eval(fmt.Sprintf(`(async () => {
				const [file, how] = [%q, %q];
				const cache = await caches.open((await caches.keys()).find((n) => n.startsWith('eagleeye-app-')));
				let n = 0;
				for (const request of await cache.keys()) {
					const name = new URL(request.url).pathname.slice(1);
					if (file !== '*' && name.replace(/\.[0-9a-f]{12}\./, '.') !== file) continue;
					const found = await cache.match(request), bytes = new Uint8Array(await found.arrayBuffer());
					n++;
					await cache.delete(request);
					if (how === 'garble') await cache.put(request, new Response(bytes.map((b, i) => i %% 7 ? b : b ^ 85), { headers: found.headers }));
				}
				return n;
			})()`, c.file, c.how), &broken)
			if broken == 0 {
				t.Fatal("nothing to break")
			}
			before := p.loads()
			h.requests()
			p.reload()
			p.ready()
			p.kept()
			p.detects()
			asked := h.requests()
			name := c.file
			if name == "" {
				name = "/"
			}
			if c.file != "*" && asked[name] != 1 {
				t.Errorf("asked for %v, want %s once", asked, name)
			}
			if n := p.loads(); n != before+1 {
				t.Errorf("loaded %d times", n-before)
			}
			p.reload() // from the device again
			p.ready()
			if asked = h.requests(); len(asked) > 1 || len(asked) == 1 && asked["sw.js"] == 0 {
				t.Errorf("after the repair it still asked for %v", asked)
			}
		})
	}
	p.clean()
}

// unkept forbids the browser's own cache, which would hide what is asked.
type unkept struct{ http.ResponseWriter }

func (w unkept) WriteHeader(code int) {
	w.Header().Set("Cache-Control", "no-store")
	w.ResponseWriter.WriteHeader(code)
}

// A page that is broken on the device and at the host ends with words, not in a
// loop.
func TestBeyondRepair(t *testing.T) {
	dir := demoSite(t, demo.Name)
	engine := filepath.Join(dir, asset(t, dir, "engine.wasm"))
	if err := os.WriteFile(engine, []byte("\x00asm\x01\x00\x00\x00 no more"), 0o644); err != nil {
		t.Fatal(err)
	}
	h := newWebsite(t, http.FileServer(http.Dir(dir)))
	p := newTab(t, chromium(t), h.URL+"/", loads)
	s := p.problem("engine-crash")
	if s.Engine != "failed" || s.Problem.Remedy == "" {
		t.Errorf("engine %s, problem %+v", s.Engine, s.Problem)
	}
	p.until("the refusal to keep it", 30*time.Second, func(s snapshot) bool { return s.Offline.Failed != "" })
	if s := p.snap(); !strings.Contains(s.Offline.Failed, "engine.") || s.Offline.Kept {
		t.Errorf("offline: %+v", s.Offline)
	}
	if n := p.loads(); n != 2 { // the second for threads
		t.Errorf("loaded %d times, want 2", n)
	}
	if asked := h.requests(); asked["engine.wasm"] > 12 {
		t.Errorf("asked for the engine %d times", asked["engine.wasm"])
	}
}
