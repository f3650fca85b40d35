// Package serve serves the folder of a built page on this machine, with the types
// and headers that it needs. It imports nothing but Go's own library: the server
// that goes with a packed page is one small file for each system.
package serve

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"path"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Policy is the content security policy of the page: nothing but its own files,
// no inline script or style, and compiled WebAssembly. index.html says the same
// for hosts that send no headers, but for frame-ancestors, which only they can.
const Policy = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'; " +
	"img-src 'self' blob: data:; media-src 'self' blob:; style-src 'self'; worker-src 'self'; " +
	"manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// headers go with every answer. The first three isolate the page from other
// origins, which is what browsers ask for before memory may be shared between
// threads (HTML, "cross-origin isolated").
var headers = map[string]string{
	"Cross-Origin-Opener-Policy":   "same-origin",
	"Cross-Origin-Embedder-Policy": "require-corp",
	"Content-Security-Policy":      Policy,
	"Permissions-Policy":           "camera=(self), microphone=(), geolocation=()",
	"Referrer-Policy":              "no-referrer",
	"X-Content-Type-Options":       "nosniff",
}

// A name with a hash stands for its bytes for ever; all others are asked again.
const (
	forEver  = "public, max-age=31536000, immutable"
	askAgain = "no-cache"
)

// HashDigits is how many digits of the SHA-256 are in a name: 48 bits.
const HashDigits = 12

var hashedName = regexp.MustCompile(fmt.Sprintf(`^(.+)\.[0-9a-f]{%d}(\.[a-z0-9]+)$`, HashDigits))

// Plain returns a file's name without its hash.
func Plain(name string) string {
	if m := hashedName.FindStringSubmatch(name); m != nil {
		return m[1] + m[2]
	}
	return name
}

// Encodings are the forms in which files are kept beside themselves, the best
// first: Name is the token of Accept-Encoding (RFC 9110, 12.5.3).
var Encodings = []struct{ Name, Ext string }{{"br", ".br"}, {"gzip", ".gz"}}

// share tells browsers which pages of other origins may use a file, as those do
// that embed the detector: any may run the scripts, which are public; only pages
// of this machine may read the rest, so that none of the web reads a model that
// is served here; none may hold a document.
func share(h http.Header, name, origin string) {
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	switch path.Ext(name) {
	case ".html":
		return
	case ".js":
		h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	}
	h.Add("Vary", "Origin")
	if u, err := url.Parse(origin); err == nil && (u.Hostname() == "localhost" || net.ParseIP(u.Hostname()).IsLoopback()) {
		h.Set("Access-Control-Allow-Origin", origin)
	}
}

// Types are set here because the system's table of types may lack or bend them.
var Types = map[string]string{
	".html":        "text/html; charset=utf-8",
	".js":          "text/javascript; charset=utf-8",
	".ts":          "text/plain; charset=utf-8",
	".css":         "text/css; charset=utf-8",
	".json":        "application/json",
	".webmanifest": "application/manifest+json",
	".wasm":        "application/wasm",
	".bin":         "application/octet-stream",
	".onnx":        "application/octet-stream",
	".png":         "image/png",
	".svg":         "image/svg+xml",
	".ico":         "image/x-icon",
}

// Handler serves the files of a site with the types and headers it needs, in the
// best compressed form that lies beside them and the browser takes. It lists no
// folders and answers GET and HEAD only.
func Handler(dir string) http.Handler {
	files := os.DirFS(dir)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for k, v := range headers {
			w.Header().Set(k, v)
		}
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "only GET and HEAD", http.StatusMethodNotAllowed)
			return
		}
		name := strings.TrimPrefix(path.Clean("/"+r.URL.Path), "/")
		if name == "" {
			name = "index.html"
		}
		kind, known := Types[path.Ext(name)]
		info, err := fs.Stat(files, name)
		if !known || err != nil || !info.Mode().IsRegular() {
			http.Error(w, "no such file", http.StatusNotFound)
			return
		}
		w.Header().Set("Cache-Control", askAgain)
		if Plain(name) != name {
			w.Header().Set("Cache-Control", forEver)
		}
		w.Header().Add("Vary", "Accept-Encoding")
		share(w.Header(), name, r.Header.Get("Origin"))
		stored := name
		for _, e := range Encodings {
			// A form older than its file is of another file.
			if i, err := fs.Stat(files, name+e.Ext); err == nil && i.Mode().IsRegular() && !i.ModTime().Before(info.ModTime()) &&
				accepts(r.Header.Values("Accept-Encoding"), e.Name) {
				stored = name + e.Ext
				w.Header().Set("Content-Encoding", e.Name)
				break
			}
		}
		f, err := files.Open(stored)
		if err != nil {
			http.Error(w, "cannot be read", http.StatusInternalServerError)
			return
		}
		defer f.Close()
		w.Header().Set("Content-Type", kind)
		http.ServeContent(w, r, name, info.ModTime(), f.(io.ReadSeeker))
	})
}

// accepts says whether values of Accept-Encoding name a coding, with a weight
// that is not 0.
func accepts(values []string, coding string) bool {
	for item := range strings.SplitSeq(strings.Join(values, ","), ",") {
		name, weight, weighted := strings.Cut(item, ";")
		if !strings.EqualFold(strings.TrimSpace(name), coding) {
			continue
		}
		q, err := strconv.ParseFloat(strings.TrimPrefix(strings.TrimSpace(weight), "q="), 64)
		return !weighted || err == nil && q > 0
	}
	return false
}

// Listen opens the port on this machine only (127.0.0.1), or the next free one
// of twenty where it is taken. Port 0 is any.
func Listen(port int) (net.Listener, error) {
	if port < 0 || port > 65535 {
		return nil, fmt.Errorf("port %d: use 1 to 65535, or 0 for any", port)
	}
	for p := port; ; p++ {
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(p)))
		taken := errors.Is(err, syscall.EADDRINUSE)
		if err == nil || !taken || p >= port+20 || p >= 65535 {
			return l, err
		}
	}
}

// Serve serves the site in dir on l until ctx ends.
func Serve(ctx context.Context, l net.Listener, dir string) error {
	server := &http.Server{Handler: Handler(dir), ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute}
	done := make(chan error, 1)
	go func() { done <- server.Serve(l) }()
	select {
	case err := <-done:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
		stop, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		if err := server.Shutdown(stop); err != nil {
			server.Close()
		}
		return nil
	}
}

// URL returns the address to open for a listener.
func URL(l net.Listener) string { return "http://" + l.Addr().String() + "/" }
