package calib

import (
	"fmt"
	"io"

	"github.com/schollz/progressbar/v3"
)

// bars shows each stage as a bar on w; nil where w is nil.
func bars(w io.Writer) func(stage string, done, total int) {
	if w == nil {
		return nil
	}
	var bar *progressbar.ProgressBar
	now := ""
	return func(stage string, done, total int) {
		if stage != now || bar == nil {
			if bar != nil {
				bar.Finish()
			}
			now = stage
			bar = progressbar.NewOptions(total,
				progressbar.OptionSetWriter(w),
				progressbar.OptionSetDescription(stage),
				progressbar.OptionShowCount(),
				progressbar.OptionSetPredictTime(true),
				progressbar.OptionSetWidth(30),
				progressbar.OptionThrottle(100e6),
				progressbar.OptionOnCompletion(func() { fmt.Fprintln(w) }),
			)
		}
		bar.Set(done)
	}
}
