package data

import (
	"cmp"
	"encoding/json"
	"fmt"
	"image"
	"os"
	"path/filepath"
	"slices"

	"eagleeye/build/coco"
	"eagleeye/build/picture"
)

// maxSide bounds what a label file may claim of a picture.
const maxSide = 1 << 16

// read decodes picture i and checks that the labels are for its size.
func (f *Folder) read(i int) (*image.RGBA, error) {
	it := f.items[i]
	img, err := picture.Read(it.path, f.upright)
	if err != nil {
		return nil, err
	}
	if w, h := img.Rect.Dx(), img.Rect.Dy(); it.w > 0 && (w != it.w || h != it.h) {
		return nil, fmt.Errorf("%s: it has %d×%d pixels, its labels are for %d×%d", it.path, w, h, it.w, it.h)
	}
	return img, nil
}

// OpenPictures is a data set without labels: the pictures below dir, or below
// dir/images where that exists. names are the classes that it is used with.
func OpenPictures(dir string, names []string) (*Folder, error) {
	if sub := filepath.Join(dir, "images"); isDir(sub) {
		dir = sub
	}
	list, err := pictures(dir)
	if err != nil {
		return nil, fmt.Errorf("pictures: %w", err)
	}
	f := &Folder{names: names}
	for _, path := range list {
		f.items = append(f.items, item{path: path})
	}
	return f.finish(dir)
}

// OpenCOCO reads dir/instances.json. Classes are the categories by rising id.
// Unlike an evaluation, which must not judge on less than it was given, training
// leaves out bad entries and goes on: annotations without area, and pictures
// with an annotation that makes no sense at all.
func OpenCOCO(dir string) (*Folder, error) {
	path := filepath.Join(dir, "instances.json")
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("data set: %w", err)
	}
	d := coco.Dataset{Dir: dir}
	if err := json.Unmarshal(text, &d); err != nil {
		return nil, fmt.Errorf("data set %s: not COCO's instances format: %w", path, err)
	}
	f := &Folder{}
	classes, err := f.categories(d.Categories)
	if err != nil {
		return nil, fmt.Errorf("data set %s: %w", path, err)
	}
	byImage := map[int64][]coco.Annotation{}
	for _, a := range d.Annotations {
		byImage[a.Image] = append(byImage[a.Image], a)
	}
	seen := map[int64]bool{}
	for _, im := range d.Images {
		switch {
		case seen[im.ID]:
			f.problem(im.File, "image id %d is there twice", im.ID)
			continue
		case !filepath.IsLocal(filepath.FromSlash(im.File)):
			f.problem(im.File, "the file name leaves the folder")
			continue
		case im.Width < 1 || im.Height < 1 || im.Width > maxSide || im.Height > maxSide:
			f.problem(im.File, "a picture of %d×%d pixels", im.Width, im.Height)
			continue
		}
		seen[im.ID] = true
		if it, ok := f.cocoItem(im, d.Path(im), byImage[im.ID], classes); ok {
			f.items = append(f.items, it)
		}
	}
	lost := 0
	for id, list := range byImage {
		if !seen[id] {
			lost += len(list)
		}
	}
	if lost > 0 {
		f.problem(path, "%d annotations are of images that it does not list or that were left out", lost)
	}
	return f.finish(path)
}

// categories sets the names and returns the class of a category id.
func (f *Folder) categories(cats []coco.Category) (map[int64]int, error) {
	cats = slices.Clone(cats)
	slices.SortFunc(cats, func(a, b coco.Category) int { return cmp.Compare(a.ID, b.ID) })
	classes := map[int64]int{}
	for _, c := range cats {
		if _, twice := classes[c.ID]; twice {
			return nil, fmt.Errorf("category id %d is there twice", c.ID)
		}
		classes[c.ID] = len(f.names)
		f.names = append(f.names, c.Name)
	}
	if len(f.names) == 0 {
		return nil, fmt.Errorf("it has no categories")
	}
	return classes, nil
}

func (f *Folder) cocoItem(im coco.Image, path string, list []coco.Annotation, classes map[int64]int) (item, bool) {
	it := item{path: path, w: im.Width, h: im.Height}
	for _, a := range list {
		class, ok := classes[a.Category]
		b := a.Box
		if !ok || !finite(b[:]...) {
			f.problem(path, "annotation %d: category %d, box %v: the picture is left out", a.ID, a.Category, b)
			return it, false
		}
		o := Object{Box{class, float32(b[0]), float32(b[1]), float32(b[0] + b[2]), float32(b[1] + b[3])}, a.Area, a.Crowd != 0}
		if !o.clip(float32(im.Width), float32(im.Height)) {
			f.problem(path, "annotation %d: box %v has no area in the picture", a.ID, b)
			continue
		}
		it.objects = append(it.objects, o)
	}
	it.objects = unique(it.objects)
	return it, true
}
