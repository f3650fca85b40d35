package zoo

import "math"

// A small seeded picture runs through the model while it is built, and every
// layer's weights are scaled to what it makes of the picture (layer-sequential
// unit variance: Mishkin and Matas, 2016).

const pictureSide = 96 // a multiple of 32, small enough to cost little

// plane is a feature map of the picture, [channels][side][side].
type plane struct {
	side int
	x    []float32
}

// picture is nine tiles, each of its own colour, contrast and mix of waves with
// amplitudes that fall with frequency, as in photographs; values in 0..1.
func (n *net) picture() plane {
	const tile = pictureSide / 3
	p := plane{pictureSide, make([]float32, 3*pictureSide*pictureSide)}
	type wave struct{ x, y, phase, size float64 }
	for t := range 9 {
		contrast := 0.4 * n.rnd.Float64()
		waves := make([]wave, 8)
		for k := range waves {
			f, turn := math.Exp2(-5*n.rnd.Float64()), 2*math.Pi*n.rnd.Float64() // radians a pixel
			waves[k] = wave{f * math.Cos(turn), f * math.Sin(turn), 2 * math.Pi * n.rnd.Float64(), contrast * math.Sqrt(0.03/f)}
		}
		for c := range 3 {
			colour, share := n.rnd.Float64(), 0.5+n.rnd.Float64()
			for i := range tile * tile {
				y, x := t/3*tile+i/tile, t%3*tile+i%tile
				v := colour
				for _, w := range waves {
					v += share * w.size * math.Sin(w.x*float64(x)+w.y*float64(y)+w.phase)
				}
				p.x[(c*pictureSide+y)*pictureSide+x] = float32(min(max(v, 0), 1))
			}
		}
	}
	return p
}

// conv convolves with weights [out][in·k·k], padding k/2.
func (p plane) conv(w []float32, in, out, k, stride int) plane {
	q := plane{p.side / stride, make([]float32, out*(p.side/stride)*(p.side/stride))}
	patch := make([]float32, in*k*k)
	for y := range q.side {
		for x := range q.side {
			i := 0
			for c := range in {
				for ky := range k {
					for kx := range k {
						sy, sx := y*stride+ky-k/2, x*stride+kx-k/2
						patch[i] = 0
						if sy >= 0 && sx >= 0 && sy < p.side && sx < p.side {
							patch[i] = p.x[(c*p.side+sy)*p.side+sx]
						}
						i++
					}
				}
			}
			for o := range out {
				q.x[(o*q.side+y)*q.side+x] = dot(w[o*len(patch):(o+1)*len(patch)], patch)
			}
		}
	}
	return q
}

func dot(a, b []float32) float32 {
	var s0, s1, s2, s3 float32
	b = b[:len(a)]
	i := 0
	for ; i+4 <= len(a); i += 4 {
		s0 += a[i] * b[i]
		s1 += a[i+1] * b[i+1]
		s2 += a[i+2] * b[i+2]
		s3 += a[i+3] * b[i+3]
	}
	for ; i < len(a); i++ {
		s0 += a[i] * b[i]
	}
	return s0 + s1 + s2 + s3
}

// rms returns the root of the mean square.
func rms(x []float32) float64 {
	sum := 0.0
	for _, v := range x {
		sum += float64(v) * float64(v)
	}
	return math.Sqrt(sum / float64(len(x)))
}

// level scales the weights so that the convolution of p has root mean square
// size, over all channels, and adds the bias to q, the convolution so far.
func (q plane) level(w, bias []float32, size float64) {
	scale := float32(size / (rms(q.x) + 1e-9))
	for i := range w {
		w[i] *= scale
	}
	area := q.side * q.side
	for i := range q.x {
		q.x[i] = q.x[i]*scale + bias[i/area]
	}
}

// normalize scales the weights and shifts the bias so that each channel of q has
// about the given standard deviation, and its old bias as mean. The ridge is for
// what a small picture happens not to excite.
func (q plane) normalize(w, bias []float32, deviation float64) {
	const ridge = 0.1
	area, all := q.side*q.side, rms(q.x)
	for o := range bias {
		ch := q.x[o*area : (o+1)*area]
		sum := 0.0
		for _, v := range ch {
			sum += float64(v)
		}
		mean := sum / float64(area)
		scale := deviation / math.Sqrt(max(rms(ch)*rms(ch)-mean*mean, 0)+ridge*all*all+1e-9)
		k := len(w) / len(bias)
		for i := range k {
			w[o*k+i] *= float32(scale)
		}
		bias[o] -= float32(mean * scale)
	}
}

func (p plane) silu() {
	for i, v := range p.x {
		p.x[i] = v / (1 + float32(math.Exp(-float64(v))))
	}
}

// channels is a view of channels [from, from+n).
func (p plane) channels(from, n int) plane {
	area := p.side * p.side
	return plane{p.side, p.x[from*area : (from+n)*area]}
}

func (p plane) add(q plane) plane {
	r := plane{p.side, make([]float32, len(p.x))}
	for i := range r.x {
		r.x[i] = p.x[i] + q.x[i]
	}
	return r
}

// maxPool is 5×5 with stride 1.
func (p plane) maxPool() plane {
	r := plane{p.side, make([]float32, len(p.x))}
	area := p.side * p.side
	for i := range r.x {
		c, y, x := i/area, i/p.side%p.side, i%p.side
		best := p.x[i]
		for sy := max(0, y-2); sy < min(p.side, y+3); sy++ {
			for sx := max(0, x-2); sx < min(p.side, x+3); sx++ {
				best = max(best, p.x[c*area+sy*p.side+sx])
			}
		}
		r.x[i] = best
	}
	return r
}

func (p plane) upsample() plane {
	r := plane{2 * p.side, make([]float32, 4*len(p.x))}
	for i := range r.x {
		c, y, x := i/(r.side*r.side), i/r.side%r.side, i%r.side
		r.x[i] = p.x[(c*p.side+y/2)*p.side+x/2]
	}
	return r
}
