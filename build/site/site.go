// Package site builds the page as a folder of static files that any host can
// serve, and serves it on this machine. It may import kernels; it compiles web/
// and wasm/worker with the Go command.
package site

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"eagleeye/kernels"
)

// Options of Build.
type Options struct {
	Root      string // the repository; "" is the working folder
	Out       string // folder to make; "" is dist in Root
	Model     string // ONNX file to ship; "" and no ModelData: the page asks for one
	ModelName string // shown by the page; "" is the file's name
	ModelData []byte // the model itself, where Model is ""
	Film      []byte // what the page plays as a demo of Model; nil for none
	Compress  bool   // keep each file's brotli and gzip forms beside it
	Logf      func(format string, args ...any)
}

// ModelInfo is model.json: what the page knows of model.onnx before it loads.
type ModelInfo struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"` // bytes
	SHA256 string `json:"sha256"`
	Demo   bool   `json:"demo,omitempty"` // there is a film for it, demo.bin
}

// ErrOccupied says that the output folder holds something else.
var ErrOccupied = errors.New("not a site made before, and not empty: remove it or name another folder")

// Build makes the site. The folder appears complete or stays as it was.
func Build(ctx context.Context, o Options) error {
	if o.Out == "" {
		o.Out = filepath.Join(o.Root, "dist")
	}
	if o.Logf == nil {
		o.Logf = func(string, ...any) {}
	}
	out, err := filepath.Abs(o.Out)
	if err != nil {
		return fmt.Errorf("site: %w", err)
	}
	if err := replaceable(out); err != nil {
		return fmt.Errorf("site %s: %w", o.Out, err)
	}
	if err := os.MkdirAll(filepath.Dir(out), 0o755); err != nil {
		return fmt.Errorf("site: %w", err)
	}
	tmp, err := os.MkdirTemp(filepath.Dir(out), "."+filepath.Base(out)+"-")
	if err != nil {
		return fmt.Errorf("site: %w", err)
	}
	defer os.RemoveAll(tmp)
	if err := os.Chmod(tmp, 0o755); err != nil {
		return fmt.Errorf("site: %w", err)
	}
	for _, step := range []func(context.Context, string, Options) error{shell, modules, runtimeJS, kernel, model, compress} {
		if err := step(ctx, tmp, o); err != nil {
			return fmt.Errorf("site: %w", err)
		}
	}
	return swap(tmp, out)
}

// shell copies index.html and what lies in web/static.
func shell(_ context.Context, dir string, o Options) error {
	if err := copyFile(filepath.Join(dir, "index.html"), filepath.Join(o.Root, "index.html")); err != nil {
		return fmt.Errorf("%w (run this in the project's folder)", err)
	}
	return os.CopyFS(dir, os.DirFS(filepath.Join(o.Root, "web", "static")))
}

// modules compiles the page and the worker.
func modules(ctx context.Context, dir string, o Options) error {
	for _, m := range []struct{ file, pkg string }{{"ui.wasm", "./web"}, {"engine.wasm", "./wasm/worker"}} {
		o.Logf("compiling %s", m.file)
		cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", filepath.Join(dir, m.file), m.pkg)
		cmd.Dir = o.Root
		cmd.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm")
		if text, err := cmd.CombinedOutput(); ctx.Err() != nil {
			return ctx.Err() // instead of how the compiler took being stopped
		} else if err != nil {
			return fmt.Errorf("compile %s: %w\n%s", m.pkg, err, text)
		}
		if err := os.Chmod(filepath.Join(dir, m.file), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// runtimeJS copies the JavaScript that starts Go modules of this Go version.
func runtimeJS(ctx context.Context, dir string, o Options) error {
	cmd := exec.CommandContext(ctx, "go", "env", "GOROOT")
	cmd.Dir = o.Root
	text, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("go env GOROOT: %w", err)
	}
	return copyFile(filepath.Join(dir, "wasm_exec.js"), filepath.Join(strings.TrimSpace(string(text)), "lib", "wasm", "wasm_exec.js"))
}

func kernel(_ context.Context, dir string, _ Options) error {
	for name, v := range map[string]kernels.Variant{
		"kernels.wasm": {}, "kernels-threads.wasm": {Threads: true},
		"kernels-relaxed.wasm": {Relaxed: true}, "kernels-relaxed-threads.wasm": {Relaxed: true, Threads: true},
	} {
		if err := os.WriteFile(filepath.Join(dir, name), kernels.Module(v), 0o644); err != nil {
			return err
		}
	}
	return nil
}

func model(_ context.Context, dir string, o Options) error {
	if o.Model == "" && o.ModelData == nil {
		return nil
	}
	info, err := o.place(filepath.Join(dir, "model.onnx"))
	if err != nil {
		return fmt.Errorf("model: %w", err)
	}
	if o.ModelName != "" {
		info.Name = o.ModelName
	}
	if o.Film != nil {
		info.Demo = true
		if err := os.WriteFile(filepath.Join(dir, "demo.bin"), o.Film, 0o644); err != nil {
			return err
		}
	}
	text, err := json.MarshalIndent(info, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "model.json"), append(text, '\n'), 0o644)
}

// place writes the model and tells about it.
func (o Options) place(path string) (ModelInfo, error) {
	if o.Model == "" {
		sum := sha256.Sum256(o.ModelData)
		return ModelInfo{Size: int64(len(o.ModelData)), SHA256: hex.EncodeToString(sum[:])}, os.WriteFile(path, o.ModelData, 0o644)
	}
	info, err := describe(o.Model)
	if err != nil {
		return info, err
	}
	return info, copyFile(path, o.Model)
}

func describe(path string) (ModelInfo, error) {
	f, err := os.Open(path)
	if err != nil {
		return ModelInfo{}, err
	}
	defer f.Close()
	h := sha256.New()
	n, err := io.Copy(h, f)
	return ModelInfo{Name: filepath.Base(path), Size: n, SHA256: hex.EncodeToString(h.Sum(nil))}, err
}

func copyFile(to, from string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		out.Close()
		return err
	}
	return out.Close()
}

// replaceable guards a folder that is no site from being replaced by one.
func replaceable(out string) error {
	entries, err := os.ReadDir(out)
	if errors.Is(err, os.ErrNotExist) || err == nil && len(entries) == 0 {
		return nil
	}
	if err != nil {
		return err
	}
	for _, file := range []string{"index.html", "ui.wasm", "engine.wasm"} {
		if _, err := os.Stat(filepath.Join(out, file)); err != nil {
			return ErrOccupied
		}
	}
	return nil
}

// swap puts the folder tmp in the place of out.
func swap(tmp, out string) error {
	old := tmp + "-old"
	err := os.Rename(out, old)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("site: %w", err)
	}
	if err := os.Rename(tmp, out); err != nil {
		os.Rename(old, out)
		return fmt.Errorf("site: %w", err)
	}
	return os.RemoveAll(old)
}
