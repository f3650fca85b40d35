// Package fetch downloads pinned model files into the user's cache and finds
// them there. It imports nothing of ours.
package fetch

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// File is a pinned download.
type File struct {
	Name   string // in the cache
	URL    string
	Bytes  int64
	SHA256 string // of the whole file, in hex
}

// YOLOv8n is the float32 ONNX export of YOLOv8n that the page's int8 model is
// made from.
var YOLOv8n = File{
	Name:   "yolov8n.onnx",
	URL:    "https://huggingface.co/webml/yolov8n/resolve/85bc8d7ab30d4065a41909d756c42819b67b4388/onnx/yolov8n.onnx",
	Bytes:  12_823_574,
	SHA256: "190ba5f1e61411a001683e349d6b2cdb0804c0dc67a5e34cd8ff6fd00ee54b4d",
}

// What can go wrong with a download.
var (
	ErrOffline = errors.New("the server cannot be reached")
	ErrAnswer  = errors.New("the server does not give the file")
	ErrWrong   = errors.New("the file that came is not the pinned one")
)

// Help says how to get a model otherwise.
const Help = `other ways to a model:
  - export one yourself (pip install ultralytics; yolo export model=yolov8n.pt format=onnx opset=13)
  - download yolov8n.onnx with a browser
then name it: make run MODEL=path/to/yolov8n.onnx, or drop the file on the page`

// Dir is the project's folder in the user's cache.
func Dir() (string, error) {
	base, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no cache folder: %w (set HOME or XDG_CACHE_HOME)", err)
	}
	return filepath.Join(base, "eagleeye"), nil
}

// Progress is told how many bytes of the file are here.
type Progress func(have int64)

// Getter downloads files into Dir.
type Getter struct {
	Dir      string
	Client   *http.Client  // nil is one with sane timeouts
	Progress Progress      // may be nil
	Retries  int           // more attempts after a broken connection
	Wait     time.Duration // before the first of them, doubled for each
	Stall    time.Duration // without a byte that counts as broken; 0 is 30 s
}

// Cached returns the path of f in dir when it is there whole, by its size; Get
// checked its SHA-256 when it put it there.
func (f File) Cached(dir string) (path string, ok bool) {
	path = filepath.Join(dir, f.Name)
	info, err := os.Stat(path)
	return path, err == nil && info.Mode().IsRegular() && info.Size() == f.Bytes
}

// Get returns the path of f, downloaded unless it is there already with the
// right content. A broken download goes on where it stopped, now or when Get is
// called again. Errors wrap ErrOffline, ErrAnswer or ErrWrong.
func (g *Getter) Get(ctx context.Context, f File) (string, error) {
	path, ok := f.Cached(g.Dir)
	if ok {
		if sum, err := hashFile(path, sha256.New()); err == nil && hex.EncodeToString(sum.Sum(nil)) == f.SHA256 {
			return path, nil
		}
	}
	if err := os.MkdirAll(g.Dir, 0o755); err != nil {
		return "", fmt.Errorf("cache: %w", err)
	}
	part := path + "." + f.SHA256[:8] + ".part"
	for try := 0; ; try++ {
		err := g.attempt(ctx, f, part)
		if err == nil {
			break
		}
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
		if try >= g.Retries || errors.Is(err, ErrWrong) || errors.Is(err, ErrAnswer) {
			return "", fmt.Errorf("download %s: %w", f.URL, err)
		}
		select {
		case <-time.After(g.Wait << try):
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
	if err := os.Rename(part, path); err != nil {
		return "", fmt.Errorf("cache: %w", err)
	}
	return path, nil
}

// attempt brings part to its full length and checks it. A part that turns out
// wrong is removed.
func (g *Getter) attempt(ctx context.Context, f File, part string) error {
	out, err := os.OpenFile(part, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	defer out.Close()
	sum := sha256.New()
	have, err := io.Copy(sum, out)
	if err != nil {
		return err
	}
	if have > f.Bytes {
		have = 0
	}
	if have < f.Bytes {
		if have, err = g.body(ctx, f, out, have, sum); err != nil {
			return err
		}
	}
	if got := hex.EncodeToString(sum.Sum(nil)); have != f.Bytes || got != f.SHA256 {
		os.Remove(part)
		return fmt.Errorf("%w: %d bytes with SHA-256 %s, want %d with %s", ErrWrong, have, got, f.Bytes, f.SHA256)
	}
	return out.Close()
}

// body appends what is missing after have bytes to out and to sum, and returns
// the bytes there are then.
func (g *Getter) body(ctx context.Context, f File, out *os.File, have int64, sum hash.Hash) (int64, error) {
	stall := g.Stall
	if stall == 0 {
		stall = 30 * time.Second
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	timer := time.AfterFunc(stall, func() { cancel(fmt.Errorf("nothing came for %v", stall)) })
	defer timer.Stop()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, f.URL, nil)
	if err != nil {
		return 0, fmt.Errorf("%w: %w", ErrAnswer, err)
	}
	if have > 0 {
		req.Header.Set("Range", "bytes="+strconv.FormatInt(have, 10)+"-")
	}
	client := g.Client
	if client == nil {
		client = defaultClient()
	}
	res, err := client.Do(req)
	if err != nil {
		return 0, fmt.Errorf("%w: %w", ErrOffline, cause(ctx, err))
	}
	defer res.Body.Close()
	switch {
	case res.StatusCode == http.StatusPartialContent && have > 0 &&
		strings.HasPrefix(res.Header.Get("Content-Range"), "bytes "+strconv.FormatInt(have, 10)+"-"):
	case res.StatusCode == http.StatusOK:
		have = 0
		sum.Reset()
	case res.StatusCode >= 500 || res.StatusCode == http.StatusTooManyRequests:
		return 0, fmt.Errorf("%w: it answered %s", ErrOffline, res.Status)
	default:
		return 0, fmt.Errorf("%w: it answered %s", ErrAnswer, res.Status)
	}
	if total := res.ContentLength; total >= 0 && have+total != f.Bytes {
		return 0, fmt.Errorf("%w: it has %d bytes, want %d", ErrWrong, have+total, f.Bytes)
	}
	if err := out.Truncate(have); err != nil {
		return 0, err
	}
	if _, err := out.Seek(have, io.SeekStart); err != nil {
		return 0, err
	}
	counted := &counter{have, func(n int64) {
		timer.Reset(stall)
		if g.Progress != nil {
			g.Progress(n)
		}
	}}
	// One byte more than wanted shows an endless body without storing it.
	_, err = io.Copy(io.MultiWriter(out, sum, counted), io.LimitReader(res.Body, f.Bytes-have+1))
	if err != nil {
		return 0, fmt.Errorf("%w: the connection broke after %d of %d bytes: %w", ErrOffline, counted.n, f.Bytes, cause(ctx, err))
	}
	return counted.n, nil
}

// cause is why ctx ended, where it did, instead of the error that came of it.
func cause(ctx context.Context, err error) error {
	if c := context.Cause(ctx); c != nil {
		return c
	}
	return err
}

func defaultClient() *http.Client {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.DialContext = (&net.Dialer{Timeout: 10 * time.Second}).DialContext
	return &http.Client{Transport: t}
}

type counter struct {
	n    int64
	tell Progress
}

func (c *counter) Write(p []byte) (int, error) {
	c.n += int64(len(p))
	c.tell(c.n)
	return len(p), nil
}

func hashFile(path string, h hash.Hash) (hash.Hash, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	_, err = io.Copy(h, f)
	return h, err
}
