package calib

import (
	"fmt"
	"os"
	"path/filepath"
)

// output is a file that appears under its name when it is complete, or not at
// all.
type output struct {
	path string
	tmp  *os.File
}

// createOutput opens a temporary file beside path, so that a place that cannot
// be written is known before the work starts.
func createOutput(path string) (*output, error) {
	if isDir(path) {
		return nil, fmt.Errorf("output %s is a folder: name a file", path)
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return nil, fmt.Errorf("output %s cannot be written: %w", path, err)
	}
	return &output{path, tmp}, nil
}

// commit writes data and gives the file its name.
func (o *output) commit(data []byte) error {
	_, err := o.tmp.Write(data)
	if e := o.tmp.Chmod(0o644); err == nil {
		err = e
	}
	if e := o.tmp.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Rename(o.tmp.Name(), o.path)
	}
	if err != nil {
		return fmt.Errorf("output %s: %w", o.path, err)
	}
	o.tmp = nil
	return nil
}

// discard removes what was not committed.
func (o *output) discard() {
	if o.tmp != nil {
		o.tmp.Close()
		os.Remove(o.tmp.Name())
	}
}
