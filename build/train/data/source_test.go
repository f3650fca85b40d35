package data

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"eagleeye/build/coco"
	"eagleeye/build/shared"

	"github.com/google/go-cmp/cmp"
)

// write makes files below a folder: text, or for names that end in .png a grey
// picture of the size that the text gives.
func write(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		data := []byte(text)
		var w, h int
		if n, _ := fmt.Sscanf(text, "%dx%d", &w, &h); n == 2 && filepath.Ext(name) == ".png" {
			var b bytes.Buffer
			if err := png.Encode(&b, image.NewRGBA(image.Rect(0, 0, w, h))); err != nil {
				t.Fatal(err)
			}
			data = b.Bytes()
		}
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func TestCOCO(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{
		"images/a.png": "40x20", "images/b.png": "30x30", "images/c.png": "10x10",
		"instances.json": `{
		"categories": [{"id": 7, "name": "dog"}, {"id": 3, "name": "cat"}],
		"images": [
			{"id": 1, "file_name": "a.png", "width": 40, "height": 20},
			{"id": 2, "file_name": "b.png", "width": 30, "height": 30},
			{"id": 2, "file_name": "b.png", "width": 30, "height": 30},
			{"id": 3, "file_name": "../x.png", "width": 30, "height": 30},
			{"id": 4, "file_name": "c.png", "width": 0, "height": 10},
			{"id": 5, "file_name": "c.png", "width": 11, "height": 10}
		],
		"annotations": [
			{"id": 1, "image_id": 1, "category_id": 7, "bbox": [1, 2, 10, 5], "area": 33},
			{"id": 2, "image_id": 1, "category_id": 7, "bbox": [1, 2, 10, 5], "area": 33},
			{"id": 3, "image_id": 1, "category_id": 3, "bbox": [30, 10, 20, 20], "area": 100},
			{"id": 4, "image_id": 1, "category_id": 3, "bbox": [0, 0, 40, 20], "area": 800, "iscrowd": 1},
			{"id": 5, "image_id": 1, "category_id": 3, "bbox": [5, 5, 0, 3], "area": 0},
			{"id": 6, "image_id": 2, "category_id": 99, "bbox": [1, 1, 1, 1], "area": 1},
			{"id": 7, "image_id": 77, "category_id": 3, "bbox": [1, 1, 1, 1], "area": 1}
		]}`,
	})
	f, err := Open(dir, "train")
	if err != nil {
		t.Fatal(err)
	}
	if got := f.Names(); !slices.Equal(got, []string{"cat", "dog"}) {
		t.Errorf("names %q", got)
	}
	if f.Len() != 2 {
		t.Fatalf("%d pictures, want a.png and c.png", f.Len())
	}
	_, boxes, err := f.Load(0)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]Box{{1, 1, 2, 11, 7}, {0, 30, 10, 40, 20}}, boxes); diff != "" {
		t.Errorf("boxes: %s", diff)
	}
	if _, _, err := f.Load(1); err == nil || !strings.Contains(err.Error(), "10×10") {
		t.Errorf("a picture of another size than its labels': %v", err)
	}
	var all []string
	for _, p := range f.Problems() {
		all = append(all, p.String())
	}
	got := strings.Join(all, "\n")
	for _, want := range []string{"id 2 is there twice", "leaves the folder", "0×10", "annotation 5", "category 99", "1 annotations are of images"} {
		if !strings.Contains(got, want) {
			t.Errorf("problems lack %q:\n%s", want, got)
		}
	}
	d, bad, err := Annotations(First(f, 1))
	if err != nil || len(bad) > 0 {
		t.Fatal(err, bad)
	}
	want := []coco.Annotation{
		{ID: 1, Image: 0, Category: 1, Box: [4]float64{1, 2, 10, 5}, Area: 33},
		{ID: 2, Image: 0, Category: 0, Box: [4]float64{30, 10, 10, 10}, Area: 100},
		{ID: 3, Image: 0, Category: 0, Box: [4]float64{0, 0, 40, 20}, Area: 800, Crowd: 1},
	}
	if diff := cmp.Diff(want, d.Annotations); diff != "" {
		t.Errorf("for judging: %s", diff)
	}
}

func TestYOLO(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{
		"data.yaml":                "path: .\ntrain: images/train # here\nval: images/val\nnames:\n  0: cat\n  1: 'driver''s seat'\n",
		"images/train/a.png":       "100x50",
		"labels/train/a.txt":       "1 0.5 0.5 0.2 0.4\n\n0 0.1 0.1 0.3 0.1 0.3 0.5\n1 0.5 0.5 0.2 0.4\n0 0.5 0.5 0 0.1\n",
		"images/train/empty.png":   "8x8",
		"images/train/badnum.png":  "8x8",
		"labels/train/badnum.txt":  "0 0.5 0.5 0.2 0.4\n0 0.5 x 0.2 0.4\n",
		"images/train/badcls.png":  "8x8",
		"labels/train/badcls.txt":  "2 0.5 0.5 0.2 0.4\n",
		"images/train/pixels.png":  "8x8",
		"labels/train/pixels.txt":  "0 50 20 10 10\n",
		"images/train/three.png":   "8x8",
		"labels/train/three.txt":   "0 0.5 0.5 0.2\n",
		"images/train/garbage.png": "no picture",
		"images/val/v.png":         "8x8",
	})
	f, err := Open(dir, "train")
	if err != nil {
		t.Fatal(err)
	}
	if got := f.Names(); !slices.Equal(got, []string{"cat", "driver's seat"}) {
		t.Errorf("names %q", got)
	}
	var files []string
	for i := range f.Len() {
		files = append(files, filepath.Base(f.Path(i)))
	}
	if !slices.Equal(files, []string{"a.png", "empty.png", "garbage.png"}) {
		t.Errorf("pictures %q", files)
	}
	if len(f.Problems()) != 4 {
		t.Errorf("problems %v", f.Problems())
	}
	_, boxes, err := f.Load(0)
	if err != nil {
		t.Fatal(err)
	}
	near := cmp.Comparer(func(a, b float32) bool { return a-b < 1e-4 && b-a < 1e-4 })
	if diff := cmp.Diff([]Box{{1, 40, 15, 60, 35}, {0, 10, 5, 30, 25}}, boxes, near); diff != "" {
		t.Errorf("boxes: %s", diff)
	}
	if _, boxes, err = f.Load(1); err != nil || len(boxes) != 0 {
		t.Errorf("without labels: %v, %v", boxes, err)
	}
	if _, _, err = f.Load(2); err == nil {
		t.Error("garbage was decoded")
	}
	if _, err := Open(dir, "test"); err == nil || !strings.Contains(err.Error(), `no "test"`) {
		t.Errorf("a split that is not there: %v", err)
	}
	if v, err := Open(filepath.Join(dir, "data.yaml"), "val"); err != nil || v.Len() != 1 {
		t.Errorf("val: %v", err)
	}
}

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{
		"none/x.txt":             "",
		"json/instances.json":    "{",
		"bare/instances.json":    "{}",
		"gone/instances.json":    `{"categories":[{"id":1,"name":"a"}],"images":[]}`,
		"nonames/data.yaml":      "train: images\n",
		"nc/data.yaml":           "train: images\nnc: 3\nnames: [a, b]\n",
		"gap/data.yaml":          "train: images\nnames: {0: a, 2: b}\n",
		"missing/data.yaml":      "train: nowhere\nnames: [a]\n",
		"multiline/data.yaml":    "train: images\nnames: [a,\n  b]\n",
		"empty/data.yaml":        "train: images\nnames: [a]\n",
		"empty/images/readme.md": "",
	})
	for name, want := range map[string]string{
		"absent": "no such", "none": "no data set", "json": "not COCO", "bare": "no categories", "gone": "no usable",
		"nonames": "no names", "nc": "nc is 3", "gap": `"2"`, "missing": "nowhere", "multiline": "one line", "empty": "no usable",
	} {
		_, err := Open(filepath.Join(dir, name), "train")
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", name, err, want)
		}
	}
	if _, err := OpenPictures(filepath.Join(dir, "none"), nil); !errors.Is(err, ErrEmpty) {
		t.Errorf("no pictures: %v", err)
	}
}

func TestParseYAML(t *testing.T) {
	for name, c := range map[string]struct {
		text  string
		names []string
		train []string
	}{
		"list on a line":  {"names: ['a b', \"c#d\", e]  # three\ntrain: x\n", []string{"a b", "c#d", "e"}, []string{"x"}},
		"list of lines":   {"names:\n- a\n- \"b: c\"\ntrain:\n  - x\n  - y\n", []string{"a", "b: c"}, []string{"x", "y"}},
		"map on a line":   {"names: {1: b, 0: a}\ntrain: 'it''s'\n", []string{"a", "b"}, []string{"it's"}},
		"map of lines":    {"---\nnames:\n  1: b\n  0: driver's\nnc: 2\ntrain: x # y\n", []string{"driver's", "b"}, []string{"x"}},
		"other keys":      {"download: |\n  echo a: b\nroboflow:\n  workspace: w\nnames: [a]\ntrain: null\n", []string{"a"}, nil},
		"windows endings": {"names: [a]\r\ntrain: x\r\n", []string{"a"}, []string{"x"}},
	} {
		t.Run(name, func(t *testing.T) {
			d, err := parseYAML(c.text)
			if err != nil {
				t.Fatal(err)
			}
			names, err := d.names()
			if err != nil || !slices.Equal(names, c.names) {
				t.Errorf("names %q, %v, want %q", names, err, c.names)
			}
			if got := d.list("train"); !slices.Equal(got, c.train) {
				t.Errorf("train %q, want %q", got, c.train)
			}
		})
	}
}

func FuzzLabels(f *testing.F) {
	f.Add("1 0.5 0.5 0.2 0.4\n0 0.1 0.1 0.3 0.1 0.3 0.5")
	f.Add("nan inf 1e999 -0 0")
	f.Fuzz(func(t *testing.T, text string) {
		objects, err := parseLabels(strings.NewReader(text), 3)
		for _, o := range objects {
			if err != nil || o.Class < 0 || o.Class > 2 || !(o.X1 >= 0 && o.X1 < o.X2 && o.X2 <= 1 && o.Y1 >= 0 && o.Y1 < o.Y2 && o.Y2 <= 1) {
				t.Fatalf("%+v, %v", o, err)
			}
		}
	})
}

func FuzzYAML(f *testing.F) {
	f.Add("names: ['a b', \"c#d\", e]\ntrain: x\n")
	f.Add("names:\n  0: a\n  1: b\n")
	f.Fuzz(func(t *testing.T, text string) {
		d, err := parseYAML(text)
		if err != nil {
			return
		}
		d.list("train")
		if names, err := d.names(); err == nil && len(names) == 0 {
			t.Fatal("no names and no error")
		}
	})
}

func TestRename(t *testing.T) {
	s := &scenes{n: 3, names: []string{"dog", "cat"}}
	v, err := Rename(First(s, 2), []string{"cat", "cow", "dog"})
	if err != nil {
		t.Fatal(err)
	}
	_, boxes, err := v.Load(1)
	_, own, _ := s.Load(1)
	if err != nil || v.Len() != 2 || boxes[0].Class != map[int]int{0: 2, 1: 0}[own[0].Class] || boxes[0].X1 != own[0].X1 {
		t.Errorf("%v of %v, %v", boxes, own, err)
	}
	if _, err := Rename(s, []string{"dog"}); err == nil || !strings.Contains(err.Error(), `"cat"`) {
		t.Errorf("a class that is lost: %v", err)
	}
}

func TestSharedCOCO(t *testing.T) {
	f, err := Open(shared.File(t, "coco", "calib"), "train")
	if err != nil {
		t.Fatal(err)
	}
	objects := 0
	for i := range f.Len() {
		ts, err := f.truths(i)
		if err != nil {
			t.Fatal(err)
		}
		objects += len(ts.Objects)
	}
	if f.Len() != 214 || len(f.Names()) != 80 || objects != 2035 {
		t.Errorf("%d pictures, %d classes, %d objects; %v", f.Len(), len(f.Names()), objects, f.Problems())
	}
}
