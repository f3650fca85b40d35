package loss

import (
	"math"
	"slices"
)

// anchor is the centre of a cell, in cells, and its stride.
type anchor struct{ x, y, stride float64 }

// worker assigns and differentiates one picture; its slices are reused.
type worker struct {
	boxes  []rect    // predicted, in cells, where known
	known  []bool    // anchors whose box is decoded
	prob   []float64 // one distribution
	target []target  // an anchor each
	pairs  []pair
	best   []int // index into pairs of the anchor's overlap champion, −1: none
	owners []int // pairs that claim the anchor
	objs   []object

	scores        float64 // sum of the target scores
	box, cls, dfl float64
}

// target is what an anchor is to predict; object < 0: background.
type target struct {
	object int
	score  float64
}

// pair is an object and an anchor whose centre lies in it.
type pair struct {
	object, anchor  int
	overlap, metric float64
	claimed         bool // among the object's best
}

// object is a truth with what its anchors reach.
type object struct {
	box                rect // pixels
	class              int
	maxMetric, maxOver float64
}

func newWorker(anchors int) *worker {
	return &worker{
		boxes: make([]rect, anchors), known: make([]bool, anchors), target: make([]target, anchors),
		best: make([]int, anchors), owners: make([]int, anchors),
	}
}

// eps is the assigner's guard against division by zero and its margin inside
// an object.
const eps = 1e-9

// assign chooses the targets of picture b: the object's TopK anchors by
// score^α·CIoU^β among those whose centre lies in it; an anchor that several
// objects claim goes to the one that it overlaps most. The target score is the
// metric, scaled to reach the object's best overlap.
func (w *worker) assign(l *Loss, b int, box, cls [][]float32) {
	clear(w.known)
	w.objs, w.pairs, w.scores = w.objs[:0], w.pairs[:0], 0
	for a := range w.target {
		w.target[a] = target{object: -1}
		w.best[a], w.owners[a] = -1, 0
	}
	for _, t := range l.truth[b] {
		r := rect{float64(t.Box[0]), float64(t.Box[1]), float64(t.Box[2]), float64(t.Box[3])}
		if r.x1+r.y1+r.x2+r.y2 > 0 { // as the reference tells padding from objects
			w.objs = append(w.objs, object{box: r, class: t.Class})
		}
	}
	for i := range w.objs {
		w.claim(l, b, i, box, cls)
	}
	for i, p := range w.pairs {
		if o := w.best[p.anchor]; o < 0 || p.overlap > w.pairs[o].overlap {
			w.best[p.anchor] = i
		}
		if p.claimed {
			w.owners[p.anchor]++
		}
	}
	for i, p := range w.pairs {
		own := p.claimed
		if w.owners[p.anchor] > 1 {
			own = w.best[p.anchor] == i
		}
		if !own {
			continue
		}
		w.target[p.anchor] = target{p.object, p.metric}
		o := &w.objs[p.object]
		o.maxMetric, o.maxOver = max(o.maxMetric, p.metric), max(o.maxOver, p.overlap)
	}
	for a, t := range w.target {
		if t.object >= 0 {
			o := &w.objs[t.object]
			w.target[a].score = t.score * o.maxOver / (o.maxMetric + eps)
			w.scores += w.target[a].score
		}
	}
}

// claim appends the pairs of object i and marks its best TopK.
func (w *worker) claim(l *Loss, b, i int, box, cls [][]float32) {
	o := &w.objs[i]
	first := len(w.pairs)
	in := o.box.atLeast(float64(l.levels[min(1, len(l.levels)-1)].stride))
	a := 0
	for k, lv := range l.levels {
		plane := lv.h * lv.w
		maps := box[k][b*4*l.regMax*plane:][:4*l.regMax*plane]
		scores := cls[k][(b*l.classes+o.class)*plane:][:plane]
		for c := range scores {
			at := l.anchors[a]
			x, y := at.x*at.stride, at.y*at.stride
			if x-in.x1 > eps && y-in.y1 > eps && in.x2-x > eps && in.y2-y > eps {
				if !w.known[a] {
					w.decode(l, a, maps[c:], plane)
				}
				over := max(0, ciou(o.box, w.boxes[a].times(at.stride)))
				metric := math.Pow(sigmoid(float64(scores[c])), l.o.Alpha) * math.Pow(over, l.o.Beta)
				w.pairs = append(w.pairs, pair{object: i, anchor: a, overlap: over, metric: metric})
			}
			a++
		}
	}
	own := w.pairs[first:]
	if len(own) > l.o.TopK {
		slices.SortStableFunc(own, func(p, q pair) int {
			switch {
			case p.metric > q.metric:
				return -1
			case p.metric < q.metric:
				return 1
			}
			return 0
		})
	}
	for k := range min(l.o.TopK, len(own)) {
		own[k].claimed = true
	}
}

// decode gives anchor a its box. Its 4·R logits lie plane elements apart.
func (w *worker) decode(l *Loss, a int, x []float32, plane int) {
	var d [4]float64
	p := w.row(l.regMax)
	for side := range d {
		d[side] = expectation(p, x[side*l.regMax*plane:], plane)
	}
	at := l.anchors[a]
	w.boxes[a] = rect{at.x - d[0], at.y - d[1], at.x + d[2], at.y + d[3]}
	w.known[a] = true
}

// expectation returns the mean of softmax(x[0], x[step], …) over 0..len(p)−1
// and leaves the probabilities in p.
func expectation(p []float64, x []float32, step int) float64 {
	top := math.Inf(-1)
	for i := range p {
		p[i] = float64(x[i*step])
		top = max(top, p[i])
	}
	sum, mean := 0.0, 0.0
	for i, v := range p {
		p[i] = math.Exp(v - top)
		sum += p[i]
		mean += p[i] * float64(i)
	}
	for i := range p {
		p[i] /= sum
	}
	return mean / sum
}

func sigmoid(x float64) float64 { return 1 / (1 + math.Exp(-x)) }
