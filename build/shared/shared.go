// Package shared finds the folder of test data that may lie beside the
// repository (../shared: images, reference weights, golden tensors). Nothing
// of it is part of the project, so every user must do without it: tests skip
// with a message. It imports nothing of ours.
package shared

import (
	"os"
	"path/filepath"
)

// Find walks up from dir to the folder that holds go.mod and returns the
// folder "shared" beside it.
func Find(dir string) (path string, ok bool) {
	root, ok := Root(dir)
	if !ok {
		return "", false
	}
	path = filepath.Join(filepath.Dir(root), "shared")
	info, err := os.Stat(path)
	return path, err == nil && info.IsDir()
}

// Root walks up from dir to the repository's root, the folder of go.mod.
func Root(dir string) (path string, ok bool) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", false
	}
	for {
		if info, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil && info.Mode().IsRegular() {
			return dir, true
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", false
		}
		dir = parent
	}
}

// TB is the part of testing.TB used here, so that package testing stays out of
// the command.
type TB interface {
	Helper()
	Skipf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// Dir returns the folder of shared data and skips the test when there is none.
func Dir(t TB) string {
	t.Helper()
	path, ok := Find(".")
	if !ok {
		t.Skipf("the folder ../shared (test images and reference weights) is not beside the repository: skipped")
	}
	return path
}

// File returns the path of a file or folder of the shared data, named by its
// path elements, and skips the test when it is absent.
func File(t TB, elem ...string) string {
	t.Helper()
	path := filepath.Join(append([]string{Dir(t)}, elem...)...)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("../shared/%s is absent: skipped", filepath.ToSlash(filepath.Join(elem...)))
	}
	return path
}

// Repo returns the repository's root.
func Repo(t TB) string {
	t.Helper()
	root, ok := Root(".")
	if !ok {
		t.Fatalf("no go.mod above the test's folder")
	}
	return root
}
