package recipe

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"image/png"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"eagleeye/build/calib"
	"eagleeye/build/coco"
	"eagleeye/build/pool"
	"eagleeye/build/scenes"
	"eagleeye/build/scenes/dataset"
	"eagleeye/build/train/data"
	"eagleeye/wasm"
	"eagleeye/wasm/graph"
	"eagleeye/wasm/onnx"
)

// What Run leaves in its folder besides the stages' own files.
const (
	FloatFile  = "eagle-eye-symbols-float.onnx"
	ModelFile  = "eagle-eye-symbols.onnx" // int8
	RecordFile = "record.json"

	doneFile    = "done.json" // of a stage
	calibScenes = 160
)

// Record tells how the model came about.
type Record struct {
	Command string        `json:"command"`
	Note    string        `json:"note,omitempty"` // what a reader must know besides
	Seed    uint64        `json:"seed"`
	Go      string        `json:"go"`
	CPUs    int           `json:"cpus"`
	Classes []string      `json:"classes"`
	Size    int           `json:"size"`
	Batch   int           `json:"batch"`
	Stages  []StageRecord `json:"stages"`
	Seconds float64       `json:"seconds"` // of training
	Test    Score         `json:"test"`    // the int8 model
	Float   Score         `json:"float"`   // before it was quantized
	Bytes   int           `json:"bytes"`
	SHA256  string        `json:"sha256"`
}

// StageRecord is a stage's part; AP is of the scenes that it was judged on.
type StageRecord struct {
	Name    string  `json:"name"`
	Size    int     `json:"size"`
	Steps   int     `json:"steps"`
	Scenes  int     `json:"scenes"`
	LR      float64 `json:"lr"`
	Seconds float64 `json:"seconds"`
	AP50    float64 `json:"ap50"`
	AP      float64 `json:"ap"`
}

// Score is what a model reaches on held-out scenes through the engine.
type Score struct {
	Scenes int                `json:"scenes"`
	AP50   float64            `json:"ap50"`
	AP     float64            `json:"ap"`
	Class  map[string]float64 `json:"class,omitempty"` // AP of each
}

func command(o Options) string {
	c := fmt.Sprintf("go run ./build train-demo --seed %d", o.Seed)
	if o.Scale != 1 {
		c += fmt.Sprintf(" --scale %g", o.Scale)
	}
	return c
}

// describe puts into the file what readers show of it.
func describe(g *graph.Graph) {
	g.Meta["description"] = "Drawn symbols, trained by Eagle Eye on rendered scenes"
	g.Meta["author"] = "Eagle Eye"
	delete(g.Meta, "license")
}

// finish writes the float model, makes the int8 one of it and judges both.
func (o Options) finish(ctx context.Context, g *graph.Graph, r *Record) error {
	float, err := onnx.Write(g)
	if err != nil {
		return err
	}
	in, out := filepath.Join(o.Out, FloatFile), filepath.Join(o.Out, ModelFile)
	if err := os.WriteFile(in, float, 0o644); err != nil {
		return err
	}
	dir, err := os.MkdirTemp(o.Out, "calib-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := writeScenes(dir, dataset.Set{Seed: dataset.CalibSeed, N: o.scenes(calibScenes)}); err != nil {
		return err
	}
	if _, err := calib.Quantize(ctx, calib.Options{In: in, Out: out, CalibDir: dir, Images: o.scenes(calibScenes), BiasImages: 40, Log: o.Log, Progress: o.Progress}); err != nil {
		return err
	}
	int8, err := os.ReadFile(out)
	if err != nil {
		return err
	}
	test := dataset.Set{Seed: dataset.TestSeed, N: o.scenes(testScenes)}
	if r.Float, err = Judge(ctx, float, test, 0); err != nil {
		return err
	}
	if r.Test, err = Judge(ctx, int8, test, 0); err != nil {
		return err
	}
	sum := sha256.Sum256(int8)
	r.Go, r.CPUs, r.Bytes, r.SHA256 = runtime.Version(), runtime.NumCPU(), len(int8), hex.EncodeToString(sum[:])
	for _, s := range r.Stages {
		r.Seconds += s.Seconds
	}
	return writeJSON(filepath.Join(o.Out, RecordFile), r)
}

// Judge measures a model on a set by the engine that the page runs, at its own
// input size or another.
func Judge(ctx context.Context, model []byte, set data.Source, size int) (Score, error) {
	truths, problems, err := data.Annotations(set)
	if err != nil {
		return Score{}, err
	}
	if len(problems) > 0 {
		return Score{}, problems[0].Err
	}
	found := make([][]coco.Detection, set.Len())
	spec := pool.Spec{Model: model, Options: wasm.Options{Width: size, Height: size}}
	err = pool.Each(ctx, set.Len(), []pool.Spec{spec}, func(i int, d []*wasm.Detector) error {
		img, _, err := set.Load(i)
		if err != nil {
			return err
		}
		boxes, _, err := d[0].Detect(img.Pix, img.Rect.Dx(), img.Rect.Dy(), wasm.Thresholds{Conf: 0.001, IoU: 0.7, Max: 300, MultiLabel: true})
		for _, b := range boxes {
			found[i] = append(found[i], coco.Detection{Image: int64(i), Category: int64(b.Class), Score: float64(b.Score),
				Box: [4]float64{float64(b.X1), float64(b.Y1), float64(b.X2) - float64(b.X1), float64(b.Y2) - float64(b.Y1)}})
		}
		return err
	})
	if err != nil {
		return Score{}, err
	}
	var all []coco.Detection
	for _, f := range found {
		all = append(all, f...)
	}
	res := truths.Evaluate(all)
	s := Score{Scenes: set.Len(), AP50: float64(res.AP50), AP: float64(res.AP), Class: map[string]float64{}}
	for _, c := range res.Classes {
		s.Class[c.Name] = float64(c.AP)
	}
	return s, nil
}

func writeScenes(dir string, set data.Source) error {
	for i := range set.Len() {
		img, _, err := set.Load(i)
		if err != nil {
			return err
		}
		f, err := os.Create(filepath.Join(dir, fmt.Sprintf("%04d.png", i)))
		if err != nil {
			return err
		}
		err = (&png.Encoder{CompressionLevel: png.BestSpeed}).Encode(f, img)
		if err := cmp.Or(err, f.Close()); err != nil {
			return err
		}
	}
	return nil
}

func writeJSON(path string, v any) error {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o644)
}

// String is the record in a few lines.
func (r Record) String() string {
	var b strings.Builder
	for _, s := range r.Stages {
		fmt.Fprintf(&b, "%s: %d steps of %d scenes at %d, %.0f s: AP50 %.4f, AP50-95 %.4f\n", s.Name, s.Steps, r.Batch, s.Size, s.Seconds, s.AP50, s.AP)
	}
	fmt.Fprintf(&b, "on %d held-out scenes: float AP50 %.4f, AP50-95 %.4f; int8 AP50 %.4f, AP50-95 %.4f (%d bytes)\n",
		r.Test.Scenes, r.Float.AP50, r.Float.AP, r.Test.AP50, r.Test.AP, r.Bytes)
	for _, c := range scenes.Names {
		fmt.Fprintf(&b, "  %s %.3f", c, r.Test.Class[c])
	}
	return b.String()
}
