package quant

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"eagleeye/wasm/graph"
)

// Moments are the second moments Σ x·xᵀ of what a convolution's filters see:
// windows of its input as [in][kh][kw], so a weight's error in one place can be
// made good in others. They are for convolutions of one group.
type Moments struct {
	K   int       // elements of a window
	N   int       // windows seen
	Sum []float64 // K×K, the lower triangle
}

// NewMoments is for windows of k elements.
func NewMoments(k int) *Moments { return &Moments{K: k, Sum: make([]float64, k*k)} }

// Windows copies n windows of the input x [C][H][W] of a convolution, chosen at
// random, to dst, which holds n·C·kh·kw elements. What lies in the padding is 0.
func Windows(dst, x []float32, n *graph.Node, shape []int, rng *rand.Rand, count int) {
	c, h, w := shape[1], shape[2], shape[3]
	k, s, d, p := pair(n, "kernel_shape", 1), pair(n, "strides", 1), pair(n, "dilations", 1), n.Ints("pads")
	top, left, bottom, right := 0, 0, 0, 0
	if len(p) == 4 {
		top, left, bottom, right = int(p[0]), int(p[1]), int(p[2]), int(p[3])
	}
	oh := (h+top+bottom-(k[0]-1)*d[0]-1)/s[0] + 1
	ow := (w+left+right-(k[1]-1)*d[1]-1)/s[1] + 1
	for range count {
		y0, x0 := rng.IntN(oh)*s[0]-top, rng.IntN(ow)*s[1]-left
		for ch := range c {
			for ky := range k[0] {
				for kx := range k[1] {
					y, xx := y0+ky*d[0], x0+kx*d[1]
					v := float32(0)
					if y >= 0 && y < h && xx >= 0 && xx < w {
						v = x[(ch*h+y)*w+xx]
					}
					dst[0], dst = v, dst[1:]
				}
			}
		}
	}
}

func pair(n *graph.Node, name string, def int) [2]int {
	v := n.Ints(name)
	if len(v) != 2 {
		return [2]int{def, def}
	}
	return [2]int{int(v[0]), int(v[1])}
}

// Add takes windows in.
func (m *Moments) Add(windows []float32) {
	k := m.K
	n := len(windows) / k
	m.N += n
	zero := make([]float32, k)
	window := func(i int) []float32 {
		if i < n {
			return windows[i*k : (i+1)*k]
		}
		return zero
	}
	// Blocks of the triangle stay in the cache while all windows pass, four at a
	// time: their products are summed in float32 first.
	const block = 64
	for i0 := 0; i0 < k; i0 += block {
		for j0 := 0; j0 <= i0; j0 += block {
			end := min(j0+block, k)
			for at := 0; at < n; at += 4 {
				x0, x1, x2, x3 := window(at), window(at+1), window(at+2), window(at+3)
				r0 := x0[j0:end]
				r1, r2, r3 := x1[j0:end][:len(r0)], x2[j0:end][:len(r0)], x3[j0:end][:len(r0)]
				for i := i0; i < min(i0+block, k); i++ {
					v0, v1, v2, v3 := x0[i], x1[i], x2[i], x3[i]
					sum := m.Sum[i*k+j0:][:len(r0)]
					for j := range r0 {
						sum[j] += float64(v0*r0[j] + v1*r1[j] + v2*r2[j] + v3*r3[j])
					}
				}
			}
		}
	}
}

// Merge adds what other has seen.
func (m *Moments) Merge(other *Moments) error {
	if m.K != other.K {
		return fmt.Errorf("moments of windows of %d and %d elements", m.K, other.K)
	}
	m.N += other.N
	for i, v := range other.Sum {
		m.Sum[i] += v
	}
	return nil
}

// damping is added to the diagonal, relative to its mean: what was not seen on
// the pictures may come all the same.
const damping = 0.01

// factor returns the order in which weights are rounded, by falling energy of
// their input, and the lower triangle L with moments = L·Lᵀ in the reverse of
// that order: the last row is of the weight that is rounded first.
func (m *Moments) factor() (order []int, l []float64, err error) {
	k := m.K
	order = make([]int, k)
	mean := 0.0
	for i := range order {
		order[i] = i
		mean += m.Sum[i*k+i] / float64(k)
	}
	if !(mean > 0) || math.IsInf(mean, 0) {
		return nil, nil, fmt.Errorf("moments with a mean of %g", mean)
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(m.Sum[b*k+b], m.Sum[a*k+a]) })
	l = make([]float64, k*k)
	for i := range k {
		for j := range i + 1 {
			p, q := order[k-1-i], order[k-1-j]
			l[i*k+j] = m.Sum[max(p, q)*k+min(p, q)]
		}
		l[i*k+i] += damping * mean
	}
	return order, l, cholesky(l, k)
}

// cholesky replaces the lower triangle of a by L with a = L·Lᵀ.
func cholesky(a []float64, n int) error {
	for j := range n {
		row := a[j*n : j*n+j]
		d := a[j*n+j] - dot(row, row)
		if !(d > 0) {
			return fmt.Errorf("moments are not positive definite at %d", j)
		}
		d = math.Sqrt(d)
		a[j*n+j] = d
		inv := 1 / d
		for i := j + 1; i < n; i++ {
			a[i*n+j] = (a[i*n+j] - dot(a[i*n:i*n+j], row)) * inv
		}
	}
	return nil
}

func dot(x, y []float64) float64 {
	var a, b, c, d float64
	y = y[:len(x)]
	i := 0
	for ; i+4 <= len(x); i += 4 {
		a += x[i] * y[i]
		b += x[i+1] * y[i+1]
		c += x[i+2] * y[i+2]
		d += x[i+3] * y[i+3]
	}
	for ; i < len(x); i++ {
		a += x[i] * y[i]
	}
	return a + b + c + d
}
