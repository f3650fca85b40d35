package exporttest

import (
	"context"
	"os"
	"os/exec"
	"testing"
	"time"
)

// Node returns a folder whose node_modules has the pinned packages
// ("@tensorflow/tfjs-core@4.22.0"), installed on the first use into the user's
// cache. Without npm or the packages the test is skipped.
func Node(t *testing.T, packages ...string) string {
	t.Helper()
	dir, ready := environment(t, "node", packages)
	if ready {
		return dir
	}
	npm, err := exec.LookPath("npm")
	if err != nil {
		t.Skipf("no npm to fetch %s with (Debian: apt-get install nodejs npm): skipped", packages[0])
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, npm, append([]string{"install", "--silent", "--no-save", "--prefix", dir}, packages...)...)
	if out, err := c.CombinedOutput(); err != nil {
		t.Skipf("%s could not be installed (%v): skipped\n%s", packages[0], err, out)
	}
	complete(t, dir, packages)
	return dir
}
