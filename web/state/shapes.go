package state

import (
	"math"
	"strconv"
	"strings"

	"eagleeye/web/count"
)

// grain is how many steps of a text's whole numbers make the picture's width or
// height.
const grain = 10000

// shapesText writes lines and zones for Settings.Shapes: the corners' x and y in
// turn, "-" between numbers and "_" between shapes.
func shapesText(list []*count.Shape) string {
	shapes := make([]string, len(list))
	for i, sh := range list {
		var parts []string
		for _, p := range sh.Points {
			for _, v := range [...]float64{p.X, p.Y} {
				parts = append(parts, strconv.Itoa(int(math.Round(v*grain))))
			}
		}
		shapes[i] = strings.Join(parts, "-")
	}
	return strings.Join(shapes, "_")
}

// parseShapes reads what shapesText wrote; false: it did not.
func parseShapes(text string) (*Shapes, bool) {
	s := &Shapes{}
	if text == "" {
		return s, true
	}
	for one := range strings.SplitSeq(text, "_") {
		parts := strings.Split(one, "-")
		if len(parts)%2 != 0 || len(parts) < 4 || len(parts) > 2*count.MaxPoints || s.last == MaxShapes {
			return nil, false
		}
		points := make([]count.Point, len(parts)/2)
		for i, part := range parts {
			n, err := strconv.Atoi(part)
			if err != nil || n < 0 || n > grain {
				return nil, false
			}
			if p := &points[i/2]; i%2 == 0 {
				p.X = float64(n) / grain
			} else {
				p.Y = float64(n) / grain
			}
		}
		s.last++
		s.List = append(s.List, &count.Shape{ID: s.last, Points: points})
	}
	return s, true
}
