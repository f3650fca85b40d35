//go:build !js

package e2e

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"eagleeye/build/demo"
	"eagleeye/build/site"
)

// plainHost answers with files and nothing that a page could ask of it.
func plainHost(dir string) http.Handler { return http.FileServer(http.Dir(dir)) }

// without is a host that lacks files.
func without(h http.Handler, names ...string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, name := range names {
			if path.Base(r.URL.Path) == name {
				http.NotFound(w, r)
				return
			}
		}
		h.ServeHTTP(w, r)
	})
}

// pages answers as GitHub Pages does, under a sub-path: files for ten minutes
// with an entity tag, compressed by itself, readable for all origins, a page of
// HTML for what is missing, no folder without its slash, and no header that
// isolates.
func pages(dir, sub string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Server", "GitHub.com")
		h.Set("Access-Control-Allow-Origin", "*")
		if r.URL.Path+"/" == sub {
			http.Redirect(w, r, sub, http.StatusMovedPermanently)
			return
		}
		name := strings.TrimPrefix(r.URL.Path, sub)
		if name == "" {
			name = "index.html"
		}
		data, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(path.Clean("/"+name))))
		if !strings.HasPrefix(r.URL.Path, sub) || err != nil {
			h.Set("Content-Type", "text/html; charset=utf-8")
			w.WriteHeader(http.StatusNotFound)
			fmt.Fprint(w, "<!doctype html><title>Page not found</title>")
			return
		}
		h.Set("Content-Type", map[string]string{
			".html": "text/html; charset=utf-8", ".js": "application/javascript; charset=utf-8", ".css": "text/css; charset=utf-8",
			".wasm": "application/wasm", ".json": "application/json; charset=utf-8", ".svg": "image/svg+xml", ".png": "image/png",
			".webmanifest": "application/manifest+json; charset=utf-8",
		}[path.Ext(name)])
		if h.Get("Content-Type") == "" {
			h.Set("Content-Type", "application/octet-stream")
		}
		h.Set("Cache-Control", "max-age=600")
		h.Set("Vary", "Accept-Encoding")
		h.Set("Etag", fmt.Sprintf(`W/"%x"`, sha256.Sum256(data)))
		if r.Header.Get("If-None-Match") == h.Get("Etag") {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") && h.Get("Content-Type") != "application/octet-stream" {
			var b bytes.Buffer
			z, _ := gzip.NewWriterLevel(&b, gzip.BestSpeed)
			_, _ = z.Write(data)
			_ = z.Close()
			h.Set("Content-Encoding", "gzip")
			data = b.Bytes()
		}
		h.Set("Content-Length", strconv.Itoa(len(data)))
		_, _ = w.Write(data)
	})
}

// pythonHost is Python's own server.
func pythonHost(t *testing.T, dir string) (url string) {
	t.Helper()
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no python3: its http.server is not tried")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	l.Close()
	cmd := exec.Command(python, "-m", "http.server", strconv.Itoa(port), "--bind", "127.0.0.1", "--directory", dir)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	url = fmt.Sprintf("http://127.0.0.1:%d/", port)
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		if res, err := http.Get(url); err == nil {
			res.Body.Close()
			return url
		}
		if time.Now().After(deadline) {
			t.Fatal("http.server does not answer")
		}
	}
}

// The page detects on any host of static files. Where the host's headers do not
// isolate it, the service worker does, after one more load, and there are
// threads; where that is refused, there is one thread and no further load.
func TestHosts(t *testing.T) {
	dir := demoSite(t, demo.Name)
	server := func(h http.Handler) func(t *testing.T) string {
		return func(t *testing.T) string { return newWebsite(t, h).URL + "/" }
	}
	// A service worker that takes over and changes nothing.
	idle := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/sw.js" {
			plainHost(dir).ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/javascript")
		fmt.Fprint(w, `addEventListener('install', () => skipWaiting()); addEventListener('activate', (e) => e.waitUntil(clients.claim()));`)
	})
	ctx := chromium(t)
	for _, c := range []struct {
		name           string
		host           func(t *testing.T) string
		before         string
		threads, loads int
		kept           bool
	}{
		{"headers", server(site.Handler(dir)), "", 2, 1, true},
		{"no headers", server(plainHost(dir)), "", 2, 2, true},
		{"no headers, no sw.js", server(without(plainHost(dir), "sw.js")), "", 1, 1, false},
		{"no headers, no service workers", server(plainHost(dir)), `Object.defineProperty(navigator, 'serviceWorker', { value: undefined });`, 1, 1, false},
		{"no headers, no storage", server(plainHost(dir)), `Object.defineProperty(window, 'sessionStorage', { get() { throw new DOMException('no', 'SecurityError'); } });`, 1, 1, true},
		{"no headers, idle service worker", server(idle), "", 1, 2, false},
		{"headers, no service workers", server(site.Handler(dir)), `Object.defineProperty(navigator, 'serviceWorker', { value: undefined });`, 2, 1, false},
		{"sub-path, headers", server(http.StripPrefix("/demo", site.Handler(dir))), "demo/", 2, 1, true},
		{"sub-path, no headers", server(http.StripPrefix("/demo", plainHost(dir))), "demo/", 2, 2, true},
		{"like GitHub Pages", server(pages(dir, "/eagle-eye/")), "eagle-eye/", 2, 2, true},
		{"python3 -m http.server", func(t *testing.T) string { return pythonHost(t, dir) }, "", 2, 2, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			url := c.host(t)
			count := `try { sessionStorage.testLoads = Number(sessionStorage.testLoads || 0) + 1; } catch {} window.testLoads = () => { try { return Number(sessionStorage.testLoads); } catch { return 1; } };`
			script := c.before
			if strings.HasSuffix(c.before, "/") {
				url, script = url+c.before, ""
			}
			p := newTab(t, ctx, url+"?threads=2", count, script)
			s := p.until("the engine after the last load", 60*time.Second, func(s snapshot) bool {
				var n int
				p.eval(`window.testLoads?.() ?? 0`, &n)
				return s.Engine == "ready" && n == c.loads
			})
			if s.Model.Threads != c.threads {
				t.Errorf("%d threads, want %d", s.Model.Threads, c.threads)
			}
			p.detects()
			s = p.until("the page kept or not", 30*time.Second, func(s snapshot) bool { return s.Offline.Kept || s.Offline.Failed != "" || !c.kept })
			if s.Offline.Kept != c.kept {
				t.Errorf("kept %v (%s), want %v", s.Offline.Kept, s.Offline.Failed, c.kept)
			}
			var n int
			if p.eval(`testLoads()`, &n); n != c.loads {
				t.Errorf("loaded %d times, want %d", n, c.loads)
			}
			p.clean()
		})
	}
}
