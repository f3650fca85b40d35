package site

import (
	"archive/zip"
	"compress/flate"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
)

// Platform is a system that a packed page brings a server for.
type Platform struct{ OS, Arch string }

// Platforms are those of Zip.
var Platforms = []Platform{
	{"linux", "amd64"}, {"linux", "arm64"}, {"darwin", "amd64"}, {"darwin", "arm64"}, {"windows", "amd64"}, {"windows", "arm64"},
}

// Server is the name of a platform's server in the archive.
func (p Platform) Server() string {
	name := "eagle-eye-" + p.OS + "-" + p.Arch
	if p.OS == "windows" {
		name += ".exe"
	}
	return name
}

// zipRoot is the folder in the archive, zipSite that of the page in it.
const zipRoot, zipSite = "eagle-eye", "eagle-eye/site"

const zipReadme = `Eagle Eye: object detection in the browser, without a network

Unpack everything, then start the file for your system in this folder:

  Linux      ./eagle-eye-linux-amd64 (arm64 for ARM)
  macOS      ./eagle-eye-darwin-arm64 (amd64 for Intel); at the first start
             choose Open in the menu of the right mouse button
  Windows    eagle-eye-windows-amd64.exe (arm64 for ARM)

It serves the folder site on this machine alone (127.0.0.1) and opens it in the
browser. -port N, -quiet and -dir FOLDER are its options. Any other server of
static files does as well: python3 -m http.server --directory site
`

// Zip packs the site in dir, with a server for each platform, into the file out.
// The Go command compiles the servers in the project at root.
func Zip(ctx context.Context, root, dir, out string, platforms []Platform, logf func(string, ...any)) (err error) {
	tmp, err := os.MkdirTemp("", "eagleeye-zip-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	part := out + ".part"
	f, err := os.Create(part)
	if err != nil {
		return fmt.Errorf("zip: %w", err)
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(part)
		}
	}()
	z := zip.NewWriter(f)
	z.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, flate.BestCompression) })
	if err := zipAdd(z, zipRoot+"/README.txt", strings.NewReader(zipReadme), 0o644); err != nil {
		return err
	}
	for _, p := range platforms {
		logf("compiling the server for %s/%s", p.OS, p.Arch)
		file := filepath.Join(tmp, p.Server())
		cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", file, "./build/serve/standalone")
		cmd.Dir = root
		cmd.Env = append(os.Environ(), "GOOS="+p.OS, "GOARCH="+p.Arch, "CGO_ENABLED=0")
		if text, err := cmd.CombinedOutput(); ctx.Err() != nil {
			return ctx.Err()
		} else if err != nil {
			return fmt.Errorf("compile the server for %s/%s: %w\n%s", p.OS, p.Arch, err, text)
		}
		if err := zipFile(z, zipRoot+"/"+p.Server(), file, 0o755); err != nil {
			return err
		}
	}
	err = filepath.WalkDir(dir, func(file string, e os.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		name, err := filepath.Rel(dir, file)
		if err != nil {
			return err
		}
		if ext := filepath.Ext(name); ext == ".br" || ext == ".gz" { // of no use on one machine
			return nil
		}
		return zipFile(z, path.Join(zipSite, filepath.ToSlash(name)), file, 0o644)
	})
	if err != nil {
		return err
	}
	if err := z.Close(); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(part, out)
}

func zipFile(z *zip.Writer, name, file string, mode os.FileMode) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	return zipAdd(z, name, f, mode)
}

func zipAdd(z *zip.Writer, name string, from io.Reader, mode os.FileMode) error {
	h := &zip.FileHeader{Name: name, Method: zip.Deflate}
	h.SetMode(mode)
	w, err := z.CreateHeader(h)
	if err != nil {
		return err
	}
	_, err = io.Copy(w, from)
	return err
}
