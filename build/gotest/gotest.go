// Package gotest turns the event stream of `go test -json` into a short report:
// the usual line a package, the whole output of what failed, and what was
// skipped and why. It imports nothing of ours.
package gotest

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
)

// event is a line of the stream (go doc test2json).
type event struct {
	Action      string
	Package     string
	ImportPath  string // of build-output
	Test        string
	Output      string
	FailedBuild string
}

// Summary counts tests, subtests included.
type Summary struct {
	Passed, Failed int
	Skipped        []Skip
}

// Skip is a test that did not run.
type Skip struct {
	Test
	Reason string
}

// Test names a test.
type Test struct{ Package, Name string }

type key struct{ pkg, test string }

// Report reads the stream and writes the report as it comes.
func Report(stream io.Reader, w io.Writer) (Summary, error) {
	var s Summary
	outputs := map[key][]string{}
	lines := bufio.NewReader(stream)
	for {
		line, err := lines.ReadBytes('\n')
		if len(line) > 0 {
			var e event
			if json.Unmarshal(line, &e) != nil {
				fmt.Fprintf(w, "%s", line) // go's own complaint
			} else {
				s.take(e, outputs, w)
			}
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return s, fmt.Errorf("go test: %w", err)
		}
	}
	s.print(w)
	return s, nil
}

func (s *Summary) take(e event, outputs map[key][]string, w io.Writer) {
	k := key{e.Package, e.Test}
	switch e.Action {
	case "build-output":
		io.WriteString(w, e.Output)
	case "output":
		if e.Test != "" {
			outputs[k] = append(outputs[k], e.Output)
		} else if e.Output != "PASS\n" && e.Output != "FAIL\n" && !strings.HasPrefix(e.Output, "coverage:") {
			io.WriteString(w, e.Output)
		}
	case "pass", "fail", "skip":
		if e.Test == "" {
			unfinished(e, outputs, w)
			break
		}
		switch e.Action {
		case "pass":
			s.Passed++
		case "fail":
			s.Failed++
			for _, line := range outputs[k] {
				io.WriteString(w, line)
			}
		case "skip":
			s.Skipped = append(s.Skipped, Skip{Test{strings.TrimPrefix(e.Package, "eagleeye/"), e.Test}, reason(outputs[k])})
		}
		delete(outputs, k)
	}
}

// unfinished writes what tests said that had no end when their package had: its
// program broke off.
func unfinished(pkg event, outputs map[key][]string, w io.Writer) {
	var names []string
	for k := range outputs {
		if k.pkg == pkg.Package {
			names = append(names, k.test)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		k := key{pkg.Package, name}
		if pkg.Action == "fail" {
			for _, line := range outputs[k] {
				io.WriteString(w, line)
			}
		}
		delete(outputs, k)
	}
}

// reason finds what a skipped test said last.
func reason(output []string) string {
	for _, line := range slices.Backward(output) {
		line = strings.TrimSpace(line)
		if line != "" && !strings.HasPrefix(line, "--- SKIP") && !strings.HasPrefix(line, "=== ") {
			if _, text, ok := strings.Cut(line, ".go:"); ok {
				if _, text, ok = strings.Cut(text, ": "); ok {
					return text
				}
			}
			return line
		}
	}
	return "no reason given"
}

func (s *Summary) print(w io.Writer) {
	fmt.Fprintf(w, "\n%d tests passed, %d failed, %d skipped\n", s.Passed, s.Failed, len(s.Skipped))
	for _, line := range s.skips() {
		fmt.Fprintln(w, line)
	}
}

// skips describes the skipped tests by package; subtests of one test that were
// skipped for one reason share a line.
func (s *Summary) skips() []string {
	counts := map[Skip]int{}
	var order []Skip
	for _, k := range s.Skipped {
		k.Name, _, _ = strings.Cut(k.Name, "/")
		if counts[k]++; counts[k] == 1 {
			order = append(order, k)
		}
	}
	slices.SortStableFunc(order, func(a, b Skip) int { return strings.Compare(a.Package, b.Package) })
	var lines []string
	for _, k := range order {
		times := ""
		if n := counts[k]; n > 1 {
			times = fmt.Sprintf(" (%d of its cases)", n)
		}
		lines = append(lines, fmt.Sprintf("  skipped %s %s%s: %s", k.Package, k.Name, times, k.Reason))
	}
	return lines
}

// List reads the stream of `go test -json -list REGEXP` and returns the tests
// that it names.
func List(stream io.Reader) ([]Test, error) {
	var out []Test
	for dec := json.NewDecoder(stream); ; {
		var e event
		if err := dec.Decode(&e); err == io.EOF {
			return out, nil
		} else if err != nil {
			return nil, fmt.Errorf("go test: %w", err)
		}
		if name := strings.TrimSpace(e.Output); e.Action == "output" && !strings.ContainsAny(name, " \t") && name != "" {
			out = append(out, Test{e.Package, name})
		}
	}
}
