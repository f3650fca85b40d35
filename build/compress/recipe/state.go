package recipe

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// StateFile lies in the folder of a step.
const StateFile = "step.json"

// State tells whether a step was done and of what.
type State struct {
	Key     string            `json:"key"` // fingerprint of all that decides the result
	Args    []string          `json:"args"`
	Done    bool              `json:"done"`
	Seconds float64           `json:"seconds,omitempty"`
	Files   map[string]string `json:"files,omitempty"` // SHA-256 of what it made, by name in the folder
}

// Load reads the state of a folder; there may be none.
func Load(dir string) (State, error) {
	var s State
	text, err := os.ReadFile(filepath.Join(dir, StateFile))
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &s)
	}
	if err != nil {
		return s, fmt.Errorf("%s: %w; remove the folder to begin the step anew", filepath.Join(dir, StateFile), err)
	}
	return s, nil
}

// Save writes the state whole or not at all.
func (s State) Save(dir string) error {
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	tmp := filepath.Join(dir, "."+StateFile)
	if err := os.WriteFile(tmp, append(text, '\n'), 0o644); err != nil {
		return errors.Join(err, os.Remove(tmp))
	}
	return os.Rename(tmp, filepath.Join(dir, StateFile))
}

// Kept tells whether a step's results are still there, as they were made for
// key.
func (s State) Kept(dir, key string) bool {
	if !s.Done || s.Key != key {
		return false
	}
	for name, sum := range s.Files {
		if got, err := FileSum(filepath.Join(dir, name)); err != nil || got != sum {
			return false
		}
	}
	return true
}

// FileSum is the SHA-256 of a file.
func FileSum(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// FolderSum is a fingerprint of names and sizes: pictures are many, and are added
// or removed rather than changed in place. A file's is of its content.
func FolderSum(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if !info.IsDir() {
		return FileSum(path)
	}
	var all []string
	err = filepath.WalkDir(path, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(path, p)
		all = append(all, fmt.Sprintf("%s %d", filepath.ToSlash(rel), info.Size()))
		return err
	})
	slices.Sort(all)
	return Key(all...), err
}

// Key is the fingerprint of several texts.
func Key(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s", len(p), p)
	}
	return hex.EncodeToString(h.Sum(nil))
}
