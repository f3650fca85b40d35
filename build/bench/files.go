package bench

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
)

// Write puts the results into a folder: bench.json, bench.csv, bench.md and the
// charts peers.svg and sizes.svg, those that there is something for.
func (r *Report) Write(dir string) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	files := map[string][]byte{"bench.json": append(text, '\n'), "bench.csv": r.csv(), "bench.md": []byte(r.Markdown())}
	if len(r.Cells) > 0 {
		files["peers.svg"] = r.Bars()
	}
	if len(r.Scaling) > 0 {
		files["sizes.svg"] = r.Line()
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("results: %w", err)
	}
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			return fmt.Errorf("results: %w", err)
		}
	}
	return nil
}

// csv is a line for every cell.
func (r *Report) csv() []byte {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	w.Write([]string{"contender", "size", "threads", "median_ms", "p90_ms", "min_ms", "network_ms", "processor_ms", "frames", "ratio_to_fastest_peer"})
	number := func(v float64) string { return strconv.FormatFloat(v, 'f', 3, 64) }
	for _, c := range append(append([]Cell(nil), r.Cells...), r.Scaling...) {
		ratio := ""
		if peer, ok := r.fastest(c.Size, c.Threads); ok {
			ratio = number(c.Median / peer.Median)
		}
		w.Write([]string{c.Title, strconv.Itoa(c.Size), strconv.Itoa(c.Threads), number(c.Median), number(c.P90), number(c.Min), number(c.Network), number(c.Processor), strconv.Itoa(c.N), ratio})
	}
	w.Flush()
	return b.Bytes()
}
