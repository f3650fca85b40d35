package bench

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"

	"eagleeye/build/browser"
	"eagleeye/build/site"
)

//go:embed static
var static embed.FS

// Install makes node_modules in the folder dir, which holds this package's
// package.json, where the peers of the pinned versions are not there yet.
func Install(ctx context.Context, dir string, logf func(format string, args ...any)) error {
	want, err := os.ReadFile(filepath.Join(dir, "package-lock.json"))
	if err != nil {
		return fmt.Errorf("the peers' versions: %w", err)
	}
	stamp := filepath.Join(dir, "node_modules", ".eagleeye-lock")
	if have, err := os.ReadFile(stamp); err == nil && bytes.Equal(have, want) {
		return nil
	}
	npm, err := exec.LookPath("npm")
	if err != nil {
		if err := browser.InstallDebian(ctx, logf, "nodejs", "npm"); err != nil {
			return fmt.Errorf("the peers need npm: install Node.js with npm (Debian: apt-get install nodejs npm) (%w)", err)
		}
		if npm, err = exec.LookPath("npm"); err != nil {
			return err
		}
	}
	logf("installing the peers: npm ci in %s", dir)
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, npm, "ci")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("npm ci in %s: %w\n%s\n(it needs a network once)", dir, err, out)
	}
	return os.WriteFile(stamp, want, 0o644)
}

// Lab is a server with the page, the peers and the files they ask for.
type Lab struct {
	URL    string
	dist   string
	server *httptest.Server

	mu    sync.Mutex
	files map[string][]byte
	seen  map[string][]byte // bodies that were sent, by path, while recording
}

// NewLab serves the site in dist and the peers in npm, a node_modules folder.
func NewLab(dist, npm string) (*Lab, error) {
	pages, err := fs.Sub(static, "static")
	if err != nil {
		return nil, err
	}
	l := &Lab{dist: dist, files: map[string][]byte{}}
	mux := http.NewServeMux()
	mux.Handle("/", site.Handler(dist))
	mux.Handle("/peers/", http.StripPrefix("/peers/", isolated(http.FileServerFS(pages))))
	mux.Handle("/npm/", http.StripPrefix("/npm/", isolated(http.FileServer(http.Dir(npm)))))
	mux.Handle("/files/{name}", isolated(http.HandlerFunc(l.file)))
	l.server = httptest.NewServer(l.record(mux))
	l.URL = l.server.URL
	return l, nil
}

// Close ends the server.
func (l *Lab) Close() { l.server.Close() }

// Put makes data the file of a name and returns its address.
func (l *Lab) Put(name string, data []byte) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.files[name] = data
	return "/files/" + name
}

func (l *Lab) file(w http.ResponseWriter, r *http.Request) {
	l.mu.Lock()
	data, ok := l.files[r.PathValue("name")]
	l.mu.Unlock()
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Write(data)
}

// Record starts to note what is sent.
func (l *Lab) Record() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.seen = map[string][]byte{}
}

// Recorded returns what was sent since Record, by path, and ends it.
func (l *Lab) Recorded() map[string][]byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	seen := l.seen
	l.seen = nil
	return seen
}

// record notes bodies. All get them uncompressed, the page and the peers alike:
// on one machine that is the fastest, and the sizes are those of the files.
func (l *Lab) record(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Header.Del("Accept-Encoding")
		l.mu.Lock()
		on := l.seen != nil
		l.mu.Unlock()
		if !on {
			h.ServeHTTP(w, r)
			return
		}
		t := &tee{ResponseWriter: w}
		h.ServeHTTP(t, r)
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.seen != nil && (t.code == 0 || t.code == http.StatusOK) {
			l.seen[r.URL.Path] = slices.Clone(t.body.Bytes())
		}
	})
}

type tee struct {
	http.ResponseWriter
	body bytes.Buffer
	code int
}

func (t *tee) WriteHeader(code int) { t.code = code; t.ResponseWriter.WriteHeader(code) }
func (t *tee) Write(b []byte) (int, error) {
	t.body.Write(b)
	return t.ResponseWriter.Write(b)
}

// isolated serves the peers' files under the page's own rules for isolation,
// and with the types that modules need.
func isolated(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for k, v := range map[string]string{
			"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp",
			"Cross-Origin-Resource-Policy": "same-origin", "Cache-Control": "no-cache",
		} {
			w.Header().Set(k, v)
		}
		switch {
		case strings.HasSuffix(r.URL.Path, ".mjs"), strings.HasSuffix(r.URL.Path, ".js"):
			w.Header().Set("Content-Type", "text/javascript")
		case strings.HasSuffix(r.URL.Path, ".wasm"):
			w.Header().Set("Content-Type", "application/wasm")
		}
		h.ServeHTTP(w, r)
	})
}

// tab is a page that has window.bench.
type tab struct {
	ctx    context.Context
	cancel func()
}

// openTab opens an address in a tab, to which browsers give a process of its own,
// and waits for window.bench.
func openTab(browserCtx context.Context, url string) (*tab, error) {
	ctx, cancel := chromedp.NewContext(browserCtx)
	t := &tab{ctx, cancel}
	wait := chromedp.Poll("window.bench", nil, chromedp.WithPollingTimeout(30*time.Second))
	if err := chromedp.Run(ctx, chromedp.Navigate(url), wait); err != nil {
		cancel()
		return nil, fmt.Errorf("%s: %w", url, err)
	}
	return t, nil
}

// eval evaluates a script, waits for its promise and reads its JSON.
func (t *tab) eval(result any, format string, args ...any) error {
	await := func(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }
	script := fmt.Sprintf(format, args...)
	err := chromedp.Run(t.ctx, chromedp.Evaluate(script, result, await))
	var thrown *runtime.ExceptionDetails
	if errors.As(err, &thrown) && thrown.Exception != nil {
		text, _, _ := strings.Cut(thrown.Exception.Description, "\n")
		return fmt.Errorf("the page: %s", text)
	}
	return err
}

// front brings the tab before the others: browsers slow hidden ones down.
func (t *tab) front() error {
	return chromedp.Run(t.ctx, chromedp.ActionFunc(func(ctx context.Context) error {
		return target.ActivateTarget(chromedp.FromContext(ctx).Target.TargetID).Do(ctx)
	}))
}
