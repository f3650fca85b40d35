package simd

import (
	"fmt"
	"math"
	"math/rand/v2"
	"sync/atomic"
	"testing"
)

func random(seed uint64, n int) []float32 {
	r := rand.New(rand.NewPCG(seed, 3))
	out := make([]float32, n)
	for i := range out {
		out[i] = float32(r.NormFloat64())
	}
	return out
}

// levels runs a test on each level that this processor has.
func levels(t *testing.T, f func(t *testing.T)) {
	was := Current()
	defer Use(was)
	for l := Portable; l <= AVX512; l++ {
		if !Use(l) {
			t.Logf("no %v here", l)
			continue
		}
		t.Run(l.String(), f)
	}
}

func near(t *testing.T, what string, got, want []float32, tolerance float64) {
	t.Helper()
	for i := range want {
		if d := math.Abs(float64(got[i]) - float64(want[i])); !(d <= tolerance*max(1, math.Abs(float64(want[i])))) {
			t.Fatalf("%s: value %d of %d is %g, want %g", what, i, len(want), got[i], want[i])
		}
	}
}

func TestGemm(t *testing.T) {
	levels(t, func(t *testing.T) {
		for _, c := range []struct{ tiles, k int }{{0, 3}, {1, 0}, {1, 1}, {2, 9}, {3, 50}} {
			n := c.tiles * Columns
			a, x := random(1, 8*c.k), random(2, n+40)
			off := make([]int32, c.k)
			for i := range off {
				off[i] = int32(4 * (i * 7 % 41))
			}
			ldc := n + 5
			got, want := random(3, 8*ldc), make([]float32, 8*ldc)
			copy(want, got)
			for r := range 8 {
				for j := range n {
					var s float64
					for k := range c.k {
						s += float64(a[8*k+r]) * float64(x[int(off[k])/4+j])
					}
					want[r*ldc+j] = float32(s)
				}
			}
			Gemm(c.tiles, a, x, off, got, ldc)
			near(t, fmt.Sprint(c), got, want, 2e-5) // also that nothing else was written
		}
	})
}

func TestDot(t *testing.T) {
	levels(t, func(t *testing.T) {
		for _, columns := range []int{1, 3} {
			for _, c := range []struct{ n, images int }{{0, 1}, {16, 1}, {48, 3}, {160, 2}} {
				row, dImage, xImage := c.n+3, 8*(c.n+3)+2, c.n+50
				d, x := random(1, max(1, c.images*dImage)), random(2, c.images*xImage)
				off := []int32{4 * 11, 0, 4 * 40}[:columns]
				got := random(4, 8*columns)
				want := append([]float32(nil), got...)
				for r := range 8 {
					for j, o := range off {
						s := float64(want[r*columns+j])
						for i := range c.images {
							for p := range c.n {
								s += float64(d[i*dImage+r*row+p]) * float64(x[i*xImage+int(o)/4+p])
							}
						}
						want[r*columns+j] = float32(s)
					}
				}
				Dot(c.n, c.images, d, row, dImage, x, xImage, off, got)
				near(t, fmt.Sprint(columns, c), got, want, 5e-5)
			}
		}
	})
}

// TestVectors compares with float64, for lengths around the vectors' and values
// where the exponential is at its ends.
func TestVectors(t *testing.T) {
	sigmoid := func(u float64) float64 { return 1 / (1 + math.Exp(-u)) }
	levels(t, func(t *testing.T) {
		for _, n := range []int{0, 1, 7, 15, 16, 17, 31, 32, 100} {
			x, y := random(5, n), random(6, n)
			for i := range x {
				switch i % 9 {
				case 3:
					x[i] *= 20
				case 5:
					x[i] = float32([]int{-200, 200, -87, 87, 0, 88, -88}[i%7])
				}
			}
			const s, u, m, k = 1.3, -0.4, 0.2, 0.7
			line := func(i int) float64 { return float64(x[i])*float64(float32(s)) + float64(float32(u)) }
			slope := func(i int) float64 {
				g := sigmoid(line(i))
				return float64(y[i]) * (g + line(i)*g*(1-g))
			}
			check := func(name string, got func(dst []float32), want func(i int) float64) {
				t.Helper()
				a, b := random(9, n), make([]float32, n)
				for i := range b {
					b[i] = float32(want(i))
				}
				got(a)
				near(t, fmt.Sprint(name, " of ", n), a, b, 3e-6)
			}
			check("silu", func(d []float32) { SiLU(d, x, s, u) }, func(i int) float64 { return line(i) * sigmoid(line(i)) })
			check("affine", func(d []float32) { Affine(d, x, s, u) }, line)
			check("affine2", func(d []float32) { Affine2(d, y, x, s, u, m, k) }, func(i int) float64 { return s*float64(y[i]) + u*(float64(x[i])-m) + k })
			check("add", func(d []float32) { Add(d, x, y) }, func(i int) float64 { return float64(x[i]) + float64(y[i]) })
			check("sigmoid", func(d []float32) { Sigmoid(d, x) }, func(i int) float64 { return sigmoid(float64(x[i])) })
			check("exp", func(d []float32) { Exp(d, y) }, func(i int) float64 { return math.Exp(float64(y[i])) })
			check("axpy", func(d []float32) { copy(d, y); Axpy(d, x, k) }, func(i int) float64 { return float64(y[i]) + k*float64(x[i]) })
			sums := [2]float64{}
			var got [2]float32
			check("siluGrad", func(d []float32) { got[0], got[1] = SiLUGrad(d, y, x, s, u, m) }, func(i int) float64 {
				sums[0] += slope(i)
				sums[1] += slope(i) * (float64(x[i]) - m)
				return slope(i)
			})
			var first, second, total, squares float64
			for i := range x {
				first += float64(y[i])
				second += float64(y[i]) * (float64(x[i]) - m)
				total += float64(x[i])
				squares += (float64(x[i]) - m) * (float64(x[i]) - m)
			}
			a, b := GradSums(y, x, m)
			near(t, fmt.Sprint("sums of ", n), []float32{got[0], got[1], a, b, Sum(x), SumSquares(x, m)},
				[]float32{float32(sums[0]), float32(sums[1]), float32(first), float32(second), float32(total), float32(squares)}, 1e-4)
		}
		nan := []float32{float32(math.NaN())}
		for name, f := range map[string]func(d []float32){"silu": func(d []float32) { SiLU(d, nan, 1, 0) }, "affine": func(d []float32) { Affine(d, nan, 1, 0) }} {
			if d := []float32{0}; !func() bool { f(d); return d[0] != d[0] }() {
				t.Errorf("%s hides NaN", name)
			}
		}
	})
}

func TestParallel(t *testing.T) {
	for _, n := range []int{0, 1, 2, 1000} {
		seen := make([]int32, n)
		Parallel(n, func(worker, i int) {
			if worker < 0 || worker >= Workers() {
				t.Errorf("worker %d of %d", worker, Workers())
			}
			atomic.AddInt32(&seen[i], 1)
			Parallel(3, func(int, int) {})
		})
		for i, s := range seen {
			if s != 1 {
				t.Fatalf("part %d of %d ran %d times", i, n, s)
			}
		}
	}
}

// BenchmarkGemm is one processor's rate on a product that lies in its cache.
func BenchmarkGemm(b *testing.B) {
	was := Current()
	defer Use(was)
	for l := Portable; l <= AVX512; l++ {
		for _, c := range []struct{ tiles, k int }{{20, 32}, {20, 144}, {20, 576}} {
			if !Use(l) {
				continue
			}
			b.Run(fmt.Sprintf("%v/k%d", l, c.k), func(b *testing.B) {
				n := c.tiles * Columns
				a, x, out := random(1, 8*c.k), random(2, n+c.k*50), make([]float32, 8*n)
				off := make([]int32, c.k)
				for i := range off {
					off[i] = int32(4 * (i * 50))
				}
				for b.Loop() {
					Gemm(c.tiles, a, x, off, out, n)
				}
				b.ReportMetric(16*float64(n)*float64(c.k)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
			})
		}
	}
}

// BenchmarkDot is the same for the weights' gradient.
func BenchmarkDot(b *testing.B) {
	was := Current()
	defer Use(was)
	for l := Portable; l <= AVX512; l++ {
		for _, n := range []int{128, 2048} {
			if !Use(l) {
				continue
			}
			b.Run(fmt.Sprintf("%v/%d", l, n), func(b *testing.B) {
				d, x, acc := random(1, 8*n), random(2, n+8), make([]float32, 24)
				for b.Loop() {
					Dot(n, 1, d, n, 0, x, 0, []int32{0, 4, 8}, acc)
				}
				b.ReportMetric(48*float64(n)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
			})
		}
	}
}

// BenchmarkSiLU is in values of a map a second.
func BenchmarkSiLU(b *testing.B) {
	was := Current()
	defer Use(was)
	x, y, d := random(1, 4096), random(2, 4096), make([]float32, 4096)
	for l := Portable; l <= AVX512; l++ {
		for name, f := range map[string]func(){"forward": func() { SiLU(d, x, 1.1, 0.3) }, "backward": func() { SiLUGrad(d, y, x, 1.1, 0.3, 0.1) }} {
			if !Use(l) {
				continue
			}
			b.Run(fmt.Sprintf("%v/%s", l, name), func(b *testing.B) {
				for b.Loop() {
					f()
				}
				b.ReportMetric(b.Elapsed().Seconds()*1e9/float64(b.N)/4096, "ns/value")
			})
		}
	}
}
