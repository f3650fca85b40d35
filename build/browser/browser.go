// Package browser finds a Chrome or Chromium to test and measure with, and
// makes the options to start it. It imports nothing of ours.
package browser

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"

	"github.com/chromedp/chromedp"
)

// ErrNone says that no browser was found, and what to install.
var ErrNone = errors.New("no Chrome or Chromium found: install one (Debian, Ubuntu: apt-get install chromium; macOS: brew install --cask google-chrome; Windows: winget install Google.Chrome), or set CHROME to the path of its program")

// names are looked up in PATH, places are tried as they stand.
var names = []string{"chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chrome", "google-chrome-beta", "google-chrome-unstable", "headless-shell"}

func places() []string {
	switch runtime.GOOS {
	case "darwin":
		return []string{
			"/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
			"/Applications/Chromium.app/Contents/MacOS/Chromium",
		}
	case "windows":
		var out []string
		for _, base := range []string{"ProgramFiles", "ProgramFiles(x86)", "LocalAppData"} {
			if dir := os.Getenv(base); dir != "" {
				out = append(out, filepath.Join(dir, "Google", "Chrome", "Application", "chrome.exe"), filepath.Join(dir, "Chromium", "Application", "chrome.exe"))
			}
		}
		return out
	}
	return []string{"/usr/bin/chromium", "/usr/bin/google-chrome", "/usr/lib/chromium/chromium", "/opt/google/chrome/chrome", "/snap/bin/chromium", "/headless-shell/headless-shell"}
}

// Find returns the program of the browser: the one that CHROME names, one in
// PATH, or one in the usual places; else ErrNone.
func Find() (string, error) {
	if path := os.Getenv("CHROME"); path != "" {
		full, err := exec.LookPath(path)
		if err != nil {
			return "", fmt.Errorf("CHROME=%s is no program: %w", path, err)
		}
		return full, nil
	}
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	for _, path := range places() {
		if info, err := os.Stat(path); err == nil && !info.IsDir() {
			return path, nil
		}
	}
	return "", ErrNone
}

// Ensure is Find, but where there is none and the user is root on Debian it
// installs Debian's chromium first, and says so with logf.
func Ensure(ctx context.Context, logf func(format string, args ...any)) (string, error) {
	path, err := Find()
	if !errors.Is(err, ErrNone) {
		return path, err
	}
	if err := InstallDebian(ctx, logf, "chromium"); err != nil {
		return "", fmt.Errorf("%w (%v)", ErrNone, err)
	}
	return Find()
}

// InstallDebian installs Debian packages with apt-get. It is an error, and
// nothing is done, for anyone but root on a Debian system.
func InstallDebian(ctx context.Context, logf func(format string, args ...any), packages ...string) error {
	if os.Geteuid() != 0 {
		return errors.New("not installed by itself: only root can")
	}
	if release, err := os.ReadFile("/etc/os-release"); err != nil || !bytes.Contains(release, []byte("debian")) {
		return errors.New("not installed by itself: this is no Debian")
	}
	apt, err := exec.LookPath("apt-get")
	if err != nil {
		return fmt.Errorf("not installed by itself: %w", err)
	}
	for _, args := range [][]string{{"update"}, append([]string{"install", "-y", "--no-install-recommends"}, packages...)} {
		logf("apt-get %v", args)
		cmd := exec.CommandContext(ctx, apt, args...)
		cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("apt-get %v: %w\n%s", args, err, tail(out, 2000))
		}
	}
	return nil
}

func tail(b []byte, n int) []byte {
	if len(b) > n {
		return b[len(b)-n:]
	}
	return b
}

// Options are the options that start the program at path without a window, in
// a fresh profile, quietly: no background traffic that would disturb a
// measurement. More flags go in extra.
func Options(path string, extra ...chromedp.ExecAllocatorOption) []chromedp.ExecAllocatorOption {
	opts := []chromedp.ExecAllocatorOption{
		chromedp.ExecPath(path),
		chromedp.NoFirstRun,
		chromedp.NoDefaultBrowserCheck,
		chromedp.Flag("headless", "new"),
		chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-default-apps", true),
		chromedp.Flag("disable-extensions", true),
		chromedp.Flag("disable-sync", true),
		chromedp.Flag("disable-dev-shm-usage", true),
		chromedp.Flag("disable-background-timer-throttling", true),
		chromedp.Flag("disable-backgrounding-occluded-windows", true),
		chromedp.Flag("disable-renderer-backgrounding", true),
		chromedp.Flag("disable-hang-monitor", true),
		chromedp.Flag("disable-features", "Translate,OptimizationHints,MediaRouter"),
		chromedp.Flag("metrics-recording-only", true),
		chromedp.Flag("mute-audio", true),
		chromedp.Flag("password-store", "basic"),
		chromedp.Flag("use-mock-keychain", true),
	}
	if os.Geteuid() == 0 {
		opts = append(opts, chromedp.NoSandbox)
	}
	return append(opts, extra...)
}

// FakeCamera replaces the cameras by a motion JPEG file, played in a loop at
// 30 frames/s, and grants their use without asking.
func FakeCamera(mjpeg string) []chromedp.ExecAllocatorOption {
	return []chromedp.ExecAllocatorOption{
		chromedp.Flag("use-fake-ui-for-media-stream", true),
		chromedp.Flag("use-fake-device-for-media-stream", true),
		chromedp.Flag("use-file-for-fake-video-capture", mjpeg),
	}
}

// Start finds a browser (see Ensure), starts it and returns a context of a
// blank tab. cancel closes the browser and removes its profile.
func Start(ctx context.Context, logf func(format string, args ...any), extra ...chromedp.ExecAllocatorOption) (tab context.Context, cancel func(), err error) {
	path, err := Ensure(ctx, logf)
	if err != nil {
		return nil, nil, err
	}
	alloc, stop := chromedp.NewExecAllocator(ctx, Options(path, extra...)...)
	tab, closeTab := chromedp.NewContext(alloc)
	cancel = func() { closeTab(); stop() }
	if err := chromedp.Run(tab); err != nil {
		cancel()
		return nil, nil, fmt.Errorf("start %s: %w", path, err)
	}
	return tab, cancel, nil
}
