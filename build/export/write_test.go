package export

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// content is every file under dir, with its text, and every folder.
func content(t *testing.T, dir string) (all []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err == nil && !e.IsDir() {
			var data []byte
			data, err = os.ReadFile(path)
			name += "=" + string(data)
		}
		all = append(all, filepath.ToSlash(name))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func pair(dir, bin, xml string) []File {
	return []File{{filepath.Join(dir, "m.bin"), []byte(bin)}, {filepath.Join(dir, "m.xml"), []byte(xml)}}
}

func TestWrite(t *testing.T) {
	dir := t.TempDir()
	for _, text := range []string{"first", "second"} {
		if err := Write(dir, pair("a/b", text, text)); err != nil {
			t.Fatal(err)
		}
		if got, want := content(t, dir), []string{"a", "a/b", "a/b/m.bin=" + text, "a/b/m.xml=" + text}; !slices.Equal(got, want) {
			t.Errorf("the folder has %q, want %q", got, want)
		}
	}
}

// What cannot be written as a whole leaves all as it was.
func TestWriteFails(t *testing.T) {
	for name, c := range map[string]struct {
		before func(dir string) error
		files  []File
	}{
		"a folder's name is a file's": {
			func(dir string) error { return os.WriteFile(filepath.Join(dir, "two"), []byte("2"), 0o666) },
			append(pair("new/folder", "bin", "xml"), File{filepath.Join("two", "under a file"), nil}),
		},
		"the second file's name is a folder's": {
			func(dir string) error {
				return os.MkdirAll(filepath.Join(dir, "a", "m.xml", "inside"), 0o777)
			},
			pair("a", "bin", "xml"),
		},
		"the second name cannot be taken": { // more than a file system's longest name
			func(dir string) error { return Write(dir, pair("a", "old bin", "old xml")) },
			append(pair("a", "bin", "xml")[:1], File{filepath.Join("a", longName()), nil}),
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := c.before(dir); err != nil {
				t.Fatal(err)
			}
			was := content(t, dir)
			if err := Write(dir, c.files); err == nil {
				t.Error("no error")
			}
			if is := content(t, dir); !slices.Equal(was, is) {
				t.Errorf("the folder had %q, has %q", was, is)
			}
		})
	}
}

func longName() string { return string(slices.Repeat([]byte{'n'}, 300)) }

func TestWritable(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := Writable(filepath.Join(dir, "not", "yet")); err != nil {
		t.Errorf("a folder that can be made: %v", err)
	}
	if err := Writable(filepath.Join(file, "under")); err == nil {
		t.Error("a folder under a file passed")
	}
	if got := content(t, dir); !slices.Equal(got, []string{"file="}) {
		t.Errorf("the folder has %q", got)
	}
	if os.Geteuid() > 0 { // root writes everywhere, Windows knows no such mode
		sealed := filepath.Join(dir, "sealed")
		if err := os.Mkdir(sealed, 0o555); err != nil {
			t.Fatal(err)
		}
		if err := Writable(sealed); err == nil {
			t.Error("a read-only folder passed")
		}
	}
}
