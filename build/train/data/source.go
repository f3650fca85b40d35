// Package data gives training its batches: it reads data sets in the COCO and
// YOLO formats, decodes and augments their pictures in the background and lays
// them out as a network wants them. The same seed gives the same batches
// whatever the number of workers, from any batch on. It may import
// build/train/loss, build/coco, build/picture, kernels and wasm/yolo.
package data

import (
	"cmp"
	"errors"
	"fmt"
	"image"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"eagleeye/build/coco"
)

// Box is a true object, in pixels of its picture.
type Box struct {
	Class          int
	X1, Y1, X2, Y2 float32
}

// Source is a data set. Load may be called from several goroutines at once and
// gives the same picture and boxes for an index each time; the caller does not
// change the picture.
type Source interface {
	Len() int
	Load(i int) (*image.RGBA, []Box, error)
	Names() []string // by class
}

// Endless is a Source whose pictures never come again: Len of them make an epoch,
// and picture i of epoch e is Load(e·Len + i).
type Endless interface {
	Source
	Endless()
}

// Problem is a picture or label that was left out, and why.
type Problem struct {
	File string
	Err  error
}

func (p Problem) String() string { return p.File + ": " + p.Err.Error() }

// What can be wrong with a data set as a whole.
var (
	ErrFormat = errors.New("no data set: name a folder with images/ and a COCO instances.json, or a YOLO data.yaml or its folder")
	ErrEmpty  = errors.New("no usable pictures")
)

// Object is a Box for judging: regions of crowds count neither way, and Area in
// pixels decides the size range.
type Object struct {
	Box
	Area  float64
	Crowd bool
}

// Folder is a data set of files. Its labels are read when it is opened, its
// pictures when they are wanted.
type Folder struct {
	names    []string
	items    []item
	problems []Problem
	upright  bool // turn pictures as EXIF says
}

// item is a picture and its objects, in pixels or, where w is 0, in fractions of
// the picture's sides.
type item struct {
	path    string
	w, h    int
	objects []Object
}

// Open reads the labels of a data set: a folder with an instances.json (COCO),
// a YOLO data.yaml or the folder that holds it. split is "train", "val" or
// "test" and chooses the entry of a data.yaml.
func Open(path, split string) (*Folder, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("data set: %w", err)
	}
	if !info.IsDir() {
		if ext := strings.ToLower(filepath.Ext(path)); ext == ".yaml" || ext == ".yml" {
			return OpenYOLO(path, split)
		}
		return nil, fmt.Errorf("%s: %w", path, ErrFormat)
	}
	if isFile(filepath.Join(path, "instances.json")) {
		return OpenCOCO(path)
	}
	if yaml := filepath.Join(path, "data.yaml"); isFile(yaml) {
		return OpenYOLO(yaml, split)
	}
	return nil, fmt.Errorf("%s: %w", path, ErrFormat)
}

// Len is the number of pictures.
func (f *Folder) Len() int { return len(f.items) }

// Names are the classes.
func (f *Folder) Names() []string { return f.names }

// Path is the file of a picture.
func (f *Folder) Path(i int) string { return f.items[i].path }

// Problems tells what was left out when the labels were read.
func (f *Folder) Problems() []Problem { return slices.Clone(f.problems) }

func (f *Folder) problem(file, format string, args ...any) {
	f.problems = append(f.problems, Problem{file, fmt.Errorf(format, args...)})
}

// finish refuses a data set of which nothing is left.
func (f *Folder) finish(path string) (*Folder, error) {
	if len(f.items) > 0 {
		return f, nil
	}
	err := fmt.Errorf("%s: %w", path, ErrEmpty)
	if n := len(f.problems); n > 0 {
		err = fmt.Errorf("%w: all %d are bad, such as %s", err, n, f.problems[0])
	}
	return nil, err
}

// truths returns the true objects of a picture in pixels of it, with crowds.
func (f *Folder) truths(i int) (Truths, error) {
	it := f.items[i]
	w, h := it.w, it.h
	if w > 0 {
		return Truths{w, h, it.objects}, nil
	}
	img, err := f.read(i)
	if err != nil {
		return Truths{}, err
	}
	w, h = img.Rect.Dx(), img.Rect.Dy()
	return Truths{w, h, it.pixels(w, h)}, nil
}

// pixels returns the objects of an item in pixels.
func (it *item) pixels(w, h int) []Object {
	if it.w > 0 {
		return it.objects
	}
	out := slices.Clone(it.objects)
	for k := range out {
		o := &out[k]
		o.X1, o.X2, o.Y1, o.Y2 = o.X1*float32(w), o.X2*float32(w), o.Y1*float32(h), o.Y2*float32(h)
		o.Area = float64(o.X2-o.X1) * float64(o.Y2-o.Y1)
	}
	return out
}

// Load decodes a picture.
func (f *Folder) Load(i int) (*image.RGBA, []Box, error) {
	img, err := f.read(i)
	if err != nil {
		return nil, nil, err
	}
	var boxes []Box
	for _, o := range f.items[i].pixels(img.Rect.Dx(), img.Rect.Dy()) {
		if !o.Crowd {
			boxes = append(boxes, o.Box)
		}
	}
	return img, boxes, nil
}

// Truths are the objects of a picture of W×H pixels.
type Truths struct {
	W, H    int
	Objects []Object
}

// Annotations returns what build/coco's evaluator wants of a source: image ids are
// indices, category ids are classes. Pictures that cannot be read are left out
// and told.
func Annotations(s Source) (*coco.Dataset, []Problem, error) {
	d := &coco.Dataset{}
	var bad []Problem
	for c, name := range s.Names() {
		d.Categories = append(d.Categories, coco.Category{ID: int64(c), Name: name})
	}
	for i := range s.Len() {
		t, err := truths(s, i)
		if err != nil {
			bad = append(bad, Problem{fmt.Sprint("picture ", i), err})
			continue
		}
		d.Images = append(d.Images, coco.Image{ID: int64(i), File: fmt.Sprint(i), Width: t.W, Height: t.H})
		for _, o := range t.Objects {
			a := coco.Annotation{ID: int64(len(d.Annotations) + 1), Image: int64(i), Category: int64(o.Class), Area: o.Area,
				Box: [4]float64{float64(o.X1), float64(o.Y1), float64(o.X2) - float64(o.X1), float64(o.Y2) - float64(o.Y1)}}
			if o.Crowd {
				a.Crowd = 1
			}
			d.Annotations = append(d.Annotations, a)
		}
	}
	if len(d.Images) == 0 {
		return nil, bad, ErrEmpty
	}
	return d, bad, nil
}

// truths asks a source that knows crowds, else takes the boxes of Load.
func truths(s Source, i int) (Truths, error) {
	if t, ok := s.(interface{ truths(int) (Truths, error) }); ok {
		return t.truths(i)
	}
	img, boxes, err := s.Load(i)
	if err != nil {
		return Truths{}, err
	}
	t := Truths{W: img.Rect.Dx(), H: img.Rect.Dy()}
	for _, b := range boxes {
		t.Objects = append(t.Objects, Object{Box: b, Area: float64(b.X2-b.X1) * float64(b.Y2-b.Y1)})
	}
	return t, nil
}

// view is a choice of pictures, with classes renumbered.
type view struct {
	Source
	index   []int
	classes []int // nil keeps them; −1 drops one
	names   []string
}

// First is the first n pictures of a source, all where n is 0 or too many.
func First(s Source, n int) Source {
	if n <= 0 || n >= s.Len() {
		return s
	}
	return Pick(s, count(n))
}

// Pick is a choice of a source's pictures.
func Pick(s Source, index []int) Source {
	return &view{Source: s, index: index, names: s.Names()}
}

func count(n int) []int {
	index := make([]int, n)
	for i := range index {
		index[i] = i
	}
	return index
}

// Rename numbers the classes of a source as in names, a model's. Classes that
// names lacks are an error: their objects would be taught as background.
func Rename(s Source, names []string) (Source, error) {
	if slices.Equal(s.Names(), names) {
		return s, nil
	}
	v := &view{Source: s, index: count(s.Len()), names: names}
	for _, name := range s.Names() {
		at := slices.Index(names, name)
		if at < 0 {
			return nil, fmt.Errorf("the model has no class %q, the data set has: its %d classes are %s", name, len(names), short(names))
		}
		v.classes = append(v.classes, at)
	}
	return v, nil
}

func short(names []string) string {
	if len(names) > 6 {
		names = append(slices.Clone(names[:6]), "…")
	}
	return strings.Join(names, ", ")
}

func (v *view) Len() int        { return len(v.index) }
func (v *view) Names() []string { return v.names }

func (v *view) Load(i int) (*image.RGBA, []Box, error) {
	img, boxes, err := v.Source.Load(v.index[i])
	if err != nil || v.classes == nil {
		return img, boxes, err
	}
	out := make([]Box, len(boxes))
	for k, b := range boxes {
		b.Class = v.classes[b.Class]
		out[k] = b
	}
	return img, out, nil
}

func (v *view) truths(i int) (Truths, error) {
	t, err := truths(v.Source, v.index[i])
	if err != nil || v.classes == nil {
		return t, err
	}
	t.Objects = slices.Clone(t.Objects)
	for k := range t.Objects {
		t.Objects[k].Class = v.classes[t.Objects[k].Class]
	}
	return t, nil
}

// clip cuts a box to w×h, false where nothing is left of it.
func (b *Box) clip(w, h float32) bool {
	b.X1, b.Y1 = min(max(b.X1, 0), w), min(max(b.Y1, 0), h)
	b.X2, b.Y2 = min(max(b.X2, 0), w), min(max(b.Y2, 0), h)
	return b.X2 > b.X1 && b.Y2 > b.Y1
}

// unique drops objects that are there twice, as Ultralytics does.
func unique(objects []Object) []Object {
	seen := map[Box]bool{}
	return slices.DeleteFunc(objects, func(o Object) bool {
		twice := seen[o.Box] && !o.Crowd
		seen[o.Box] = true
		return twice
	})
}

func finite(v ...float64) bool {
	for _, x := range v {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return false
		}
	}
	return true
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// isPicture tells by the name's ending.
func isPicture(path string) bool {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif":
		return true
	}
	return false
}

// pictures lists the picture files below dir, sorted.
func pictures(dir string) ([]string, error) {
	var out []string
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if !e.IsDir() && isPicture(path) {
			out = append(out, path)
		}
		return nil
	})
	slices.SortFunc(out, cmp.Compare)
	return out, err
}
