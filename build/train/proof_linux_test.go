package train

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// TestTmpFS trains on a disk where one checkpoint has room and not two.
func TestTmpFS(t *testing.T) {
	c := small(t)
	c.SaveSteps, c.Val, c.ValEvery, c.Steps = 2, nil, 100, 8
	trained(t, c)
	info, err := os.Stat(filepath.Join(c.Out, CheckpointFile))
	if err != nil {
		t.Fatal(err)
	}
	start, err := os.Stat(filepath.Join(c.Out, StartFile))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	size := start.Size() + info.Size()*3/2
	if err := syscall.Mount("none", dir, "tmpfs", 0, fmt.Sprintf("size=%d", size)); err != nil {
		t.Skipf("no tmpfs can be mounted here: %v", err)
	}
	defer syscall.Unmount(dir, syscall.MNT_DETACH)
	c.Out = dir
	_, err = Run(context.Background(), c)
	if !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("on a full disk: %v", err)
	}
	if h, _ := checkpointOf(t, dir); h.Step != 2 {
		t.Errorf("the checkpoint is of step %d", h.Step)
	}
}
