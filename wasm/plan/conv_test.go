package plan

import (
	"math"
	"slices"
	"testing"

	"eagleeye/wasm/graph"
)

// TestIntegers checks 16-bit weights of float ones: as fine as int16 and the
// 32-bit sum allow.
func TestIntegers(t *testing.T) {
	const reach = 255
	repeat := func(v float32, n int) []float32 { return slices.Repeat([]float32{v}, n) }
	for _, c := range []struct {
		name string
		row  []float32
		most int16 // the largest integer expected
	}{
		{"short", []float32{1, -0.5, 0.25}, math.MaxInt16},
		{"negative peak", []float32{-3, 1}, math.MaxInt16},
		{"zero", repeat(0, 9), 0},
		{"long and flat", repeat(0.1, 4608), math.MaxInt32 / reach / 4608},
		{"long with a peak", append(repeat(0.001, 4608), 1), math.MaxInt16},
		{"denormal", []float32{math.SmallestNonzeroFloat32, 0}, 1},
		{"huge", []float32{math.MaxFloat32, -1}, math.MaxInt16},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := &graph.Value{Const: graph.FloatTensor(c.row, 1, len(c.row), 1, 1)}
			conv := &conv{n: &graph.Node{In: []*graph.Value{nil, w}}, o: 1, i: len(c.row), kh: 1, kw: 1}
			scale := []float32{1}
			q, err := conv.integers(numbers{w: slices.Clone(c.row), scale: scale}, reach)
			if err != nil {
				t.Fatal(err)
			}
			var most int16
			var sum int64
			for i, n := range q {
				most = max(most, n, -n)
				sum += int64(max(n, -n))
				if diff := math.Abs(float64(n)*float64(scale[0]) - float64(c.row[i])); diff > 0.5001*float64(scale[0]) {
					t.Fatalf("weight %v becomes %d × %v", c.row[i], n, scale[0])
				}
			}
			if sum*reach > math.MaxInt32 || most != c.most {
				t.Errorf("largest %d, want %d; sums up to %d", most, c.most, sum*reach)
			}
		})
	}
}

// TestIntegersThatOverflow: file integers are kept as they are, or refused.
func TestIntegersThatOverflow(t *testing.T) {
	for k, ok := range map[int]bool{4608: true, 70000: false} {
		w := &graph.Value{Const: &graph.Tensor{DType: graph.Int8, Shape: []int{1, k, 1, 1}, Data: slices.Repeat([]byte{127}, k)}}
		conv := &conv{n: &graph.Node{Name: "c", In: []*graph.Value{nil, w}}, o: 1, i: k, kh: 1, kw: 1}
		q, err := conv.integers(numbers{q: slices.Repeat([]int8{127}, k), scale: []float32{1}}, 255)
		if (err == nil) != ok || ok && q[0] != 127 {
			t.Errorf("%d weights of 127: %v", k, err)
		}
	}
}
