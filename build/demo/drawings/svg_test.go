package drawings

import (
	"encoding/xml"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"math"
	"strconv"
	"strings"

	"golang.org/x/image/vector"
)

// The part of SVG that the drawings use: nested groups and paths of M, L, C, Z in
// a box of 200×200, with fill or stroke.
type element struct {
	XMLName  xml.Name
	Attrs    []xml.Attr `xml:",any,attr"`
	Children []element  `xml:",any"`
}

type point struct{ x, y float64 }

// layer is one path's colour and where it covers, 0..255.
type layer struct {
	colour  color.RGBA
	opacity float64
	cover   *image.Alpha
}

// parse draws the paths of an SVG file in side×side pixels each.
func parse(data []byte, side int) ([]layer, error) {
	var root element
	if err := xml.Unmarshal(data, &root); err != nil {
		return nil, err
	}
	var out []layer
	var walk func(e element, style map[string]string) error
	walk = func(e element, style map[string]string) error {
		own := map[string]string{}
		for k, v := range style {
			own[k] = v
		}
		for _, a := range e.Attrs {
			own[a.Name.Local] = a.Value
		}
		if e.XMLName.Local == "path" {
			lines, err := flatten(own["d"], float64(side)/200)
			if err != nil {
				return err
			}
			if fill := own["fill"]; fill != "none" {
				out = append(out, layer{hex(fill), number(own["fill-opacity"], 1), filled(lines, side)})
			}
			if stroke := own["stroke"]; stroke != "" {
				r := number(own["stroke-width"], 1) * float64(side) / 400
				out = append(out, layer{hex(stroke), number(own["stroke-opacity"], 1), filled(outlines(lines, r), side)})
			}
		}
		for _, c := range e.Children {
			if err := walk(c, own); err != nil {
				return err
			}
		}
		return nil
	}
	return out, walk(root, nil)
}

func number(s string, otherwise float64) float64 {
	if v, err := strconv.ParseFloat(s, 64); err == nil {
		return v
	}
	return otherwise
}

func hex(s string) color.RGBA {
	v, _ := strconv.ParseUint(strings.TrimPrefix(s, "#"), 16, 32)
	return color.RGBA{uint8(v >> 16), uint8(v >> 8), uint8(v), 255}
}

// flatten makes lines of a path's data.
func flatten(d string, scale float64) (lines [][]point, err error) {
	for _, c := range "MLCZ" {
		d = strings.ReplaceAll(d, string(c), " "+string(c)+" ")
	}
	words := strings.Fields(strings.ReplaceAll(d, ",", " "))
	var line []point
	op := ""
	for i := 0; i < len(words); {
		if strings.Contains("MLCZ", words[i]) {
			op = words[i]
			i++
			if op == "Z" {
				line = append(line, line[0])
				continue
			}
		}
		n := map[string]int{"M": 1, "L": 1, "C": 3}[op]
		if n == 0 || i+2*n > len(words) {
			return nil, fmt.Errorf("path %q", d)
		}
		p := make([]point, n)
		for k := range p {
			p[k] = point{number(words[i], math.NaN()) * scale, number(words[i+1], math.NaN()) * scale}
			i += 2
		}
		switch op {
		case "M":
			if line != nil {
				lines = append(lines, line)
			}
			line, op = []point{p[0]}, "L"
		case "L":
			line = append(line, p[0])
		case "C":
			a := line[len(line)-1]
			for s := 1; s <= 16; s++ {
				t := float64(s) / 16
				u := 1 - t
				mix := func(a, b, c, d float64) float64 { return u*u*u*a + 3*u*u*t*b + 3*u*t*t*c + t*t*t*d }
				line = append(line, point{mix(a.x, p[0].x, p[1].x, p[2].x), mix(a.y, p[0].y, p[1].y, p[2].y)})
			}
		}
	}
	return append(lines, line), nil
}

// outlines are polygons about lines of the half width r: a box a piece and a disc
// a point, all turning the same way.
func outlines(lines [][]point, r float64) (out [][]point) {
	for _, l := range lines {
		for i, p := range l {
			var disc []point
			for k := range 12 {
				s, c := math.Sincos(float64(k) * math.Pi / 6)
				disc = append(disc, point{p.x + r*c, p.y + r*s})
			}
			out = append(out, disc)
			if i == 0 {
				continue
			}
			q := l[i-1]
			n := math.Hypot(p.x-q.x, p.y-q.y)
			if n == 0 {
				continue
			}
			dx, dy := (p.x-q.x)/n*r, (p.y-q.y)/n*r
			out = append(out, []point{{q.x + dy, q.y - dx}, {p.x + dy, p.y - dx}, {p.x - dy, p.y + dx}, {q.x - dy, q.y + dx}})
		}
	}
	return out
}

func filled(polygons [][]point, side int) *image.Alpha {
	z := vector.NewRasterizer(side, side)
	for _, p := range polygons {
		z.MoveTo(float32(p[0].x), float32(p[0].y))
		for _, q := range p[1:] {
			z.LineTo(float32(q.x), float32(q.y))
		}
		z.ClosePath()
	}
	out := image.NewAlpha(image.Rect(0, 0, side, side))
	z.DrawOp = draw.Src
	z.Draw(out, out.Rect, image.Opaque, image.Point{})
	return out
}
