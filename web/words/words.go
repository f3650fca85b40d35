// Package words holds what the page says, in English and in Chinese. The English
// text is the key; what has no Chinese text is said in English. A test finds
// every key in the sources and fails where its Chinese text is lacking. It
// imports nothing of ours.
package words

import "strings"

// Languages that the page speaks.
const (
	English = "en"
	Chinese = "zh"
)

// Say returns an English text in a language, with its places filled as by Fill.
func Say(lang, text string, pairs ...string) string {
	if lang == Chinese {
		if t, ok := chinese[text]; ok {
			text = t
		}
	}
	return Fill(text, pairs...)
}

// Key marks a text that is kept in a table and said later.
func Key(text string) string { return text }

// Fill replaces each place {name} of a text by the value that follows its name
// in pairs. Values are not searched for places.
func Fill(text string, pairs ...string) string {
	if len(pairs) < 2 || !strings.Contains(text, "{") {
		return text
	}
	var b strings.Builder
	for {
		open := strings.IndexByte(text, '{')
		if open < 0 {
			break
		}
		end := strings.IndexByte(text[open:], '}')
		if end < 0 {
			break
		}
		b.WriteString(text[:open])
		name, value := text[open+1:open+end], text[open:open+end+1]
		for i := 0; i+1 < len(pairs); i += 2 {
			if pairs[i] == name {
				value = pairs[i+1]
			}
		}
		b.WriteString(value)
		text = text[open+end+1:]
	}
	b.WriteString(text)
	return b.String()
}

// Choose returns the language for a person who prefers these, in that order, as
// a browser tells them ("zh-CN", "en").
func Choose(preferred ...string) string {
	for _, p := range preferred {
		switch base, _, _ := strings.Cut(strings.ToLower(p), "-"); base {
		case English, Chinese:
			return base
		}
	}
	return English
}

// chinese joins the tables of the rooms.
var chinese = func() map[string]string {
	all := map[string]string{}
	for _, table := range tables {
		for k, v := range table {
			all[k] = v
		}
	}
	return all
}()

var tables = [...]map[string]string{zhShell, zhResults, zhOffline, zhModels}
