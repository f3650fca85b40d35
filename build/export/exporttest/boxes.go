package exporttest

import (
	"image"
	"math"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/image/draw"

	"eagleeye/build/calib"
	"eagleeye/build/coco"
	"eagleeye/build/picture"
	"eagleeye/build/render"
	"eagleeye/build/shared"
	"eagleeye/kernels"
	"eagleeye/wasm"
	"eagleeye/wasm/graph"
	"eagleeye/wasm/host"
	"eagleeye/wasm/onnx"
	"eagleeye/wasm/yolo"
)

// Picture is a network input: h×w RGBA, already of the network's size.
type Picture struct {
	Name string
	RGBA *image.RGBA
}

// Input returns the picture as [1,3,h,w] RGB in 0..1.
func (p Picture) Input() []float32 {
	w, h := p.RGBA.Rect.Dx(), p.RGBA.Rect.Dy()
	x := make([]float32, 3*w*h)
	for i := range w * h {
		for c := range 3 {
			x[c*w*h+i] = float32(p.RGBA.Pix[i/w*p.RGBA.Stride+i%w*4+c]) / 255
		}
	}
	return x
}

// Scenes draws n pictures.
func Scenes(n, w, h int) (ps []Picture) {
	for i := range n {
		ps = append(ps, Picture{"scene", render.Scene(int64(100+i), w, h)})
	}
	return ps
}

// Photos returns the first n pictures of the evaluation set beside the
// repository, letterboxed to size×size; the test is skipped where they are not
// there.
func Photos(t *testing.T, n, size int) []Picture {
	t.Helper()
	set, err := coco.Load(shared.File(t, "coco", "val"))
	if err != nil {
		t.Fatal(err)
	}
	var ps []Picture
	for _, im := range set.Images[:n] {
		src, err := picture.Read(set.Path(im), false)
		if err != nil {
			t.Fatal(err)
		}
		dst := image.NewRGBA(image.Rect(0, 0, size, size))
		for i := range dst.Pix {
			dst.Pix[i] = 114
		}
		w, h := src.Rect.Dx(), src.Rect.Dy()
		f := float64(size) / float64(max(w, h))
		nw, nh := int(float64(w)*f), int(float64(h)*f)
		left, top := (size-nw)/2, (size-nh)/2
		draw.BiLinear.Scale(dst, image.Rect(left, top, left+nw, top+nh), src, src.Rect, draw.Src, nil)
		ps = append(ps, Picture{filepath.Base(im.File), dst})
	}
	return ps
}

// Engine opens a graph on the native machine.
func Engine(t *testing.T, g *graph.Graph, o wasm.Options) *wasm.Detector {
	t.Helper()
	m, err := host.New(kernels.Variant{})
	if err != nil {
		t.Fatal(err)
	}
	d, err := wasm.OpenGraph(g, m, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

// Agreement is how near two sets of boxes are.
type Agreement struct {
	Boxes  int     // ours at a score of 0.5 and above
	IoU    float64 // mean over them of the best one of the same class; 0 where there is none
	Missed int     // those without any that overlaps by a half
}

// Compare finds our engine's boxes in another runtime's output: rows
// [4+classes][anchors], centre and size in pixels of the input.
func (a *Agreement) Compare(t *testing.T, d *wasm.Detector, p Picture, theirs []float32) {
	t.Helper()
	info := d.Info()
	ours, _, err := d.Detect(p.RGBA.Pix, p.RGBA.Rect.Dx(), p.RGBA.Rect.Dy(), wasm.Thresholds{Conf: 0.5, IoU: 0.7, Max: 300})
	if err != nil {
		t.Fatal(err)
	}
	boxes := Decode(t, theirs, len(info.Names))
	for _, o := range ours {
		best := 0.0
		for _, b := range boxes {
			if int(b.Class) == o.Class {
				best = max(best, float64(yolo.IoU(b.Box, yolo.Box{X1: o.X1, Y1: o.Y1, X2: o.X2, Y2: o.Y2})))
			}
		}
		if best < 0.5 {
			a.Missed++
		}
		a.IoU = (a.IoU*float64(a.Boxes) + best) / float64(a.Boxes+1)
		a.Boxes++
	}
}

// Decode turns an output into boxes with scores of 0.25 and above.
func Decode(t *testing.T, y []float32, classes int) []yolo.Candidate {
	t.Helper()
	if len(y) == 0 || len(y)%(4+classes) != 0 {
		t.Fatalf("an output of %d numbers is not [%d][anchors]", len(y), 4+classes)
	}
	n := len(y) / (4 + classes)
	var all []yolo.Candidate
	for i := range n {
		class, score := 0, float32(0)
		for c := range classes {
			if s := y[(4+c)*n+i]; s > score {
				class, score = c, s
			}
		}
		if score >= 0.25 {
			x, cy, w, h := y[i], y[n+i], y[2*n+i], y[3*n+i]
			all = append(all, yolo.Candidate{Box: yolo.Box{X1: x - w/2, Y1: cy - h/2, X2: x + w/2, Y2: cy + h/2},
				Score: score, Class: int32(class), Anchor: int32(i)})
		}
	}
	return yolo.NMS(all, 0.7, 300)
}

// reference keeps the models of Reference for the tests of a package.
var reference struct{ float, int8 *graph.Graph }

// Reference reads the real float model beside the repository, for 320×320
// pixels, and its int8 form. Tests that run in parallel may not call it.
func Reference(t *testing.T) (float, int8 *graph.Graph) {
	t.Helper()
	r := &reference
	if r.int8 == nil {
		path := shared.File(t, "models", "yolov8n-320.onnx")
		out := filepath.Join(t.TempDir(), "int8.onnx")
		_, err := calib.Quantize(t.Context(), calib.Options{
			In: path, Out: out, CalibDir: shared.File(t, "coco", "calib"), Images: 24, BiasImages: -1, RoundImages: -1,
		})
		if err != nil {
			t.Fatal(err)
		}
		r.float, r.int8 = read(t, path), read(t, out)
	}
	return r.float, r.int8
}

func read(t *testing.T, path string) *graph.Graph {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	g, err := onnx.Read(data)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// Inputs joins the inputs of pictures.
func Inputs(ps []Picture) (x []float32) {
	for _, p := range ps {
		x = append(x, p.Input()...)
	}
	return x
}

// Agree compares another runtime's outputs, one after the other, with the
// engine's boxes and fails below a mean IoU of want.
func Agree(t *testing.T, g *graph.Graph, ps []Picture, outputs []float32, want float64) {
	t.Helper()
	d := Engine(t, g, wasm.Options{})
	var a Agreement
	for i, p := range ps {
		n := len(outputs) / len(ps)
		a.Compare(t, d, p, outputs[i*n:(i+1)*n])
	}
	t.Logf("%d boxes, mean IoU %.4f, %d missed", a.Boxes, a.IoU, a.Missed)
	if a.Boxes < len(ps) || a.IoU < want {
		t.Errorf("%d boxes with a mean IoU of %.4f, want at least %d and %g", a.Boxes, a.IoU, len(ps), want)
	}
}

// Distance returns the largest difference of any box's centre or size, in
// pixels, and of any score from the engine's, on one picture.
func Distance(t *testing.T, d *wasm.Detector, p Picture, y []float32) (box, score float64) {
	t.Helper()
	if _, _, err := d.Detect(p.RGBA.Pix, p.RGBA.Rect.Dx(), p.RGBA.Rect.Dy(), wasm.DefaultThresholds); err != nil {
		t.Fatal(err)
	}
	boxes, logits, err := d.Raw()
	if err != nil {
		t.Fatal(err)
	}
	n, classes := len(boxes)/4, len(d.Info().Names)
	if len(y) != n*(4+classes) {
		t.Fatalf("%d numbers, want %d", len(y), n*(4+classes))
	}
	for i := range n {
		b := boxes[4*i:]
		for k, v := range []float32{(b[0] + b[2]) / 2, (b[1] + b[3]) / 2, b[2] - b[0], b[3] - b[1]} {
			box = max(box, math.Abs(float64(v-y[k*n+i])))
		}
		for k := range classes {
			score = max(score, math.Abs(1/(1+math.Exp(-float64(logits[i*classes+k])))-float64(y[(4+k)*n+i])))
		}
	}
	return box, score
}
