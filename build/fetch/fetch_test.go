package fetch

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

var content = bytes.Repeat([]byte("0123456789abcdef"), 4096)

func pinned(url string) File {
	sum := sha256.Sum256(content)
	return File{"m.onnx", url, int64(len(content)), hex.EncodeToString(sum[:])}
}

// serve answers as a well-behaved server, ranges included.
func serve(w http.ResponseWriter, r *http.Request) {
	http.ServeContent(w, r, "m.onnx", time.Time{}, bytes.NewReader(content))
}

// cut gives n bytes and then breaks the connection.
func cut(w http.ResponseWriter, from, n int) {
	w.Header().Set("Content-Length", strconv.Itoa(len(content)-from))
	if from > 0 {
		w.Header().Set("Content-Range", "bytes "+strconv.Itoa(from)+"-"+strconv.Itoa(len(content)-1)+"/"+strconv.Itoa(len(content)))
		w.WriteHeader(http.StatusPartialContent)
	}
	w.Write(content[from : from+n])
	w.(http.Flusher).Flush()
	panic(http.ErrAbortHandler)
}

func TestGet(t *testing.T) {
	flipped := bytes.Clone(content)
	flipped[777] ^= 1
	for _, c := range []struct {
		name    string
		handler func(calls int, w http.ResponseWriter, r *http.Request)
		part    []byte // left by an earlier run
		want    error
		calls   int
	}{
		{"plain", func(_ int, w http.ResponseWriter, r *http.Request) { serve(w, r) }, nil, nil, 1},
		{"resumes an earlier run", func(_ int, w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Range") != "bytes=1000-" {
				w.WriteHeader(http.StatusTeapot)
			}
			serve(w, r)
		}, content[:1000], nil, 1},
		{"part already whole", func(int, http.ResponseWriter, *http.Request) {}, content, nil, 0},
		{"part too long", func(_ int, w http.ResponseWriter, r *http.Request) { serve(w, r) }, append(bytes.Clone(content), 1), nil, 1},
		{"server without ranges", func(_ int, w http.ResponseWriter, r *http.Request) {
			r.Header.Del("Range")
			serve(w, r)
		}, content[:1000], nil, 1},
		{"breaks twice, then ends", func(calls int, w http.ResponseWriter, r *http.Request) {
			switch calls {
			case 1:
				cut(w, 0, 20000)
			case 2:
				cut(w, 20000, 20000)
			}
			serve(w, r)
		}, nil, nil, 3},
		{"busy, then well", func(calls int, w http.ResponseWriter, r *http.Request) {
			if calls == 1 {
				w.WriteHeader(http.StatusServiceUnavailable)
				return
			}
			serve(w, r)
		}, nil, nil, 2},
		{"always breaks", func(_ int, w http.ResponseWriter, r *http.Request) { cut(w, 0, 10) }, nil, ErrOffline, 4},
		{"wrong content", func(_ int, w http.ResponseWriter, r *http.Request) { w.Write(flipped) }, nil, ErrWrong, 1},
		{"wrong part", func(_ int, w http.ResponseWriter, r *http.Request) { serve(w, r) }, flipped[:1000], ErrWrong, 1},
		{"short", func(_ int, w http.ResponseWriter, r *http.Request) { w.Write(content[:100]) }, nil, ErrWrong, 1},
		{"too long, no length", func(_ int, w http.ResponseWriter, r *http.Request) {
			w.(http.Flusher).Flush()
			w.Write(content)
			w.Write(content)
		}, nil, ErrWrong, 1},
		{"login page", func(_ int, w http.ResponseWriter, r *http.Request) { w.Write([]byte("<html>log in")) }, nil, ErrWrong, 1},
		{"gone", func(_ int, w http.ResponseWriter, r *http.Request) { http.NotFound(w, r) }, nil, ErrAnswer, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			calls := 0
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				calls++
				c.handler(calls, w, r)
			}))
			defer server.Close()
			f := pinned(server.URL)
			dir := filepath.Join(t.TempDir(), "cache")
			if c.part != nil {
				os.MkdirAll(dir, 0o755)
				if err := os.WriteFile(filepath.Join(dir, f.Name+"."+f.SHA256[:8]+".part"), c.part, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			var last int64
			g := &Getter{Dir: dir, Progress: func(have int64) { last = have }, Retries: 3, Wait: time.Millisecond}
			path, err := g.Get(t.Context(), f)
			if !errors.Is(err, c.want) {
				t.Fatalf("error %v, want %v", err, c.want)
			}
			if calls != c.calls {
				t.Errorf("%d requests, want %d", calls, c.calls)
			}
			if err != nil {
				if !strings.Contains(err.Error(), server.URL) {
					t.Errorf("the error does not name the address: %v", err)
				}
				if _, ok := f.Cached(dir); ok {
					t.Error("a wrong file is in the cache")
				}
				return
			}
			if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, content) {
				t.Errorf("the file has %d bytes, %v", len(got), err)
			}
			if c.calls > 0 && last != f.Bytes {
				t.Errorf("progress ended at %d of %d", last, f.Bytes)
			}
			server.Close() // the second time needs no network
			if _, err := g.Get(t.Context(), f); err != nil {
				t.Errorf("again: %v", err)
			}
		})
	}
}

func TestGetRepairs(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(serve))
	defer server.Close()
	f, dir := pinned(server.URL), t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, f.Name), make([]byte, f.Bytes), 0o644); err != nil {
		t.Fatal(err)
	}
	path, err := (&Getter{Dir: dir}).Get(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(path); !bytes.Equal(got, content) {
		t.Error("a damaged file of the right size stays in the cache")
	}
}

func TestGetOffline(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	if _, err := (&Getter{Dir: t.TempDir()}).Get(t.Context(), pinned("http://"+l.Addr().String())); !errors.Is(err, ErrOffline) {
		t.Errorf("error %v, want ErrOffline", err)
	}
}

func TestGetCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	}))
	defer server.Close()
	if _, err := (&Getter{Dir: t.TempDir(), Retries: 9, Wait: time.Hour}).Get(ctx, pinned(server.URL)); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
}

func TestGetStalled(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Write(content[:100])
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	}))
	defer server.Close()
	_, err := (&Getter{Dir: t.TempDir(), Stall: 50 * time.Millisecond}).Get(t.Context(), pinned(server.URL))
	if !errors.Is(err, ErrOffline) || !strings.Contains(err.Error(), "nothing came for 50ms") {
		t.Errorf("error %v, want ErrOffline that names the stall", err)
	}
}

func TestPins(t *testing.T) {
	if sum, err := hex.DecodeString(YOLOv8n.SHA256); err != nil || len(sum) != sha256.Size || YOLOv8n.Bytes == 0 || !strings.HasPrefix(YOLOv8n.URL, "https://") {
		t.Errorf("the pin %+v is not complete", YOLOv8n)
	}
}
