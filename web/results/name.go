package results

import "strconv"

// FileName makes the name of a download from the name of its source, such as
// "eagle-eye-film-2.csv" for "film.mp4" and the number 2; numbers below 1 are
// left out.
func FileName(source string, number int, ext string) string {
	for i := len(source) - 1; i > 0; i-- {
		if source[i] == '.' && len(source)-i <= 5 {
			source = source[:i]
			break
		}
	}
	b := []byte("eagle-eye")
	gap, n := true, 0
	for _, r := range source {
		switch {
		case r >= 'A' && r <= 'Z', r >= 'a' && r <= 'z', r >= '0' && r <= '9', r >= 0x80 && r != 0xfffd:
			if gap {
				b = append(b, '-')
				gap = false
			}
			b = append(b, string(r)...)
			n++
		default:
			gap = true
		}
		if n == 48 {
			break
		}
	}
	if number > 0 {
		b = append(b, '-')
		b = strconv.AppendInt(b, int64(number), 10)
	}
	b = append(b, '.')
	return string(append(b, ext...))
}
