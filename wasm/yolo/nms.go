package yolo

import (
	"cmp"
	"slices"
)

// MaxNMS is the number of best candidates that suppression looks at, as in
// Ultralytics' non_max_suppression.
const MaxNMS = 30000

// Candidate is a box with one class. Anchor is the index of the output row that
// it comes from; it breaks ties.
type Candidate struct {
	Box
	Score  float32
	Class  int32
	Anchor int32
}

// NMS keeps the best candidates: sorted by falling score (ties by anchor, then
// class), a candidate is dropped when its IoU with a kept one of the same class
// exceeds iou. At most limit are kept (limit ≤ 0 means no limit). It reorders c
// in place and returns a prefix of it; it does not allocate.
//
// Comparing classes equals the per-class offset of Ultralytics, whose boxes of
// different classes never touch.
func NMS(c []Candidate, iou float32, limit int) []Candidate {
	slices.SortFunc(c, byScore)
	if len(c) > MaxNMS {
		c = c[:MaxNMS]
	}
	kept := c[:0]
	for _, x := range c {
		if limit > 0 && len(kept) == limit {
			break
		}
		if !suppressed(kept, x, iou) {
			kept = append(kept, x) // never overtakes the read position
		}
	}
	return kept
}

func byScore(a, b Candidate) int {
	switch {
	case a.Score > b.Score:
		return -1
	case a.Score < b.Score:
		return 1
	case a.Anchor != b.Anchor:
		return cmp.Compare(a.Anchor, b.Anchor)
	}
	return cmp.Compare(a.Class, b.Class)
}

func suppressed(kept []Candidate, x Candidate, iou float32) bool {
	for i := range kept {
		if kept[i].Class == x.Class && IoU(kept[i].Box, x.Box) > iou {
			return true
		}
	}
	return false
}

// IoU is the intersection over union of two boxes, in 0..1; boxes without area
// have none. The sums are in float32 as torchvision's nms computes them.
func IoU(a, b Box) float32 {
	w := min(a.X2, b.X2) - max(a.X1, b.X1)
	h := min(a.Y2, b.Y2) - max(a.Y1, b.Y1)
	if !(w > 0 && h > 0) {
		return 0
	}
	inter := w * h
	union := (a.X2-a.X1)*(a.Y2-a.Y1) + (b.X2-b.X1)*(b.Y2-b.Y1) - inter
	if !(union > 0) {
		return 0
	}
	return inter / union
}
