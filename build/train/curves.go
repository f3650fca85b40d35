package train

import (
	"image/color"
	"io"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/plotutil"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"
)

// line is a curve over the epochs; dashed ones have the colours of the solid ones
// before them.
type line struct {
	name   string
	xys    plotter.XYs
	dashed bool
}

// lossLines and precisionLines take the curves out of the rows.
func lossLines(rows []Row) (out []line) {
	add := func(of func(Row) []Part, label string, dashed bool) {
		var lines []line
		for _, r := range rows {
			for i, p := range of(r) {
				if i == len(lines) {
					lines = append(lines, line{name: p.Name + label, dashed: dashed})
				}
				lines[i].xys = append(lines[i].xys, plotter.XY{X: float64(r.Epoch), Y: p.Value})
			}
		}
		out = append(out, lines...)
	}
	add(func(r Row) []Part { return r.Losses }, "", false)
	add(func(r Row) []Part { return r.ValLosses }, ", judged", true)
	return out
}

func precisionLines(rows []Row) []line {
	out := []line{{name: "AP50"}, {name: "AP50-95"}}
	for _, r := range rows {
		if r.Judged && r.AP >= 0 {
			out[0].xys = append(out[0].xys, plotter.XY{X: float64(r.Epoch), Y: r.AP50})
			out[1].xys = append(out[1].xys, plotter.XY{X: float64(r.Epoch), Y: r.AP})
		}
	}
	return out
}

func figure(title, y string, lines []line) (*plot.Plot, error) {
	p := plot.New()
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = title, "epoch", y
	p.BackgroundColor = color.White
	p.Add(plotter.NewGrid())
	p.Legend.Top = true
	i := -1
	for k, l := range lines {
		if i++; k > 0 && l.dashed && !lines[k-1].dashed {
			i = 0
		}
		if len(l.xys) == 0 {
			continue
		}
		curve, err := plotter.NewLine(l.xys)
		if err != nil {
			return nil, err
		}
		curve.Color, curve.Width = plotutil.Color(i), vg.Points(1.5)
		if l.dashed {
			curve.Dashes = []vg.Length{vg.Points(4), vg.Points(3)}
		}
		p.Add(curve)
		p.Legend.Add(l.name, curve)
	}
	return p, nil
}

// writeCurves draws losses and precision side by side, as SVG and PNG.
func (c *Config) writeCurves(rows []Row) error {
	if len(rows) == 0 {
		return nil
	}
	losses, err := figure("Losses", "loss a picture", lossLines(rows))
	if err != nil {
		return err
	}
	precision, err := figure("Precision of the averaged weights", "AP", precisionLines(rows))
	if err != nil {
		return err
	}
	precision.Y.Min, precision.Y.Max = 0, 1
	paint := func(canvas vg.CanvasSizer) {
		tiles := draw.Tiles{Rows: 1, Cols: 2, PadX: 12, PadTop: 6, PadBottom: 6, PadLeft: 6, PadRight: 12}
		all := draw.New(canvas)
		all.SetColor(color.White)
		all.Fill(all.Rectangle.Path())
		for i, cell := range plot.Align([][]*plot.Plot{{losses, precision}}, tiles, all)[0] {
			[]*plot.Plot{losses, precision}[i].Draw(cell)
		}
	}
	const width, height = 10 * vg.Inch, 4 * vg.Inch
	svg := vgsvg.New(width, height)
	paint(svg)
	if err := c.writeFile(CurvesSVG, func(w io.Writer) error { _, err := svg.WriteTo(w); return err }); err != nil {
		return err
	}
	img := vgimg.PngCanvas{Canvas: vgimg.New(width, height)}
	paint(img)
	return c.writeFile(CurvesPNG, func(w io.Writer) error { _, err := img.WriteTo(w); return err })
}
