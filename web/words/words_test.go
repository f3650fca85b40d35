package words

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"eagleeye/build/shared"
)

// keys finds the texts that the page says: the first string among the arguments
// of a call of Say, say or Key, whatever it belongs to.
func keys(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{} // text → file:line
	root := filepath.Join(shared.Repo(t), "web")
	err := filepath.WalkDir(root, func(file string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || filepath.Ext(file) != ".go" || strings.HasSuffix(file, "_test.go") {
			return err
		}
		set := token.NewFileSet()
		f, err := parser.ParseFile(set, file, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok && slices.Contains([]string{"Say", "say", "Key"}, called(call)) {
				for _, arg := range call.Args {
					if text, ok := literal(arg); ok {
						at := set.Position(call.Pos())
						rel, _ := filepath.Rel(root, at.Filename)
						found[text] = rel + ":" + strconv.Itoa(at.Line)
						break
					}
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func called(call *ast.CallExpr) string {
	switch f := call.Fun.(type) {
	case *ast.Ident:
		return f.Name
	case *ast.SelectorExpr:
		return f.Sel.Name
	}
	return ""
}

// literal is a string, or strings joined by +.
func literal(e ast.Expr) (string, bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		if e.Kind == token.STRING {
			s, err := strconv.Unquote(e.Value)
			return s, err == nil
		}
	case *ast.BinaryExpr:
		a, ok := literal(e.X)
		b, ok2 := literal(e.Y)
		return a + b, ok && ok2 && e.Op == token.ADD
	}
	return "", false
}

var place = regexp.MustCompile(`\{[a-z]+\}`)

// TestChinese wants every text of the page in Chinese, with the same places.
func TestChinese(t *testing.T) {
	for text, at := range keys(t) {
		zh, ok := chinese[text]
		if !ok {
			t.Errorf("%s: no Chinese text for %q: add it to the room's zh_….go", at, text)
			continue
		}
		want, got := place.FindAllString(text, -1), place.FindAllString(zh, -1)
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(slices.Compact(want), slices.Compact(got)) {
			t.Errorf("%s: %q has the places %v, its Chinese text %v", at, text, want, got)
		}
	}
	for i, table := range tables {
		for text, zh := range table {
			if zh == "" {
				t.Errorf("the Chinese text of %q is empty", text)
			}
			for _, other := range tables[i+1:] {
				if two, ok := other[text]; ok && two != zh {
					t.Errorf("%q has two Chinese texts: %q and %q", text, zh, two)
				}
			}
		}
	}
}

func TestClass(t *testing.T) {
	if len(zhClasses) != 88 {
		t.Errorf("%d classes have a Chinese name, want COCO's 80 and 8 symbols", len(zhClasses))
	}
	for _, c := range []struct{ lang, name, want string }{{English, "dog", "dog"}, {Chinese, "dog", "狗"}, {Chinese, "gizmo", "gizmo"}} {
		if got := Class(c.lang, c.name); got != c.want {
			t.Errorf("Class(%q, %q) = %q, want %q", c.lang, c.name, got, c.want)
		}
	}
}

func TestFill(t *testing.T) {
	for _, c := range []struct {
		text  string
		pairs []string
		want  string
	}{
		{"plain", nil, "plain"},
		{"{n} of {m}", []string{"n", "3", "m", "4"}, "3 of 4"},
		{"{n}{n}", []string{"n", "x"}, "xx"},
		{"{n}", []string{"n", "{m}", "m", "no"}, "{m}"},
		{"{lost}", []string{"n", "3"}, "{lost}"},
		{"{open", []string{"open", "3"}, "{open"},
	} {
		if got := Fill(c.text, c.pairs...); got != c.want {
			t.Errorf("Fill(%q, %q) = %q, want %q", c.text, c.pairs, got, c.want)
		}
	}
}

func TestChoose(t *testing.T) {
	for _, c := range []struct {
		want      string
		preferred []string
	}{
		{"en", nil}, {"zh", []string{"zh-CN", "en"}}, {"zh", []string{"zh"}}, {"en", []string{"en-GB", "zh"}}, {"zh", []string{"fr", "zh-Hant-TW"}}, {"en", []string{"fr"}},
	} {
		if got := Choose(c.preferred...); got != c.want {
			t.Errorf("Choose(%q) = %q, want %q", c.preferred, got, c.want)
		}
	}
}
