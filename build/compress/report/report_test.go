package report

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
)

var table = Table{
	Data: "val", Size: 640, Kinds: []string{"1 thread", "2 threads"},
	Rows: []Row{
		{Name: "float <a|b>", AP: 0.3976, AP50: 0.5552, Params: 3151904, GFLOPs: 8.74, Bytes: 12851047,
			MS: map[string]float64{"1 thread": 150, "2 threads": 80}, Ratio: map[string]float64{"1 thread": 1, "2 threads": 1}},
		{Name: "int8", AP: 0.399, AP50: 0.55, Score: 0.05, IoU: 0.017, Params: 3151904, GFLOPs: 8.74, Bytes: 3360000,
			MS: map[string]float64{"1 thread": 62, "2 threads": 35}, Ratio: map[string]float64{"1 thread": 0.41, "2 threads": 0.44}},
	},
}

func TestForms(t *testing.T) {
	var md, cs, js bytes.Buffer
	if err := errors.Join(table.Markdown(&md), table.CSV(&cs), table.JSON(&js)); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(md.String()), "\n")
	if len(lines) != 4 || !strings.Contains(lines[2], `float <a\|b>`) || !strings.Contains(lines[3], "| 3.15 M | 8.74 | 3.36 | 62.0 | 0.41 | 35.0 | 0.44 |") {
		t.Errorf("Markdown:\n%s", md.String())
	}
	rows, err := csv.NewReader(&cs).ReadAll()
	if err != nil || len(rows) != 3 || len(rows[0]) != 12 || rows[2][7] != "3360000" {
		t.Errorf("CSV: %v, %v", rows, err)
	}
	var back Table
	if err := json.Unmarshal(js.Bytes(), &back); err != nil || back.Rows[1].MS["2 threads"] != 35 {
		t.Errorf("JSON: %v, %v", back, err)
	}
	without := table
	without.LeftOut = []string{"native"}
	md.Reset()
	cs.Reset()
	if err := errors.Join(without.Markdown(&md), without.CSV(&cs)); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(md.String(), "| 0.44 | left out |\n") || strings.Count(md.String(), "| native |") != 1 || strings.Count(cs.String(), ",left out\n") != 2 {
		t.Errorf("what was not timed:\n%s%s", md.String(), cs.String())
	}
	d := xml.NewDecoder(bytes.NewReader(table.SVG()))
	circles := 0
	for {
		tok, err := d.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatalf("SVG: %v", err)
		}
		if e, ok := tok.(xml.StartElement); ok && e.Name.Local == "circle" {
			circles++
		}
	}
	if circles != 2 {
		t.Errorf("the chart has %d circles", circles)
	}
}
