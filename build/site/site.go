// Package site builds the page as a folder of static files that any host can
// serve, and serves it on this machine. It may import kernels; it compiles web/
// and wasm/worker with the Go command.
package site

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"eagleeye/kernels"
)

// Options of Build.
type Options struct {
	Root      string      // the repository; "" is the working folder
	Out       string      // folder to make; "" is dist in Root
	Parts     string      // folder that Compile filled; "" compiles
	Model     string      // ONNX file to ship; "" and no ModelData: the page asks for one
	ModelName string      // shown by the page; "" is the file's name
	ModelData []byte      // the model itself, where Model is ""
	Film      []byte      // what the page plays as a demo of Model; nil for none
	Models    []ModelFile // further models, offered by the page; without a first one they are not
	Compress  bool        // keep each file's brotli and gzip forms beside it
	Logf      func(format string, args ...any)
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
	if err := assemble(ctx, tmp, o); err != nil {
		return fmt.Errorf("site: %w", err)
	}
	return swap(tmp, out)
}

// assemble fills a folder with the site.
func assemble(ctx context.Context, dir string, o Options) error {
	plain := tree{}
	for _, step := range []func(context.Context, tree, Options) error{shell, parts, model} {
		if err := step(ctx, plain, o); err != nil {
			return err
		}
	}
	named, _, err := plain.name()
	if err != nil {
		return err
	}
	if err := service(plain, named); err != nil {
		return err
	}
	if err := named.write(dir); err != nil {
		return err
	}
	return compress(ctx, dir, o)
}

// shell takes index.html and what lies in web/static.
func shell(_ context.Context, t tree, o Options) error {
	data, err := os.ReadFile(filepath.Join(o.Root, "index.html"))
	if err != nil {
		return fmt.Errorf("%w (run this in the project's folder)", err)
	}
	t["index.html"] = data
	return t.read(filepath.Join(o.Root, "web", "static"))
}

// read takes the files of a folder.
func (t tree) read(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if t[e.Name()], err = os.ReadFile(filepath.Join(dir, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

// parts takes what is compiled.
func parts(ctx context.Context, t tree, o Options) error {
	if o.Parts != "" {
		return t.read(o.Parts)
	}
	dir, err := os.MkdirTemp("", "eagleeye-parts-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := Compile(ctx, dir, o); err != nil {
		return err
	}
	return t.read(dir)
}

// Compile fills a folder with the parts of a site that are compiled, for
// Options.Parts: they are the same whatever model is shipped.
func Compile(ctx context.Context, dir string, o Options) error {
	if o.Logf == nil {
		o.Logf = func(string, ...any) {}
	}
	for _, step := range []func(context.Context, string, Options) error{modules, runtimeJS, kernel, icons} {
		if err := step(ctx, dir, o); err != nil {
			return err
		}
	}
	return nil
}

// modules compiles the page and the worker.
func modules(ctx context.Context, dir string, o Options) error {
	for _, m := range []struct{ file, pkg string }{{"ui.wasm", "./web"}, {"engine.wasm", "./wasm/worker"}, {"convert.wasm", "./wasm/convert"}} {
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

// model takes the model, what is told about it, and its film.
func model(_ context.Context, t tree, o Options) error {
	data, name := o.ModelData, o.ModelName
	if o.Model != "" {
		var err error
		if data, err = os.ReadFile(o.Model); err != nil {
			return fmt.Errorf("model: %w", err)
		}
		name = cmp.Or(name, filepath.Base(o.Model))
	}
	if data == nil {
		return nil
	}
	first := about(name, data)
	first.Demo = o.Film != nil
	t["model.onnx"] = data
	if err := t.place(first, o.Models); err != nil {
		return err
	}
	if o.Film != nil {
		t["demo.bin"] = o.Film
	}
	return nil
}

func copyFile(to, from string) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, data, 0o644)
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
		if _, err := Find(out, file); err != nil {
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
