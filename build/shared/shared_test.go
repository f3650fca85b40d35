package shared

import (
	"os"
	"path/filepath"
	"testing"
)

func TestFind(t *testing.T) {
	base := t.TempDir()
	deep := filepath.Join(base, "repo", "a", "b")
	if err := os.MkdirAll(deep, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(base, "repo", "go.mod"), []byte("module x\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, ok := Find(deep); ok {
		t.Error("found a shared folder where none is")
	}
	if err := os.Mkdir(filepath.Join(base, "shared"), 0o755); err != nil {
		t.Fatal(err)
	}
	got, ok := Find(deep)
	if want := filepath.Join(base, "shared"); !ok || got != want {
		t.Errorf("Find = %q, %v, want %q", got, ok, want)
	}
}

type fakeTB struct{ skipped bool }

func (f *fakeTB) Helper()               {}
func (f *fakeTB) Skipf(string, ...any)  { f.skipped = true }
func (f *fakeTB) Fatalf(string, ...any) {}

func TestFileSkips(t *testing.T) {
	t.Chdir(t.TempDir())
	var f fakeTB
	if File(&f, "coco", "val"); !f.skipped {
		t.Error("an absent folder did not skip")
	}
}
