//go:build !js

package wasm

import (
	"encoding/json"
	"image"
	"math"
	"os"
	"testing"

	"eagleeye/build/jpeg"
	"eagleeye/build/shared"
	"eagleeye/wasm/yolo"
)

// recorded is a detection of the same float model by ONNX Runtime with
// Ultralytics' letterbox and suppression; box is x, y, width, height.
type recorded struct {
	ImageID    int        `json:"image_id"`
	CategoryID int        `json:"category_id"`
	Box        [4]float64 `json:"bbox"`
	Score      float64
}

type cocoSet struct {
	Images []struct {
		ID            int
		Width, Height int
		File          string `json:"file_name"`
	}
	Categories []struct {
		ID   int
		Name string
	}
}

func readJSON(t *testing.T, name string, to any) {
	t.Helper()
	b, err := os.ReadFile(shared.File(t, "coco", "val", name))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, to); err != nil {
		t.Fatal(err)
	}
}

func decodeJPEG(t *testing.T, name string) *image.RGBA {
	t.Helper()
	f, err := os.Open(shared.File(t, "coco", "val", "images", name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	img, err := jpeg.DecodeRGBA(f)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// TestReferenceDetections compares whole frames, picture to boxes, with recorded
// ones. Records are rounded to 1e-3 px and 1e-5 of a score; they come from a
// loader that rounds the shorter side up, as Ultralytics' validation does, where
// the engine rounds it as its LetterBox does: pictures on which the two differ
// are left out.
func TestReferenceDetections(t *testing.T) {
	var set cocoSet
	readJSON(t, "instances.json", &set)
	names := map[int]string{}
	for _, c := range set.Categories {
		names[c.ID] = c.Name
	}
	d := open(t, readModel(t, "yolov8n-320.onnx"), Options{})
	for _, c := range []struct {
		name, file string
		th         Thresholds
		pictures   int
	}{
		{"best class", "dets-yolov8n-320-predict.json", DefaultThresholds, 16},
		{"every class", "dets-yolov8n-320.json", Thresholds{Conf: 0.001, IoU: 0.7, Max: 300, MultiLabel: true}, 6},
	} {
		t.Run(c.name, func(t *testing.T) {
			var all []recorded
			readJSON(t, c.file, &all)
			byImage := map[int][]recorded{}
			for _, r := range all {
				byImage[r.ImageID] = append(byImage[r.ImageID], r)
			}
			total := 0
			for _, im := range set.Images[:c.pictures] {
				if box := yolo.Fit(im.Width, im.Height, 320, 320); box.NewW*im.Height < box.NewH*im.Width && box.NewW < 320 || box.NewH*im.Width < box.NewW*im.Height && box.NewH < 320 {
					continue
				}
				img := decodeJPEG(t, im.File)
				found, _, err := d.Detect(img.Pix, img.Rect.Dx(), img.Rect.Dy(), c.th)
				if err != nil {
					t.Fatal(err)
				}
				want := byImage[im.ID]
				if len(found) != len(want) {
					t.Errorf("%s: %d boxes, want %d", im.File, len(found), len(want))
				}
				total += len(want)
				for _, w := range want {
					if !hasDetection(found, w, names[w.CategoryID]) {
						t.Errorf("%s: no %s %v with score %v", im.File, names[w.CategoryID], w.Box, w.Score)
					}
				}
			}
			t.Logf("%d boxes compared", total)
		})
	}
}

func hasDetection(found []Detection, w recorded, name string) bool {
	for _, f := range found {
		got := [4]float32{f.X1, f.Y1, f.X2 - f.X1, f.Y2 - f.Y1}
		near := f.Name == name && math.Abs(float64(f.Score)-w.Score) < 5e-5
		for i := range got {
			near = near && math.Abs(float64(got[i])-w.Box[i]) < 0.02
		}
		if near {
			return true
		}
	}
	return false
}
