package site

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/andybalholm/brotli"

	"eagleeye/build/serve"
)

// compressors make the forms of serve.Encodings, by name.
var compressors = map[string]func(io.Writer) io.WriteCloser{
	"br": func(w io.Writer) io.WriteCloser {
		return brotli.NewWriterOptions(w, brotli.WriterOptions{Quality: brotli.BestCompression, LGWin: 24})
	},
	"gzip": func(w io.Writer) io.WriteCloser {
		z, _ := gzip.NewWriterLevel(w, gzip.BestCompression) // the level is valid
		return z
	},
}

// packed are types that are compressed already.
var packed = []string{".png", ".ico"}

// Size is a file of a site and its bytes in each form.
type Size struct {
	Name                string
	Plain, Brotli, Gzip int64
}

// compress writes the compressed forms of all files beside them.
func compress(ctx context.Context, dir string, o Options) error {
	if !o.Compress {
		return nil
	}
	names, err := files(dir)
	if err != nil {
		return err
	}
	o.Logf("compressing %d files", len(names))
	errs := make([]error, len(names))
	turns := make(chan struct{}, runtime.GOMAXPROCS(0))
	var all sync.WaitGroup
	for i, name := range names {
		all.Go(func() {
			turns <- struct{}{}
			defer func() { <-turns }()
			if errs[i] = ctx.Err(); errs[i] == nil {
				errs[i] = compressFile(filepath.Join(dir, filepath.FromSlash(name)))
			}
		})
	}
	all.Wait()
	return errors.Join(errs...)
}

func compressFile(name string) error {
	data, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	for _, e := range serve.Encodings {
		var b bytes.Buffer
		w := compressors[e.Name](&b)
		if _, err := w.Write(data); err != nil {
			return fmt.Errorf("compress %s: %w", name, err)
		}
		if err := w.Close(); err != nil {
			return fmt.Errorf("compress %s: %w", name, err)
		}
		if b.Len() < len(data) {
			if err := os.WriteFile(name+e.Ext, b.Bytes(), 0o644); err != nil {
				return err
			}
		}
	}
	return nil
}

// files lists what may be compressed, by slash-separated names, in order.
func files(dir string) (names []string, err error) {
	err = filepath.WalkDir(dir, func(p string, d os.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		ext := path.Ext(d.Name())
		if _, known := serve.Types[ext]; known && !slices.Contains(packed, ext) {
			rel, err := filepath.Rel(dir, p)
			if err != nil {
				return err
			}
			names = append(names, filepath.ToSlash(rel))
		}
		return nil
	})
	return names, err
}

// Sizes measures the files of a site; a form that is not there counts as the
// plain one.
func Sizes(dir string) ([]Size, error) {
	names, err := files(dir)
	if err != nil {
		return nil, err
	}
	sizes := make([]Size, len(names))
	for i, name := range names {
		p := filepath.Join(dir, filepath.FromSlash(name))
		info, err := os.Stat(p)
		if err != nil {
			return nil, err
		}
		s := Size{name, info.Size(), info.Size(), info.Size()}
		if info, err := os.Stat(p + ".br"); err == nil {
			s.Brotli = info.Size()
		}
		if info, err := os.Stat(p + ".gz"); err == nil {
			s.Gzip = info.Size()
		}
		sizes[i] = s
	}
	slices.SortFunc(sizes, func(a, b Size) int { return int(b.Plain - a.Plain) })
	return sizes, nil
}

// FirstBoxes sums what a visitor fetches until the first boxes: the page, the
// engine, the model and one kernel module, for which the largest stands.
func FirstBoxes(sizes []Size) Size {
	sum, kernel := Size{Name: "to first boxes"}, Size{}
	for _, s := range sizes {
		switch {
		case strings.HasPrefix(s.Name, "kernels") && strings.HasSuffix(s.Name, ".wasm"):
			if s.Brotli > kernel.Brotli {
				kernel = s
			}
		case first(s.Name):
			sum.add(s)
		}
	}
	sum.add(kernel)
	return sum
}

func (s *Size) add(o Size) {
	s.Plain += o.Plain
	s.Brotli += o.Brotli
	s.Gzip += o.Gzip
}

// WriteSizes prints a table of sizes, the small files as one line.
func WriteSizes(w io.Writer, sizes []Size) {
	const small = 10000
	row := func(s Size) { fmt.Fprintf(w, "%-22s %11d %11d %11d\n", s.Name, s.Plain, s.Gzip, s.Brotli) }
	fmt.Fprintf(w, "%-22s %11s %11s %11s\n", "bytes", "plain", "gzip", "brotli")
	rest := Size{Name: "the rest"}
	for _, s := range sizes {
		if s.Plain < small {
			rest.add(s)
			continue
		}
		s.Name = Plain(s.Name)
		row(s)
	}
	row(rest)
	row(FirstBoxes(sizes))
}
