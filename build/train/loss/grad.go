package loss

import "math"

// differentiate computes picture b's sums and writes its part of the
// gradients; norm is one over the batch's sum of target scores.
func (w *worker) differentiate(l *Loss, b int, box, cls [][]float32, norm float64) {
	w.box, w.cls, w.dfl = 0, 0, 0
	batch := float64(l.batch)
	a := 0
	for k, lv := range l.levels {
		plane := lv.h * lv.w
		at := b * l.classes * plane
		w.cls += bce(l.cls[k][at:at+l.classes*plane], cls[k][at:at+l.classes*plane], float64(l.o.Cls)*norm*batch)
		grad := l.box[k][b*4*l.regMax*plane:][:4*l.regMax*plane]
		clear(grad)
		for c := range plane {
			if t := w.target[a]; t.object >= 0 {
				o := &w.objs[t.object]
				i := at + o.class*plane + c
				// BCE is linear in its target: −t·x beside the background's part.
				w.cls -= t.score * float64(cls[k][i])
				l.cls[k][i] -= float32(t.score * float64(l.o.Cls) * norm * batch)
				w.side(l, a, box[k][b*4*l.regMax*plane+c:], grad[c:], plane, norm*batch)
			}
			a++
		}
	}
}

// bce sums softplus(x), the cross-entropy of a target of 0, and writes its
// gradient times gain.
func bce(grad, x []float32, gain float64) (sum float64) {
	for i, v := range x {
		e := math.Exp(-math.Abs(float64(v)))
		sum += max(float64(v), 0) + math.Log1p(e)
		if v >= 0 {
			grad[i] = float32(gain / (1 + e))
		} else {
			grad[i] = float32(gain * e / (1 + e))
		}
	}
	return sum
}

// side adds the box parts of anchor a and writes the gradient of its 4·R
// logits, which lie plane elements apart.
func (w *worker) side(l *Loss, a int, x, grad []float32, plane int, norm float64) {
	t, at := w.target[a], l.anchors[a]
	o := w.objs[t.object].box.times(1 / at.stride)
	overlap, dOver := ciouGrad(w.boxes[a], o)
	w.box += (1 - overlap) * t.score
	want := [4]float64{at.x - o.x1, at.y - o.y1, o.x2 - at.x, o.y2 - at.y}
	p := w.row(l.regMax)
	for side, d := range want {
		mean := expectation(p, x[side*l.regMax*plane:], plane)
		d = min(max(d, 0), float64(l.regMax)-1-0.01)
		left := int(d)
		right := d - float64(left) // the weight of the bin to the right
		w.dfl -= t.score / 4 * ((1-right)*logp(p[left]) + right*logp(p[left+1]))
		toBox := -dOver[side] * t.score * float64(l.o.Box) * norm // by the distance
		if side < 2 {
			toBox = -toBox
		}
		toDFL := t.score / 4 * float64(l.o.DFL) * norm
		for i, v := range p {
			g := toBox * v * (float64(i) - mean)
			hot := 0.0
			switch i {
			case left:
				hot = 1 - right
			case left + 1:
				hot = right
			}
			grad[(side*l.regMax+i)*plane] = float32(g + toDFL*(v-hot))
		}
	}
}

func (w *worker) row(n int) []float64 {
	if len(w.prob) < n {
		w.prob = make([]float64, n)
	}
	return w.prob[:n]
}

// logp bounds the logarithm of a probability that underflowed.
func logp(p float64) float64 { return math.Log(max(p, 1e-300)) }
