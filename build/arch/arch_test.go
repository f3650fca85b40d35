package arch

import (
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"eagleeye/build/shared"
)

// rules are the rooms of docs/ARCHITECTURE.md, the nearest folder counts. What
// a room may import of ours is itself, what lies in it, and these; "x/..." is x
// and all in it. Tests may also use what "tests" lists.
var rules = map[string][]string{
	"kernels/asm": {},
	"kernels":     {"kernels/asm"},
	"wasm/graph":  {},
	"wasm/onnx":   {"wasm/graph"},
	"wasm/quant":  {"wasm/graph"},
	"wasm/plan":   {"wasm/graph", "wasm/quant", "kernels"},
	"wasm/host":   {"kernels"},
	"wasm/yolo":   {},
	"wasm/zoo":    {"wasm/graph"},
	"wasm/pt":     {"wasm/graph", "wasm/zoo"},
	"wasm/calib":  {"wasm", "wasm/graph", "wasm/host", "wasm/plan", "wasm/quant", "wasm/zoo", "kernels"},
	// The messages are the one room that the page and the engine share.
	"wasm/message": {},
	"wasm":         {"wasm/graph", "wasm/onnx", "wasm/quant", "wasm/plan", "wasm/host", "wasm/yolo", "kernels"},
	"wasm/worker":  {"wasm/...", "kernels"},
	"wasm/convert": {"wasm/...", "kernels"},
	"web":          {"web/...", "wasm/message"},
	"web/e2e":      {"build/..."},
	"build":        {"build/...", "wasm/...", "kernels"},
	// A format knows graphs, not files or the command.
	"build/export/form":       {"wasm/graph"},
	"build/export/ncnn":       {"build/export/form", "wasm/graph", "wasm/yolo"},
	"build/export/openvino":   {"build/export/form", "wasm/graph"},
	"build/export/tensorflow": {"build/export/form", "wasm/graph", "wasm/yolo"},
	// A file for each system that goes with a packed page: Go's library alone.
	"build/serve":            {},
	"build/serve/standalone": {"build/serve"},
	// Training's arithmetic knows neither models nor files.
	"build/train/simd": {},
	"build/train/ops":  {"build/train/simd"},
}

// tests is what the tests of every room may use besides.
var tests = []string{"build/...", "wasm/...", "kernels/..."}

// toolsOnly are modules that only the native command may use: in the tab each
// would add megabytes.
var toolsOnly = []string{"gorgonia.org/", "gonum.org/v1/plot", "github.com/alecthomas/kong", "github.com/schollz/progressbar", "github.com/nlpodyssey/", "github.com/mmcloughlin/avo"}

// tool returns the module of toolsOnly that an import belongs to.
func tool(dir, name string) string {
	if dir == "build" || strings.HasPrefix(dir, "build/") {
		return ""
	}
	for _, module := range toolsOnly {
		if strings.HasPrefix(name, module) {
			return module
		}
	}
	return ""
}

// room returns the rule that holds for a package's folder.
func room(dir string) (name string, allowed []string, ok bool) {
	for name = dir; name != "."; name = path.Dir(name) {
		if allowed, ok = rules[name]; ok {
			return name, allowed, true
		}
	}
	return "", nil, false
}

func permits(allowed []string, dir string) bool {
	for _, a := range allowed {
		if base, all := strings.CutSuffix(a, "/..."); a == dir || all && (dir == base || strings.HasPrefix(dir, base+"/")) {
			return true
		}
	}
	return false
}

// check returns what is wrong with a file in the folder dir that imports the
// package in target, both relative to the repository.
func check(dir, target string, test bool) string {
	name, allowed, ok := room(dir)
	if !ok {
		return "no rule for this folder: add it to the table of rooms"
	}
	if target == name || strings.HasPrefix(target, name+"/") && name != "wasm" && name != "kernels" || permits(allowed, target) {
		return ""
	}
	if test && permits(tests, target) {
		return ""
	}
	return name + " may not import " + target
}

// source is a Go file of ours.
type source struct {
	dir, file string
	pkg       string
	doc       bool
	imports   []string
	test      bool
}

// sources parses every Go file, whatever its build tags: the page's and the
// worker's count like native ones.
func sources(t *testing.T) []source {
	t.Helper()
	root := shared.Repo(t)
	var out []source
	err := filepath.WalkDir(root, func(file string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if e.IsDir() {
			if name := e.Name(); file != root && (strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") || name == "testdata" || name == "node_modules" || name == "dist") {
				return filepath.SkipDir
			}
			return nil
		}
		if filepath.Ext(file) != ".go" {
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly|parser.ParseComments)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, file)
		if err != nil {
			return err
		}
		s := source{dir: path.Dir(filepath.ToSlash(rel)), file: filepath.ToSlash(rel), pkg: f.Name.Name, doc: f.Doc != nil, test: strings.HasSuffix(file, "_test.go")}
		for _, spec := range f.Imports {
			name, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			s.imports = append(s.imports, name)
		}
		out = append(out, s)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestImports(t *testing.T) {
	all := sources(t)
	if len(all) < 50 {
		t.Fatalf("only %d files were found", len(all))
	}
	for _, s := range all {
		for _, name := range s.imports {
			if target, ours := strings.CutPrefix(name, "eagleeye/"); ours {
				if bad := check(s.dir, target, s.test); bad != "" {
					t.Errorf("%s: %s", s.file, bad)
				}
			}
			if module := tool(s.dir, name); module != "" {
				t.Errorf("%s imports %s: %s is for what lies in build", s.file, name, module)
			}
			// File names decide the build tag, so that a reader sees it.
			if name == "syscall/js" && !strings.HasSuffix(strings.TrimSuffix(s.file, "_test.go"), "_js") && !strings.HasSuffix(s.file, "_js.go") {
				t.Errorf("%s imports syscall/js: put that into a file named …_js.go", s.file)
			}
		}
	}
}

// TestPackageComments wants each package to say what it is for.
func TestPackageComments(t *testing.T) {
	documented := map[string]bool{}
	for _, s := range sources(t) {
		if !s.test {
			documented[s.dir] = documented[s.dir] || s.doc
		}
	}
	for _, dir := range slices.Sorted(maps.Keys(documented)) {
		if !documented[dir] {
			t.Errorf("%s has no package comment", dir)
		}
	}
}

// TestRules makes sure that the check can fail.
func TestRules(t *testing.T) {
	for _, c := range []struct {
		dir, target string
		test, ok    bool
	}{
		{"kernels", "kernels/asm", false, true},
		{"kernels/asm", "kernels", false, false},
		{"kernels", "wasm/graph", false, false},
		{"wasm/graph", "wasm/onnx", false, false},
		{"wasm/onnx/deep", "wasm/graph", false, true},
		{"wasm/host", "kernels", false, true},
		{"wasm/host", "wasm/plan", false, false},
		{"wasm", "wasm/plan", false, true},
		{"wasm", "wasm/worker", false, false},
		{"wasm", "web", false, false},
		{"wasm/worker/session", "wasm", false, true},
		{"wasm/worker", "web/state", false, false},
		{"web/ui", "wasm/message", false, true},
		{"web/ui", "web/state", false, true},
		{"web", "wasm", false, false},
		{"web", "build/render", false, false},
		{"web", "build/render", true, true},
		{"wasm/plan", "build/shared", true, true},
		{"kernels", "web", true, false},
		{"build", "web", false, false},
		{"build/coco", "wasm", false, true},
		{"build/train/ops", "build/train/simd", false, true},
		{"build/train/ops", "wasm/graph", false, false},
		{"build/train/simd", "build/train/ops", false, false},
		{"stray", "wasm", false, false},
	} {
		if bad := check(c.dir, c.target, c.test); (bad == "") != c.ok {
			t.Errorf("%s → %s (test %v): %q", c.dir, c.target, c.test, bad)
		}
	}
	if tool("wasm/plan", "gorgonia.org/tensor") == "" || tool("build/train/ops", "gorgonia.org/tensor") != "" || tool("wasm", "fmt") != "" {
		t.Error("the rule of the command's own modules is wrong")
	}
}
