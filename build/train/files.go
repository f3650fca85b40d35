package train

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// What is written into the folder of a training.
const (
	RecordFile      = "record.json"     // settings, versions, what came out
	StartFile       = "start.onnx"      // the model that the training began with
	CheckpointFile  = "checkpoint.bin"  // to go on from
	ResultsFile     = "results.csv"     // a line an epoch
	CurvesSVG       = "curves.svg"      // losses and precision
	CurvesPNG       = "curves.png"      // the same
	PredictionsFile = "predictions.jpg" // what the model sees in a few pictures
	BestFile        = "best.onnx"       // the averaged weights of the best epoch
	LastFile        = "last.onnx"       // those of the last one
)

// writeFile makes a file that appears whole under its name or not at all, also
// when the machine loses power: the data is on the disk before it has the name.
func (c *Config) writeFile(name string, write func(io.Writer) error) error {
	path := filepath.Join(c.Out, name)
	if err := c.replace(path, write); err != nil {
		return fmt.Errorf("%s cannot be written, what was there before stays: %w", path, err)
	}
	return nil
}

func (c *Config) replace(path string, write func(io.Writer) error) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name()) // after the renaming there is nothing to remove
	var out io.Writer = tmp
	if c.fail != nil {
		out = failing{tmp, c.fail}
	}
	b := bufio.NewWriterSize(out, 1<<20)
	err = write(b)
	for _, step := range []func() error{b.Flush, func() error { return tmp.Chmod(0o644) }, tmp.Sync} {
		if err == nil {
			err = step()
		}
	}
	if err := errors.Join(err, tmp.Close()); err != nil {
		return err
	}
	if err := os.Rename(tmp.Name(), path); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	// Some file systems cannot sync a folder; the file is there all the same.
	_ = dir.Sync()
	return dir.Close()
}

// failing is a disk that tests make full.
type failing struct {
	io.Writer
	fail func(string) error
}

func (f failing) Write(p []byte) (int, error) {
	if err := f.fail("write"); err != nil {
		n, _ := f.Writer.Write(p[:len(p)/2])
		return n, err
	}
	return f.Writer.Write(p)
}

// createFolder makes the folder of a training and sees that it can be written.
func (c *Config) createFolder() error {
	if c.Out == "" {
		return fmt.Errorf("%w: no output folder", ErrConfig)
	}
	if err := os.MkdirAll(c.Out, 0o755); err != nil {
		return fmt.Errorf("output folder: %w", err)
	}
	_, err := os.Stat(filepath.Join(c.Out, CheckpointFile))
	switch {
	case c.Resume && errors.Is(err, os.ErrNotExist):
		return fmt.Errorf("%s holds no %s: nothing to resume", c.Out, CheckpointFile)
	case !c.Resume && err == nil:
		return fmt.Errorf("%s holds a training already: resume it or name another folder", c.Out)
	}
	probe, err := os.CreateTemp(c.Out, ".probe")
	if err != nil {
		return fmt.Errorf("output folder cannot be written: %w", err)
	}
	return errors.Join(probe.Close(), os.Remove(probe.Name()))
}
