package quant

import (
	"math"
	"math/rand/v2"
	"testing"

	"eagleeye/wasm/graph"
)

// correlated draws windows whose elements lean on one another, as pixels do.
func correlated(rng *rand.Rand, n, k int) []float32 {
	x := make([]float32, n*k)
	for i := range n {
		v := 0.0
		for j := range k {
			v = 0.9*v + rng.NormFloat64()
			x[i*k+j] = float32(v + 0.3)
		}
	}
	return x
}

func conv(rng *rand.Rand, out, in, kernel, stride int) *graph.Node {
	w := make([]float32, out*in*kernel*kernel)
	for i := range w {
		w[i] = float32(rng.NormFloat64()) * 0.1
	}
	shape := []int{out, in, kernel, kernel}
	ints := func(v ...int64) graph.Attr { return graph.Attr{Kind: graph.AttrInts, Ints: v} }
	return &graph.Node{Op: "Conv", In: []*graph.Value{nil, {Name: "w", Const: graph.FloatTensor(w, shape...), Shape: shape}},
		Attrs: map[string]graph.Attr{"kernel_shape": ints(int64(kernel), int64(kernel)), "strides": ints(int64(stride), int64(stride)), "pads": ints(1, 1, 1, 1)}}
}

// outputError is the mean squared error of the results on windows.
func outputError(n *graph.Node, q *graph.Tensor, scale []float32, windows []float32) (sum float64) {
	w := n.In[1].Const.Floats()
	out := len(scale)
	k := len(w) / out
	for at := 0; at+k <= len(windows); at += k {
		for o := range out {
			d := 0.0
			for i, x := range windows[at : at+k] {
				d += float64(x) * (float64(w[o*k+i]) - float64(scale[o])*float64(int8(q.Data[o*k+i])))
			}
			sum += d * d
		}
	}
	return sum / float64(len(windows)/k*out)
}

// On inputs that it has not seen the results are nearer than with plain
// rounding, and the lanes obey their bounds.
func TestRoundWeights(t *testing.T) {
	for _, c := range []struct {
		name           string
		kernel, stride int
		wide           bool
		gain           float64 // at least
	}{
		{"1×1, within lanes", 1, 1, false, 2},
		{"3×3, stride 2, within lanes", 3, 2, false, 2},
		{"3×3, stride 1", 3, 1, false, 2},
		{"wide", 1, 1, true, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(1, 2))
			n := conv(rng, 6, 24, c.kernel, c.stride)
			k := 24 * c.kernel * c.kernel
			m := NewMoments(k)
			m.Add(correlated(rng, 3000, k))
			q, scale, err := RoundWeights(n, c.wide, m)
			if err != nil {
				t.Fatal(err)
			}
			plain, scale0, err := ConvWeights(n, c.wide)
			if err != nil {
				t.Fatal(err)
			}
			fresh := correlated(rng, 500, k)
			was, is := outputError(n, plain, scale0, fresh), outputError(n, q, scale, fresh)
			t.Logf("mean squared error %.3g, plain %.3g", is, was)
			if !(is*c.gain < was) {
				t.Errorf("mean squared error %g, plain rounding %g: want %g times less", is, was, c.gain)
			}
			if !c.wide && dotted(n) {
				of, lanesN := lanes(24, c.kernel, c.kernel, 0, 24)
				for o := range scale {
					sums := make([]int, 2*lanesN)
					for i, at := range of {
						v := int(int8(q.Data[o*k+i]))
						sums[2*at] += max(v, 0)
						sums[2*at+1] += max(-v, 0)
					}
					for _, s := range sums {
						if s > laneLimit {
							t.Fatalf("channel %d: a lane of %d", o, s)
						}
					}
				}
			}
		})
	}
}

func TestFactor(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	const k = 17
	m := NewMoments(k)
	m.Add(correlated(rng, 400, k))
	order, l, err := m.factor()
	if err != nil {
		t.Fatal(err)
	}
	mean := 0.0
	for i := range k {
		mean += m.Sum[i*k+i] / k
	}
	for i := range k {
		for j := range i + 1 {
			got := 0.0
			for p := range j + 1 {
				got += l[i*k+p] * l[j*k+p]
			}
			a, b := order[k-1-i], order[k-1-j]
			want := m.Sum[max(a, b)*k+min(a, b)]
			if i == j {
				want += damping * mean
			}
			if math.Abs(got-want) > 1e-9*mean {
				t.Fatalf("element %d,%d of L·Lᵀ is %g, want %g", i, j, got, want)
			}
		}
	}
	for i := range k - 1 {
		if m.Sum[order[i]*k+order[i]] < m.Sum[order[i+1]*k+order[i+1]] {
			t.Errorf("weight %d comes before one of more energy", order[i])
		}
	}
}

func TestWindows(t *testing.T) {
	n := conv(rand.New(rand.NewPCG(1, 1)), 1, 2, 3, 1)
	x := make([]float32, 2*4*5)
	for i := range x {
		x[i] = float32(i + 1)
	}
	const count = 200
	w := make([]float32, count*18)
	Windows(w, x, n, []int{1, 2, 4, 5}, rand.New(rand.NewPCG(2, 2)), count)
	seen := map[float32]bool{}
	for i := range count {
		v := w[i*18:]
		centre := v[4] // of the first channel's window: always within
		if centre < 1 || centre > 20 || v[9+4] != centre+20 {
			t.Fatalf("window %v", v[:18])
		}
		row, col := (int(centre)-1)/5, (int(centre)-1)%5
		for ky := range 3 {
			for kx := range 3 {
				y, xx := row+ky-1, col+kx-1
				want := float32(0)
				if y >= 0 && y < 4 && xx >= 0 && xx < 5 {
					want = x[y*5+xx]
				}
				if v[ky*3+kx] != want {
					t.Fatalf("window about %v has %v at %d,%d, want %v", centre, v[ky*3+kx], ky, kx, want)
				}
			}
		}
		seen[centre] = true
	}
	if len(seen) < 18 {
		t.Errorf("only %d of 20 places were taken", len(seen))
	}
}

func TestMomentsRefuse(t *testing.T) {
	n := conv(rand.New(rand.NewPCG(1, 1)), 2, 4, 1, 1)
	if _, _, err := RoundWeights(n, false, NewMoments(5)); err == nil {
		t.Error("moments of other windows were accepted")
	}
	if _, _, err := RoundWeights(n, false, NewMoments(4)); err == nil {
		t.Error("empty moments were accepted")
	}
	if err := NewMoments(3).Merge(NewMoments(4)); err == nil {
		t.Error("moments of two sizes were merged")
	}
}

// Moments of five windows, one more than are summed at once, over two blocks.
func TestMoments(t *testing.T) {
	const n, k = 5, 70
	rng := rand.New(rand.NewPCG(8, 8))
	x := correlated(rng, n, k)
	m := NewMoments(k)
	m.Add(x)
	for i := range k {
		for j := range i + 1 {
			want := 0.0
			for w := range n {
				want += float64(x[w*k+i]) * float64(x[w*k+j])
			}
			if got := m.Sum[i*k+j]; math.Abs(got-want) > 1e-5*(1+math.Abs(want)) {
				t.Fatalf("moment %d,%d is %g, want %g", i, j, got, want)
			}
		}
	}
}

func BenchmarkMoments(b *testing.B) {
	const n, k = 128, 1152
	m := NewMoments(k)
	x := correlated(rand.New(rand.NewPCG(8, 8)), n, k)
	for b.Loop() {
		m.Add(x)
	}
	b.ReportMetric(float64(n*k*k/2)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GMAC/s")
}
