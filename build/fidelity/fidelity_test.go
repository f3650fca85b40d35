package fidelity

import (
	"encoding/json"
	"math"
	"testing"
)

func logit(p float64) float32 { return float32(math.Log(p / (1 - p))) }

func TestSum(t *testing.T) {
	refBoxes := []float32{0, 0, 10, 10, 0, 0, 10, 10, 0, 0, 10, 10}
	refLogits := []float32{
		logit(0.05), logit(0.09), // does not count
		logit(0.5), logit(0.2),
		logit(0.3), logit(0.8),
	}
	boxes := []float32{50, 50, 60, 60, 0, 0, 10, 5, 0, 0, 10, 10}
	logits := []float32{
		logit(0.9), logit(0.9),
		logit(0.4), logit(0.9), // only the reference's best class counts: −0.1
		logit(0.3), logit(0.6), // −0.2
	}
	var s, half Sum
	if err := s.Add(refBoxes, refLogits, boxes, logits); err != nil {
		t.Fatal(err)
	}
	half.Merge(s)
	for _, r := range []Result{s.Result(), half.Result()} {
		if r.Anchors != 2 || math.Abs(r.RMSScore-math.Sqrt((0.01+0.04)/2)) > 1e-6 || math.Abs(r.MeanLoss-0.25) > 1e-6 {
			t.Errorf("%+v, want 2 anchors, rms 0.158, mean 0.25", r)
		}
	}
	var same Sum
	if err := same.Add(refBoxes, refLogits, refBoxes, refLogits); err != nil {
		t.Fatal(err)
	}
	if r := same.Result(); r.RMSScore != 0 || r.MeanLoss != 0 {
		t.Errorf("a model differs from itself: %+v", r)
	}
}

func TestSumRefuses(t *testing.T) {
	var s Sum
	if err := s.Add(make([]float32, 8), make([]float32, 4), make([]float32, 12), make([]float32, 6)); err == nil {
		t.Error("models of different sizes were compared")
	}
	if err := s.Add(nil, nil, nil, nil); err == nil {
		t.Error("nothing was compared")
	}
}

func TestEmptyJSON(t *testing.T) {
	var s Sum
	data, err := json.Marshal(s.Result())
	if want := `{"anchors":0,"rmsScore":null,"mean1MinusIoU":null}`; err != nil || string(data) != want {
		t.Errorf("%s, %v, want %s", data, err, want)
	}
}
