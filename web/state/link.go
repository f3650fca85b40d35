package state

import (
	"strconv"
	"strings"

	"eagleeye/web/words"
)

// Encode writes what differs from base as name=value&name=value, the form in
// which settings are kept and put behind the # of a link.
func (v Settings) Encode(base Settings) string {
	var parts []string
	for _, f := range fields {
		if text := f.get(&v); text != f.get(&base) {
			parts = append(parts, f.name+"="+escape(text))
		}
	}
	return strings.Join(parts, "&")
}

// Decode returns the settings with what a text of Encode says; what it does not
// understand it leaves.
func (v Settings) Decode(text string) Settings {
	for part := range strings.SplitSeq(strings.TrimPrefix(text, "#"), "&") {
		name, value, ok := strings.Cut(part, "=")
		if !ok {
			continue
		}
		for _, f := range fields {
			if f.name == name {
				f.set(&v, unescape(value))
			}
		}
	}
	return v
}

// Private returns the settings without what should not be in a link: camera ids
// mean nothing elsewhere.
func (v Settings) Private(base Settings) Settings {
	v.Device, v.Lang, v.Theme = base.Device, base.Lang, base.Theme
	return v
}

type field struct {
	name string
	get  func(*Settings) string
	set  func(*Settings, string)
}

func number(name string, low, high int, at func(*Settings) *int) field {
	return field{name, func(v *Settings) string { return strconv.Itoa(*at(v)) }, func(v *Settings, text string) {
		if n, err := strconv.Atoi(text); err == nil && n >= low && n <= high {
			*at(v) = n
		}
	}}
}

func share(name string, at func(*Settings) *float32) field {
	return field{name, func(v *Settings) string { return strconv.FormatFloat(float64(*at(v)), 'g', -1, 32) }, func(v *Settings, text string) {
		if f, err := strconv.ParseFloat(text, 32); err == nil && f >= 0 && f <= 1 {
			*at(v) = float32(f)
		}
	}}
}

// choice is one of some words, or with none given any text of up to 200 bytes.
func choice(name string, at func(*Settings) *string, of ...string) field {
	return field{name, func(v *Settings) string { return *at(v) }, func(v *Settings, text string) {
		for _, one := range of {
			if text == one {
				*at(v) = text
			}
		}
		if len(of) == 0 && len(text) <= 200 {
			*at(v) = text
		}
	}}
}

var fields = [...]field{
	share("conf", func(v *Settings) *float32 { return &v.Conf }),
	share("iou", func(v *Settings) *float32 { return &v.IoU }),
	number("max", 1, DefaultMax, func(v *Settings) *int { return &v.Max }),
	{"hide", func(v *Settings) string { return string(v.Hidden) }, func(v *Settings, text string) {
		v.Hidden = ""
		for name := range strings.SplitSeq(text, "\n") {
			if name != "" {
				v.Hidden = v.Hidden.With(name, true)
			}
		}
	}},
	{"size", func(v *Settings) string { return strconv.Itoa(v.Size) }, func(v *Settings, text string) {
		if n, err := strconv.Atoi(text); err == nil && (n == 0 || n == SizeAuto || n >= 32 && n <= 1280 && n%32 == 0) {
			v.Size = n
		}
	}},
	number("rate", 1, 120, func(v *Settings) *int { return &v.Rate }),
	number("threads", 0, 16, func(v *Settings) *int { return &v.Threads }),
	choice("precision", func(v *Settings) *string { return &v.Precision }, "", "int8", "mixed", "float"),
	choice("lang", func(v *Settings) *string { return &v.Lang }, words.English, words.Chinese),
	choice("theme", func(v *Settings) *string { return &v.Theme }, "", "dark", "light"),
	{"shapes", func(v *Settings) string { return v.Shapes }, func(v *Settings, text string) {
		if s, ok := parseShapes(text); ok {
			v.Shapes = shapesText(s.List)
		}
	}},
	{"mirror", func(v *Settings) string { return strconv.FormatBool(v.Mirror) }, func(v *Settings, text string) { v.Mirror = text == "true" }},
	choice("camera", func(v *Settings) *string { return &v.Device }),
	choice("facing", func(v *Settings) *string { return &v.Facing }, FacingRoom, FacingUser),
	choice("res", func(v *Settings) *string { return &v.Res }, Resolutions[:]...),
}

// escape writes what has a meaning in an address as %XX (RFC 3986).
func escape(text string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(text) {
		switch c := text[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', strings.IndexByte("-._~", c) >= 0:
			b.WriteByte(c)
		default:
			b.WriteByte('%')
			b.WriteByte(hex[c>>4])
			b.WriteByte(hex[c&15])
		}
	}
	return b.String()
}

func unescape(text string) string {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] == '%' && i+2 < len(text) {
			if n, err := strconv.ParseUint(text[i+1:i+3], 16, 8); err == nil {
				b.WriteByte(byte(n))
				i += 2
				continue
			}
		}
		b.WriteByte(text[i])
	}
	return b.String()
}
