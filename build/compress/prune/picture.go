package prune

import (
	"fmt"
	"html"
	"strings"
)

// SVG draws the channels of every convolution before (outline) and after
// (filled), one bar a layer in order.
func (r *Report) SVG() []byte {
	const row, left, width = 14, 190, 420
	most := 1
	for _, c := range r.Changes {
		most = max(most, c.Before)
	}
	height := row*len(r.Changes) + 48
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" font-size="10">`+"\n", left+width+90, height)
	fmt.Fprintf(&b, `<rect width="100%%" height="100%%" fill="#fff"/><text x="8" y="20" font-size="13">Channels of each convolution: %d of %d parameters left</text>`+"\n", r.ParamsAfter, r.ParamsBefore)
	for i, c := range r.Changes {
		y := 34 + row*i
		scale := float64(width) / float64(most)
		fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="end">%s</text>`, left-6, y+9, html.EscapeString(c.Name))
		fmt.Fprintf(&b, `<rect x="%d" y="%d" width="%.1f" height="10" fill="#e6edf5" stroke="#9bb0c8" stroke-width=".5"/>`, left, y, float64(c.Before)*scale)
		fmt.Fprintf(&b, `<rect x="%d" y="%d" width="%.1f" height="10" fill="#2f6fb5"/>`, left, y, float64(c.After)*scale)
		label := fmt.Sprint(c.Before)
		if c.After != c.Before {
			label = fmt.Sprintf("%d → %d", c.Before, c.After)
		}
		fmt.Fprintf(&b, `<text x="%.1f" y="%d">%s</text>`+"\n", float64(left)+float64(c.Before)*scale+5, y+9, label)
	}
	b.WriteString("</svg>\n")
	return []byte(b.String())
}
