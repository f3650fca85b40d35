// Package exporttest holds what the tests of the exporters share: a format's
// own runtime, pictures, and the comparison of its boxes with the engine's. The
// runtimes are Python packages, for tests alone. It may import wasm and what
// lies in build.
package exporttest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Python returns an interpreter that has the pinned packages
// ("openvino==2025.4.1"). The first use on a machine installs them into a
// folder of their own in the user's cache. Without Python or the packages the
// test is skipped: they are no part of the project.
func Python(t *testing.T, packages ...string) string {
	t.Helper()
	dir, ready := environment(t, "python", packages)
	python := filepath.Join(dir, "bin", "python")
	if ready {
		return python
	}
	system, err := exec.LookPath("python3")
	if err != nil {
		t.Skipf("no python3 to run %s with (Debian: apt-get install python3-venv): skipped", packages[0])
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	for _, c := range [][]string{
		{system, "-m", "venv", "--clear", dir},
		append([]string{python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"}, packages...),
	} {
		t.Logf("%s", strings.Join(c, " "))
		if out, err := exec.CommandContext(ctx, c[0], c[1:]...).CombinedOutput(); err != nil {
			t.Skipf("%s could not be installed (%v): skipped\n%s", packages[0], err, out)
		}
	}
	complete(t, dir, packages)
	return python
}

// environment is the folder in the user's cache for pinned packages of a kind
// of runtime; ready says whether complete was called for it.
func environment(t *testing.T, kind string, packages []string) (dir string, ready bool) {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Skipf("no folder for packages of %s (%v): skipped", kind, err)
	}
	sum := sha256.Sum256([]byte(strings.Join(packages, "\n")))
	dir = filepath.Join(cache, "eagle-eye", kind+"-"+hex.EncodeToString(sum[:6]))
	_, err = os.Stat(filepath.Join(dir, "complete"))
	return dir, err == nil
}

func complete(t *testing.T, dir string, packages []string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, "complete"), []byte(strings.Join(packages, "\n")+"\n"), 0o666); err != nil {
		t.Fatal(err)
	}
}

// Run executes a script as `python script ARGS… INPUT OUTPUT` where INPUT and
// OUTPUT are files of little-endian float32, and returns what it wrote.
func Run(t *testing.T, python, script string, input []float32, args ...string) []float32 {
	t.Helper()
	dir := t.TempDir()
	in, out := filepath.Join(dir, "input.f32"), filepath.Join(dir, "output.f32")
	var data bytes.Buffer
	if err := binary.Write(&data, binary.LittleEndian, input); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(in, data.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, python, append(append([]string{script}, args...), in, out)...)
	if text, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", filepath.Base(script), err, text)
	}
	raw, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	y := make([]float32, len(raw)/4)
	for i := range y {
		y[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
	}
	return y
}
