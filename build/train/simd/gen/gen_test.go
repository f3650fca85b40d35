package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// TestCommitted wants the committed assembly to be what the generator makes.
func TestCommitted(t *testing.T) {
	want, err := files()
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range want {
		got, err := os.ReadFile(filepath.Join("..", name))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, text) {
			t.Errorf("%s differs from what the generator makes: run go generate ./build/train/simd", name)
		}
	}
}
