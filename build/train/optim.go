package train

import (
	"math"
	"runtime"
	"strings"
	"sync"

	"eagleeye/build/train/net"
)

// tensor is a trained tensor as the optimizer sees it.
type tensor struct {
	name   string
	w      []float32
	grad   []float32 // summed over the batches of an update
	bias   bool      // has a rate of its own in the warm-up
	decay  bool
	m1, m2 []float32 // momentum; AdamW's second moment
}

func newTensor(p net.Param) *tensor {
	w := p.Data()
	return &tensor{name: p.Name, w: w, grad: make([]float32, len(w)), bias: strings.HasSuffix(p.Name, ".bias"), decay: p.Decay}
}

// optimizer moves weights against gradients, in place and without allocation.
// gorgonia's solvers have one rate for all, decay every weight, and AdamW's
// decay is not decoupled, so this is our own.
type optimizer struct {
	tensors []*tensor
	adam    bool
	decay   float64
	clip    float64
	updates int
}

func newOptimizer(tensors []*tensor, h *Hyper) *optimizer {
	o := &optimizer{tensors: tensors, adam: h.Optimizer == AdamW, decay: h.decay(), clip: h.ClipNorm}
	for _, t := range tensors {
		t.m1 = make([]float32, len(t.w))
		if o.adam {
			t.m2 = make([]float32, len(t.w))
		}
	}
	return o
}

// norm is the length of all gradients as one vector.
func (o *optimizer) norm() float64 {
	sum := 0.0
	for _, t := range o.tensors {
		for _, g := range t.grad {
			sum += float64(g) * float64(g)
		}
	}
	return math.Sqrt(sum)
}

// step does one update and clears the gradients. It returns their norm before
// clipping; nothing moves where that is not finite.
func (o *optimizer) step(r rates) float64 {
	norm := o.norm()
	if math.IsNaN(norm) || math.IsInf(norm, 0) {
		return norm
	}
	scale := float32(1)
	if o.clip > 0 { // torch.nn.utils.clip_grad_norm_
		scale = float32(min(1, o.clip/(norm+1e-6)))
	}
	o.updates++
	each(len(o.tensors), func(i int) {
		t := o.tensors[i]
		lr, decay := r.weights, 0.0
		if t.bias {
			lr = r.biases
		}
		if t.decay {
			decay = o.decay
		}
		if o.adam {
			t.adamW(lr, decay, r.momentum, scale, o.updates)
		} else {
			t.sgd(lr, decay, r.momentum, scale, o.updates == 1)
		}
	})
	return norm
}

// sgd is torch.optim.SGD with Nesterov's momentum.
func (t *tensor) sgd(lr, decay, momentum float64, scale float32, first bool) {
	rate, d, mu := float32(lr), float32(decay), float32(momentum)
	w, m := t.w[:len(t.grad)], t.m1[:len(t.grad)]
	for i, g := range t.grad {
		g = g*scale + d*w[i]
		if first {
			m[i] = g
		} else {
			m[i] = mu*m[i] + g
		}
		w[i] -= rate * (g + mu*m[i])
	}
	clear(t.grad)
}

// adamW is torch.optim.AdamW (Loshchilov and Hutter, 2019): the decay acts on
// the weights, not on the gradient.
func (t *tensor) adamW(lr, decay, beta1 float64, scale float32, step int) {
	const beta2, eps = 0.999, 1e-8
	b1, b2 := float32(beta1), float32(beta2)
	keep := float32(1 - lr*decay)
	size := float32(lr / (1 - math.Pow(beta1, float64(step))))
	root := float32(math.Sqrt(1 - math.Pow(beta2, float64(step))))
	w, m, v := t.w[:len(t.grad)], t.m1[:len(t.grad)], t.m2[:len(t.grad)]
	for i, g := range t.grad {
		g *= scale
		m[i] += (1 - b1) * (g - m[i])
		v[i] = b2*v[i] + (1-b2)*g*g
		w[i] = w[i]*keep - size*m[i]/(sqrt(v[i])/root+eps)
	}
	clear(t.grad)
}

func sqrt(x float32) float32 { return float32(math.Sqrt(float64(x))) }

// each calls f with 0 … n−1 on all processors.
func each(n int, f func(int)) {
	var next struct {
		sync.Mutex
		i int
	}
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), n) {
		wg.Go(func() {
			for {
				next.Lock()
				i := next.i
				next.i++
				next.Unlock()
				if i >= n {
					return
				}
				f(i)
			}
		})
	}
	wg.Wait()
}

// average is the exponential moving average of a state, Ultralytics' ModelEMA:
// its decay ramps up from 0 so that early weights are soon forgotten.
type average struct {
	decay, tau float64
	live, mean []net.Tensor
}

func newAverage(live []net.Tensor, decay, tau float64) *average {
	a := &average{decay: decay, tau: tau, live: live}
	for _, t := range live {
		a.mean = append(a.mean, net.Tensor{Name: t.Name, Data: append([]float32(nil), t.Data...)})
	}
	return a
}

// update takes in the present state after a number of updates.
func (a *average) update(updates int) {
	d := a.decay
	if a.tau > 0 {
		d *= 1 - math.Exp(-float64(updates)/a.tau)
	}
	keep := float32(d)
	each(len(a.mean), func(i int) {
		mean, live := a.mean[i].Data, a.live[i].Data
		for k, v := range live[:len(mean)] {
			mean[k] = keep*mean[k] + (1-keep)*v
		}
	})
}
