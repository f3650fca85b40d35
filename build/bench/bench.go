package bench

import (
	"context"
	"fmt"
	"image"
	"slices"
	"time"

	"eagleeye/build/browser"

	cdpbrowser "github.com/chromedp/cdproto/browser"
	"github.com/chromedp/chromedp"
)

// Options of Run.
type Options struct {
	Models     *Models
	Trained    bool          // the model's boxes mean something
	Pictures   []*image.RGBA // on which answers are checked
	Contenders []Contender
	Sizes      []int // of the network's input, pixels a side
	Threads    []int
	Warm       int // frames before the rounds: browsers compile hot code again, faster
	Rounds     int // in each, every contender takes its turn
	Frames     int // that count, of a turn; one more before them warms up
	Cold       int // starts in a fresh browser; 0: none
	Scaling    []int
	Python     string // an interpreter that has onnxruntime, for native ones
	Logf       func(format string, args ...any)
}

// Run compares the contenders.
func Run(ctx context.Context, lab *Lab, o Options) (*Report, error) {
	r := &Report{Machine: machine(), Rounds: o.Rounds, Frames: o.Frames}
	browserCtx, closeBrowser, err := browser.Start(ctx, o.Logf)
	if err != nil {
		return nil, err
	}
	defer closeBrowser()
	if err := chromedp.Run(browserCtx, chromedp.ActionFunc(func(ctx context.Context) error {
		_, r.Browser, _, _, _, err = cdpbrowser.GetVersion().Do(ctx)
		return err
	})); err != nil {
		return nil, err
	}
	for _, size := range o.Sizes {
		cells, left, err := compare(browserCtx, lab, o, size)
		if err != nil {
			return nil, err
		}
		r.Cells, r.LeftOut = append(r.Cells, cells...), append(r.LeftOut, left...)
	}
	if len(o.Scaling) > 0 {
		if r.Scaling, err = scaling(browserCtx, lab, o); err != nil {
			return nil, err
		}
	}
	closeBrowser()
	if o.Cold > 0 {
		if r.Starts, err = coldStarts(ctx, lab, o); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// player is a contender in its seat.
type player struct {
	Cell
	seat seat
	times
	busy []float64 // milliseconds of processor time a frame, one a turn
}

// compare seats all contenders for one size, checks them and times them by
// turns, so that whatever else the machine does falls on all alike.
func compare(ctx context.Context, lab *Lab, o Options, size int) (cells []Cell, left []LeftOut, err error) {
	ref, err := newReference(o.Models, size, o.Trained, o.Pictures)
	if err != nil {
		return nil, nil, err
	}
	var players []*player
	defer func() {
		for _, p := range players {
			p.seat.close()
		}
	}()
	for _, c := range o.Contenders {
		for _, threads := range o.Threads {
			p := &player{Cell: Cell{Contender: c, Size: size, Threads: threads}}
			if err := p.prepare(ctx, lab, o, ref); err != nil {
				if ctx.Err() != nil {
					return nil, nil, ctx.Err()
				}
				o.Logf("%s, %d threads, %d: left out: %v", c.Label(), threads, size, err)
				left = append(left, LeftOut{c.Label(), threads, size, err.Error()})
				continue
			}
			o.Logf("%s, %d threads, %d: %s", c.Label(), threads, size, p.Verdict)
			players = append(players, p)
		}
	}
	for round := range o.Rounds {
		for i := range players {
			p := players[(i+round)%len(players)]
			if err := p.turn(o.Frames); err != nil {
				return nil, nil, fmt.Errorf("%s, %d threads, %d: %w", p.Label(), p.Threads, size, err)
			}
		}
	}
	for _, p := range players {
		p.finish(p.times, p.busy)
		cells = append(cells, p.Cell)
	}
	return cells, left, nil
}

// prepare seats a contender and checks its answers.
func (p *player) prepare(ctx context.Context, lab *Lab, o Options, ref *reference) error {
	data, err := o.Models.At(p.format, p.Size)
	if err != nil {
		return err
	}
	if p.Native() {
		p.seat, err = startNative(ctx, o.Python, data, p.Size, p.Threads)
	} else {
		url := lab.Put(fmt.Sprintf("%s-%d", p.format, p.Size), data)
		p.seat, err = sit(ctx, lab, p.Contender, url, p.Size, p.Threads)
	}
	if err != nil {
		return err
	}
	if err = p.seat.load(); err == nil {
		p.Verdict, err = ref.check(lab, p.Contender, p.seat)
	}
	if err == nil {
		_, err = p.seat.frames(o.Warm)
	}
	if err != nil {
		p.seat.close()
	}
	return err
}

// turn times some frames; the first is not counted, but in the processor's time.
func (p *player) turn(frames int) error {
	before := map[int]time.Duration{}
	for _, pid := range p.seat.processes() {
		before[pid] = processorTime(pid)
	}
	t, err := p.seat.frames(1 + frames)
	if err != nil {
		return err
	}
	var most time.Duration // the process that did the work is the busiest
	for pid, b := range before {
		most = max(most, processorTime(pid)-b)
	}
	p.busy = append(p.busy, float64(most)/1e6/float64(1+frames))
	p.Frame, p.Infer = append(p.Frame, t.Frame[1:]...), append(p.Infer, t.Infer[1:]...)
	return nil
}

// scaling times our engine, on one thread, at several sizes.
func scaling(ctx context.Context, lab *Lab, o Options) ([]Cell, error) {
	i := slices.IndexFunc(o.Contenders, Contender.Ours)
	if i < 0 {
		return nil, nil
	}
	var players []*player
	defer func() {
		for _, p := range players {
			p.seat.close()
		}
	}()
	for _, size := range o.Scaling {
		p := &player{Cell: Cell{Contender: o.Contenders[i], Size: size, Threads: 1}}
		url := lab.Put("scaling", o.Models.Int8)
		var err error
		if p.seat, err = sit(ctx, lab, p.Contender, url, size, 1); err != nil {
			return nil, err
		}
		players = append(players, p)
		if err := p.seat.load(); err != nil {
			return nil, fmt.Errorf("%d: %w", size, err)
		}
		if _, err := p.seat.frames(o.Warm); err != nil {
			return nil, fmt.Errorf("%d: %w", size, err)
		}
	}
	for range o.Rounds {
		for _, p := range players {
			if err := p.turn(o.Frames); err != nil {
				return nil, err
			}
		}
	}
	var cells []Cell
	for _, p := range players {
		p.finish(p.times, p.busy)
		cells = append(cells, p.Cell)
	}
	return cells, nil
}
