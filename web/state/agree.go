package state

import "eagleeye/wasm/message"

// Comparison is what two models found on the same pictures: the float one, A,
// and its int8 form, B. It is not changed once it is in the State.
type Comparison struct {
	Pictures []Seen
	Width    int // pixels of the network's input of both
	Ms       [2]float64
	Bytes    [2]float64
	Boxes    [2]int
	Agree    Agreement
}

// Seen is a picture with the boxes of both models.
type Seen struct {
	Width, Height int
	Boxes         [2][]message.Detection
}

// Agreement counts how far the boxes of two models are the same: as many pairs
// as possible of one box of each, of the same class, that overlap by half.
type Agreement struct {
	Pairs, OnlyA, OnlyB int
	Overlap             float64 // mean IoU of the pairs, 0..1
	Score               float64 // mean absolute difference of their scores
}

// Share is how many of all boxes are in pairs, 0..1; 1 where there are none.
func (a Agreement) Share() float64 {
	if n := 2*a.Pairs + a.OnlyA + a.OnlyB; n > 0 {
		return 2 * float64(a.Pairs) / float64(n)
	}
	return 1
}

// pairOverlap is the least IoU of a pair, as COCO's for a hit.
const pairOverlap = 0.5

// Agree compares pictures' boxes. Pairs are taken greedily by overlap.
func Agree(pictures []Seen) Agreement {
	var out Agreement
	for _, p := range pictures {
		a, b := p.Boxes[0], p.Boxes[1]
		usedA, usedB := make([]bool, len(a)), make([]bool, len(b))
		pairs := 0
		for {
			best, bi, bj := pairOverlap, -1, -1
			for i := range a {
				for j := range b {
					if usedA[i] || usedB[j] || a[i].Class != b[j].Class {
						continue
					}
					if o := overlap(&a[i], &b[j]); o >= best {
						best, bi, bj = o, i, j
					}
				}
			}
			if bi < 0 {
				break
			}
			usedA[bi], usedB[bj] = true, true
			pairs++
			out.Overlap += best
			d := float64(a[bi].Score - b[bj].Score)
			out.Score += max(d, -d)
		}
		out.Pairs += pairs
		out.OnlyA += len(a) - pairs
		out.OnlyB += len(b) - pairs
	}
	if out.Pairs > 0 {
		out.Overlap /= float64(out.Pairs)
		out.Score /= float64(out.Pairs)
	}
	return out
}

// overlap is the intersection over union of two boxes.
func overlap(a, b *message.Detection) float64 {
	w := float64(min(a.X2, b.X2) - max(a.X1, b.X1))
	h := float64(min(a.Y2, b.Y2) - max(a.Y1, b.Y1))
	if w <= 0 || h <= 0 {
		return 0
	}
	area := func(d *message.Detection) float64 { return float64(d.X2-d.X1) * float64(d.Y2-d.Y1) }
	return w * h / (area(a) + area(b) - w*h)
}
