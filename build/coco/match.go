package coco

import (
	"cmp"
	"slices"
)

// sizeRanges are COCO's ranges of area in pixels: all, small, medium, large.
// Both ends belong to a range.
var sizeRanges = [4][2]float64{{0, 1e10}, {0, 32 * 32}, {32 * 32, 96 * 96}, {96 * 96, 1e10}}

const (
	thresholds = 10  // IoU 0.50, 0.55 … 0.95
	maxDets    = 100 // best scored detections of a class that count on an image
)

// threshold is numpy's linspace(.5, .95, 10)[i].
func threshold(i int) float64 {
	if i == thresholds-1 {
		return 0.95
	}
	return 0.5 + float64(i)*((0.95-0.5)/(thresholds-1))
}

// matched is what became of one detection at each threshold in one size range.
type matched struct {
	score   float64
	hit     [thresholds]bool
	ignored [thresholds]bool
}

// iou is the overlap of two x, y, width, height boxes: the intersection over
// the union, or over the detection's own area where the truth is a crowd.
func iou(det, truth [4]float64, crowd bool) float64 {
	w := min(det[0]+det[2], truth[0]+truth[2]) - max(det[0], truth[0])
	h := min(det[1]+det[3], truth[1]+truth[3]) - max(det[1], truth[1])
	if w <= 0 || h <= 0 {
		return 0
	}
	inter, union := w*h, det[2]*det[3]
	if !crowd {
		union += truth[2]*truth[3] - inter
	}
	return inter / union
}

// overlaps returns IoU[detection][truth].
func overlaps(dets []Detection, truths []Annotation) [][]float64 {
	out := make([][]float64, len(dets))
	for i, d := range dets {
		out[i] = make([]float64, len(truths))
		for j, t := range truths {
			out[i][j] = iou(d.Box, t.Box, t.Crowd != 0)
		}
	}
	return out
}

// match assigns detections, sorted by falling score, to the truths of one
// class on one image, greedily, as COCOeval.evaluateImg does. It returns the
// number of truths that count.
func match(dets []Detection, truths []Annotation, ious [][]float64, size [2]float64) ([]matched, int) {
	outside := func(area float64) bool { return area < size[0] || area > size[1] }
	ignore := make([]bool, len(truths))
	order := make([]int, len(truths)) // those that count first
	counted := 0
	for i, t := range truths {
		ignore[i] = t.Crowd != 0 || t.Ignore != 0 || outside(t.Area)
		order[i] = i
		if !ignore[i] {
			counted++
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(btoi(ignore[a]), btoi(ignore[b])) })

	out := make([]matched, len(dets))
	taken := make([]bool, len(truths))
	for t := range thresholds {
		clear(taken)
		for d := range dets {
			best, at := min(threshold(t), 1-1e-10), -1
			for _, g := range order {
				if taken[g] && truths[g].Crowd == 0 {
					continue
				}
				if at >= 0 && !ignore[at] && ignore[g] {
					break // a true match is better than an ignored one
				}
				if ious[d][g] >= best {
					best, at = ious[d][g], g
				}
			}
			m := &out[d]
			m.score = dets[d].Score
			if at >= 0 {
				taken[at] = true
				m.hit[t], m.ignored[t] = true, ignore[at]
			} else {
				m.ignored[t] = outside(dets[d].Box[2] * dets[d].Box[3])
			}
		}
	}
	return out, counted
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}
