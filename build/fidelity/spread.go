package fidelity

import (
	"errors"
	"math"
	"math/rand/v2"
)

// Difference is how much further from the reference a model is than another, with
// the standard deviations of both differences over other draws of the images.
type Difference struct {
	RMSScore, RMSSpread  float64
	MeanLoss, LossSpread float64
}

// Compare bootstraps the difference a − b of two models on the same images, image
// by image in the same order (Efron, "Bootstrap methods", 1979): both are judged
// on rounds draws with replacement.
func Compare(a, b []Sum, rounds int) (Difference, error) {
	if len(a) == 0 || len(a) != len(b) || rounds < 2 {
		return Difference{}, errors.New("fidelity: a bootstrap wants two models on the same images and two rounds")
	}
	of := func(pick func(i int) int) (rms, loss float64) {
		var x, y Sum
		for i := range a {
			x.Merge(a[pick(i)])
			y.Merge(b[pick(i)])
		}
		rx, ry := x.Result(), y.Result()
		return rx.RMSScore - ry.RMSScore, rx.MeanLoss - ry.MeanLoss
	}
	var d Difference
	d.RMSScore, d.MeanLoss = of(func(i int) int { return i })
	rng := rand.New(rand.NewPCG(1, uint64(len(a))))
	rms, loss := make([]float64, 0, rounds), make([]float64, 0, rounds)
	for range rounds {
		draw := make([]int, len(a))
		for i := range draw {
			draw[i] = rng.IntN(len(a))
		}
		r, l := of(func(i int) int { return draw[i] })
		if !math.IsNaN(r) { // a draw without anchors says nothing
			rms, loss = append(rms, r), append(loss, l)
		}
	}
	d.RMSSpread, d.LossSpread = Deviation(rms), Deviation(loss)
	return d, nil
}

// Deviation is the standard deviation of a sample, NaN for less than two.
func Deviation(x []float64) float64 {
	mean, sum := 0.0, 0.0
	for _, v := range x {
		mean += v / float64(len(x))
	}
	for _, v := range x {
		sum += (v - mean) * (v - mean)
	}
	if len(x) < 2 {
		return math.NaN()
	}
	return math.Sqrt(sum / float64(len(x)-1))
}
