package scenes

import "math"

type pt struct{ x, y float32 }

func (a pt) add(b pt) pt           { return pt{a.x + b.x, a.y + b.y} }
func (a pt) sub(b pt) pt           { return pt{a.x - b.x, a.y - b.y} }
func (a pt) mul(k float32) pt      { return pt{a.x * k, a.y * k} }
func (a pt) to(b pt, t float32) pt { return pt{a.x + (b.x-a.x)*t, a.y + (b.y-a.y)*t} }
func (a pt) turn(c, s float32) pt  { return pt{a.x*c - a.y*s, a.x*s + a.y*c} }
func (a pt) length() float32       { return hypot(a.x, a.y) }
func hypot(x, y float32) float32   { return float32(math.Sqrt(float64(x*x + y*y))) }
func sin(x float32) float32        { return float32(math.Sin(float64(x))) }
func cos(x float32) float32        { return float32(math.Cos(float64(x))) }
func pow(x, y float32) float32     { return float32(math.Pow(float64(x), float64(y))) }
func abs(x float32) float32        { return math.Float32frombits(math.Float32bits(x) &^ (1 << 31)) }

// clamp keeps x in a..b. The builtin min and max are slower: they mind NaN and −0.
func clamp(x, a, b float32) float32 {
	if x < a {
		return a
	}
	if x > b {
		return b
	}
	return x
}

const pi = math.Pi

type rect struct{ x0, y0, x1, y1 float32 }

func (r rect) and(o rect) rect {
	return rect{max(r.x0, o.x0), max(r.y0, o.y0), min(r.x1, o.x1), min(r.y1, o.y1)}
}
func (r rect) area() float32 { return max(r.x1-r.x0, 0) * max(r.y1-r.y0, 0) }

// empty holds no point and grows by reach.
func empty() rect { return rect{1e9, 1e9, -1e9, -1e9} }

// reach grows the box by a disc.
func (r *rect) reach(p pt, radius float32) {
	r.x0, r.y0 = min(r.x0, p.x-radius), min(r.y0, p.y-radius)
	r.x1, r.y1 = max(r.x1, p.x+radius), max(r.y1, p.y+radius)
}

// clip is the part of the segment from a to b in r (Liang and Barsky, 1984).
func clip(a, b pt, r rect) (pt, pt, bool) {
	d := b.sub(a)
	from, to := float32(0), float32(1)
	for _, side := range [4][2]float32{{-d.x, a.x - r.x0}, {d.x, r.x1 - a.x}, {-d.y, a.y - r.y0}, {d.y, r.y1 - a.y}} {
		switch p, q := side[0], side[1]; {
		case p == 0 && q < 0:
			return a, b, false
		case p < 0:
			from = max(from, q/p)
		case p > 0:
			to = min(to, q/p)
		}
	}
	return a.to(b, from), a.to(b, to), from <= to
}

// pose is where a plane stands before the camera: turned about its axes
// (radians), and seen at (x, y) px with size px a unit from far units away.
type pose struct {
	x, y, size, far  float32
	yaw, pitch, roll float32
}

// view maps points of a plane to pixels.
type view struct {
	pose
	m [6]float32 // the first two columns of the rotation
	// A sheet is never flat: it bends by bend units, freq radians a unit along
	// the direction (dx, dy).
	bend, freq, phase, dx, dy float32
}

// stand sets the pose.
func (v *view) stand(p pose) {
	v.pose = p
	cy, sy := cos(p.yaw), sin(p.yaw)
	cp, sp := cos(p.pitch), sin(p.pitch)
	cr, sr := cos(p.roll), sin(p.roll)
	// R = Rx(pitch)·Ry(yaw)·Rz(roll)
	v.m = [6]float32{
		cy * cr, -cy * sr,
		cp*sr + sp*sy*cr, cp*cr - sp*sy*sr,
		sp*sr - cp*sy*cr, sp*cr + cp*sy*sr,
	}
}

// at maps a point of the plane to pixels by a pinhole camera.
func (v *view) at(p pt) pt {
	if v.bend != 0 {
		d := v.bend * sin(v.freq*(p.x*v.dx+p.y*v.dy)+v.phase)
		p.x += d * v.dy
		p.y -= d * v.dx
	}
	x, y, z := v.m[0]*p.x+v.m[1]*p.y, v.m[2]*p.x+v.m[3]*p.y, v.m[4]*p.x+v.m[5]*p.y
	k := v.size * v.far / max(v.far+z, 0.2)
	return pt{v.x + x*k, v.y + y*k}
}

// scale is how many pixels a unit at p measures (the root of the map's area).
func (v *view) scale(p pt) float32 {
	const e = 1e-2
	o := v.at(p)
	a, b := v.at(pt{p.x + e, p.y}).sub(o), v.at(pt{p.x, p.y + e}).sub(o)
	return float32(math.Sqrt(math.Abs(float64(a.x*b.y-a.y*b.x)))) / e
}

// resample divides a line into steps of at most step. The points of one with
// corners stay; else the steps are equal.
func resample(p []pt, step float32, corners bool) []pt {
	out := []pt{p[0]}
	if corners {
		for i := 1; i < len(p); i++ {
			a, b := p[i-1], p[i]
			n := int(b.sub(a).length()/step) + 1
			for k := 1; k <= n; k++ {
				out = append(out, a.to(b, float32(k)/float32(n)))
			}
		}
		return out
	}
	left := step
	for i := 1; i < len(p); i++ {
		a, b := p[i-1], p[i]
		d := b.sub(a).length()
		t := left
		for ; t < d; t += step {
			out = append(out, a.to(b, t/d))
		}
		left = t - d
	}
	if last := p[len(p)-1]; last.sub(out[len(out)-1]).length() > step*0.1 {
		out = append(out, last)
	}
	return out
}

// length of a line.
func length(p []pt) (sum float32) {
	for i := 1; i < len(p); i++ {
		sum += p[i].sub(p[i-1]).length()
	}
	return sum
}

// rounded cuts the corners of a line (Chaikin, 1974).
func rounded(p []pt, closed bool) []pt {
	var out []pt
	n := len(p)
	if !closed {
		out = append(out, p[0])
	}
	for i := range n {
		if !closed && i == n-1 {
			break
		}
		a, b := p[i], p[(i+1)%n]
		out = append(out, a.to(b, 0.25), a.to(b, 0.75))
	}
	if !closed {
		out = append(out, p[n-1])
	}
	return out
}
