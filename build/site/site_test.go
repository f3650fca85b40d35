package site

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/andybalholm/brotli"

	"eagleeye/build/shared"
)

func write(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func TestHandler(t *testing.T) {
	base := t.TempDir()
	dir := filepath.Join(base, "site")
	write(t, dir, map[string]string{"index.html": "<p>hi", "ui.wasm": "\x00asm", "boot.js": "1", "a.0123456789ab.js": "2", "model.json": "{}", "model.onnx": "m", "sub/x.css": "a{}", ".secret": "s"})
	write(t, base, map[string]string{"outside.js": "no"})
	server := httptest.NewServer(Handler(dir))
	defer server.Close()
	for _, c := range []struct {
		method, path string
		code         int
		kind, body   string
	}{
		{"GET", "/", 200, "text/html; charset=utf-8", "<p>hi"},
		{"GET", "/index.html", 200, "text/html; charset=utf-8", "<p>hi"},
		{"GET", "/ui.wasm", 200, "application/wasm", "\x00asm"},
		{"HEAD", "/ui.wasm", 200, "application/wasm", ""},
		{"GET", "/boot.js?v=1", 200, "text/javascript; charset=utf-8", "1"},
		{"GET", "/a.0123456789ab.js", 200, "text/javascript; charset=utf-8", "2"},
		{"GET", "/model.json", 200, "application/json", "{}"},
		{"GET", "/model.onnx", 200, "application/octet-stream", "m"},
		{"GET", "/sub/x.css", 200, "text/css; charset=utf-8", "a{}"},
		{"GET", "/sub/", 404, "", ""},
		{"GET", "/sub", 404, "", ""},
		{"GET", "/.secret", 404, "", ""},
		{"GET", "/absent.js", 404, "", ""},
		{"GET", "/../outside.js", 404, "", ""},
		{"GET", "/%2e%2e/outside.js", 404, "", ""},
		{"POST", "/", 405, "", ""},
	} {
		req, err := http.NewRequest(c.method, server.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		path, query, _ := strings.Cut(c.path, "?")
		req.URL.Opaque, req.URL.RawQuery = "//"+req.URL.Host+path, query
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(res.Body)
		res.Body.Close()
		if res.StatusCode != c.code || c.code == 200 && (res.Header.Get("Content-Type") != c.kind || string(body) != c.body) {
			t.Errorf("%s %s: %d %s %q, want %d %s %q", c.method, c.path, res.StatusCode, res.Header.Get("Content-Type"), body, c.code, c.kind, c.body)
		}
		if c.code == 200 && res.Header.Get("Cache-Control") != map[bool]string{true: forEver, false: askAgain}[Plain(c.path) != c.path] {
			t.Errorf("%s: Cache-Control %q", c.path, res.Header.Get("Cache-Control"))
		}
		for k, v := range headers {
			if res.Header.Get(k) != v {
				t.Errorf("%s %s: header %s is %q, want %q", c.method, c.path, k, res.Header.Get(k), v)
			}
		}
	}
}

// A browser gets the best form that it takes and that is no older than the file.
func TestHandlerNegotiates(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"a.js": strings.Repeat("aaaa", 100), "b.js": strings.Repeat("bbbb", 100), "c.js": "x"})
	for _, name := range []string{"a.js", "b.js", "c.js"} {
		if err := compressFile(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Remove(filepath.Join(dir, "b.js.br")); err != nil {
		t.Fatal(err)
	}
	write(t, dir, map[string]string{"old.js": "new text", "old.js.gz": "of the old text"})
	if err := os.Chtimes(filepath.Join(dir, "old.js.gz"), time.Time{}, time.Now().Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(Handler(dir))
	defer server.Close()
	for _, c := range []struct{ name, accept, encoding, body string }{
		{"a.js", "gzip, deflate, br, zstd", "br", strings.Repeat("aaaa", 100)},
		{"a.js", "gzip;q=1.0, br;q=0", "gzip", strings.Repeat("aaaa", 100)},
		{"a.js", "BR ; q=0.5", "br", strings.Repeat("aaaa", 100)},
		{"a.js", "", "", strings.Repeat("aaaa", 100)},
		{"a.js", "brr, xgzip, br;q=x", "", strings.Repeat("aaaa", 100)},
		{"b.js", "br, gzip", "gzip", strings.Repeat("bbbb", 100)},
		{"c.js", "br, gzip", "", "x"}, // no form is smaller
		{"old.js", "br, gzip", "", "new text"},
	} {
		req, err := http.NewRequest("GET", server.URL+"/"+c.name, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Accept-Encoding", c.accept)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		var body io.Reader = res.Body
		switch res.Header.Get("Content-Encoding") {
		case "br":
			body = brotli.NewReader(body)
		case "gzip":
			if body, err = gzip.NewReader(body); err != nil {
				t.Fatal(err)
			}
		}
		text, err := io.ReadAll(body)
		res.Body.Close()
		if err != nil || res.Header.Get("Content-Encoding") != c.encoding || string(text) != c.body ||
			res.Header.Get("Content-Type") != types[".js"] || res.Header.Get("Vary") != "Accept-Encoding" {
			t.Errorf("%s for %q: %v %q, want %q (%v)", c.name, c.accept, res.Header, text, c.encoding, err)
		}
	}
}

// The sum to the first boxes has one kernel module and no page for benchmarks.
func TestSizes(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{
		"index.html": strings.Repeat("h", 1000), "ui.wasm": strings.Repeat("u", 20000), "kernels.wasm": "12", "kernels-threads.wasm": "123",
		"bench.html": "no", "bench.js": "no", "x.png": "not packed again",
	})
	if err := compress(t.Context(), dir, Options{Compress: true, Logf: t.Logf}); err != nil {
		t.Fatal(err)
	}
	sizes, err := Sizes(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(sizes) != 6 || sizes[0].Name != "ui.wasm" {
		t.Fatalf("sizes %v", sizes)
	}
	all := FirstBoxes(sizes)
	if all.Plain != 1000+20000+3 || all.Brotli <= 0 || all.Brotli >= 200 || all.Gzip <= all.Brotli {
		t.Errorf("to first boxes: %+v", all)
	}
	var b strings.Builder
	WriteSizes(&b, sizes)
	if text := b.String(); !strings.Contains(text, "ui.wasm") || strings.Contains(text, "index.html") {
		t.Errorf("table:\n%s", text)
	}
}

// Only pages of this machine may read what is served, and any may run scripts.
func TestHandlerShares(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"index.html": "<p>hi", "worker.js": "1", "engine.wasm": "2", "model.onnx": "3"})
	server := httptest.NewServer(Handler(dir))
	defer server.Close()
	for _, c := range []struct{ name, origin, allowed, policy string }{
		{"engine.wasm", "http://127.0.0.1:9", "http://127.0.0.1:9", "same-origin"},
		{"engine.wasm", "http://localhost:9", "http://localhost:9", "same-origin"},
		{"engine.wasm", "http://[::1]:9", "http://[::1]:9", "same-origin"},
		{"engine.wasm", "https://example.org", "", "same-origin"},
		{"engine.wasm", "http://127.0.0.1.example.org", "", "same-origin"},
		{"model.onnx", "null", "", "same-origin"},
		{"model.onnx", "", "", "same-origin"},
		{"worker.js", "https://example.org", "", "cross-origin"},
		{"index.html", "http://127.0.0.1:9", "", "same-origin"},
	} {
		req, err := http.NewRequest("GET", server.URL+"/"+c.name, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Origin", c.origin)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		h := res.Header
		if h.Get("Access-Control-Allow-Origin") != c.allowed || h.Get("Cross-Origin-Resource-Policy") != c.policy {
			t.Errorf("%s for %q: %v", c.name, c.origin, h)
		}
	}
}

// On a host that sends no headers the page keeps to its policy all the same.
func TestShellHasPolicy(t *testing.T) {
	shell, err := os.ReadFile(filepath.Join(shared.Repo(t), "index.html"))
	if err != nil {
		t.Fatal(err)
	}
	want := `<meta http-equiv="Content-Security-Policy" content="` + strings.TrimSuffix(Policy, "; frame-ancestors 'none'") + `">`
	if before, _, ok := strings.Cut(string(shell), want); !ok || strings.Contains(before, "<script") || strings.Contains(before, "<link") {
		t.Errorf("index.html lacks %s before all that it loads", want)
	}
}

func TestListenTakesNext(t *testing.T) {
	a, err := Listen(0)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	port := a.Addr().(*net.TCPAddr).Port
	b, err := Listen(port)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if got := b.Addr().(*net.TCPAddr); got.Port <= port || !got.IP.IsLoopback() {
		t.Errorf("listens at %v, want a later port on this machine", got)
	}
	if _, err := Listen(70000); err == nil {
		t.Error("port 70000 was taken")
	}
}

func TestServeEnds(t *testing.T) {
	l, err := Listen(0)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- Serve(ctx, l, t.TempDir()) }()
	if res, err := http.Get(URL(l)); err != nil || res.StatusCode != 404 {
		t.Errorf("an empty folder gave %v, %v", res, err)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestBuildKeepsForeignFolders(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"thesis.txt": "years of work"})
	if err := Build(t.Context(), Options{Root: shared.Repo(t), Out: dir}); !errors.Is(err, ErrOccupied) {
		t.Errorf("error %v, want ErrOccupied", err)
	}
	if text, err := os.ReadFile(filepath.Join(dir, "thesis.txt")); err != nil || string(text) != "years of work" {
		t.Error("the folder was touched")
	}
}

func TestBuildFailsWhole(t *testing.T) {
	root, out := t.TempDir(), filepath.Join(t.TempDir(), "dist")
	write(t, out, map[string]string{"index.html": "old", "ui.wasm": "old", "engine.wasm": "old"})
	if err := Build(t.Context(), Options{Root: root, Out: out}); err == nil {
		t.Error("an empty project was built")
	}
	entries, _ := os.ReadDir(filepath.Dir(out))
	if text, _ := os.ReadFile(filepath.Join(out, "index.html")); string(text) != "old" || len(entries) != 1 {
		t.Errorf("after a failure there are %v and index.html %q", entries, text)
	}
}

func TestBuildStopped(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	logf := func(string, ...any) { stop() } // when the first module is compiled
	out := filepath.Join(t.TempDir(), "dist")
	if err := Build(ctx, Options{Root: shared.Repo(t), Out: out, Logf: logf}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
	if entries, _ := os.ReadDir(filepath.Dir(out)); len(entries) != 0 {
		t.Errorf("left behind: %v", entries)
	}
}

func TestBuild(t *testing.T) {
	model := filepath.Join(t.TempDir(), "tiny.onnx")
	write(t, filepath.Dir(model), map[string]string{"tiny.onnx": "not really"})
	out := filepath.Join(t.TempDir(), "dist")
	for range 2 { // the second replaces the first
		if err := Build(t.Context(), Options{Root: shared.Repo(t), Out: out, Model: model, Logf: t.Logf}); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"index.html", "boot.js", "worker.js", "pool.js", "team.js", "style.css", "wasm_exec.js", "ui.wasm", "engine.wasm", "kernels.wasm", "kernels-threads.wasm", "model.onnx"} {
		file, err := Find(out, name)
		if err != nil || (file == name) != fixed[name] {
			t.Errorf("%s is there as %q, %v", name, file, err)
		}
		data, err := os.ReadFile(filepath.Join(out, file))
		if err != nil || len(data) == 0 {
			t.Errorf("%s: %d bytes, %v", name, len(data), err)
		}
		if strings.HasSuffix(name, ".wasm") && !strings.HasPrefix(string(data), "\x00asm\x01\x00\x00\x00") {
			t.Errorf("%s is no WebAssembly module", name)
		}
		if filepath.Ext(name) == ".wasm" {
			t.Logf("%s: %d bytes", name, len(data))
		}
	}
	var info ModelInfo
	file, _ := Find(out, "model.json")
	text, err := os.ReadFile(filepath.Join(out, file))
	if err != nil || json.Unmarshal(text, &info) != nil || info.Name != "tiny.onnx" || info.Size != 10 || len(info.SHA256) != 64 {
		t.Errorf("model.json is %s, %v", text, err)
	}
	if entries, _ := os.ReadDir(filepath.Dir(out)); len(entries) != 1 {
		t.Errorf("left beside the site: %v", entries)
	}
}
