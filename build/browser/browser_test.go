package browser

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"
)

func TestFindNamed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "mychrome")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("CHROME", path)
	if got, err := Find(); err != nil || got != path {
		t.Errorf("Find = %q, %v, want %q", got, err, path)
	}
	t.Setenv("CHROME", path+"-absent")
	if _, err := Find(); err == nil || errors.Is(err, ErrNone) {
		t.Errorf("a wrong CHROME gave %v, want an error that names it", err)
	}
}

func TestFindInPath(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "google-chrome"), []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("CHROME", "")
	t.Setenv("PATH", dir)
	if got, err := Find(); err != nil || got != filepath.Join(dir, "google-chrome") {
		t.Errorf("Find = %q, %v", got, err)
	}
}

func TestStart(t *testing.T) {
	tab, cancel, err := Start(t.Context(), t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	defer cancel()
	var sum int
	if err := chromedp.Run(tab, chromedp.Evaluate(`40+2`, &sum)); err != nil || sum != 42 {
		t.Errorf("the browser computed %d, %v", sum, err)
	}
}
