package loss

import "math"

// rect is a box by its corners.
type rect struct{ x1, y1, x2, y2 float64 }

func (r rect) times(f float64) rect { return rect{r.x1 * f, r.y1 * f, r.x2 * f, r.y2 * f} }

// atLeast widens sides shorter than size about their centre, so that a tiny
// object still has anchors.
func (r rect) atLeast(size float64) rect {
	if x := (r.x1 + r.x2) / 2; r.x2-r.x1 < size {
		r.x1, r.x2 = x-size/2, x+size/2
	}
	if y := (r.y1 + r.y2) / 2; r.y2-r.y1 < size {
		r.y1, r.y2 = y-size/2, y+size/2
	}
	return r
}

// iouEps keeps the quotients of CIoU finite, as Ultralytics has it.
const iouEps = 1e-7

// ciou is the complete IoU of two boxes: IoU − ρ²/c² − α·v.
func ciou(p, q rect) float64 {
	v, _ := ciouGrad(p, q)
	return v
}

// ciouGrad returns the CIoU of p and q and its gradient by p's corners. The
// weight α of the aspect ratio counts as a constant, as in the paper.
func ciouGrad(p, q rect) (value float64, grad [4]float64) {
	pw, ph := p.x2-p.x1, p.y2-p.y1+iouEps
	qw, qh := q.x2-q.x1, q.y2-q.y1+iouEps
	iw := max(0, min(p.x2, q.x2)-max(p.x1, q.x1))
	ih := max(0, min(p.y2, q.y2)-max(p.y1, q.y1))
	inter := iw * ih
	union := pw*ph + qw*qh - inter + iouEps
	iou := inter / union
	cw := max(p.x2, q.x2) - min(p.x1, q.x1)
	ch := max(p.y2, q.y2) - min(p.y1, q.y1)
	c2 := cw*cw + ch*ch + iouEps
	dx, dy := q.x1+q.x2-p.x1-p.x2, q.y1+q.y2-p.y1-p.y2
	rho2 := (dx*dx + dy*dy) / 4
	const k = 4 / (math.Pi * math.Pi)
	turn := math.Atan(qw/qh) - math.Atan(pw/ph)
	v := k * turn * turn
	alpha := v / (1 - iou + v + iouEps)

	// Corners 0..3 are x1, y1, x2, y2; each enters by the intersection, by the
	// own area, by the enclosing box, by the centre and by the aspect ratio.
	norm := pw*pw + ph*ph // d atan(w/h) = (h·dw − w·dh) / (w² + h²)
	for i := range grad {
		x := i%2 == 0
		far := i >= 2
		sign := -1.0
		if far {
			sign = 1
		}
		other := ph
		pc, qc := [4]float64{p.x1, p.y1, p.x2, p.y2}[i], [4]float64{q.x1, q.y1, q.x2, q.y2}[i]
		across, enclose, centre := ih, cw, dx
		if !x {
			other = pw
			across, enclose, centre = iw, ch, dy
		}
		dInter := 0.0
		if iw > 0 && ih > 0 {
			dInter = sign * across * inner(pc, qc, far)
		}
		dUnion := sign*other - dInter
		dIoU := (dInter*union - inter*dUnion) / (union * union)
		dC2 := 2 * enclose * sign * (1 - inner(pc, qc, far))
		dRho2 := -centre / 2
		dAtan := sign * ph / norm
		if !x {
			dAtan = -sign * pw / norm
		}
		dV := -2 * k * turn * dAtan
		grad[i] = dIoU - (dRho2*c2-rho2*dC2)/(c2*c2) - alpha*dV
	}
	return iou - (rho2/c2 + v*alpha), grad
}

// inner is 1 where p's edge bounds the intersection, 0 where q's does, ½ where
// both do.
func inner(p, q float64, far bool) float64 {
	switch {
	case p == q:
		return 0.5
	case (p < q) == far:
		return 1
	}
	return 0
}
