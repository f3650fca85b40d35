package site

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

func sample() tree {
	return tree{
		"index.html": []byte(`<link href="style.css"><script src="boot.js"></script><a href="https://example.org">`),
		"style.css":  []byte("a{}"), "boot.js": []byte("const assets = {};"), "worker.js": []byte("const assets = {};"),
		"engine.wasm": []byte("e"), "kernels.wasm": []byte("k"), "model.onnx": []byte("m"), "manifest.webmanifest": []byte(`{"icons": [{"src": "icon.png"}]}`),
		"icon.png": []byte("i"),
	}
}

// Whatever refers to a file has the name that it has in the site, and a change of
// a file changes the names of all that lead to it, and of no others.
func TestNames(t *testing.T) {
	named, names, err := sample().name()
	if err != nil {
		t.Fatal(err)
	}
	for name, file := range names {
		if fixed[name] != (name == file) || Plain(file) != name || named[file] == nil {
			t.Errorf("%s is there as %s", name, file)
		}
	}
	for _, c := range []struct {
		in    string
		wants []string
		lacks []string
	}{
		{"index.html", []string{`href="` + names["style.css"], `src="` + names["boot.js"], `"https://example.org"`}, nil},
		{"boot.js", []string{`"engine.wasm":"` + names["engine.wasm"], `"worker.js":"` + names["worker.js"], `"model.onnx":"` + names["model.onnx"]}, nil},
		{"worker.js", []string{names["kernels.wasm"]}, []string{"model.onnx", "boot.js"}},
		{"manifest.webmanifest", []string{names["icon.png"]}, nil},
	} {
		text := string(named[names[c.in]])
		for _, want := range c.wants {
			if !strings.Contains(text, want) {
				t.Errorf("%s lacks %s:\n%s", c.in, want, text)
			}
		}
		for _, bad := range c.lacks {
			if strings.Contains(text, bad) {
				t.Errorf("%s has %s", c.in, bad)
			}
		}
	}
	other := sample()
	other["kernels.wasm"] = []byte("other")
	_, after, err := other.name()
	if err != nil {
		t.Fatal(err)
	}
	var changed []string
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if after[name] != names[name] {
			changed = append(changed, name)
		}
	}
	if want := []string{"boot.js", "kernels.wasm", "worker.js"}; !slices.Equal(changed, want) {
		t.Errorf("other kernels changed the names of %v, want %v", changed, want)
	}
}

func TestNamesRefused(t *testing.T) {
	for name, change := range map[string]func(tree){
		"capitals":   func(t tree) { t["Icon.png"] = []byte("x") },
		"no mark":    func(t tree) { t["boot.js"] = []byte("const assets = { };") },
		"two marks":  func(t tree) { t["boot.js"] = []byte("assets = {}; assets = {}") },
		"wrong mark": func(t tree) { t["worker.js"] = nil },
	} {
		t.Run(name, func(t *testing.T) {
			files := sample()
			change(files)
			if _, _, err := files.name(); err == nil {
				t.Error("accepted")
			}
		})
	}
}
