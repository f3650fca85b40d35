package geometry

import "math"

// base holds colours that stay apart under the common kinds of colour blindness
// and on light and dark pictures: those of Okabe and Ito ("Color Universal
// Design", 2008) without black, and the three that lie furthest from them and from each other.
var base = [...][3]uint8{
	{0x56, 0xb4, 0xe9},
	{0xe6, 0x9f, 0x00},
	{0x00, 0x9e, 0x73},
	{0xf0, 0xe4, 0x42},
	{0xd5, 0x5e, 0x00},
	{0xcc, 0x79, 0xa7},
	{0x00, 0x72, 0xb2},
	{0x88, 0x00, 0xff},
	{0xcc, 0xff, 0xcc},
	{0x77, 0x44, 0x22},
}

// tints are what the colours after the first ten are made by: shares of white
// (above 0) or black (below).
var tints = [...]float64{0, 0.55, -0.45, 0.8}

// Style is how a class is drawn.
type Style struct {
	Fill   string // of the frame and the label, "#rrggbb"
	Ink    string // of text upon it: black or white, whichever is plainer
	Dashed bool
}

// Styles is the number of styles before they repeat: ten colours, each in four
// tints, solid and dashed.
const Styles = len(base) * len(tints) * 2

var styles = func() (all [Styles]Style) {
	for i := range all {
		c := base[i%len(base)]
		if t := tints[i/len(base)%len(tints)]; t != 0 {
			to := 255.0
			if t < 0 {
				to, t = 0, -t
			}
			for k := range c {
				c[k] = uint8(math.Round(float64(c[k])*(1-t) + to*t))
			}
		}
		all[i] = Style{Fill: hex(c), Ink: "#000", Dashed: i >= Styles/2}
		if l := luminance(c); contrast(l, 1) > contrast(l, 0) {
			all[i].Ink = "#fff"
		}
	}
	return all
}()

// StyleOf returns how a class is drawn. The first 80 classes all differ.
func StyleOf(class uint32) Style { return styles[class%uint32(Styles)] }

// Colours returns a class' colour and the colour of text upon it.
func Colours(class uint32) (fill, text string) {
	s := StyleOf(class)
	return s.Fill, s.Ink
}

func hex(c [3]uint8) string {
	const digits = "0123456789abcdef"
	b := []byte{'#'}
	for _, v := range c {
		b = append(b, digits[v>>4], digits[v&15])
	}
	return string(b)
}

// linear returns the light of a channel, 0..1, by sRGB's curve.
func linear(v uint8) float64 {
	if s := float64(v) / 255; s > 0.04045 {
		return math.Pow((s+0.055)/1.055, 2.4)
	} else {
		return s / 12.92
	}
}

// luminance is WCAG's relative luminance, 0..1.
func luminance(c [3]uint8) float64 {
	return 0.2126*linear(c[0]) + 0.7152*linear(c[1]) + 0.0722*linear(c[2])
}

// contrast is WCAG's contrast ratio of two luminances, 1..21.
func contrast(a, b float64) float64 { return (max(a, b) + 0.05) / (min(a, b) + 0.05) }
