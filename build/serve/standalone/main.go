// Command standalone serves the page that lies beside it, in the folder site, on
// this machine alone, and opens it in the browser. It may import build/serve.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"syscall"

	"eagleeye/build/serve"
)

func main() {
	port := flag.Int("port", 8080, "port on 127.0.0.1; the next free one is taken, 0 is any")
	quiet := flag.Bool("quiet", false, "do not open the browser")
	dir := flag.String("dir", "", "folder of the page (else site beside this program)")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *dir, *port, *quiet); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, dir string, port int, quiet bool) error {
	if dir == "" {
		self, err := os.Executable()
		if err != nil {
			return err
		}
		if self, err = filepath.EvalSymlinks(self); err != nil {
			return err
		}
		dir = filepath.Join(filepath.Dir(self), "site")
	}
	if _, err := os.Stat(filepath.Join(dir, "index.html")); err != nil {
		return fmt.Errorf("no page in %s: unpack the whole archive, or name the folder with -dir: %w", dir, err)
	}
	l, err := serve.Listen(port)
	if err != nil {
		return err
	}
	url := serve.URL(l)
	fmt.Printf("Eagle Eye is at %s (Ctrl-C ends it)\n", url)
	if !quiet {
		if err := open(url); err != nil {
			fmt.Printf("Open that address in a browser (%v).\n", err)
		}
	}
	return serve.Serve(ctx, l, dir)
}

// open shows an address in the person's browser.
func open(url string) error {
	switch runtime.GOOS {
	case "darwin":
		return exec.Command("open", url).Start()
	case "windows":
		return exec.Command("rundll32", "url.dll,FileProtocolHandler", url).Start()
	}
	for _, name := range []string{"xdg-open", "x-www-browser", "sensible-browser"} {
		if path, err := exec.LookPath(name); err == nil {
			return exec.Command(path, url).Start()
		}
	}
	return errors.New("no program that opens it was found")
}
