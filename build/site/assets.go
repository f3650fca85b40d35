package site

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"eagleeye/build/serve"
)

// tree is the files of a site by their names. Names are lower-case and need no
// escaping, so that they are the same on every host.
type tree map[string][]byte

// assets tells the name that a file has in the site by the name that the sources
// call it: engine.wasm is there as engine.<hash>.wasm.
type assets map[string]string

// fixed are the files whose addresses must last; all others carry their hash in
// the name, so that whoever kept a copy never needs to ask for it again.
var fixed = map[string]bool{
	"index.html": true, "bench.html": true, "sw.js": true, "manifest.webmanifest": true,
	"eagleeye.js": true, "eagleeye.d.ts": true,
}

// hashed returns the name of a file that carries its hash.
func hashed(name string, data []byte) string {
	ext := path.Ext(name)
	return strings.TrimSuffix(name, ext) + "." + digest(data)[:serve.HashDigits] + ext
}

func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// writers are the files that name others, in the order in which they are named
// themselves: each may name those before it and all files that name none.
var writers = []struct {
	name  string
	names []string // patterns of path.Match of what a script is told; nil for a page
}{
	{"worker.js", []string{"engine.wasm", "convert.wasm", "kernels*.wasm", "wasm_exec.js", "team.js", "pool.js"}},
	{"boot.js", []string{"*"}},
	{"bench.js", []string{"*"}},
	{"eagleeye.js", []string{"worker.js", "model.json", "model.onnx"}},
	{"manifest.webmanifest", nil},
	{"index.html", nil},
	{"bench.html", nil},
}

// name gives all files of t their names in the site and writes these into the
// files that refer to them. It returns the renamed files.
func (t tree) name() (tree, assets, error) {
	out, names := tree{}, assets{}
	add := func(name string, data []byte) {
		names[name] = name
		if !fixed[name] {
			names[name] = hashed(name, data)
		}
		out[names[name]] = data
	}
	later := map[string]bool{"sw.js": true} // it lists the others: see service
	for _, w := range writers {
		later[w.name] = true
	}
	for name, data := range t {
		if name != strings.ToLower(name) {
			return nil, nil, fmt.Errorf("%s: some hosts tell capitals from small letters, some do not: use small ones", name)
		}
		if !later[name] {
			add(name, data)
		}
	}
	for _, w := range writers {
		data, ok := t[w.name]
		if !ok {
			continue
		}
		var err error
		if w.names != nil {
			data, err = tell(data, names.matching(w.names))
		} else {
			data = refer(data, names)
		}
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", w.name, err)
		}
		add(w.name, data)
	}
	return out, names, nil
}

func (a assets) matching(patterns []string) assets {
	some := assets{}
	for name, file := range a {
		for _, p := range patterns {
			if ok, err := path.Match(p, name); err == nil && ok {
				some[name] = file
			}
		}
	}
	return some
}

// mark is what a script holds where the build writes the names.
var mark = []byte("assets = {}")

// tell writes names into a script.
func tell(script []byte, names assets) ([]byte, error) {
	text, err := json.Marshal(names) // sorted by key
	if err != nil {
		return nil, err
	}
	return replaceMark(script, mark, append([]byte("assets = "), text...))
}

// replaceMark replaces what must be there exactly once.
func replaceMark(script, mark, text []byte) ([]byte, error) {
	if n := bytes.Count(script, mark); n != 1 {
		return nil, fmt.Errorf("%q is there %d times, want once: the build writes there", mark, n)
	}
	return bytes.Replace(script, mark, text, 1), nil
}

var reference = regexp.MustCompile(`("?(?:src|href)"?\s*[=:]\s*")([^"]+)"`)

// refer puts names into the attributes of a page, or the members of the
// manifest, that refer to files.
func refer(page []byte, names assets) []byte {
	return reference.ReplaceAllFunc(page, func(m []byte) []byte {
		part := reference.FindSubmatch(m)
		if file, ok := names[string(part[2])]; ok {
			return []byte(string(part[1]) + file + `"`)
		}
		return m
	})
}

// write writes the files into a folder.
func (t tree) write(dir string) error {
	for name, data := range t {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(file, data, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// ErrNoFile says that a site lacks a file.
var ErrNoFile = errors.New("no such file in the site")

// Find returns the name that a file has in the site in dir, such as
// engine.<hash>.wasm for engine.wasm.
func Find(dir, name string) (string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", err
	}
	for _, e := range entries {
		if e.Name() == name || Plain(e.Name()) == name {
			return e.Name(), nil
		}
	}
	return "", fmt.Errorf("%s: %w", name, ErrNoFile)
}
