package serve

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
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
