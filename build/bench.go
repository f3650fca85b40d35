package main

import (
	"context"
	"errors"
	"fmt"
	"image"
	"os"
	"path/filepath"

	"eagleeye/build/bench"
	"eagleeye/build/coco"
	"eagleeye/build/fetch"
	"eagleeye/build/modelfile"
	"eagleeye/build/models"
	"eagleeye/build/picture"
	"eagleeye/build/render"
	"eagleeye/build/shared"
	"eagleeye/build/site"
	"eagleeye/wasm/onnx"
	"eagleeye/wasm/zoo"
)

type benchCmd struct {
	Model   string   `help:"Float ONNX file to compare with (else the one in ../shared, else seeded weights)." env:"MODEL" type:"path" placeholder:"FILE"`
	Int8    string   `name:"int8" help:"Its int8 form (else it is made)." type:"path" placeholder:"FILE"`
	Calib   string   `help:"Folder of photos to make its int8 form with (else those in ../shared)." env:"CALIB" type:"path" placeholder:"DIR"`
	Only    []string `help:"Contenders: ours, ours-float, ort-int8, ort, litert-int8, litert, tfjs, native-int8, native."`
	Sizes   []int    `help:"Sizes of the network's input." default:"640,320"`
	Threads []int    `help:"Numbers of threads." default:"1,2"`
	Warm    int      `help:"Frames of each before the rounds." default:"12"`
	Rounds  int      `help:"Rounds; in each, every contender takes its turn." default:"12"`
	Frames  int      `help:"Frames of a turn." default:"5"`
	Cold    int      `help:"Starts of each in a fresh browser." default:"5"`
	Scaling []int    `help:"Sizes for the chart of time against size." default:"320,416,512,640,960,1280"`
	Layers  bool     `help:"Only tell where a frame's time goes, layer by layer."`
	Quick   bool     `help:"One size, one thread, few rounds, no starts."`
	Python  string   `help:"A Python that has onnxruntime: adds its native build." placeholder:"PROGRAM"`
	Out     string   `short:"o" help:"Folder for the results: JSON, CSV, charts." type:"path"`
}

func (c *benchCmd) Run(ctx context.Context, t terminal) error {
	root, ok := shared.Root(".")
	if !ok {
		return usageError{errors.New("run this in the project's folder")}
	}
	chosen, err := bench.Choose(c.Only)
	if err != nil {
		return usageError{err}
	}
	if c.Quick {
		c.Sizes, c.Threads, c.Warm, c.Rounds, c.Cold, c.Scaling = []int{320}, []int{1}, 2, 3, 0, nil
	}
	m, trained, err := c.models(ctx, t)
	if err != nil {
		return err
	}
	tmp, err := os.MkdirTemp("", "eagleeye-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	int8 := filepath.Join(tmp, "int8.onnx") // the whole page ships it
	if err := os.WriteFile(int8, m.Int8, 0o644); err != nil {
		return err
	}
	dir := filepath.Join(root, "build", "bench")
	if err := bench.Install(ctx, dir, t.logf); err != nil {
		return err
	}
	dist := filepath.Join(tmp, "dist")
	if err := site.Build(ctx, site.Options{Root: root, Out: dist, Model: int8, Logf: t.logf}); err != nil {
		return err
	}
	lab, err := bench.NewLab(dist, filepath.Join(dir, "node_modules"))
	if err != nil {
		return err
	}
	defer lab.Close()
	pictures, err := c.pictures()
	if err != nil {
		return err
	}
	if c.Layers {
		return c.layers(ctx, t, lab, m, pictures[0])
	}
	r, err := bench.Run(ctx, lab, bench.Options{
		Models: m, Trained: trained, Pictures: pictures, Contenders: chosen, Sizes: c.Sizes, Threads: c.Threads,
		Warm: c.Warm, Rounds: c.Rounds, Frames: c.Frames, Cold: c.Cold, Scaling: c.Scaling, Python: c.Python, Logf: t.logf,
	})
	if err != nil {
		return err
	}
	fmt.Fprint(t.out, r)
	if c.Out == "" {
		return nil
	}
	if err := r.Write(c.Out); err != nil {
		return err
	}
	t.logf("the results are in %s", c.Out)
	return nil
}

// layers prints the roofline of the int8 model in both variants of the kernels.
func (c *benchCmd) layers(ctx context.Context, t terminal, lab *bench.Lab, m *bench.Models, img *image.RGBA) error {
	for _, variant := range []string{"relaxed", "simd128"} {
		r, err := bench.Layers(ctx, lab, m.Int8, c.Sizes[0], variant, img, 5*c.Rounds, t.logf)
		if err != nil {
			return err
		}
		fmt.Fprint(t.out, r)
	}
	return nil
}

// models reads the float model and makes its int8 form.
func (c *benchCmd) models(ctx context.Context, t terminal) (m *bench.Models, trained bool, err error) {
	cache, err := fetch.Dir()
	if err != nil {
		return nil, false, err
	}
	model, calib := c.Model, c.Calib
	if dir, ok := shared.Find("."); ok {
		if file := filepath.Join(dir, "models", "yolov8n.onnx"); model == "" && exists(file) {
			model = file
		}
		if photos := filepath.Join(dir, "coco", "calib"); calib == "" && exists(photos) {
			calib = photos
		}
	}
	if trained = model != ""; !trained {
		t.logf("no model at hand: seeded weights of YOLOv8n's architecture (times are the same)")
		g, err := zoo.YOLOv8(zoo.Config{Depth: zoo.N.Depth, Width: zoo.N.Width, MaxChannels: zoo.N.MaxChannels, Seed: 1})
		if err != nil {
			return nil, false, err
		}
		data, err := onnx.Write(g)
		if err != nil {
			return nil, false, err
		}
		model = filepath.Join(os.TempDir(), fmt.Sprintf("eagleeye-bench-%d.onnx", os.Getpid()))
		if err := os.WriteFile(model, data, 0o600); err != nil {
			return nil, false, err
		}
		defer os.Remove(model)
	}
	int8 := c.Int8
	if int8 == "" {
		int8, _, err = models.Int8{Calib: calib, Cache: cache, Progress: t.bars(), Log: t.err}.Path(ctx, model)
		if err != nil {
			return nil, false, err
		}
	}
	if int8 == model {
		return nil, false, usageError{fmt.Errorf("%s is quantized already: name its float form", model)}
	}
	m = &bench.Models{}
	if m.Float, err = modelfile.Read(model); err != nil {
		return nil, false, err
	}
	if m.Int8, err = os.ReadFile(int8); err != nil {
		return nil, false, err
	}
	m.Photos, err = readSome(calib, 8)
	return m, trained, err
}

func exists(path string) bool { _, err := os.Stat(path); return err == nil }

// pictures are those on which answers are checked: some of the evaluation set,
// else drawn ones.
func (c *benchCmd) pictures() ([]*image.RGBA, error) {
	if dir, ok := shared.Find("."); ok && exists(filepath.Join(dir, "coco", "val")) {
		data, err := coco.Load(filepath.Join(dir, "coco", "val"))
		if err != nil {
			return nil, err
		}
		const n = 8
		var out []*image.RGBA
		for i := range n {
			img, err := picture.Read(data.Path(data.Images[i*len(data.Images)/n]), false)
			if err != nil {
				return nil, err
			}
			out = append(out, img)
		}
		return out, nil
	}
	return readSome("", 4)
}

// readSome reads some pictures of a COCO folder, or draws them.
func readSome(dir string, n int) (out []*image.RGBA, err error) {
	files, _ := filepath.Glob(filepath.Join(dir, "images", "*.jpg"))
	if more, _ := filepath.Glob(filepath.Join(dir, "*.jpg")); len(files) == 0 {
		files = more
	}
	if dir == "" || len(files) == 0 {
		for i := range n {
			out = append(out, render.Scene(int64(i), 640, 480))
		}
		return out, nil
	}
	for i := range min(n, len(files)) {
		img, err := picture.Read(files[i*len(files)/min(n, len(files))], false)
		if err != nil {
			return nil, err
		}
		out = append(out, img)
	}
	return out, nil
}
