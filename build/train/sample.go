package train

import (
	"image"
	"image/color"
	stddraw "image/draw"
	"image/jpeg"
	"io"

	"eagleeye/build/draw"

	xdraw "golang.org/x/image/draw"
)

// writePredictions draws a sheet of pictures with what was found in them.
func (c *Config) writePredictions(show []shown) error {
	if len(show) == 0 {
		return nil
	}
	sheet, err := contactSheet(show)
	if err != nil {
		return err
	}
	return c.writeFile(PredictionsFile, func(w io.Writer) error {
		return jpeg.Encode(w, sheet, &jpeg.Options{Quality: 90})
	})
}

// contactSheet lays pictures out in three columns of cells of the same size.
func contactSheet(show []shown) (*image.RGBA, error) {
	const cell, columns = 400, 3
	rows := (len(show) + columns - 1) / columns
	sheet := image.NewRGBA(image.Rect(0, 0, cell*min(columns, len(show)), cell*rows))
	stddraw.Draw(sheet, sheet.Rect, image.NewUniform(color.Gray{Y: 40}), image.Point{}, stddraw.Src)
	for i, s := range show {
		w, h := s.img.Rect.Dx(), s.img.Rect.Dy()
		scale := float64(cell) / float64(max(w, h))
		img := image.NewRGBA(image.Rect(0, 0, max(1, int(float64(w)*scale)), max(1, int(float64(h)*scale))))
		xdraw.BiLinear.Scale(img, img.Rect, s.img, s.img.Rect, xdraw.Src, nil)
		for k := range s.found {
			f := &s.found[k]
			for _, v := range []*float32{&f.X1, &f.Y1, &f.X2, &f.Y2} {
				*v *= float32(scale)
			}
		}
		if err := draw.Detections(img, s.found); err != nil {
			return nil, err
		}
		at := image.Pt(cell*(i%columns)+(cell-img.Rect.Dx())/2, cell*(i/columns)+(cell-img.Rect.Dy())/2)
		stddraw.Draw(sheet, img.Rect.Add(at), img, image.Point{}, stddraw.Src)
	}
	return sheet, nil
}
