package site

import (
	"archive/zip"
	"bufio"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"testing"

	"eagleeye/build/shared"
)

// The packed page, unpacked, is served by its own server, with headers that
// isolate it and with the types of its files.
func TestZip(t *testing.T) {
	dir, out := t.TempDir(), filepath.Join(t.TempDir(), "page.zip")
	write(t, dir, map[string]string{"index.html": "<p>hi", "ui.0123456789ab.wasm": "\x00asm", "ui.0123456789ab.wasm.br": "x", "models/a.json": "{}"})
	here := Platform{runtime.GOOS, runtime.GOARCH}
	if err := Zip(t.Context(), shared.Repo(t), dir, out, []Platform{here}, t.Logf); err != nil {
		t.Fatal(err)
	}
	archive, err := zip.OpenReader(out)
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	to := t.TempDir()
	for _, f := range archive.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Join(to, filepath.FromSlash(f.Name))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, data, f.Mode()); err != nil {
			t.Fatal(err)
		}
		if filepath.Ext(name) == ".br" {
			t.Errorf("packed %s", f.Name)
		}
	}
	cmd := exec.Command(filepath.Join(to, "eagle-eye", here.Server()), "-quiet", "-port", "0")
	said, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	line, err := bufio.NewReader(said).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	url := regexp.MustCompile(`http://127\.0\.0\.1:\d+/`).FindString(line)
	if url == "" {
		t.Fatalf("it says %q", line)
	}
	for name, kind := range map[string]string{"": "text/html; charset=utf-8", "ui.0123456789ab.wasm": "application/wasm", "models/a.json": "application/json"} {
		res, err := http.Get(url + name)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != 200 || res.Header.Get("Content-Type") != kind || res.Header.Get("Cross-Origin-Embedder-Policy") != "require-corp" {
			t.Errorf("%q: %d %v", name, res.StatusCode, res.Header)
		}
	}
	if err := exec.Command(filepath.Join(to, "eagle-eye", here.Server()), "-quiet", "-dir", to).Run(); err == nil {
		t.Error("it serves a folder without a page")
	}
}
