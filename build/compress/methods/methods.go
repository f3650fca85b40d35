// Package methods sets the ways to quantize a model beside each other: fidelity
// and accuracy of each, and how sure its difference from the default is. It may
// import wasm, build/coco, build/fidelity and build/judge.
package methods

import (
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"math/rand/v2"
	"strconv"

	"eagleeye/build/coco"
	"eagleeye/build/fidelity"
	"eagleeye/build/judge"
	"eagleeye/wasm/graph"
	"eagleeye/wasm/onnx"
)

// Rounds are the draws of the bootstrap.
const Rounds = 100

// Row is one method, measured.
type Row struct {
	Name     string
	Fidelity fidelity.Result
	Against  fidelity.Difference // from the default
	AP, AP50 float64
	// APLess is the AP less the float model's, APSpread the standard deviation of
	// that difference over other draws of the images.
	APLess, APSpread float64
	Bytes            int
	MS               float64 // a frame by the planner's table, less the letterbox

	verdict judge.Verdict
	dets    []coco.Detection
}

// Table is all of them; the first row is the default.
type Table struct {
	Rows   []Row
	Images int
	Float  coco.Result

	data  *coco.Dataset
	judge *judge.Judge
	ref   []coco.Detection
	draws []draw
	refAP []float64 // by draw
}

// New runs the float model over the images of data, which j must load in their
// order.
func New(ctx context.Context, g *graph.Graph, data *coco.Dataset, j *judge.Judge) (*Table, error) {
	t := &Table{data: data, judge: j, Images: len(data.Images)}
	found, err := j.Reference(ctx, g)
	if err != nil {
		return nil, err
	}
	t.ref = judge.Detections(data, j.Names, found)
	t.Float = data.Evaluate(t.ref)
	t.draws = drawn(data, Rounds)
	for _, d := range t.draws {
		t.refAP = append(t.refAP, float64(d.data.Evaluate(d.pick(t.ref)).AP))
	}
	return t, nil
}

// Add judges a model. ms is what a frame takes.
func (t *Table) Add(ctx context.Context, name string, q *graph.Graph, ms float64) error {
	file, err := onnx.Write(q)
	if err != nil {
		return err
	}
	v, err := t.judge.Run(ctx, q)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	r := Row{Name: name, Fidelity: v.Fidelity(), Bytes: len(file), MS: ms, verdict: v}
	r.dets = judge.Detections(t.data, t.judge.Names, v.Found)
	e := t.data.Evaluate(r.dets)
	r.AP, r.AP50, r.APLess = float64(e.AP), float64(e.AP50), float64(e.AP)-float64(t.Float.AP)
	less := make([]float64, len(t.draws))
	for i, d := range t.draws {
		less[i] = float64(d.data.Evaluate(d.pick(r.dets)).AP) - t.refAP[i]
	}
	r.APSpread = fidelity.Deviation(less)
	first := v.Sums
	if len(t.Rows) > 0 {
		first = t.Rows[0].verdict.Sums
	}
	if r.Against, err = fidelity.Compare(v.Sums, first, 10*Rounds); err != nil {
		return err
	}
	t.Rows = append(t.Rows, r)
	return nil
}

// draw is a data set of images drawn with replacement, each under a new number.
type draw struct {
	data *coco.Dataset
	ids  map[int64][]int64 // of an image's copies
}

func drawn(data *coco.Dataset, rounds int) []draw {
	rng := rand.New(rand.NewPCG(2, uint64(len(data.Images))))
	draws := make([]draw, rounds)
	for r := range draws {
		d := draw{&coco.Dataset{Categories: data.Categories}, map[int64][]int64{}}
		for i := range data.Images {
			im := data.Images[rng.IntN(len(data.Images))]
			d.ids[im.ID] = append(d.ids[im.ID], int64(i+1))
			im.ID = int64(i + 1)
			d.data.Images = append(d.data.Images, im)
		}
		for _, a := range data.Annotations {
			for _, id := range d.ids[a.Image] {
				a.Image = id
				d.data.Annotations = append(d.data.Annotations, a)
			}
		}
		draws[r] = d
	}
	return draws
}

// pick copies the detections on the images drawn.
func (d draw) pick(dets []coco.Detection) []coco.Detection {
	var out []coco.Detection
	for _, det := range dets {
		for _, id := range d.ids[det.Image] {
			det.Image = id
			out = append(out, det)
		}
	}
	return out
}

// WriteMarkdown writes the table.
func (t *Table) WriteMarkdown(w io.Writer) error {
	_, err := fmt.Fprintf(w, "%d images, float: AP50-95 %.4f, AP50 %.4f. ± is the standard deviation of the difference over %d draws of the images.\n\n"+
		"| method | rms Δscore | against the first row | mean 1 − IoU | against the first row | AP50-95 | less float | MB | predicted ms |\n|---|---|---|---|---|---|---|---|---|\n",
		t.Images, t.Float.AP, t.Float.AP50, Rounds)
	for i, r := range t.Rows {
		rms, loss := "", ""
		if i > 0 {
			rms = fmt.Sprintf("%+.4f ± %.4f", r.Against.RMSScore, r.Against.RMSSpread)
			loss = fmt.Sprintf("%+.4f ± %.4f", r.Against.MeanLoss, r.Against.LossSpread)
		}
		if err == nil {
			_, err = fmt.Fprintf(w, "| %s | %.4f | %s | %.4f | %s | %.4f | %+.4f ± %.4f | %.2f | %.1f |\n", r.Name,
				r.Fidelity.RMSScore, rms, r.Fidelity.MeanLoss, loss, r.AP, r.APLess, r.APSpread, float64(r.Bytes)/1e6, r.MS)
		}
	}
	return err
}

// WriteCSV writes the same figures, a line a method.
func (t *Table) WriteCSV(w io.Writer) error {
	c := csv.NewWriter(w)
	c.Write([]string{"method", "rms_score", "rms_diff", "rms_spread", "one_minus_iou", "iou_diff", "iou_spread", "ap", "ap50", "ap_less_float", "ap_spread", "bytes", "predicted_ms"})
	f := func(v float64) string { return strconv.FormatFloat(v, 'f', 5, 64) }
	for _, r := range t.Rows {
		a := r.Against
		c.Write([]string{r.Name, f(r.Fidelity.RMSScore), f(a.RMSScore), f(a.RMSSpread), f(r.Fidelity.MeanLoss), f(a.MeanLoss), f(a.LossSpread),
			f(r.AP), f(r.AP50), f(r.APLess), f(r.APSpread), strconv.Itoa(r.Bytes), f(r.MS)})
	}
	c.Flush()
	return c.Error()
}
