// Package fidelity measures how far a detector is from a reference, anchor by
// anchor. On few images it ranks models better than average precision, which
// moves by chance. It imports nothing of ours.
package fidelity

import (
	"encoding/json"
	"fmt"
	"math"
)

// MinScore is how well the reference's best class must score at an anchor for
// the anchor to count.
const MinScore = 0.1

// Sum gathers anchors over many images. The zero value is ready.
type Sum struct {
	anchors         int
	square, overlap float64
}

// Result is a comparison: the root mean square of the difference of the score
// of the reference's best class, and the mean of 1 − IoU of the boxes.
type Result struct {
	Anchors  int     `json:"anchors"`
	RMSScore float64 `json:"rmsScore"`
	MeanLoss float64 `json:"mean1MinusIoU"`
}

// Add compares the raw output of one image, as (*wasm.Detector).Raw gives it:
// boxes [N][4] as x1, y1, x2, y2 and class logits [N][classes].
func (s *Sum) Add(refBoxes, refLogits, boxes, logits []float32) error {
	ref, err := NewReference(refBoxes, refLogits)
	if err != nil {
		return err
	}
	one, err := ref.Compare(boxes, logits)
	s.Merge(one)
	return err
}

// Reference is what counts of a reference's raw output of one image.
type Reference struct {
	all, classes int // anchors, classes
	anchors      []anchor
}

type anchor struct {
	at, class int
	score     float64
	box       [4]float32
}

// NewReference keeps the anchors that count.
func NewReference(boxes, logits []float32) (*Reference, error) {
	n := len(boxes) / 4
	if n == 0 || len(boxes) != 4*n || len(logits) == 0 || len(logits)%n != 0 {
		return nil, fmt.Errorf("fidelity: %d box sides and %d logits make no reference", len(boxes), len(logits))
	}
	r := &Reference{all: n, classes: len(logits) / n}
	limit := float32(math.Log(MinScore / (1 - MinScore)))
	for i := range n {
		row := logits[i*r.classes : (i+1)*r.classes]
		best := 0
		for c, l := range row {
			if l > row[best] {
				best = c
			}
		}
		if row[best] > limit {
			r.anchors = append(r.anchors, anchor{i, best, sigmoid(row[best]), [4]float32(boxes[4*i:])})
		}
	}
	return r, nil
}

// Anchors is how many count.
func (r *Reference) Anchors() int { return len(r.anchors) }

// Compare compares the raw output of another model on the same image.
func (r *Reference) Compare(boxes, logits []float32) (Sum, error) {
	var s Sum
	if len(boxes) != 4*r.all || len(logits) != r.all*r.classes {
		return s, fmt.Errorf("fidelity: the models differ: %d and %d anchors, %d and %d logits", r.all, len(boxes)/4, r.all*r.classes, len(logits))
	}
	for _, a := range r.anchors {
		d := sigmoid(logits[a.at*r.classes+a.class]) - a.score
		s.square += d * d
		s.overlap += 1 - iou(a.box, [4]float32(boxes[4*a.at:]))
		s.anchors++
	}
	return s, nil
}

// Merge adds what another sum gathered.
func (s *Sum) Merge(o Sum) {
	s.anchors += o.anchors
	s.square += o.square
	s.overlap += o.overlap
}

// Result returns the figures; NaN, in JSON null, where no anchor counts.
func (s *Sum) Result() Result {
	n := float64(s.anchors)
	return Result{s.anchors, math.Sqrt(s.square / n), s.overlap / n}
}

// MarshalJSON writes undefined figures as null.
func (r Result) MarshalJSON() ([]byte, error) {
	number := func(v float64) any {
		if math.IsNaN(v) {
			return nil
		}
		return math.Round(v*1e6) / 1e6
	}
	return json.Marshal(struct {
		Anchors  int `json:"anchors"`
		RMSScore any `json:"rmsScore"`
		MeanLoss any `json:"mean1MinusIoU"`
	}{r.Anchors, number(r.RMSScore), number(r.MeanLoss)})
}

func sigmoid(x float32) float64 { return 1 / (1 + math.Exp(-float64(x))) }

// iou is the intersection over the union of two x1, y1, x2, y2 boxes, 0 where
// both are empty.
func iou(a, b [4]float32) float64 {
	w := float64(min(a[2], b[2]) - max(a[0], b[0]))
	h := float64(min(a[3], b[3]) - max(a[1], b[1]))
	inter := max(w, 0) * max(h, 0)
	area := func(c [4]float32) float64 {
		return float64(max(c[2]-c[0], 0)) * float64(max(c[3]-c[1], 0))
	}
	if union := area(a) + area(b) - inter; union > 0 {
		return inter / union
	}
	return 0
}
