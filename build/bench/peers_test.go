package bench

import (
	"image"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"eagleeye/build/calib"
	"eagleeye/build/coco"
	"eagleeye/build/picture"
	"eagleeye/build/render"
	"eagleeye/build/shared"
	"eagleeye/build/site"
	"eagleeye/wasm/onnx"
	"eagleeye/wasm/zoo"
)

// Every contender of the browser finds the right boxes, in a comparison as `make
// bench` runs it, and ours is ahead of ONNX Runtime's float path.
func TestPeers(t *testing.T) {
	if testing.Short() {
		t.Skip("compares with other runtimes in a browser: skipped with -short")
	}
	m, trained, pictures := testModels(t)
	lab := testLab(t)
	t.Run("wrong answers are left out", func(t *testing.T) { wrongAnswers(t, lab, *m, trained, pictures) })
	keys := []string{"ours", "ours-float", "ort-int8", "ort", "litert-int8", "litert", "tfjs"}
	contenders, err := Choose(keys)
	if err != nil {
		t.Fatal(err)
	}
	r, err := Run(t.Context(), lab, Options{
		Models: m, Trained: trained, Pictures: pictures, Contenders: contenders, Sizes: []int{320}, Threads: []int{1},
		Warm: 2, Rounds: 3, Frames: 2, Logf: t.Logf,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%s", r)
	for _, l := range r.LeftOut {
		t.Errorf("%s was left out: %s", l.Contender, l.Why)
	}
	if len(r.Cells) != len(keys) {
		t.Fatalf("%d cells, want %d", len(r.Cells), len(keys))
	}
	median := func(key string) float64 {
		return r.Cells[slices.IndexFunc(r.Cells, func(c Cell) bool { return c.Key == key })].Median
	}
	if ours, ort := median("ours"), median("ort"); ours >= ort {
		t.Errorf("ours takes %.1f ms, ONNX Runtime Web in float32 %.1f ms: it must be ahead", ours, ort)
	}
}

// wrongAnswers gives a contender a network of other weights: it must not count.
func wrongAnswers(t *testing.T, lab *Lab, m Models, trained bool, pictures []*image.RGBA) {
	wrong, err := zoo.YOLOv8(zoo.Config{Depth: zoo.N.Depth, Width: zoo.N.Width, MaxChannels: zoo.N.MaxChannels, Size: 320, Seed: 7})
	if err != nil {
		t.Fatal(err)
	}
	data, err := onnx.Write(wrong)
	if err != nil {
		t.Fatal(err)
	}
	m.made = map[string][]byte{"onnx-320": data}
	contenders, err := Choose([]string{"ort"})
	if err != nil {
		t.Fatal(err)
	}
	r, err := Run(t.Context(), lab, Options{
		Models: &m, Trained: trained, Pictures: pictures, Contenders: contenders, Sizes: []int{320}, Threads: []int{1}, Rounds: 1, Frames: 1, Logf: t.Logf,
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Cells) != 0 || len(r.LeftOut) != 1 || !strings.Contains(r.LeftOut[0].Why, "IoU") {
		t.Errorf("a network of other weights was taken: %+v", r)
	}
}

// testModels are the reference YOLOv8n for 320 pixels, or seeded weights where it
// is not at hand.
func testModels(t *testing.T) (m *Models, trained bool, pictures []*image.RGBA) {
	t.Helper()
	m = &Models{}
	o := calib.Options{In: filepath.Join(t.TempDir(), "float.onnx"), Out: filepath.Join(t.TempDir(), "int8.onnx"), Images: 4, BiasImages: -1}
	if dir, ok := shared.Find("."); ok {
		m.Float, _ = os.ReadFile(filepath.Join(dir, "models", "yolov8n-320.onnx"))
		o.CalibDir = filepath.Join(dir, "coco", "calib")
	}
	if trained = m.Float != nil; trained {
		val := shared.File(t, "coco", "val")
		data, err := coco.Load(val)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 4 {
			img, err := picture.Read(data.Path(data.Images[i*len(data.Images)/4]), false)
			if err != nil {
				t.Fatal(err)
			}
			pictures = append(pictures, img)
		}
		m.Photos = pictures
	} else {
		t.Log("the reference model is not beside the repository: seeded weights instead")
		g, err := zoo.YOLOv8(zoo.Config{Depth: zoo.N.Depth, Width: zoo.N.Width, MaxChannels: zoo.N.MaxChannels, Size: 320, Seed: 1})
		if err != nil {
			t.Fatal(err)
		}
		if m.Float, err = onnx.Write(g); err != nil {
			t.Fatal(err)
		}
		pictures = []*image.RGBA{render.Scene(1, 640, 480)}
		m.Photos, o.CalibDir = pictures, ""
	}
	if err := os.WriteFile(o.In, m.Float, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := calib.Quantize(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	var err error
	if m.Int8, err = os.ReadFile(o.Out); err != nil {
		t.Fatal(err)
	}
	return m, trained, pictures
}

func testLab(t *testing.T) *Lab {
	t.Helper()
	if err := Install(t.Context(), ".", t.Logf); err != nil {
		t.Fatal(err)
	}
	dist := filepath.Join(t.TempDir(), "dist")
	if err := site.Build(t.Context(), site.Options{Root: shared.Repo(t), Out: dist}); err != nil {
		t.Fatal(err)
	}
	lab, err := NewLab(dist, "node_modules")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(lab.Close)
	return lab
}
