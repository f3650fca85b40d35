// Package coco reads detection data sets in the COCO format and computes their
// average precision as pycocotools does. It imports nothing of ours.
package coco

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
)

// Image is one picture of a data set.
type Image struct {
	ID     int64  `json:"id"`
	File   string `json:"file_name"`
	Width  int    `json:"width"`
	Height int    `json:"height"`
}

// Annotation is one true object. Box is x, y, width, height in pixels; Area is
// of its mask, in pixels, and decides its size range; a crowd is a region of
// many objects where detections count neither way.
type Annotation struct {
	ID       int64      `json:"id"`
	Image    int64      `json:"image_id"`
	Category int64      `json:"category_id"`
	Box      [4]float64 `json:"bbox"`
	Area     float64    `json:"area"`
	Crowd    int        `json:"iscrowd"`
	Ignore   int        `json:"ignore"`
}

// Category is a class of objects.
type Category struct {
	ID   int64  `json:"id"`
	Name string `json:"name"`
}

// Dataset is a COCO instances file and the folder of its images.
type Dataset struct {
	Dir         string       `json:"-"`
	Images      []Image      `json:"images"`
	Annotations []Annotation `json:"annotations"`
	Categories  []Category   `json:"categories"`
}

// Detection is one entry of a COCO results file: a found object, box as x, y,
// width, height in pixels of the picture, score 0..1.
type Detection struct {
	Image    int64      `json:"image_id"`
	Category int64      `json:"category_id"`
	Box      [4]float64 `json:"bbox"`
	Score    float64    `json:"score"`
}

// Load reads DIR/instances.json.
func Load(dir string) (*Dataset, error) {
	path := filepath.Join(dir, "instances.json")
	data, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("data set %s: no instances.json there: name a folder that holds images/ and a COCO instances.json", dir)
	}
	if err != nil {
		return nil, fmt.Errorf("data set: %w", err)
	}
	d := &Dataset{Dir: dir}
	if err := json.Unmarshal(data, d); err != nil {
		return nil, fmt.Errorf("data set %s: not COCO's instances format: %w", path, err)
	}
	if err := d.check(); err != nil {
		return nil, fmt.Errorf("data set %s: %w", path, err)
	}
	return d, nil
}

func (d *Dataset) check() error {
	if len(d.Images) == 0 || len(d.Categories) == 0 {
		return fmt.Errorf("%d images and %d categories: nothing to judge", len(d.Images), len(d.Categories))
	}
	images, cats := map[int64]bool{}, map[int64]bool{}
	for _, im := range d.Images {
		if images[im.ID] {
			return fmt.Errorf("image id %d is there twice", im.ID)
		}
		if !filepath.IsLocal(filepath.FromSlash(im.File)) {
			return fmt.Errorf("image %d: the file name %q leaves the folder", im.ID, im.File)
		}
		images[im.ID] = true
	}
	for _, c := range d.Categories {
		if cats[c.ID] {
			return fmt.Errorf("category id %d is there twice", c.ID)
		}
		cats[c.ID] = true
	}
	for i := range d.Annotations {
		a := &d.Annotations[i]
		if !images[a.Image] || !cats[a.Category] {
			return fmt.Errorf("annotation %d: unknown image %d or category %d", a.ID, a.Image, a.Category)
		}
		if err := checkBox(a.Box); err != nil {
			return fmt.Errorf("annotation %d: %w", a.ID, err)
		}
	}
	return nil
}

// First returns the data set cut down to its first n images.
func (d *Dataset) First(n int) *Dataset {
	cut := &Dataset{Dir: d.Dir, Images: d.Images[:n], Categories: d.Categories}
	images := map[int64]bool{}
	for _, im := range cut.Images {
		images[im.ID] = true
	}
	for _, a := range d.Annotations {
		if images[a.Image] {
			cut.Annotations = append(cut.Annotations, a)
		}
	}
	return cut
}

// Path returns the file of an image: in DIR/images, or in DIR itself where
// there is no such folder.
func (d *Dataset) Path(im Image) string {
	path := filepath.Join(d.Dir, "images", filepath.FromSlash(im.File))
	if _, err := os.Stat(path); err != nil {
		if flat := filepath.Join(d.Dir, filepath.FromSlash(im.File)); fileExists(flat) {
			return flat
		}
	}
	return path
}

func fileExists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// CategoryIDs maps a model's class names, in order, to the category ids of the
// data set; 0, false where the data set has no such class. Names absent from
// the data set are returned too.
func (d *Dataset) CategoryIDs(names []string) (ids []int64, known []bool, missing []string) {
	byName := map[string]int64{}
	for _, c := range d.Categories {
		byName[c.Name] = c.ID
	}
	for _, name := range names {
		id, ok := byName[name]
		ids, known = append(ids, id), append(known, ok)
		if !ok {
			missing = append(missing, name)
		}
	}
	return ids, known, missing
}

// LoadDetections reads a COCO results file for the data set.
func (d *Dataset) LoadDetections(path string) ([]Detection, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("detections: %w", err)
	}
	var dets []Detection
	if err := json.Unmarshal(data, &dets); err != nil {
		return nil, fmt.Errorf("detections %s: not a COCO results file (a list of image_id, category_id, bbox, score): %w", path, err)
	}
	images := map[int64]bool{}
	for _, im := range d.Images {
		images[im.ID] = true
	}
	for i, det := range dets {
		if !images[det.Image] {
			return nil, fmt.Errorf("detections %s: entry %d is on image %d, which the data set has not: another data set's file?", path, i, det.Image)
		}
		if err := checkBox(det.Box); err != nil || math.IsNaN(det.Score) {
			return nil, fmt.Errorf("detections %s: entry %d: box %v, score %v", path, i, det.Box, det.Score)
		}
	}
	return dets, nil
}

func checkBox(b [4]float64) error {
	for _, v := range b {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Errorf("box %v is not finite", b)
		}
	}
	if b[2] < 0 || b[3] < 0 {
		return fmt.Errorf("box %v has a negative size", b)
	}
	return nil
}
