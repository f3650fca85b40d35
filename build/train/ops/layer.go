package ops

import (
	"math"

	"gorgonia.org/gorgonia"

	"eagleeye/build/train/simd"
)

// layer is a convolution in a graph: its plan and what it keeps between forward
// and backward.
type layer struct {
	*plan
	x *gorgonia.Node
	z []float32 // the convolution's result

	partial [][2]float32
}

// readable returns x with room to read behind it, as a direct plan wants it, and
// a loan to free. Results of this package's operations have that room.
func (l *layer) readable(x []float32) ([]float32, loan) {
	if !l.direct {
		return x, loan{}
	}
	if o, ok := l.x.Op().(*operation); ok && len(o.out.floats) == len(x) && &o.out.floats[0] == &x[0] {
		return o.out.floats[:len(x)+slack], loan{}
	}
	own := borrow(len(x) + slack)
	copy(own.v, x)
	clear(own.v[len(x):])
	return own.v, own
}

func (l *layer) forward(in [][]float32, z []float32, done func(o, piece, from, to int)) {
	x, loan := l.readable(in[0])
	defer loan.free()
	l.plan.forward(x, in[1], z, done)
}

// backward computes the gradients of the input and the weights. before writes
// the gradient of the convolution's result for image b and channel o into a
// plane (see place); tmp has room for one map.
func (l *layer) backward(in, din [][]float32, before func(plane, tmp []float32, b, o int)) {
	size := roundUp(l.OH*l.OW, 1024)
	planes := borrow(l.B*l.O*l.gradSize + 7*l.gradSize + slack)
	defer planes.free()
	room := borrow(simd.Workers() * size)
	simd.Parallel(l.B*l.O, func(worker, i int) {
		before(planes.v[i*l.gradSize:][:l.gradSize], room.v[worker*size:][:l.OH*l.OW], i/l.O, i%l.O)
	})
	room.free()
	if din[1] != nil {
		x, loan := l.readable(in[0])
		l.weightGradient(planes.v, x, din[1])
		loan.free()
	}
	if din[0] != nil {
		l.inputGradient(planes.v, in[1], din[0])
	}
}

// sums returns room for n pairs of partial sums.
func (l *layer) sums(n int) [][2]float32 {
	if len(l.partial) < n {
		l.partial = make([][2]float32, n)
	}
	return l.partial[:n]
}

// total adds the sums of a channel over the images.
func (l *layer) total(sums [][2]float32, o int) (first, second float64) {
	for b := range l.B {
		s := sums[b*l.O+o]
		first += float64(s[0])
		second += float64(s[1])
	}
	return first, second
}

// norm is a convolution with batch norm and activation.
type norm struct {
	layer
	*BN
	act       Act
	mean, inv []float32 // what the last forward pass normalized with
	trained   bool      // with the batch's statistics
}

// line returns s and t of γ·(z−mean)·inv + β = s·z + t.
func (l *norm) line(in [][]float32, o int) (s, t float32) {
	s = in[2][o] * l.inv[o]
	return s, in[3][o] - l.mean[o]*s
}

func (l *norm) forward(in [][]float32, out []float32) {
	l.z = sized(l.z, len(out))
	l.trained = l.Training
	if !l.trained {
		for o := range l.O {
			l.mean[o], l.inv[o] = l.Mean[o], float32(1/math.Sqrt(float64(l.Var[o])+float64(l.Eps)))
		}
		l.layer.forward(in, l.z, func(o, _, from, to int) {
			s, t := l.line(in, o)
			l.act.apply(out[from:to], l.z[from:to], s, t)
		})
		return
	}
	// Mean and squares of each piece around its own mean, while it is in cache.
	pieces := l.B * len(l.bands)
	stats := l.sums(l.O * pieces)
	l.layer.forward(in, l.z, func(o, piece, from, to int) {
		z := l.z[from:to]
		mean := simd.Sum(z) / float32(len(z))
		stats[o*pieces+piece] = [2]float32{mean, simd.SumSquares(z, mean)}
	})
	for o := range l.O {
		l.learn(o, stats[o*pieces:][:pieces])
	}
	hw := l.OH * l.OW
	simd.Parallel(l.B*l.O, func(_, i int) {
		s, t := l.line(in, i%l.O)
		l.act.apply(out[i*hw:][:hw], l.z[i*hw:][:hw], s, t)
	})
}

// learn joins the pieces' statistics of a channel (Chan, Golub, LeVeque 1979)
// and moves the running ones towards them.
func (l *norm) learn(o int, stats [][2]float32) {
	var n, mean, squares float64
	for i, s := range stats {
		b := l.bands[i%len(l.bands)]
		m := float64((b.to - b.from) * l.OW)
		delta := float64(s[0]) - mean
		mean += delta * m / (n + m)
		squares += float64(s[1]) + delta*delta*n*m/(n+m)
		n += m
	}
	l.mean[o], l.inv[o] = float32(mean), float32(1/math.Sqrt(squares/n+float64(l.Eps)))
	l.Mean[o] += l.Momentum * (float32(mean) - l.Mean[o])
	l.Var[o] += l.Momentum * (float32(squares/max(n-1, 1)) - l.Var[o])
}

func (l *norm) backward(in [][]float32, out, dout []float32, din [][]float32) {
	hw := l.OH * l.OW
	sums := l.sums(l.B * l.O)
	du := dout
	if l.act != None {
		own := borrow(len(dout))
		defer own.free()
		du = own.v
	}
	simd.Parallel(l.B*l.O, func(_, i int) {
		o, d, z := i%l.O, dout[i*hw:][:hw], l.z[i*hw:][:hw]
		if l.act == None {
			sums[i][0], sums[i][1] = simd.GradSums(d, z, l.mean[o])
			return
		}
		s, t := l.line(in, o)
		sums[i][0], sums[i][1] = simd.SiLUGrad(du[i*hw:][:hw], d, z, s, t, l.mean[o])
	})
	// With the batch's statistics, dz = s·(du − Σdu/n − (z−mean)·inv²·Σdu·(z−mean)/n).
	b, c := make([]float32, l.O), make([]float32, l.O)
	for o := range l.O {
		first, second := l.total(sums, o)
		if din[2] != nil {
			din[2][o] = float32(second) * l.inv[o]
		}
		if din[3] != nil {
			din[3][o] = float32(first)
		}
		if l.trained {
			s, n, inv := float64(in[2][o]*l.inv[o]), float64(l.B*hw), float64(l.inv[o])
			b[o], c[o] = float32(-s*inv*inv*second/n), float32(-s*first/n)
		}
	}
	l.layer.backward(in, din, func(plane, tmp []float32, i, o int) {
		at := (i*l.O + o) * hw
		simd.Affine2(tmp, du[at:][:hw], l.z[at:][:hw], in[2][o]*l.inv[o], b[o], l.mean[o], c[o])
		l.place(plane, tmp, 0, l.OH)
	})
}
