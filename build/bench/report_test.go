package bench

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// sample has ours, two peers and a native one with times that are easy to check.
func sample() *Report {
	r := &Report{Machine: "m", Browser: "b", Rounds: 1, Frames: 1}
	for i, key := range []string{"ours", "ort-int8", "litert-int8", "native-int8"} {
		ms := []float64{30, 100, 120, 20}[i]
		c, _ := Choose([]string{key})
		cell := Cell{Contender: c[0], Size: 640, Threads: 1}
		cell.finish(times{Frame: []float64{ms + 1, ms, ms - 1}, Infer: []float64{ms - 2, ms - 2, ms - 2}}, []float64{ms})
		r.Cells = append(r.Cells, cell)
	}
	for i, size := range []int{320, 640} {
		ms := []float64{10, 36}[i]
		c, _ := Choose([]string{"ours"})
		cell := Cell{Contender: c[0], Size: size, Threads: 1}
		cell.finish(times{Frame: []float64{ms}, Infer: []float64{ms}}, nil)
		r.Scaling = append(r.Scaling, cell)
	}
	r.Starts = []Start{{Title: "ours", Size: 640, Threads: 1, Raw: 5e6, N: 3}}
	r.LeftOut = []LeftOut{{"x", 2, 320, "no Python"}}
	return r
}

// The fastest peer is neither ours nor native.
func TestRatio(t *testing.T) {
	r := sample()
	if c, ok := r.fastest(640, 1); !ok || c.Key != "ort-int8" {
		t.Errorf("fastest is %q, %v", c.Key, ok)
	}
	if _, ok := r.fastest(640, 2); ok {
		t.Error("a peer where there is none")
	}
	if s := r.String(); !strings.Contains(s, "0.300 (network 0.280)") || !strings.Contains(s, "no Python") {
		t.Errorf("text:\n%s", s)
	}
	// 10 ms for 0.1024 Mpixel and 36 for 0.4096: 97.7 and 87.9 a Mpixel.
	if d := r.spread(); d < 0.052 || d > 0.054 {
		t.Errorf("spread %.4f, want 0.0526", d)
	}
}

func TestQuantile(t *testing.T) {
	for _, c := range []struct {
		q, want float64
	}{{0, 1}, {0.5, 2.5}, {0.9, 3.7}, {1, 4}} {
		if got := quantile([]float64{1, 2, 3, 4}, c.q); got < c.want-1e-9 || got > c.want+1e-9 {
			t.Errorf("quantile %g is %g, want %g", c.q, got, c.want)
		}
	}
}

func TestWrite(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	if err := sample().Write(dir); err != nil {
		t.Fatal(err)
	}
	read := func(name string) []byte {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	var back Report
	if err := json.Unmarshal(read("bench.json"), &back); err != nil || len(back.Cells) != 4 || back.Cells[0].Title == "" {
		t.Errorf("bench.json: %v, %+v", err, back)
	}
	rows, err := csv.NewReader(bytes.NewReader(read("bench.csv"))).ReadAll()
	if err != nil || len(rows) != 7 {
		t.Errorf("bench.csv: %v, %d rows", err, len(rows))
	}
	for _, want := range []string{"| Eagle Eye int8 | 30.0 | 0.30 |", "| Eagle Eye int8, network | 28.0 | 0.28 |", "| 640 | 36.0 | 87.9 |", "no Python"} {
		if !bytes.Contains(read("bench.md"), []byte(want)) {
			t.Errorf("bench.md lacks %q:\n%s", want, read("bench.md"))
		}
	}
	for _, name := range []string{"peers.svg", "sizes.svg"} {
		d := xml.NewDecoder(bytes.NewReader(read(name)))
		for {
			if _, err := d.Token(); err == io.EOF {
				break
			} else if err != nil {
				t.Fatalf("%s is no XML: %v", name, err)
			}
		}
	}
	if !bytes.Contains(read("peers.svg"), []byte("ONNX Runtime Web int8")) || !bytes.Contains(read("sizes.svg"), []byte("640²")) {
		t.Error("the charts lack their words")
	}
}

func TestChoose(t *testing.T) {
	if all, err := Choose(nil); err != nil || len(all) != len(Contenders) {
		t.Errorf("%d, %v", len(all), err)
	}
	if _, err := Choose([]string{"ours", "nobody"}); err == nil || !strings.Contains(err.Error(), "nobody") {
		t.Errorf("error %v", err)
	}
}

func TestNativeNeedsPython(t *testing.T) {
	if _, err := startNative(t.Context(), "", nil, 320, 1); err == nil || !strings.Contains(err.Error(), "--python") {
		t.Errorf("error %v", err)
	}
}
