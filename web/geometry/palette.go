package geometry

// palette holds colours that stay apart under the common kinds of colour
// blindness and on light and dark pictures (Okabe and Ito, "Color Universal
// Design", with two lighter ones), each with the colour of text on it.
var palette = [...][2]string{
	{"#56b4e9", "#000"},
	{"#e69f00", "#000"},
	{"#009e73", "#000"},
	{"#f0e442", "#000"},
	{"#d55e00", "#000"},
	{"#cc79a7", "#000"},
	{"#0072b2", "#fff"},
	{"#9be7c4", "#000"},
	{"#c9a6ff", "#000"},
}

// Colours returns a class' colour and the colour of text upon it.
func Colours(class uint32) (fill, text string) {
	c := palette[class%uint32(len(palette))]
	return c[0], c[1]
}
