package main

import (
	"context"
	"fmt"
	"image"
	imagedraw "image/draw"
	"image/jpeg"
	"math"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"eagleeye/build/coco"
	"eagleeye/build/draw"
	"eagleeye/build/picture"
	"eagleeye/wasm"
	"eagleeye/wasm/yolo"

	xdraw "golang.org/x/image/draw"
)

type compareCmd struct {
	A       string `arg:"" help:"Model (.onnx, .pt)." type:"existingfile"`
	B       string `arg:"" help:"Model to compare it with." type:"existingfile"`
	Data    string `required:"" help:"Folder with images/ and a COCO instances.json." type:"existingdir" placeholder:"DIR"`
	Size    int    `help:"Side of the network's input; 0 is each model's own." default:"0"`
	Limit   int    `help:"Only the first N images." default:"0" placeholder:"N"`
	Classes int    `help:"Classes to print, by the size of their change." default:"12"`
	Picture string `help:"Draw the images whose boxes differ most, A left, B right (.jpg)." type:"path" placeholder:"FILE"`
	Shown   int    `help:"Images in the picture." default:"6"`
}

func (c *compareCmd) Run(ctx context.Context, t terminal) error {
	data, err := coco.Load(c.Data)
	if err != nil {
		return err
	}
	if c.Limit > 0 && c.Limit < len(data.Images) {
		data = data.First(c.Limit)
	}
	var judged [2]coco.Result
	var found [2][]coco.Detection
	for i, path := range []string{c.A, c.B} {
		e := evalCmd{Model: path, Data: c.Data}
		e.Size = c.Size
		var r evaluation
		dets, err := e.detect(ctx, t, data, &r)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		judged[i], found[i] = data.Evaluate(dets), dets
	}
	if err := c.table(t, judged[0], judged[1]); err != nil || c.Picture == "" {
		return err
	}
	return c.draw(data, found)
}

// table prints the whole and the classes whose precision changed most.
func (c *compareCmd) table(t terminal, a, b coco.Result) error {
	type line struct {
		name    string
		objects int
		a, b    float64
	}
	var lines []line
	other := map[int64]coco.ClassResult{}
	for _, k := range b.Classes {
		other[k.ID] = k
	}
	for _, k := range a.Classes {
		x, y := float64(k.AP), float64(other[k.ID].AP)
		if k.Objects > 0 && x == x && y == y && x >= 0 && y >= 0 {
			lines = append(lines, line{k.Name, k.Objects, x, y})
		}
	}
	slices.SortStableFunc(lines, func(p, q line) int {
		return int(math.Copysign(1, math.Abs(q.b-q.a)-math.Abs(p.b-p.a)))
	})
	w := tabwriter.NewWriter(t.out, 0, 4, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "\tobjects\tA\tB\tB − A\t")
	fmt.Fprintf(w, "AP50-95\t\t%.4f\t%.4f\t%+.4f\t\n", float64(a.AP), float64(b.AP), float64(b.AP-a.AP))
	fmt.Fprintf(w, "AP50\t\t%.4f\t%.4f\t%+.4f\t\n", float64(a.AP50), float64(b.AP50), float64(b.AP50-a.AP50))
	for _, l := range lines[:min(c.Classes, len(lines))] {
		fmt.Fprintf(w, "%s\t%d\t%.3f\t%.3f\t%+.3f\t\n", strings.TrimSpace(l.name), l.objects, l.a, l.b, l.b-l.a)
	}
	return w.Flush()
}

// differing is a picture with the boxes of both models.
type differing struct {
	a, b []wasm.Detection
	by   int // boxes of either that the other lacks
}

// draw finds the pictures whose boxes differ most and paints them: of what was
// judged, the boxes that the page shows.
func (c *compareCmd) draw(data *coco.Dataset, dets [2][]coco.Detection) error {
	place, class := map[int64]int{}, map[int64]coco.Category{}
	for i, im := range data.Images {
		place[im.ID] = i
	}
	for _, k := range data.Categories {
		class[k.ID] = k
	}
	found := make([]differing, len(data.Images))
	for k, list := range dets {
		for _, d := range list {
			if d.Score < float64(wasm.DefaultThresholds.Conf) {
				continue
			}
			f := &found[place[d.Image]]
			into := [2]*[]wasm.Detection{&f.a, &f.b}[k]
			*into = append(*into, wasm.Detection{
				Class: int(d.Category), Name: class[d.Category].Name, Score: float32(d.Score),
				X1: float32(d.Box[0]), Y1: float32(d.Box[1]), X2: float32(d.Box[0] + d.Box[2]), Y2: float32(d.Box[1] + d.Box[3]),
			})
		}
	}
	for i := range found {
		found[i].by = lacking(found[i].a, found[i].b) + lacking(found[i].b, found[i].a)
	}
	order := make([]int, len(found))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(p, q int) int { return found[q].by - found[p].by })
	order = order[:min(c.Shown, len(order))]
	const tile = 480
	sheet := image.NewRGBA(image.Rect(0, 0, 2*tile, tile*len(order)))
	imagedraw.Draw(sheet, sheet.Rect, image.White, image.Point{}, imagedraw.Src)
	for row, i := range order {
		for k, boxes := range [][]wasm.Detection{found[i].a, found[i].b} {
			img, err := picture.Read(data.Path(data.Images[i]), false)
			if err != nil {
				return err
			}
			if err := draw.Detections(img, boxes); err != nil {
				return err
			}
			f := yolo.Fit(img.Rect.Dx(), img.Rect.Dy(), tile, tile)
			at := image.Rect(k*tile+f.Left, row*tile+f.Top, k*tile+f.Left+f.NewW, row*tile+f.Top+f.NewH)
			xdraw.ApproxBiLinear.Scale(sheet, at, img, img.Rect, xdraw.Src, nil)
		}
	}
	return writeFile(c.Picture, func(f *os.File) error { return jpeg.Encode(f, sheet, &jpeg.Options{Quality: 88}) })
}

// lacking counts boxes that no box of the same class overlaps by a half.
func lacking(a, b []wasm.Detection) (n int) {
	box := func(d wasm.Detection) yolo.Box { return yolo.Box{X1: d.X1, Y1: d.Y1, X2: d.X2, Y2: d.Y2} }
	for _, x := range a {
		if !slices.ContainsFunc(b, func(y wasm.Detection) bool { return x.Class == y.Class && yolo.IoU(box(x), box(y)) >= 0.5 }) {
			n++
		}
	}
	return n
}
