package scenes

import (
	"flag"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"os"
	"testing"
	"time"
)

var (
	sheet      = flag.String("sheet", "", "write pictures to look at to this PNG")
	sheetSeed  = flag.Uint64("sheetseed", 1, "of the scenes on it")
	sheetN     = flag.Int("sheetn", 4, "scenes a side")
	sheetBoxes = flag.Bool("boxes", true, "draw their boxes")
)

func TestSheet(t *testing.T) {
	if *sheet == "" {
		t.Skip("no -sheet")
	}
	n := *sheetN
	out := image.NewRGBA(image.Rect(0, 0, 320*n, 320*n))
	start := time.Now()
	var spent time.Duration
	for i := range n * n {
		at := time.Now()
		img, boxes := Draw(*sheetSeed, uint64(i), 320, 320)
		spent += time.Since(at)
		if *sheetBoxes {
			for _, b := range boxes {
				c := color.RGBA{uint8(37 * b.Class), uint8(255 - 30*b.Class), uint8(b.Class % 2 * 255), 255}
				x0, y0, x1, y1 := int(b.X1), int(b.Y1), int(b.X2), int(b.Y2)
				for x := x0; x < x1; x++ {
					img.SetRGBA(x, y0, c)
					img.SetRGBA(x, y1, c)
				}
				for y := y0; y < y1; y++ {
					img.SetRGBA(x0, y, c)
					img.SetRGBA(x1, y, c)
				}
			}
		}
		draw.Draw(out, image.Rect(i%n*320, i/n*320, i%n*320+320, i/n*320+320), img, image.Point{}, draw.Src)
	}
	t.Logf("%v a scene; all %v", spent/time.Duration(n*n), time.Since(start))
	f, err := os.Create(*sheet)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	png.Encode(f, out)
}

func BenchmarkDraw(b *testing.B) {
	for i := range 400 {
		Draw(1, uint64(i), 320, 320)
	}
	b.ResetTimer()
	i := uint64(0)
	for b.Loop() {
		i++
		Draw(1, i, 320, 320)
	}
}

func TestFilmSheet(t *testing.T) {
	if *sheet == "" {
		t.Skip("no -sheet")
	}
	out := image.NewRGBA(image.Rect(0, 0, 3*FilmWidth, 3*FilmHeight))
	for i := range 9 {
		img, _ := FilmFrame(i * FilmFrames / 9)
		draw.Draw(out, image.Rect(i%3*FilmWidth, i/3*FilmHeight, i%3*FilmWidth+FilmWidth, i/3*FilmHeight+FilmHeight), img, image.Point{}, draw.Src)
	}
	f, err := os.Create(*sheet)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	png.Encode(f, out)
}
