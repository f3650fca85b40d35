package distill

import (
	"fmt"
	"math"
	"math/rand/v2"
	"sync"

	"eagleeye/build/train/net"
	"eagleeye/build/train/ops"

	"gorgonia.org/gorgonia"
)

// response is the loss on classes and box distributions. Its gradient is
// computed with its value.
type response struct {
	o              Options
	batch          int
	classes, bins  int
	cells          []int // of each level
	cls, dfl       float64
	gradBox, gradC [][]float32 // by level, of a total gradient of 1
}

func newResponse(n *net.Net, o Options) *response {
	r := &response{o: o, batch: n.Input.Shape()[0], classes: n.Classes, bins: n.RegMax}
	for _, x := range n.Cls {
		s := x.Shape()
		r.cells = append(r.cells, s[2]*s[3])
	}
	return r
}

// node is the loss of a picture.
func (r *response) node(student, teacher *net.Net) (*gorgonia.Node, error) {
	var in []*gorgonia.Node
	for _, list := range [][]*gorgonia.Node{student.Box, student.Cls, teacher.Box, teacher.Cls} {
		in = append(in, list...)
	}
	levels := len(r.cells)
	return ops.Apply("response", nil,
		func(in [][]float32, out []float32) {
			out[0] = float32(r.forward(in[:levels], in[levels:2*levels], in[2*levels:3*levels], in[3*levels:]))
		},
		func(_ [][]float32, _, dout []float32, din [][]float32) {
			for i := range 2 * levels {
				grad := append(append([][]float32(nil), r.gradBox...), r.gradC...)[i]
				if din[i] == nil {
					continue
				}
				for k, g := range grad {
					din[i][k] = g * dout[0]
				}
			}
			for i := 2 * levels; i < len(din); i++ {
				clear(din[i]) // the teacher does not learn
			}
		}, in...)
}

// forward takes logits by level: box [B,4·bins,cells], cls [B,classes,cells] of
// the student and of the teacher.
func (r *response) forward(box, cls, tbox, tcls [][]float32) float64 {
	levels := len(r.cells)
	if r.gradBox == nil {
		for l := range levels {
			r.gradBox = append(r.gradBox, make([]float32, len(box[l])))
			r.gradC = append(r.gradC, make([]float32, len(cls[l])))
		}
	}
	sure := make([][]float32, levels) // the teacher's best score of each cell
	mass := 0.0
	for l, n := range r.cells {
		sure[l] = best(tcls[l], r.batch, r.classes, n)
		for _, s := range sure[l] {
			mass += float64(s)
		}
	}
	mass = max(mass, 1) // a batch without objects
	sums := make([][2]float64, r.batch)
	var wg sync.WaitGroup
	for b := range r.batch {
		wg.Go(func() {
			for l, n := range r.cells {
				part := func(x []float32, channels int) []float32 { return x[b*channels*n : (b+1)*channels*n] }
				w := sure[l][b*n : (b+1)*n]
				sums[b][0] += r.classesOf(part(cls[l], r.classes), part(tcls[l], r.classes), part(r.gradC[l], r.classes), w, r.o.Cls/mass)
				sums[b][1] += r.boxesOf(part(box[l], 4*r.bins), part(tbox[l], 4*r.bins), part(r.gradBox[l], 4*r.bins), w, r.o.DFL/mass)
			}
		})
	}
	wg.Wait()
	r.cls, r.dfl = 0, 0
	for _, s := range sums {
		r.cls, r.dfl = r.cls+s[0], r.dfl+s[1]
	}
	return r.cls + r.dfl
}

// best returns the highest score of each cell, [B,cells].
func best(logits []float32, batch, classes, cells int) []float32 {
	out := make([]float32, batch*cells)
	for b := range batch {
		row := out[b*cells : (b+1)*cells]
		for i := range row {
			row[i] = float32(math.Inf(-1))
		}
		for c := range classes {
			for i, z := range logits[(b*classes+c)*cells : (b*classes+c+1)*cells] {
				row[i] = max(row[i], z)
			}
		}
		for i, z := range row {
			row[i] = float32(sigmoid(float64(z)))
		}
	}
	return out
}

func sigmoid(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

// softplus is log(1+e^x).
func softplus(x float64) float64 {
	return max(x, 0) + math.Log1p(math.Exp(-math.Abs(x)))
}

// classesOf is factor·T²·Σ w·KL(Bernoulli σ(t/T) ‖ Bernoulli σ(s/T)) of a
// picture's level, and sets the gradient to s. w counts as a constant.
func (r *response) classesOf(s, t, grad, sure []float32, factor float64) float64 {
	temp := r.o.Temperature
	weight := best(s, 1, r.classes, len(sure))
	for i, w := range sure {
		weight[i] = max(weight[i], w)
	}
	sum := 0.0
	for at := 0; at < len(s); at += len(sure) {
		for i, w := range weight {
			zs, zt := float64(s[at+i])/temp, float64(t[at+i])/temp
			p := sigmoid(zt)
			// p·log(p/q) + (1−p)·log((1−p)/(1−q)) for q = σ(zs)
			kl := p*(zt-zs) + softplus(zs) - softplus(zt)
			k := float64(w) * factor
			sum += k * temp * temp * kl
			grad[at+i] = float32(k * temp * (sigmoid(zs) - p))
		}
	}
	return sum
}

// boxesOf is factor·T²·Σ w·KL(softmax(t/T) ‖ softmax(s/T)), the mean of a cell's
// four sides, and sets the gradient to s.
func (r *response) boxesOf(s, t, grad, sure []float32, factor float64) float64 {
	temp, cells := r.o.Temperature, len(sure)
	ps, pt := make([]float64, r.bins), make([]float64, r.bins)
	sum := 0.0
	for side := range 4 {
		for i, w := range sure {
			at := side*r.bins*cells + i
			ls, lt := softmax(ps, s[at:], cells, temp), softmax(pt, t[at:], cells, temp)
			k := float64(w) * factor / 4
			kl := 0.0
			for j := range ps {
				z := at + j*cells
				kl += pt[j] * ((float64(t[z])/temp - lt) - (float64(s[z])/temp - ls))
				grad[z] = float32(k * temp * (ps[j] - pt[j]))
			}
			sum += k * temp * temp * kl
		}
	}
	return sum
}

// softmax fills p with the softmax of x[0], x[step], x[2·step], … over temp and
// returns the logarithm of their exponentials' sum.
func softmax(p []float64, x []float32, step int, temp float64) float64 {
	top := math.Inf(-1)
	for j := range p {
		p[j] = float64(x[j*step]) / temp
		top = max(top, p[j])
	}
	sum := 0.0
	for j := range p {
		p[j] = math.Exp(p[j] - top)
		sum += p[j]
	}
	for j := range p {
		p[j] /= sum
	}
	return top + math.Log(sum)
}

// feature is the loss of one map: Σ w·(P(student) − teacher)² over Σ w·teacher².
type feature struct {
	batch, channels, classes, cells int
	value                           float64
	grad                            []float32
}

func newFeature(name string, student, teacher *net.Net, level int, r *rand.Rand) (*feature, *gorgonia.Node, []net.Param, error) {
	x, want := student.Neck[level], teacher.Neck[level]
	if x == nil || want == nil {
		return nil, nil, nil, fmt.Errorf("%w: the maps before the head cannot be told, distil without features", ErrTeacher)
	}
	s := want.Shape()
	x, params, err := projector(name, student.G, x, s[1], r)
	if err != nil {
		return nil, nil, nil, err
	}
	f := &feature{batch: s[0], channels: s[1], classes: teacher.Classes, cells: s[2] * s[3]}
	loss, err := ops.Apply("feature", nil,
		func(in [][]float32, out []float32) { out[0] = float32(f.forward(in[0], in[1], in[2])) },
		func(_ [][]float32, _, dout []float32, din [][]float32) {
			if din[0] != nil {
				for i, g := range f.grad {
					din[0][i] = g * dout[0]
				}
			}
			for _, d := range din[1:] {
				clear(d)
			}
		}, x, want, teacher.Cls[level])
	return f, loss, params, err
}

// forward takes the projected map, the teacher's and its class logits.
func (f *feature) forward(x, want, logits []float32) float64 {
	if f.grad == nil {
		f.grad = make([]float32, len(x))
	}
	weight := best(logits, f.batch, f.classes, f.cells)
	distance, size := 0.0, 1e-12
	for at := 0; at < len(x); at += f.cells {
		b := at / (f.channels * f.cells)
		for i, w := range weight[b*f.cells : (b+1)*f.cells] {
			d, t := float64(x[at+i])-float64(want[at+i]), float64(want[at+i])
			distance += float64(w) * d * d
			size += float64(w) * t * t
			f.grad[at+i] = w * float32(d)
		}
	}
	for i := range f.grad {
		f.grad[i] *= float32(2 / size)
	}
	f.value = distance / size
	return f.value
}
