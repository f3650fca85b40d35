package sensitivity

import (
	"encoding/csv"
	"fmt"
	"html"
	"io"
	"math"
	"strconv"
	"strings"
)

// WriteCSV writes a line a layer: group, name, convolutions, the rms of the
// scores' difference and the mean of 1 − IoU with this layer alone in int8 and in
// float, empty where not measured, and what float costs, a share of the frame.
func (a *Analysis) WriteCSV(w io.Writer) error {
	c := csv.NewWriter(w)
	c.Write([]string{"group", "layer", "convs", "int8_rms_score", "int8_1_minus_iou", "float_rms_score", "float_1_minus_iou", "float_cost"})
	figure := func(anchors int, v float64) string {
		if anchors == 0 || math.IsNaN(v) {
			return ""
		}
		return strconv.FormatFloat(v, 'f', 5, 64)
	}
	for _, l := range a.Layers {
		c.Write([]string{
			strconv.Itoa(l.Group), l.Name, strconv.Itoa(len(l.Convs)),
			figure(l.Int8.Anchors, l.Int8.RMSScore), figure(l.Int8.Anchors, l.Int8.MeanLoss),
			figure(l.Float.Anchors, l.Float.RMSScore), figure(l.Float.Anchors, l.Float.MeanLoss),
			strconv.FormatFloat(l.Cost, 'f', 4, 64),
		})
	}
	c.Flush()
	return c.Error()
}

const style = `<style>text{font:12px system-ui,sans-serif;fill:#24292f}.h{font-size:13px;font-weight:600}.q{fill:#57606a}.b{fill:#0969da}.w{fill:#bc4c00}.g{stroke:#d0d7de}
@media(prefers-color-scheme:dark){text{fill:#e6edf3}.q{fill:#9198a1}.b{fill:#4493f8}.w{fill:#db6d28}.g{stroke:#3d444d}}</style>`

// charted is how many layers a chart shows.
const charted = 30

// SVG is a chart of the worst layers: bars of the scores' error, beside what the
// layer costs in float. Layers in mixed, those that a mixed model keeps in float,
// stand out.
func (a *Analysis) SVG(mixed []Layer) []byte {
	const row, left, wide, top = 20, 250, 360, 64
	in := map[int]bool{}
	for _, l := range mixed {
		in[l.Group] = true
	}
	layers := a.Layers[:min(len(a.Layers), charted)]
	bar := func(l Layer) float64 { return math.Sqrt(max(0, a.Error(l))) }
	most := a.All.RMSScore
	for _, l := range layers {
		most = max(most, bar(l))
	}
	what := "of the model with this layer alone in int8"
	if len(layers) > 0 && layers[0].Int8.Anchors == 0 {
		what = "that the int8 model loses with this layer in float (root of the difference of squares)"
	}
	scale := wide / max(most, 1e-9)
	var b strings.Builder
	fmt.Fprintf(&b, `<text class="h" x="10" y="20">Sensitivity to int8, layer by layer, on %d pictures</text>`, a.Images)
	fmt.Fprintf(&b, `<text class="q" x="10" y="40">rms Δscore %s; right: what float costs of a frame</text>`, html.EscapeString(what))
	end := top + row*len(layers)
	x := float64(left) + a.All.RMSScore*scale
	fmt.Fprintf(&b, `<path class="g" stroke-dasharray="4 4" d="M%.1f %dV%d"/><text class="q" x="%.1f" y="%d" text-anchor="end">int8 throughout: %.4f</text>`, x, top-4, end, x, end+14, a.All.RMSScore)
	for i, l := range layers {
		y := top + i*row
		class := "b"
		if in[l.Group] {
			class = "w"
		}
		fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="end">%s</text><rect class="%s" x="%d" y="%d" width="%.1f" height="14" rx="2"/><text class="q" x="%.1f" y="%d">%.4f</text><text class="q" x="%d" y="%d" text-anchor="end">%+.1f %%</text>`,
			left-8, y+12, html.EscapeString(short(l.Name)), class, left, y, bar(l)*scale, left+bar(l)*scale+6, y+12, bar(l), left+wide+110, y+12, 100*l.Cost)
	}
	if len(mixed) > 0 {
		fmt.Fprintf(&b, `<text class="q" x="10" y="%d">Orange: in float in the mixed model.</text>`, end+14)
	}
	w, h := left+wide+120, end+26
	return fmt.Appendf(nil, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" role="img" aria-label="Sensitivity of each layer to int8">%s%s</svg>
`, w, h, w, style, b.String())
}

// short keeps a name of several modules readable.
func short(name string) string {
	parts := strings.Fields(name)
	switch {
	case len(parts) > 2:
		return fmt.Sprintf("%s … %s (%d)", parts[0], parts[len(parts)-1], len(parts))
	case len(parts) == 2:
		return parts[0] + ", " + parts[1]
	}
	return name
}
