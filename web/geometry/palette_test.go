package geometry

import (
	"math"
	"strconv"
	"testing"
)

func parse(t *testing.T, s string) (c [3]uint8) {
	t.Helper()
	if len(s) == 4 {
		s = "#" + string([]byte{s[1], s[1], s[2], s[2], s[3], s[3]})
	}
	v, err := strconv.ParseUint(s[1:], 16, 32)
	if err != nil || len(s) != 7 {
		t.Fatalf("%q is no colour", s)
	}
	return [3]uint8{uint8(v >> 16), uint8(v >> 8), uint8(v)}
}

// TestStyles: 80 that differ, with text that can be read (WCAG AA: 4.5).
func TestStyles(t *testing.T) {
	if Styles < 80 {
		t.Fatalf("%d styles for 80 classes", Styles)
	}
	seen, least := map[Style]uint32{}, 21.0
	for class := range uint32(80) {
		s := StyleOf(class)
		if other, ok := seen[s]; ok {
			t.Errorf("classes %d and %d look alike", class, other)
		}
		seen[s] = class
		least = min(least, contrast(luminance(parse(t, s.Fill)), luminance(parse(t, s.Ink))))
	}
	t.Logf("least contrast of a label %.1f", least)
	if least < 4.5 {
		t.Errorf("a label's contrast is %.2f", least)
	}
	if StyleOf(3) != StyleOf(3+uint32(Styles)) {
		t.Error("styles do not repeat")
	}
	if fill, text := Colours(1<<32 - 1); fill == "" || text == "" {
		t.Error("no colour for the last class")
	}
}

// What people with no red, green or blue cones see, in linear RGB (Machado,
// Oliveira and Fernandes 2009, severity 1).
var blind = map[string][9]float64{
	"full sight":   {1, 0, 0, 0, 1, 0, 0, 0, 1},
	"protanopia":   {0.152286, 1.052583, -0.204868, 0.114503, 0.786281, 0.099216, -0.003882, -0.048116, 1.051998},
	"deuteranopia": {0.367322, 0.860646, -0.227968, 0.280085, 0.672501, 0.047413, -0.011820, 0.042940, 0.968881},
	"tritanopia":   {1.255528, -0.076749, -0.178779, -0.078411, 0.930809, 0.147602, 0.004733, 0.691367, 0.303900},
}

// lab is CIE L*a*b* under D65.
func lab(r, g, b float64) [3]float64 {
	f := func(v float64) float64 {
		if v > 216.0/24389 {
			return math.Cbrt(v)
		}
		return (24389.0/27*v + 16) / 116
	}
	x := f((0.4124564*r + 0.3575761*g + 0.1804375*b) / 0.95047)
	y := f(0.2126729*r + 0.7151522*g + 0.0721750*b)
	z := f((0.0193339*r + 0.1191920*g + 0.9503041*b) / 1.08883)
	return [3]float64{116*y - 16, 500 * (x - y), 200 * (y - z)}
}

// TestColourBlind: the first ten colours stay apart by a distance in L*a*b* that
// is plain to see (about 2.3 is just noticeable).
func TestColourBlind(t *testing.T) {
	for name, m := range blind {
		least, a, b := 1e9, 0, 0
		var seen [len(base)][3]float64
		for i, c := range base {
			r, g, bl := linear(c[0]), linear(c[1]), linear(c[2])
			cut := func(v float64) float64 { return min(max(v, 0), 1) }
			seen[i] = lab(cut(m[0]*r+m[1]*g+m[2]*bl), cut(m[3]*r+m[4]*g+m[5]*bl), cut(m[6]*r+m[7]*g+m[8]*bl))
			for j := range i {
				d := math.Hypot(math.Hypot(seen[i][0]-seen[j][0], seen[i][1]-seen[j][1]), seen[i][2]-seen[j][2])
				if d < least {
					least, a, b = d, i, j
				}
			}
		}
		t.Logf("%s: the nearest are %s and %s, %.1f apart", name, hex(base[a]), hex(base[b]), least)
		if least < 15 {
			t.Errorf("%s: %s and %s are only %.1f apart", name, hex(base[a]), hex(base[b]), least)
		}
	}
}
