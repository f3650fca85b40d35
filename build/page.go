package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"eagleeye/build/demo"
	"eagleeye/build/fetch"
	"eagleeye/build/models"
	"eagleeye/build/scenes"
	"eagleeye/build/shared"
	"eagleeye/build/site"
)

// modelFlags choose the model that the page ships.
type modelFlags struct {
	Model    string `help:"ONNX file to ship (else the cached download)." env:"MODEL" type:"path" placeholder:"FILE"`
	Models   string `help:"Folder of further ONNX files that the page offers; NAME.txt beside NAME.onnx describes it." env:"MODELS" type:"path" placeholder:"DIR"`
	Calib    string `help:"Folder of photos to calibrate a float model on (else drawn scenes)." env:"CALIB" type:"path" placeholder:"DIR"`
	Float    bool   `help:"Ship a float model as it is, without making its int8 form."`
	NoModel  bool   `help:"Ship no model: the page asks for one to be dropped on it."`
	Download bool   `help:"Download the official model when there is none." negatable:"" default:"true" env:"DOWNLOAD"`
}

// find returns the model to ship and its name: the named one, a cached download,
// the official one; with none of them, "" and the name of the project's own.
func (f modelFlags) find(ctx context.Context, t terminal) (path, name string, err error) {
	cache, err := fetch.Dir()
	if err != nil {
		return "", "", err
	}
	path, err = models.Find(f.Model, cache)
	if errors.Is(err, models.ErrNone) && f.Download {
		path, err = download(ctx, t, cache, 1)
		if err != nil && ctx.Err() == nil {
			t.logf("%v", err)
			err = models.ErrNone
		}
	}
	if errors.Is(err, models.ErrNone) {
		t.logf("shipping the project's own model of drawn symbols (%s).\nTo ship YOLOv8n: make model, with a network; or %s", demo.Name, fetch.Help)
		return "", demo.Name, nil
	}
	if err != nil {
		return "", "", err
	}
	name = filepath.Base(path)
	if f.Float {
		return path, name, nil
	}
	int8, made, err := models.Int8{Calib: f.Calib, Cache: cache, Progress: t.bars(), Log: t.err}.Path(ctx, path)
	if err != nil {
		return "", "", err
	}
	if made {
		t.logf("made the int8 form of %s: %s", path, int8)
	}
	if int8 != path {
		name = name[:len(name)-len(filepath.Ext(name))] + "-int8.onnx"
	}
	return int8, name, nil
}

// ship chooses the site's model, and the film that goes with the project's own.
func (f modelFlags) ship(ctx context.Context, t terminal, o *site.Options) (err error) {
	if o.Models, err = site.ModelFiles(f.Models); err != nil {
		return err
	}
	if o.Model, o.ModelName, err = f.find(ctx, t); err != nil || o.Model != "" {
		return err
	}
	o.ModelData = demo.Model
	o.Film, err = scenes.Film()
	return err
}

func download(ctx context.Context, t terminal, cache string, retries int) (string, error) {
	bar := byteBar(t, fetch.YOLOv8n.Bytes, fetch.YOLOv8n.Name)
	defer bar.Close()
	g := fetch.Getter{Dir: cache, Progress: func(n int64) { bar.Set64(n) }, Retries: retries, Wait: time.Second}
	return g.Get(ctx, fetch.YOLOv8n)
}

type modelCmd struct{}

func (c *modelCmd) Run(ctx context.Context, t terminal) error {
	cache, err := fetch.Dir()
	if err != nil {
		return err
	}
	path, err := download(ctx, t, cache, 3)
	if err != nil {
		if ctx.Err() == nil {
			t.logf("%s", fetch.Help)
		}
		return err
	}
	t.logf("%s: %d bytes, SHA-256 as pinned", path, fetch.YOLOv8n.Bytes)
	return nil
}

// siteFlags say what page to build.
type siteFlags struct {
	modelFlags
	Out string `short:"o" help:"Folder to make." default:"dist" type:"path"`
}

// build makes the page, with its files' compressed forms or without.
func (f siteFlags) build(ctx context.Context, t terminal, compress bool) error {
	root, ok := shared.Root(".")
	if !ok {
		return usageError{errors.New("run this in the project's folder")}
	}
	o := site.Options{Root: root, Out: f.Out, Compress: compress, Logf: t.logf}
	if !f.NoModel {
		if err := f.ship(ctx, t, &o); err != nil {
			return err
		}
	}
	if err := site.Build(ctx, o); err != nil {
		return err
	}
	if compress {
		sizes, err := site.Sizes(f.Out)
		if err != nil {
			return err
		}
		site.WriteSizes(t.err, sizes)
	}
	t.logf("the page is in %s", f.Out)
	return nil
}

type siteCmd struct {
	siteFlags
	Compress bool `help:"Keep brotli and gzip forms of the files beside them, and print their sizes." negatable:"" default:"true"`
}

func (c *siteCmd) Run(ctx context.Context, t terminal) error { return c.build(ctx, t, c.Compress) }

type serveFlags struct {
	Port int `short:"p" help:"Port on 127.0.0.1; the next free one is taken." default:"8080" env:"PORT"`
}

func (f serveFlags) serve(ctx context.Context, t terminal, dir string) error {
	l, err := site.Listen(f.Port)
	if err != nil {
		return err
	}
	t.logf("Eagle Eye is at %s (Ctrl-C ends it)", site.URL(l))
	return site.Serve(ctx, l, dir)
}

type serveCmd struct {
	serveFlags
	Dir string `arg:"" optional:"" help:"Folder that site made (else dist)." type:"path"`
}

func (c *serveCmd) Run(ctx context.Context, t terminal) error {
	dir := cmp.Or(c.Dir, "dist")
	if _, err := os.Stat(filepath.Join(dir, "index.html")); err != nil {
		return usageError{fmt.Errorf("%s holds no page (run `make build` first): %w", dir, err)}
	}
	return c.serve(ctx, t, dir)
}

type runCmd struct {
	siteFlags
	serveFlags
}

// Run builds the page quickly: what stays on this machine need not be small.
func (c *runCmd) Run(ctx context.Context, t terminal) error {
	if err := c.build(ctx, t, false); err != nil {
		return err
	}
	return c.serve(ctx, t, c.Out)
}

type zipCmd struct {
	siteFlags
	File string `help:"Archive to make." default:"eagle-eye.zip" type:"path"`
}

// Run packs a page without compressed forms: the archive compresses by itself.
func (c *zipCmd) Run(ctx context.Context, t terminal) error {
	if err := c.build(ctx, t, false); err != nil {
		return err
	}
	root, _ := shared.Root(".")
	if err := site.Zip(ctx, root, c.Out, c.File, site.Platforms, t.logf); err != nil {
		return err
	}
	info, err := os.Stat(c.File)
	if err != nil {
		return err
	}
	t.logf("%s: %.1f MB, for %d systems", c.File, float64(info.Size())/1e6, len(site.Platforms))
	return nil
}
