package ops

import (
	"math"
	"testing"

	"gorgonia.org/gorgonia"
)

func TestMaps(t *testing.T) {
	type builder = func(n []*gorgonia.Node) (*gorgonia.Node, error)
	for _, c := range []struct {
		name   string
		shapes [][]int
		build  builder
		want   func(in [][]float64) []float64
	}{
		{"upsample", [][]int{{2, 3, 4, 5}}, func(n []*gorgonia.Node) (*gorgonia.Node, error) { return Upsample2(n[0]) },
			func(in [][]float64) (out []float64) {
				for r := range 2 * 3 * 8 {
					for x := range 10 {
						out = append(out, in[0][(r/2)*5+x/2])
					}
				}
				return out
			}},
		{"maxpool 5x5", [][]int{{2, 3, 6, 7}}, func(n []*gorgonia.Node) (*gorgonia.Node, error) { return MaxPool(n[0], 5, 1, 2) },
			func(in [][]float64) []float64 { return plainPool(in[0], 2*3, 6, 7, 5, 1, 2) }},
		{"maxpool 2x2 stride 2", [][]int{{1, 3, 6, 8}}, func(n []*gorgonia.Node) (*gorgonia.Node, error) { return MaxPool(n[0], 2, 2, 0) },
			func(in [][]float64) []float64 { return plainPool(in[0], 3, 6, 8, 2, 2, 0) }},
		{"concat", [][]int{{2, 3, 2, 3}, {2, 1, 2, 3}, {2, 4, 2, 3}}, func(n []*gorgonia.Node) (*gorgonia.Node, error) { return Concat(n...) },
			func(in [][]float64) (out []float64) {
				for b := range 2 {
					for i, c := range []int{3, 1, 4} {
						out = append(out, in[i][b*c*6:(b+1)*c*6]...)
					}
				}
				return out
			}},
		{"slice", [][]int{{2, 5, 2, 3}}, func(n []*gorgonia.Node) (*gorgonia.Node, error) { return Slice(n[0], 1, 4) },
			func(in [][]float64) []float64 { return append(append([]float64{}, in[0][6:24]...), in[0][36:54]...) }},
		{"add", [][]int{{2, 3, 2, 2}, {2, 3, 2, 2}}, func(n []*gorgonia.Node) (*gorgonia.Node, error) { return Add(n[0], n[1]) },
			func(in [][]float64) (out []float64) {
				for i := range in[0] {
					out = append(out, in[0][i]+in[1][i])
				}
				return out
			}},
		{"a node used three times", [][]int{{1, 2, 2, 2}}, func(n []*gorgonia.Node) (*gorgonia.Node, error) {
			a, err := Add(n[0], n[0])
			if err != nil {
				return nil, err
			}
			return Concat(a, n[0])
		}, func(in [][]float64) (out []float64) {
			for _, v := range in[0] {
				out = append(out, 2*v)
			}
			return append(out, in[0]...)
		}},
		{"dfl", [][]int{{2, 4 * 7, 2, 3}}, func(n []*gorgonia.Node) (*gorgonia.Node, error) { return DFL(n[0], 7) },
			func(in [][]float64) (out []float64) {
				for s := range 8 {
					for i := range 6 {
						total, mean := 0.0, 0.0
						for r := range 7 {
							e := math.Exp(in[0][(s*7+r)*6+i])
							total += e
							mean += float64(r) * e
						}
						out = append(out, mean/total)
					}
				}
				return out
			}},
	} {
		t.Run(c.name, func(t *testing.T) { gradients(t, inputs(c.shapes), c.shapes, c.build, c.want) })
	}
}

func plainPool(x []float64, planes, h, w, k, s, p int) (out []float64) {
	for c := range planes {
		for y := -p; y+k <= h+p; y += s {
			for x0 := -p; x0+k <= w+p; x0 += s {
				best := math.Inf(-1)
				for dy := range k {
					for dx := range k {
						if yy, xx := y+dy, x0+dx; yy >= 0 && yy < h && xx >= 0 && xx < w {
							best = max(best, x[(c*h+yy)*w+xx])
						}
					}
				}
				out = append(out, best)
			}
		}
	}
	return out
}
