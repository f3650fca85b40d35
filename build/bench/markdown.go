package bench

import (
	"fmt"
	"slices"
	"strings"
)

// Markdown is the report as tables for a document.
func (r *Report) Markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %s, medians of %d rounds of %d frames, ms.\n\n", r.Machine, r.Browser, r.Rounds, r.Frames)
	r.medians(&b)
	if len(r.Scaling) > 0 {
		fmt.Fprintf(&b, "\n| size | ms | ms a megapixel |\n|---:|---:|---:|\n")
		for _, c := range r.Scaling {
			fmt.Fprintf(&b, "| %d | %s | %.1f |\n", c.Size, figures(c.Median), c.Median*1e6/float64(c.Size*c.Size))
		}
	}
	if len(r.Starts) > 0 {
		s := r.Starts[0]
		fmt.Fprintf(&b, "\n%d×%d, %s, medians of %d starts.\n\n", s.Size, s.Size, plural(s.Threads, "thread"), s.N)
		fmt.Fprintf(&b, "| | loaded, s | first boxes, s | first frame, ms | later, ms | MB | gzip | brotli | peak memory, MiB |\n|---|---:|---:|---:|---:|---:|---:|---:|---:|\n")
		for _, s := range r.Starts {
			boxes, first, later := "", "", ""
			if s.Boxes > 0 {
				boxes, first, later = fmt.Sprintf("%.2f", s.Boxes/1000), figures(s.First), figures(s.Later)
			}
			fmt.Fprintf(&b, "| %s | %.2f | %s | %s | %s | %.1f | %.2f | %.2f | %d |\n", s.Title, s.Ready/1000, boxes, first, later, mega(s.Raw), mega(s.Gzip), mega(s.Brotli), s.Memory>>20)
		}
	}
	for _, l := range r.LeftOut {
		fmt.Fprintf(&b, "\nLeft out: %s, %s, %d: %s\n", l.Contender, plural(l.Threads, "thread"), l.Size, l.Why)
	}
	return b.String()
}

// medians is the table of contenders, a column for each size and number of
// threads, with the ratio to the fastest peer of the column.
func (r *Report) medians(b *strings.Builder) {
	type column struct{ size, threads int }
	var columns []column
	var rows []string
	for _, c := range r.Cells {
		if g := (column{c.Size, c.Threads}); !slices.Contains(columns, g) {
			columns = append(columns, g)
		}
		if !slices.Contains(rows, c.Title) {
			rows = append(rows, c.Title)
		}
	}
	b.WriteString("| |")
	for _, g := range columns {
		fmt.Fprintf(b, " %d, %s | ratio |", g.size, plural(g.threads, "thread"))
	}
	b.WriteString("\n|---|" + strings.Repeat("---:|---:|", len(columns)) + "\n")
	line := func(title string, pick func(Cell) float64) {
		fmt.Fprintf(b, "| %s |", title)
		for _, g := range columns {
			i := slices.IndexFunc(r.Cells, func(c Cell) bool {
				return c.Title == strings.TrimSuffix(title, ", network") && (column{c.Size, c.Threads}) == g
			})
			peer, ok := r.fastest(g.size, g.threads)
			switch {
			case i < 0:
				b.WriteString(" | |")
			case !ok:
				fmt.Fprintf(b, " %s | |", figures(pick(r.Cells[i])))
			default:
				fmt.Fprintf(b, " %s | %.2f |", figures(pick(r.Cells[i])), pick(r.Cells[i])/peer.Median)
			}
		}
		b.WriteString("\n")
	}
	for i, title := range rows {
		line(title, func(c Cell) float64 { return c.Median })
		if i == 0 && strings.HasPrefix(title, "Eagle Eye") {
			line(title+", network", func(c Cell) float64 { return c.Network })
		}
	}
}
