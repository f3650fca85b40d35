package site

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/andybalholm/brotli"

	"eagleeye/build/serve"
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
			res.Header.Get("Content-Type") != serve.Types[".js"] || res.Header.Get("Vary") != "Accept-Encoding" {
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
