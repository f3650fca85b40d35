// Package report sets models of one task beside each other: accuracy, size,
// cost and time, as tables and as a chart. It imports nothing of ours.
package report

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"math"
	"strings"
)

// Row is one model. Times are medians of a frame in ms; zero is not measured.
type Row struct {
	Name   string             `json:"name"`
	AP     float64            `json:"AP"` // IoU 0.50:0.95
	AP50   float64            `json:"AP50"`
	Params int                `json:"params"`
	GFLOPs float64            `json:"gflops"`
	Bytes  int                `json:"bytes"`
	Score  float64            `json:"rmsScore"` // rms difference of the score from the first row's
	IoU    float64            `json:"meanLoss"` // mean of 1 − IoU with the first row's boxes
	MS     map[string]float64 `json:"ms"`       // by kind of run
	Ratio  map[string]float64 `json:"ratio"`    // to the first row, by turns
}

// Table is rows in the order given; the first is the baseline. Kinds names the
// runs that were timed, in order, LeftOut those that might have been.
type Table struct {
	Data    string   `json:"data"`
	Size    int      `json:"size"`
	Kinds   []string `json:"kinds"`
	LeftOut []string `json:"leftOut,omitempty"`
	Rows    []Row    `json:"rows"`
}

func (t *Table) header() []string {
	h := []string{"model", "AP50-95", "AP50", "rms Δscore", "1 − IoU", "parameters", "GFLOPs", "MB"}
	for _, k := range t.Kinds {
		h = append(h, k+", ms", k+", ratio")
	}
	return append(h, t.LeftOut...)
}

func (t *Table) cells(r Row) []string {
	c := []string{r.Name, fmt.Sprintf("%.4f", r.AP), fmt.Sprintf("%.4f", r.AP50), fmt.Sprintf("%.4f", r.Score), fmt.Sprintf("%.4f", r.IoU),
		fmt.Sprintf("%.2f M", float64(r.Params)/1e6), fmt.Sprintf("%.2f", r.GFLOPs), fmt.Sprintf("%.2f", float64(r.Bytes)/1e6)}
	for _, k := range t.Kinds {
		c = append(c, fmt.Sprintf("%.1f", r.MS[k]), fmt.Sprintf("%.2f", r.Ratio[k]))
	}
	for range t.LeftOut {
		c = append(c, "left out")
	}
	return c
}

// Markdown writes the table as GitHub reads it.
func (t *Table) Markdown(w io.Writer) error {
	h := t.header()
	lines := []string{"| " + strings.Join(h, " | ") + " |", "|---" + strings.Repeat("|---:", len(h)-1) + "|"}
	for _, r := range t.Rows {
		c := t.cells(r)
		c[0] = strings.ReplaceAll(c[0], "|", "\\|")
		lines = append(lines, "| "+strings.Join(c, " | ")+" |")
	}
	_, err := io.WriteString(w, strings.Join(lines, "\n")+"\n")
	return err
}

// CSV writes the table with full figures.
func (t *Table) CSV(w io.Writer) error {
	c := csv.NewWriter(w)
	h := []string{"model", "AP50-95", "AP50", "rms_score", "mean_loss", "params", "gflops", "bytes"}
	for _, k := range t.Kinds {
		h = append(h, k+"_ms", k+"_ratio")
	}
	c.Write(append(h, t.LeftOut...))
	for _, r := range t.Rows {
		line := []string{r.Name, fmt.Sprint(r.AP), fmt.Sprint(r.AP50), fmt.Sprint(r.Score), fmt.Sprint(r.IoU), fmt.Sprint(r.Params), fmt.Sprint(r.GFLOPs), fmt.Sprint(r.Bytes)}
		for _, k := range t.Kinds {
			line = append(line, fmt.Sprint(r.MS[k]), fmt.Sprint(r.Ratio[k]))
		}
		for range t.LeftOut {
			line = append(line, "left out")
		}
		c.Write(line)
	}
	c.Flush()
	return c.Error()
}

// JSON writes the table.
func (t *Table) JSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(t)
}

// SVG draws accuracy against the time of the first kind of run; the area of a
// circle is the file's size.
func (t *Table) SVG() []byte {
	const w, h, left, right, top, bottom = 720, 420, 64, 150, 36, 48
	kind := ""
	if len(t.Kinds) > 0 {
		kind = t.Kinds[0]
	}
	maxX, lo, hi, big := 0.0, math.Inf(1), math.Inf(-1), 1.0
	for _, r := range t.Rows {
		maxX = max(maxX, r.MS[kind])
		lo, hi = min(lo, r.AP), max(hi, r.AP)
		big = max(big, float64(r.Bytes))
	}
	maxX = max(maxX*1.1, 1)
	lo, hi = max(0, lo-0.25*(hi-lo)-0.01), hi+0.15*(hi-lo)+0.01
	x := func(ms float64) float64 { return left + ms/maxX*(w-left-right) }
	y := func(ap float64) float64 { return h - bottom - (ap-lo)/(hi-lo)*(h-top-bottom) }
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" role="img" aria-label="Accuracy against time" font-family="system-ui,sans-serif" font-size="12">`, w, h, w)
	b.WriteString(`<rect width="100%" height="100%" fill="#fff"/>`)
	fmt.Fprintf(&b, `<text x="%d" y="20" font-size="14">AP50-95 against a frame's time (%s, ms); area: size of the file</text>`+"\n", left-40, html.EscapeString(kind))
	for i := range 6 {
		ap, ms := lo+(hi-lo)*float64(i)/5, maxX*float64(i)/5
		fmt.Fprintf(&b, `<path d="M%d %.1fH%d" stroke="#d0d7de"/><text x="%d" y="%.1f" text-anchor="end">%.3f</text>`, left, y(ap), w-right, left-6, y(ap)+4, ap)
		fmt.Fprintf(&b, `<text x="%.1f" y="%d" text-anchor="middle">%.0f</text>`+"\n", x(ms), h-bottom+18, ms)
	}
	for i, r := range t.Rows {
		fill := "#0969da"
		if i == 0 {
			fill = "#57606a"
		}
		radius := 22 * math.Sqrt(float64(r.Bytes)/big)
		fmt.Fprintf(&b, `<circle cx="%.1f" cy="%.1f" r="%.1f" fill="%s" fill-opacity=".45"/><text x="%.1f" y="%.1f">%s</text>`+"\n",
			x(r.MS[kind]), y(r.AP), radius, fill, x(r.MS[kind])+radius+4, y(r.AP)+4, html.EscapeString(r.Name))
	}
	b.WriteString("</svg>\n")
	return []byte(b.String())
}
