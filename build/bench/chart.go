package bench

import (
	"fmt"
	"html"
	"math"
	"slices"
	"strings"
)

// Charts are written as SVG by hand: a plotting library knows no light and dark.
const style = `<style>
text{font:13px system-ui,sans-serif;fill:#24292f}.h{font-weight:600}.s{font-size:12px;fill:#57606a}
.o{fill:#0969da}.p{fill:#afb8c1}.n{fill:#d8dee4}.g{stroke:#d0d7de}.l{stroke:#0969da;fill:none;stroke-width:2}.r{stroke:#8c959f;fill:none;stroke-dasharray:4 4}.b{fill:#0969da;opacity:.1}
@media(prefers-color-scheme:dark){text{fill:#e6edf3}.s{fill:#9198a1}.o{fill:#4493f8}.p{fill:#656c76}.n{fill:#3d444d}.g{stroke:#3d444d}.l{stroke:#4493f8}.b{fill:#4493f8}}
</style>`

func svg(w, h int, title string, body string) []byte {
	return fmt.Appendf(nil, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" role="img" aria-label=%q>%s%s</svg>
`, w, h, w, title, style, body)
}

// Bars is a chart of the median frame of every contender, a panel for each size
// and number of threads, the fastest first.
func (r *Report) Bars() []byte {
	const panelW, row, head = 440, 24, 44
	type group struct{ size, threads int }
	var groups []group
	for _, c := range r.Cells {
		if g := (group{c.Size, c.Threads}); !slices.Contains(groups, g) {
			groups = append(groups, g)
		}
	}
	var b strings.Builder
	bottom := make([]int, 2)
	for i, g := range groups {
		var cells []Cell
		for _, c := range r.Cells {
			if c.Size == g.size && c.Threads == g.threads {
				cells = append(cells, c)
			}
		}
		slices.SortStableFunc(cells, func(a, b Cell) int { return int(math.Copysign(1, a.Median-b.Median)) })
		x, y := 10+i%2*(panelW+30), bottom[i%2]
		fmt.Fprintf(&b, `<text class="h" x="%d" y="%d">%d×%d, %s</text>`, x, y+26, g.size, g.size, plural(g.threads, "thread"))
		for k, c := range cells {
			class, top := "p", y+head+k*row
			if c.Ours() {
				class = "o"
			} else if c.Native() {
				class = "n"
			}
			w := c.Median / cells[len(cells)-1].Median * (panelW - 250)
			fmt.Fprintf(&b, `<text class="s" x="%d" y="%d" text-anchor="end">%s</text><rect class="%s" x="%d" y="%d" width="%.1f" height="16" rx="2"/><text class="s" x="%.1f" y="%d">%s ms</text>`,
				x+190, top+12, html.EscapeString(c.Label()), class, x+198, top, w, float64(x+204)+w, top+12, figures(c.Median))
		}
		bottom[i%2] = y + head + len(cells)*row + 6
	}
	height := max(bottom[0], bottom[1])
	fmt.Fprintf(&b, `<text class="s" x="10" y="%d">Median of a frame: ours from RGBA to boxes, others the network alone. Native: outside the browser.</text>`, height+14)
	return svg(2*panelW+50, height+28, "Milliseconds a frame of Eagle Eye and of other runtimes", b.String())
}

// Line is a chart of the time of a frame against the number of pixels of the
// network's input, beside time in proportion to them.
func (r *Report) Line() []byte {
	const w, h, left, base, right, top = 640, 360, 60, 310, 610, 40
	last := r.Scaling[len(r.Scaling)-1]
	pixels := func(c Cell) float64 { return float64(c.Size*c.Size) / 1e6 }
	unit := r.proportion()
	maxX, maxY := pixels(last)*1.05, 0.0
	for _, c := range r.Scaling {
		maxY = max(maxY, c.Median*1.1, unit*maxX*1.15)
	}
	px := func(x float64) float64 { return left + x/maxX*(right-left) }
	py := func(y float64) float64 { return base - y/maxY*(base-top) }
	var b strings.Builder
	fmt.Fprintf(&b, `<text class="h" x="%d" y="24">Time of a frame against the pixels of the network's input, one thread</text>`, 10)
	step := nice(maxY / 4)
	for v := 0.0; v <= maxY; v += step {
		fmt.Fprintf(&b, `<path class="g" d="M%d %.1fH%d"/><text class="s" x="%d" y="%.1f" text-anchor="end">%g ms</text>`, left, py(v), right, left-6, py(v)+4, v)
	}
	fmt.Fprintf(&b, `<path class="b" d="M%.1f %.1fL%.1f %.1fL%.1f %.1fZ"/>`, px(0), py(0), px(maxX), py(unit*maxX*1.15), px(maxX), py(unit*maxX*0.85))
	fmt.Fprintf(&b, `<path class="r" d="M%.1f %.1fL%.1f %.1f"/>`, px(0), py(0), px(maxX), py(unit*maxX))
	var line strings.Builder
	for i, c := range r.Scaling {
		fmt.Fprintf(&line, "%c%.1f %.1f", "ML"[min(i, 1)], px(pixels(c)), py(c.Median))
	}
	fmt.Fprintf(&b, `<path class="l" d="%s"/>`, line.String())
	for _, c := range r.Scaling {
		fmt.Fprintf(&b, `<circle class="o" cx="%.1f" cy="%.1f" r="4"/><text class="s" x="%.1f" y="%.1f" text-anchor="end">%s</text><text class="s" x="%.1f" y="%d" text-anchor="middle">%d²</text>`,
			px(pixels(c)), py(c.Median), px(pixels(c))-6, py(c.Median)-8, figures(c.Median), px(pixels(c)), base+18, c.Size)
	}
	fmt.Fprintf(&b, `<text class="s" x="10" y="%d">Dashed: in proportion to the pixels; band: within 15 %%.</text>`, h-10)
	return svg(w, h, "Time of a frame against the pixels of the network's input", b.String())
}

// proportion is the time of a million pixels, between the least and the largest
// of the sizes.
func (r *Report) proportion() float64 {
	low, high := math.Inf(1), 0.0
	for _, c := range r.Scaling {
		v := c.Median / (float64(c.Size*c.Size) / 1e6)
		low, high = min(low, v), max(high, v)
	}
	return (low + high) / 2
}

// spread is how far the times a pixel lie from the middle of them, at most.
func (r *Report) spread() float64 {
	worst, unit := 0.0, r.proportion()
	for _, c := range r.Scaling {
		worst = max(worst, math.Abs(c.Median/(float64(c.Size*c.Size)/1e6)/unit-1))
	}
	return worst
}

// nice rounds up to 1, 2 or 5 times a power of ten.
func nice(v float64) float64 {
	p := math.Pow(10, math.Floor(math.Log10(v)))
	for _, m := range []float64{1, 2, 5} {
		if v <= m*p {
			return m * p
		}
	}
	return 10 * p
}

// figures writes a time with three figures or so.
func figures(ms float64) string {
	if ms < 100 {
		return fmt.Sprintf("%.1f", ms)
	}
	return fmt.Sprintf("%.0f", ms)
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
