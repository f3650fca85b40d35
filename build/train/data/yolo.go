package data

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

const (
	maxLabelBytes = 64 << 20 // of one label file
	maxClasses    = 1 << 16
	minBox        = 1e-6 // of a side; smaller has no area
)

// OpenYOLO reads a data.yaml and the label files of one of its splits, as
// Ultralytics lays them out: images/…/x.jpg has labels/…/x.txt, a line an object:
// class, centre x, y, width, height (or a polygon's points), in fractions of the
// picture's sides. A picture without a label file shows no object; one with a
// bad line is left out.
func OpenYOLO(yaml, split string) (*Folder, error) {
	text, err := os.ReadFile(yaml)
	if err != nil {
		return nil, fmt.Errorf("data set: %w", err)
	}
	y, err := parseYAML(string(text))
	if err != nil {
		return nil, fmt.Errorf("data set %s: %w", yaml, err)
	}
	names, err := y.names()
	if err != nil {
		return nil, fmt.Errorf("data set %s: %w", yaml, err)
	}
	entries := y.list(split)
	if len(entries) == 0 {
		return nil, fmt.Errorf("data set %s: it has no %q", yaml, split)
	}
	f := &Folder{names: names, upright: true}
	for _, entry := range entries {
		place, err := locate(filepath.Dir(yaml), y.scalar("path"), entry)
		if err != nil {
			return nil, fmt.Errorf("data set %s: %s: %w", yaml, split, err)
		}
		files, err := listed(place)
		if err != nil {
			return nil, fmt.Errorf("data set %s: %s: %w", yaml, split, err)
		}
		for _, path := range files {
			objects, err := readLabels(labelPath(path), len(names))
			if err != nil {
				f.problem(path, "left out: %w", err)
				continue
			}
			f.items = append(f.items, item{path: path, objects: unique(objects)})
		}
	}
	return f.finish(yaml)
}

// locate finds a split: relative to path, which is relative to the yaml's
// folder. Roboflow's files say ../train/images for the train/images beside them.
func locate(dir, base, entry string) (string, error) {
	base, entry = filepath.FromSlash(base), filepath.FromSlash(entry)
	if !filepath.IsAbs(base) {
		base = filepath.Join(dir, base)
	}
	tries := []string{entry}
	if !filepath.IsAbs(entry) {
		tries = []string{filepath.Join(base, entry), filepath.Join(dir, entry)}
		if rest, ok := strings.CutPrefix(entry, ".."+string(filepath.Separator)); ok {
			tries = append(tries, filepath.Join(dir, rest))
		}
	}
	for _, t := range tries {
		if _, err := os.Stat(t); err == nil {
			return t, nil
		}
	}
	return "", fmt.Errorf("%q is neither at %s", entry, strings.Join(tries, " nor at "))
}

// listed returns the pictures of a split: those below a folder, or the lines of
// a text file, relative to it.
func listed(place string) ([]string, error) {
	if isDir(place) {
		return pictures(place)
	}
	if filepath.Ext(place) != ".txt" {
		return nil, fmt.Errorf("%s is neither a folder nor a .txt list of pictures", place)
	}
	text, err := os.ReadFile(place)
	if err != nil {
		return nil, err
	}
	var out []string
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		if line = filepath.FromSlash(line); !filepath.IsAbs(line) {
			line = filepath.Join(filepath.Dir(place), line)
		}
		out = append(out, line)
	}
	return out, nil
}

// labelPath replaces the last folder named images by labels, and the ending.
func labelPath(path string) string {
	sep := string(filepath.Separator)
	if at := strings.LastIndex(path, sep+"images"+sep); at >= 0 {
		path = path[:at] + sep + "labels" + path[at+len(sep+"images"):]
	}
	return strings.TrimSuffix(path, filepath.Ext(path)) + ".txt"
}

func readLabels(path string, classes int) ([]Object, error) {
	file, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	objects, err := parseLabels(io.LimitReader(file, maxLabelBytes), classes)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return objects, nil
}

func parseLabels(r io.Reader, classes int) ([]Object, error) {
	var out []Object
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for n := 1; lines.Scan(); n++ {
		fields := strings.Fields(lines.Text())
		if len(fields) == 0 {
			continue
		}
		o, err := parseLabel(fields, classes)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		if o.X2-o.X1 > minBox && o.Y2-o.Y1 > minBox {
			out = append(out, o)
		}
	}
	return out, lines.Err()
}

// parseLabel reads a box or the bounds of a polygon, in fractions.
func parseLabel(fields []string, classes int) (Object, error) {
	var o Object
	class, err := strconv.ParseFloat(fields[0], 64) // some tools write 3.0
	if err != nil || class != math.Trunc(class) || class < 0 || class >= float64(classes) {
		return o, fmt.Errorf("class %.20q is not one of the %d", fields[0], classes)
	}
	o.Class = int(class)
	v := make([]float64, len(fields)-1)
	for i, s := range fields[1:] {
		v[i], err = strconv.ParseFloat(s, 64)
		// A little outside comes from rounding.
		if err != nil || !(v[i] >= -0.01 && v[i] <= 1.01) {
			return o, fmt.Errorf("%.20q is no fraction of the picture from 0 to 1", s)
		}
	}
	switch {
	case len(v) == 4:
		o.Box = Box{o.Class, float32(v[0] - v[2]/2), float32(v[1] - v[3]/2), float32(v[0] + v[2]/2), float32(v[1] + v[3]/2)}
	case len(v) >= 6 && len(v)%2 == 0:
		x1, y1, x2, y2 := 1.0, 1.0, 0.0, 0.0
		for i := 0; i < len(v); i += 2 {
			x1, x2, y1, y2 = min(x1, v[i]), max(x2, v[i]), min(y1, v[i+1]), max(y2, v[i+1])
		}
		o.Box = Box{o.Class, float32(x1), float32(y1), float32(x2), float32(y2)}
	default:
		return o, fmt.Errorf("%d numbers after the class: want 4, or the points of a polygon", len(v))
	}
	o.clip(1, 1)
	return o, nil
}
