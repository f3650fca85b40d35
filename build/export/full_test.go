//go:build unix

package export

import (
	"errors"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// A file system that takes no more, here by the limit on a file's size, leaves
// the old pair and nothing else. The first file fits, the second does not.
func TestFull(t *testing.T) {
	dir := t.TempDir()
	if err := Write(dir, pair("a", "old bin", "old xml")); err != nil {
		t.Fatal(err)
	}
	was := content(t, dir)
	signal.Ignore(syscall.SIGXFSZ)
	defer signal.Reset(syscall.SIGXFSZ)
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		t.Skipf("no limit on files here (%v): skipped", err)
	}
	small := limit
	small.Cur = 1 << 16
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &small); err != nil {
		t.Skipf("the limit on files cannot be set (%v): skipped", err)
	}
	err := Write(dir, pair("a", "new bin", strings.Repeat("x", 1<<17)))
	if e := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); e != nil {
		t.Fatal(e)
	}
	if !errors.Is(err, syscall.EFBIG) || !strings.Contains(err.Error(), "m.xml") {
		t.Errorf("the error is %v, want the cause and the file", err)
	}
	if is := content(t, dir); !slices.Equal(was, is) {
		t.Errorf("the folder had %q, has %q", was, is)
	}
}
