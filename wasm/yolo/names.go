package yolo

import (
	"errors"
	"fmt"
	"strconv"
	"unicode/utf8"
)

// ErrNames is the cause of every failure to read class names.
var ErrNames = errors.New("yolo: not a list of class names")

// maxNames bounds the class index, so that a hostile file cannot ask for memory.
const maxNames = 1 << 16

// ParseNames reads the "names" metadata of an Ultralytics export, the repr of a
// Python dict such as {0: 'person', 1: "driver's seat"}; a list ['a', 'b'] and
// JSON ({"0": "person"}) are read too. The result is indexed by class; indices
// that the text skips are "class N". Text that is neither wraps ErrNames.
func ParseNames(text string) ([]string, error) {
	p := &nameParser{s: text}
	names, err := p.parse()
	if err != nil {
		return nil, fmt.Errorf("%w: %s at byte %d of %.40q", ErrNames, err, p.i, text)
	}
	for i, n := range names {
		if n == "" {
			names[i] = "class " + strconv.Itoa(i)
		}
	}
	return names, nil
}

type nameParser struct {
	s string
	i int
}

func (p *nameParser) parse() ([]string, error) {
	p.space()
	var names []string
	var end byte
	switch p.peek() {
	case '{':
		end = '}'
	case '[':
		end = ']'
	default:
		return nil, errors.New("want { or [")
	}
	p.i++
	for n := 0; ; n++ {
		p.space()
		if p.peek() == end {
			p.i++
			break
		}
		index := n
		if end == '}' {
			k, err := p.key()
			if err != nil {
				return nil, err
			}
			index = k
		}
		name, err := p.str()
		if err != nil {
			return nil, err
		}
		for len(names) <= index {
			names = append(names, "")
		}
		names[index] = name
		p.space()
		if p.peek() == ',' {
			p.i++
		} else if p.peek() != end {
			return nil, fmt.Errorf("want , or %c", end)
		}
	}
	p.space()
	if p.i != len(p.s) {
		return nil, errors.New("text after the end")
	}
	return names, nil
}

// key reads an index, bare or quoted, and the colon after it.
func (p *nameParser) key() (int, error) {
	quote := p.peek()
	if quote == '\'' || quote == '"' {
		p.i++
	} else {
		quote = 0
	}
	start := p.i
	for c := p.peek(); '0' <= c && c <= '9'; c = p.peek() {
		p.i++
	}
	k, err := strconv.Atoi(p.s[start:p.i])
	if err != nil || k >= maxNames {
		return 0, fmt.Errorf("want a class index below %d", maxNames)
	}
	if quote != 0 {
		if p.peek() != quote {
			return 0, fmt.Errorf("want %c after the index", quote)
		}
		p.i++
	}
	p.space()
	if p.peek() != ':' {
		return 0, errors.New("want a colon after the index")
	}
	p.i++
	p.space()
	return k, nil
}

// str reads a quoted string with Python's escapes.
func (p *nameParser) str() (string, error) {
	quote := p.peek()
	if quote != '\'' && quote != '"' {
		return "", errors.New("want a quoted name")
	}
	p.i++
	var out []byte
	for p.i < len(p.s) {
		c := p.s[p.i]
		p.i++
		switch c {
		case quote:
			return string(out), nil
		case '\\':
			var err error
			if out, err = p.escape(out); err != nil {
				return "", err
			}
		default:
			out = append(out, c)
		}
	}
	return "", errors.New("the name has no end")
}

func (p *nameParser) escape(out []byte) ([]byte, error) {
	if p.i == len(p.s) {
		return nil, errors.New("the name has no end")
	}
	c := p.s[p.i]
	p.i++
	switch c {
	case '\\', '\'', '"', '/':
		return append(out, c), nil
	case 'n':
		return append(out, '\n'), nil
	case 't':
		return append(out, '\t'), nil
	case 'r':
		return append(out, '\r'), nil
	case 'x', 'u', 'U':
		n := map[byte]int{'x': 2, 'u': 4, 'U': 8}[c]
		if p.i+n > len(p.s) {
			return nil, errors.New("the escape has no end")
		}
		v, err := strconv.ParseUint(p.s[p.i:p.i+n], 16, 32)
		if err != nil {
			return nil, errors.New("the escape is not hexadecimal")
		}
		p.i += n
		return utf8.AppendRune(out, rune(v)), nil
	}
	return append(out, '\\', c), nil // Python keeps unknown escapes
}

func (p *nameParser) peek() byte {
	if p.i < len(p.s) {
		return p.s[p.i]
	}
	return 0
}

func (p *nameParser) space() {
	for p.i < len(p.s) && (p.s[p.i] == ' ' || p.s[p.i] == '\t' || p.s[p.i] == '\n' || p.s[p.i] == '\r') {
		p.i++
	}
}
