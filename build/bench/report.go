package bench

import (
	"fmt"
	"math"
	"os"
	"runtime"
	"slices"
	"strings"
)

// Report is what a comparison saw. Times are milliseconds.
type Report struct {
	Machine string    `json:"machine"`
	Browser string    `json:"browser"`
	Rounds  int       `json:"rounds"`
	Frames  int       `json:"frames"`
	Cells   []Cell    `json:"cells"`
	Scaling []Cell    `json:"scaling,omitempty"`
	Starts  []Start   `json:"starts,omitempty"`
	LeftOut []LeftOut `json:"leftOut,omitempty"`
}

// Cell is one contender at one size and number of threads. Of ours Median, P90
// and Min are of a frame from RGBA to boxes, of a peer of its network alone.
type Cell struct {
	Contender `json:"-"`
	Title     string  `json:"contender"`
	Size      int     `json:"size"`
	Threads   int     `json:"threads"`
	Median    float64 `json:"median"`
	P90       float64 `json:"p90"`
	Min       float64 `json:"min"`
	Network   float64 `json:"network"`   // median of the network alone
	Processor float64 `json:"processor"` // time of all threads a frame, a median; 0: not known
	N         int     `json:"n"`
	Verdict   Verdict `json:"check"`
}

// LeftOut is a contender that could not take part.
type LeftOut struct {
	Contender string `json:"contender"`
	Threads   int    `json:"threads"`
	Size      int    `json:"size"`
	Why       string `json:"why"`
}

func (c *Cell) finish(t times, busy []float64) {
	c.Processor = median(busy)
	slices.Sort(t.Frame)
	slices.Sort(t.Infer)
	c.Title, c.N = c.Label(), len(t.Frame)
	c.Median, c.P90, c.Min, c.Network = quantile(t.Frame, 0.5), quantile(t.Frame, 0.9), t.Frame[0], quantile(t.Infer, 0.5)
}

// quantile of sorted numbers, between neighbours linearly.
func quantile(sorted []float64, q float64) float64 {
	at := q * float64(len(sorted)-1)
	i := int(at)
	if i+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	return sorted[i] + (at-float64(i))*(sorted[i+1]-sorted[i])
}

func (v Verdict) String() string {
	if v.IoU == 0 {
		return fmt.Sprintf("%d boxes, %.0f %% found %s", v.Boxes, 100*v.Found, v.Note)
	}
	return fmt.Sprintf("%d boxes, %.1f %% found, mean IoU %.4f %s", v.Boxes, 100*v.Found, v.IoU, v.Note)
}

// fastest returns the least median of the peers in the browser.
func (r *Report) fastest(size, threads int) (Cell, bool) {
	best, ok := Cell{Median: math.Inf(1)}, false
	for _, c := range r.Cells {
		if c.Size == size && c.Threads == threads && !c.Ours() && !c.Native() && c.Median < best.Median {
			best, ok = c, true
		}
	}
	return best, ok
}

// String is the tables as text.
func (r *Report) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %s; %d rounds of %d frames\n", r.Machine, r.Browser, r.Rounds, r.Frames)
	type group struct{ size, threads int }
	var groups []group
	for _, c := range r.Cells {
		if g := (group{c.Size, c.Threads}); !slices.Contains(groups, g) {
			groups = append(groups, g)
		}
	}
	for _, g := range groups {
		peer, ok := r.fastest(g.size, g.threads)
		fmt.Fprintf(&b, "\n%d×%d, %d thread(s)                  median     p90     min  network  processor   ratio to the fastest peer\n", g.size, g.size, g.threads)
		for _, c := range r.Cells {
			if (group{c.Size, c.Threads}) != g {
				continue
			}
			ratio := ""
			if ok {
				ratio = fmt.Sprintf("%.3f (network %.3f)", c.Median/peer.Median, c.Network/peer.Median)
			}
			fmt.Fprintf(&b, "%-34s %8.1f %7.1f %7.1f %8.1f %10.1f   %s\n", c.Label(), c.Median, c.P90, c.Min, c.Network, c.Processor, ratio)
		}
	}
	if len(r.Scaling) > 0 {
		fmt.Fprintf(&b, "\nours, 1 thread, by size\n")
		for _, c := range r.Scaling {
			fmt.Fprintf(&b, "%5d %8.1f ms %8.2f µs/1000 pixels\n", c.Size, c.Median, c.Median*1e6/float64(c.Size*c.Size))
		}
		fmt.Fprintf(&b, "linear in pixels within %.0f %%\n", 100*r.spread())
	}
	if len(r.Starts) > 0 {
		s := r.Starts[0]
		fmt.Fprintf(&b, "\nfirst boxes, %d×%d, %d thread(s), in %d fresh browsers each: medians, MB, MiB\n%-34s %8s %8s %8s %8s %8s %8s %8s %9s\n", s.Size, s.Size, s.Threads, s.N, "",
			"ready", "boxes", "1st run", "later", "raw", "gzip", "brotli", "peak MiB")
	}
	for _, s := range r.Starts {
		fmt.Fprintf(&b, "%s\n", s)
	}
	for _, l := range r.LeftOut {
		fmt.Fprintf(&b, "left out: %s, %d threads, %d: %s\n", l.Contender, l.Threads, l.Size, l.Why)
	}
	return b.String()
}

// machine names the processor where the system tells it.
func machine() string {
	name := runtime.GOOS + "/" + runtime.GOARCH
	info, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(info)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == "model name" {
			name = strings.TrimSpace(value)
			break
		}
	}
	return fmt.Sprintf("%s, %d processors", name, runtime.NumCPU())
}
