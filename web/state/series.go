package state

import "slices"

// Series keeps the last values of something measured, for its quantiles and its
// chart.
type Series struct {
	values [seriesLength]float64
	n      int // values ever pushed
	sorted []float64
}

const seriesLength = 256

// Push adds a value.
func (s *Series) Push(v float64) {
	s.values[s.n%seriesLength] = v
	s.n++
}

// Reset forgets all values.
func (s *Series) Reset() { s.n = 0 }

// Len is how many values are kept.
func (s *Series) Len() int { return min(s.n, seriesLength) }

// At returns kept value i, the oldest first.
func (s *Series) At(i int) float64 { return s.values[(s.n-s.Len()+i)%seriesLength] }

// Quantiles are by nearest rank; of no values they are 0.
func (s *Series) Quantiles() Quantiles {
	n := s.Len()
	if n == 0 {
		return Quantiles{}
	}
	s.sorted = append(s.sorted[:0], s.values[:n]...)
	slices.Sort(s.sorted)
	at := func(percent int) float64 { return s.sorted[(n*percent+99)/100-1] }
	return Quantiles{at(50), at(90), at(99)}
}
