package drawings

import (
	"flag"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"eagleeye/build/demo"
	"eagleeye/build/pool"
	"eagleeye/wasm"
)

var (
	keep  = flag.String("keep", "", "write the photos to this folder")
	model = flag.String("model", "", "judge this model instead of the shipped one")
)

// TestFound wants the shipped model to find at least eight of the ten drawings, by
// the page's own thresholds: right class, IoU of at least 0.5.
func TestFound(t *testing.T) {
	files, err := filepath.Glob("testdata/*.svg")
	if err != nil || len(files) != 10 || len(sheets) != 10 {
		t.Fatalf("%d drawings on %d sheets: %v", len(files), len(sheets), err)
	}
	data := demo.Model
	if *model != "" {
		if data, err = os.ReadFile(*model); err != nil {
			t.Fatal(err)
		}
	}
	d, err := pool.Open(data, wasm.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	found := 0
	for i, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".svg")
		class, _, _ := strings.Cut(name, "-")
		svg, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		layers, err := parse(svg, 720)
		if err != nil || len(layers) == 0 {
			t.Fatalf("%s: %d paths, %v", file, len(layers), err)
		}
		img, truth := shoot(layers, sheets[name], uint32(i+1))
		boxes, _, err := d.Detect(img.Pix, photoW, photoH, wasm.Thresholds{Conf: 0.25, IoU: 0.7, Max: 300})
		if err != nil {
			t.Fatal(err)
		}
		best := 0.0
		for _, b := range boxes {
			if int(b.Class) == slices.Index(demo.Classes, class) {
				best = max(best, overlap([4]float64{float64(b.X1), float64(b.Y1), float64(b.X2), float64(b.Y2)}, truth))
			}
		}
		if best >= 0.5 {
			found++
		}
		t.Logf("%-17s at %v: IoU %.2f; all boxes %v", name, truth, best, boxes)
		if *keep != "" {
			save(t, filepath.Join(*keep, name+".png"), img, truth)
		}
	}
	t.Logf("%d of %d found", found, len(files))
	if found < 8 {
		t.Errorf("%d of %d found, want 8", found, len(files))
	}
}

func overlap(a, b [4]float64) float64 {
	w, h := min(a[2], b[2])-max(a[0], b[0]), min(a[3], b[3])-max(a[1], b[1])
	if w <= 0 || h <= 0 {
		return 0
	}
	return w * h / ((a[2]-a[0])*(a[3]-a[1]) + (b[2]-b[0])*(b[3]-b[1]) - w*h)
}

func save(t *testing.T, path string, img *image.RGBA, box [4]float64) {
	t.Helper()
	for x := int(box[0]); x < int(box[2]); x++ {
		img.SetRGBA(x, int(box[1]), color.RGBA{0, 255, 0, 255})
		img.SetRGBA(x, int(box[3]), color.RGBA{0, 255, 0, 255})
	}
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := png.Encode(f, img); err != nil {
		t.Fatal(err)
	}
}
