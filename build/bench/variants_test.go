package bench

import (
	"errors"
	"strings"
	"testing"
)

// fixedSeat takes a fixed time a frame, the first of each turn a long one.
type fixedSeat struct {
	ms     float64
	broken bool
	closed *int
}

func (s fixedSeat) load() error      { return nil }
func (s fixedSeat) processes() []int { return nil }
func (s fixedSeat) close()           { *s.closed++ }
func (s fixedSeat) frames(n int) (t times, err error) {
	if s.broken {
		return t, errors.New("it broke")
	}
	for i := range n {
		ms := s.ms
		if i == 0 {
			ms *= 100
		}
		t.Frame = append(t.Frame, ms)
	}
	return t, nil
}

// A model's median and its ratio to the first, for each number of threads; what
// was opened is closed.
func TestTurns(t *testing.T) {
	models := []Variant{{Name: "a"}, {Name: "b"}}
	closed := 0
	open := func(i, threads int) (seat, error) {
		return fixedSeat{ms: float64(60*(i+1)) / float64(threads), closed: &closed}, nil
	}
	got, err := turns(models, []int{1, 2}, 3, 2, open)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 || got[0][0] != (Latency{1, 60, 1}) || got[1][0] != (Latency{1, 120, 2}) || got[1][1] != (Latency{2, 60, 2}) {
		t.Errorf("%+v", got)
	}
	if closed != 4 {
		t.Errorf("%d seats closed, want 4", closed)
	}
	_, err = turns(models, []int{1}, 1, 1, func(i, _ int) (seat, error) { return fixedSeat{ms: 1, broken: i == 1, closed: &closed}, nil })
	if err == nil || !strings.HasPrefix(err.Error(), "b: ") || closed != 6 {
		t.Errorf("%v, %d closed", err, closed)
	}
}

func TestHasNative(t *testing.T) {
	if err := HasNative(t.Context(), "no-such-python"); err == nil || !strings.Contains(err.Error(), "--python no-such-python") {
		t.Error(err)
	}
}
