package peers

import (
	"context"
	"embed"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"eagleeye/build/browser"
	"eagleeye/build/calib"
	"eagleeye/build/shared"
	"eagleeye/build/site"
	"eagleeye/build/zoo"
	"eagleeye/wasm/message"
	"eagleeye/wasm/onnx"
)

//go:embed static
var static embed.FS

// peerFolder installs ONNX Runtime Web where it is not there yet.
func peerFolder(t *testing.T) string {
	t.Helper()
	dir := filepath.Join("node_modules", "onnxruntime-web", "dist")
	if _, err := os.Stat(filepath.Join(dir, "ort.wasm.min.mjs")); err == nil {
		return dir
	}
	npm, err := exec.LookPath("npm")
	if err != nil {
		if err := browser.InstallDebian(t.Context(), t.Logf, "nodejs", "npm"); err != nil {
			t.Fatalf("the comparison with ONNX Runtime needs npm: install Node.js with npm (Debian: apt-get install nodejs npm) (%v)", err)
		}
		if npm, err = exec.LookPath("npm"); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	if out, err := exec.CommandContext(ctx, npm, "ci").CombinedOutput(); err != nil {
		t.Fatalf("npm ci in build/peers: %v\n%s\n(it needs a network once)", err, out)
	}
	return dir
}

// lab is one browser with both peers and the files they ask for.
type lab struct {
	t     *testing.T
	tab   context.Context
	mu    sync.Mutex
	files map[string][]byte
}

func newLab(t *testing.T) *lab {
	t.Helper()
	ort := peerFolder(t)
	dist := filepath.Join(t.TempDir(), "dist")
	if err := site.Build(t.Context(), site.Options{Root: shared.Repo(t), Out: dist}); err != nil {
		t.Fatal(err)
	}
	l := &lab{t: t, files: map[string][]byte{}}
	page, err := fs.Sub(static, "static")
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/", site.Handler(dist))
	mux.Handle("/peers/", http.StripPrefix("/peers/", isolated(http.FileServerFS(page))))
	mux.Handle("/peers/ort/", http.StripPrefix("/peers/ort/", isolated(http.FileServer(http.Dir(ort)))))
	mux.HandleFunc("/files/{name}", func(w http.ResponseWriter, r *http.Request) {
		l.mu.Lock()
		data, ok := l.files[r.PathValue("name")]
		l.mu.Unlock()
		if !ok {
			http.NotFound(w, r)
			return
		}
		w.Write(data)
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	ctx, stop := context.WithTimeout(t.Context(), 10*time.Minute)
	t.Cleanup(stop)
	tab, closeBrowser, err := browser.Start(ctx, t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(closeBrowser)
	l.tab = tab
	if err := chromedp.Run(tab, chromedp.Navigate(server.URL+"/peers/"), chromedp.Poll("window.peers", nil)); err != nil {
		t.Fatal(err)
	}
	return l
}

// isolated serves the comparison's files under the page's own rules for
// isolation, and with the types that modules need.
func isolated(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cross-Origin-Opener-Policy", "same-origin")
		w.Header().Set("Cross-Origin-Embedder-Policy", "require-corp")
		switch {
		case strings.HasSuffix(r.URL.Path, ".mjs"):
			w.Header().Set("Content-Type", "text/javascript")
		case strings.HasSuffix(r.URL.Path, ".wasm"):
			w.Header().Set("Content-Type", "application/wasm")
		}
		h.ServeHTTP(w, r)
	})
}

// file serves data and returns its address in a JavaScript string.
func (l *lab) file(name string, data []byte) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.files[name] = data
	return strconv.Quote("/files/" + name)
}

// do evaluates window.peers.CALL in the page and waits for its promise.
func (l *lab) do(result any, format string, args ...any) {
	l.t.Helper()
	await := func(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }
	call := fmt.Sprintf(format, args...)
	if err := chromedp.Run(l.tab, chromedp.Evaluate("peers."+call, result, await)); err != nil {
		l.t.Fatalf("%s: %v", call[:min(len(call), 80)], err)
	}
}

// open opens a model in ONNX Runtime.
func (l *lab) open(name string, model []byte) {
	l.t.Helper()
	var version string
	l.do(&version, "open(%s)", l.file(name, model))
	l.t.Logf("ONNX Runtime Web %s reads %s, %d bytes", version, name, len(model))
}

// encode makes a message for the worker as a JavaScript string.
func encode(m message.Message) string {
	return strconv.Quote(base64.StdEncoding.EncodeToString(message.Append(nil, m)))
}

// decode reads what the worker said.
func decode(text string) (message.Message, error) {
	if why, ok := strings.CutPrefix(text, "! "); ok {
		return nil, errors.New("worker: " + why)
	}
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, err
	}
	m, err := message.Decode(b)
	if err != nil {
		return nil, err
	}
	if f, ok := m.(message.Failed); ok {
		return nil, errors.New("worker: " + f.Text)
	}
	return m, nil
}

// await waits for a message of the worker for which ok holds.
func (l *lab) await(ok func(message.Message) bool) message.Message {
	l.t.Helper()
	for {
		var text string
		l.do(&text, "next()")
		m, err := decode(text)
		if err != nil {
			l.t.Fatal(err)
		}
		if ok(m) {
			return m
		}
	}
}

// floatModel is the reference YOLOv8n, or one of its architecture with seeded
// weights where it is not at hand.
func floatModel(t *testing.T) (data []byte, real bool) {
	t.Helper()
	if dir, ok := shared.Find("."); ok {
		if data, err := os.ReadFile(filepath.Join(dir, "models", "yolov8n.onnx")); err == nil {
			return data, true
		}
	}
	c := zoo.N
	c.Seed = 1
	g, err := zoo.YOLOv8(c)
	if err != nil {
		t.Fatal(err)
	}
	if data, err = onnx.Write(g); err != nil {
		t.Fatal(err)
	}
	return data, false
}

// int8Model is its int8 form. Few pictures do: both peers get the same file.
func int8Model(t *testing.T, float []byte) []byte {
	t.Helper()
	dir := t.TempDir()
	in, out := filepath.Join(dir, "float.onnx"), filepath.Join(dir, "int8.onnx")
	if err := os.WriteFile(in, float, 0o644); err != nil {
		t.Fatal(err)
	}
	o := calib.Options{In: in, Out: out, Images: 8, BiasImages: -1}
	if s, ok := shared.Find("."); ok {
		if photos := filepath.Join(s, "coco", "calib"); isDir(photos) {
			o.CalibDir = photos
		}
	}
	if _, err := calib.Quantize(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
