package state

import (
	"strings"
	"testing"
)

func TestSeries(t *testing.T) {
	var s Series
	if s.Quantiles() != (Quantiles{}) || s.Len() != 0 {
		t.Fatal("a series of nothing")
	}
	s.Push(7)
	if s.Quantiles() != (Quantiles{7, 7, 7}) {
		t.Fatalf("of one value: %+v", s.Quantiles())
	}
	s.Reset()
	for i := range 1000 {
		s.Push(float64((i * 7919) % 1000))
	}
	if s.Len() != seriesLength || s.At(seriesLength-1) != float64((999*7919)%1000) || s.At(0) != float64((744*7919)%1000) {
		t.Fatalf("the last is %v, the first %v", s.At(seriesLength-1), s.At(0))
	}
	s.Reset()
	for i := range 100 {
		s.Push(float64(100 - i))
	}
	if q := s.Quantiles(); q != (Quantiles{50, 90, 99}) {
		t.Fatalf("%+v", q)
	}
}

func TestReport(t *testing.T) {
	r := &Report{Date: "2026-01-02", Browser: "X", Cores: 4, Isolated: true, Model: Model{Name: "m.onnx", Width: 64, Height: 64, Precision: "int8", Variant: "v"},
		Frames: 60, Picture: "640 × 480", PerSecond: 31.4, Latency: Quantiles{1, 2, 3}, Memory: 5e7}
	for _, lang := range []string{"en", "zh"} {
		s := New()
		s.Settings.Lang = lang
		text := r.Text(s.Say)
		for _, want := range []string{"m.onnx", "31.4", "1.0 / 2.0 / 3.0 ms", "50.0 MB", "2026-01-02", "640 × 480"} {
			if !strings.Contains(text, want) {
				t.Errorf("%s: the report lacks %q:\n%s", lang, want, text)
			}
		}
	}
	if (*Report)(nil).Text(New().Say) != "" {
		t.Error("a report of nothing")
	}
}
