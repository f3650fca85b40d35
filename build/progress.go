package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// bars is where progress bars go: nil where the output is no terminal.
func (t terminal) bars() io.Writer {
	if f, ok := t.err.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		return f
	}
	return nil
}

// byteBar shows how much of a download is here.
func byteBar(t terminal, total int64, what string) *progressbar.ProgressBar {
	return newBar(t, total, what, progressbar.OptionShowBytes(true))
}

// countBar shows how many of a number of things are done.
func countBar(t terminal, total int, what string) *progressbar.ProgressBar {
	return newBar(t, int64(total), what, progressbar.OptionShowCount(), progressbar.OptionShowIts())
}

// newBar is silent where the output is no terminal.
func newBar(t terminal, total int64, what string, more ...progressbar.Option) *progressbar.ProgressBar {
	w := t.bars()
	if w == nil {
		w = io.Discard
	}
	return progressbar.NewOptions64(total, append([]progressbar.Option{
		progressbar.OptionSetWriter(w),
		progressbar.OptionSetDescription(what),
		progressbar.OptionSetWidth(30),
		progressbar.OptionThrottle(100 * time.Millisecond),
		progressbar.OptionSetPredictTime(true),
		progressbar.OptionOnCompletion(func() { fmt.Fprintln(w) }),
	}, more...)...)
}
