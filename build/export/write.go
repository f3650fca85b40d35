package export

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// File is one file of an exported model.
type File struct {
	Name string // with folders, below the one that Write is given
	Data []byte
}

// Write puts the files under dir, all or none: each is written under a
// temporary name before any takes its own, and what failed is undone, folders
// included. Files that were there before stay until then.
func Write(dir string, files []File) (err error) {
	var undo []func()
	defer func() {
		for i := len(undo) - 1; i >= 0 && err != nil; i-- {
			undo[i]()
		}
	}()
	temporary := make([]string, len(files))
	for i, f := range files {
		path := filepath.Join(dir, f.Name)
		made, err := makeDirs(filepath.Dir(path))
		undo = append(undo, made...)
		if err != nil {
			return err
		}
		if s, err := os.Lstat(path); err == nil && s.IsDir() {
			return fmt.Errorf("%s is a folder: it cannot become a file", path)
		}
		t, err := os.CreateTemp(filepath.Dir(path), ".export-*")
		if err != nil {
			return fmt.Errorf("%s cannot be written: %w", path, err)
		}
		temporary[i] = t.Name()
		undo = append(undo, func() { os.Remove(t.Name()) })
		_, err = t.Write(f.Data)
		if err = errors.Join(err, t.Chmod(0o644), t.Close()); err != nil {
			return fmt.Errorf("%s cannot be written (%d bytes): %w", path, len(f.Data), err)
		}
	}
	var old []string
	for i, f := range files {
		path := filepath.Join(dir, f.Name)
		if i+1 < len(files) { // nothing follows the last one that could fail
			aside := temporary[i] + "-old"
			switch err := os.Rename(path, aside); {
			case err == nil:
				old = append(old, aside)
				undo = append(undo, func() { os.Rename(aside, path) })
			case !errors.Is(err, fs.ErrNotExist):
				return err
			}
		}
		if err := os.Rename(temporary[i], path); err != nil {
			return err
		}
		undo = append(undo, func() { os.Remove(path) })
	}
	for _, aside := range old {
		os.Remove(aside)
	}
	return nil
}

// makeDirs makes a folder and those above it; undo removes what was made, as
// far as it is empty.
func makeDirs(dir string) (undo []func(), err error) {
	var missing []string
	for d := dir; ; d = filepath.Dir(d) {
		if _, err := os.Stat(d); err == nil || d == filepath.Dir(d) {
			break
		}
		missing = append(missing, d)
	}
	for i := len(missing) - 1; i >= 0; i-- {
		d := missing[i]
		undo = append(undo, func() { os.Remove(d) })
	}
	return undo, os.MkdirAll(dir, 0o777)
}

// Writable says why files could not be written under dir, before any work is
// spent on them. It leaves nothing behind.
func Writable(dir string) error {
	s, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist) && filepath.Dir(dir) != dir:
		return Writable(filepath.Dir(dir))
	case err != nil:
		return err
	case !s.IsDir():
		return fmt.Errorf("%s is a file: no folder can be made there", dir)
	}
	t, err := os.CreateTemp(dir, ".export-*")
	if err != nil {
		return fmt.Errorf("nothing can be written into %s: %w", dir, err)
	}
	return errors.Join(t.Close(), os.Remove(t.Name()))
}
