package data

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// document is the part of YAML that data.yaml files use: at the top level keys
// with a scalar, a list ([a, b] or lines of "- a") or a map of scalars (lines of
// "0: a", or {0: a, 1: b}).
type document map[string]*entry

type entry struct {
	text  string   // of a scalar
	items []string // of a list, or the values of a map
	keys  []string // of a map
}

// parseYAML refuses what it does not understand of the keys that are read later,
// and passes over other nested content.
func parseYAML(text string) (document, error) {
	d := document{}
	var cur *entry
	n := 0
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimRight(uncomment(line), " \t\r\n")
		body := strings.TrimLeft(line, " \t")
		if body == "" || body == "---" {
			continue
		}
		isItem := body == "-" || strings.HasPrefix(body, "- ")
		if len(body) == len(line) && !isItem {
			key, value, ok := cutKey(body)
			if !ok {
				return nil, fmt.Errorf("line %d: want a key and a colon", n)
			}
			cur = &entry{}
			d[key] = cur
			if err := cur.inline(value); err != nil {
				return nil, fmt.Errorf("line %d: %w", n, err)
			}
			continue
		}
		if cur == nil {
			return nil, fmt.Errorf("line %d: an indented line without a key before it", n)
		}
		if isItem {
			cur.items = append(cur.items, unquote(strings.TrimSpace(strings.TrimPrefix(body, "-"))))
		} else if key, value, ok := cutKey(body); ok {
			cur.keys, cur.items = append(cur.keys, key), append(cur.items, unquote(value))
		}
	}
	return d, nil
}

// inline reads what stands on the key's own line.
func (e *entry) inline(value string) error {
	if value == "" {
		return nil
	}
	open, shut := value[0], value[len(value)-1]
	isList, isMap := open == '[', open == '{'
	if !isList && !isMap {
		e.text = unquote(value)
		return nil
	}
	if isList && shut != ']' || isMap && shut != '}' || len(value) < 2 {
		return errors.New("a list or map over several lines: put it on one line, or an item a line")
	}
	for _, part := range splitList(value[1 : len(value)-1]) {
		if part == "" {
			continue
		}
		if isMap {
			key, v, ok := cutKey(part)
			if !ok {
				return fmt.Errorf("%.40q: want a key and a colon", part)
			}
			e.keys, part = append(e.keys, key), v
		}
		e.items = append(e.items, unquote(part))
	}
	return nil
}

// uncomment cuts a comment off, not inside quotes.
func uncomment(line string) string {
	if at := outside(line, func(i int) bool {
		return line[i] == '#' && (i == 0 || line[i-1] == ' ' || line[i-1] == '\t')
	}); at >= 0 {
		return line[:at]
	}
	return line
}

// cutKey parts "key: value".
func cutKey(s string) (key, value string, ok bool) {
	at := outside(s, func(i int) bool {
		return s[i] == ':' && (i+1 == len(s) || s[i+1] == ' ' || s[i+1] == '\t')
	})
	if at < 0 {
		return "", "", false
	}
	return unquote(strings.TrimSpace(s[:at])), strings.TrimSpace(s[at+1:]), true
}

// splitList parts at commas.
func splitList(s string) (out []string) {
	for {
		at := outside(s, func(i int) bool { return s[i] == ',' })
		if at < 0 {
			return append(out, strings.TrimSpace(s))
		}
		out = append(out, strings.TrimSpace(s[:at]))
		s = s[at+1:]
	}
}

// outside returns the first byte outside quotes where is holds, or −1. A quote
// opens only where a value may begin, so that the one in driver's does not.
func outside(s string, is func(i int) bool) int {
	var quote byte
	for i := range len(s) {
		switch c := s[i]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case (c == '\'' || c == '"') && (i == 0 || strings.IndexByte(" \t[{,:", s[i-1]) >= 0):
			quote = c
		case is(i):
			return i
		}
	}
	return -1
}

func unquote(s string) string {
	s = strings.TrimSpace(s)
	if len(s) < 2 || s[0] != s[len(s)-1] {
		return s
	}
	switch s[0] {
	case '\'':
		return strings.ReplaceAll(s[1:len(s)-1], "''", "'")
	case '"':
		if t, err := strconv.Unquote(s); err == nil {
			return t
		}
		return s[1 : len(s)-1]
	}
	return s
}

func (d document) scalar(key string) string {
	if e := d[key]; e != nil {
		return e.text
	}
	return ""
}

// list is a list or a single scalar.
func (d document) list(key string) []string {
	e := d[key]
	if e == nil {
		return nil
	}
	if e.text != "" && e.text != "null" && e.text != "~" {
		return []string{e.text}
	}
	return e.items
}

// names returns the classes: a list, or a map from 0 on without gaps; nc, where
// given, must agree.
func (d document) names() ([]string, error) {
	e := d["names"]
	if e == nil || len(e.items) == 0 {
		return nil, errors.New("it has no names: list the classes, such as names: [cat, dog]")
	}
	if len(e.items) > maxClasses {
		return nil, fmt.Errorf("it has %d classes", len(e.items))
	}
	if nc := d.scalar("nc"); nc != "" && nc != strconv.Itoa(len(e.items)) {
		return nil, fmt.Errorf("nc is %s, but there are %d names", nc, len(e.items))
	}
	if e.keys == nil {
		return e.items, nil
	}
	out := make([]string, len(e.items))
	seen := make([]bool, len(e.items))
	for i, key := range e.keys {
		k, err := strconv.Atoi(key)
		if err != nil || k < 0 || k >= len(out) || seen[k] {
			return nil, fmt.Errorf("the class number %q: want 0 to %d, each once", key, len(out)-1)
		}
		out[k], seen[k] = e.items[i], true
	}
	return out, nil
}
