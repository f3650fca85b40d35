package train

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"

	"eagleeye/build/train/data"
	"eagleeye/wasm/onnx"

	"github.com/schollz/progressbar/v3"
)

// ErrDiverged tells that numbers are no longer finite.
var ErrDiverged = errors.New("the training diverged")

// trainer is a training under way.
type trainer struct {
	c        *Config
	header   // where it stands
	schedule schedule

	loader    *data.Loader
	network   *network
	optimizer *optimizer
	average   *average
	judge     *judge   // nil without Val
	valLoss   *valLoss // nil unless it is to be measured

	started time.Time
	saved   time.Time
	savedAt int // step
	bar     *progressbar.ProgressBar
	stopped bool
	known   int // problems that were told at the start
}

// prepare checks everything and builds the network.
func prepare(c Config) (*trainer, error) {
	if err := c.Hyper.check(); err != nil {
		return nil, err
	}
	if c.Graph == nil || c.Train == nil {
		return nil, fmt.Errorf("%w: a model and a data set are needed", ErrConfig)
	}
	if err := c.createFolder(); err != nil {
		return nil, err
	}
	t := &trainer{c: &c, header: header{Best: -1}, started: time.Now()}
	err := t.build()
	if err == nil {
		err = t.begin()
	}
	if err != nil {
		t.close()
		return nil, err
	}
	return t, nil
}

// build makes the parts of a training.
func (t *trainer) build() (err error) {
	c := t.c
	if t.network, err = newNetwork(c); err != nil {
		return err
	}
	if err := t.checkClasses(); err != nil {
		return err
	}
	perEpoch := (c.Train.Len() + c.Batch - 1) / c.Batch
	updates := newSchedule(&c.Hyper, perEpoch).total / c.Hyper.batches()
	c.Hyper.choose(updates, t.network.net.Classes)
	t.schedule = newSchedule(&c.Hyper, perEpoch)
	t.loader, err = data.NewLoader(c.Train, data.Options{
		Batch: c.Batch, Width: c.Width, Height: c.Height, Seed: c.Seed, Augment: c.Augment,
		MosaicEpochs: max(t.schedule.epochs()-c.CloseMosaic, 0), Workers: c.Workers, CacheBytes: c.CacheBytes,
	})
	if err != nil {
		return err
	}
	var tensors []*tensor
	for _, p := range t.network.params {
		tensors = append(tensors, newTensor(p))
	}
	t.optimizer = newOptimizer(tensors, &c.Hyper)
	t.average = newAverage(t.network.state(), c.EMADecay, c.EMATau)
	if c.Val != nil {
		if t.judge, err = newJudge(c.Val, c.Width, c.Height); err != nil {
			return fmt.Errorf("data set to judge on: %w", err)
		}
	}
	if t.network.forward != nil {
		if t.valLoss, err = newValLoss(t.network, c); err != nil {
			return fmt.Errorf("data set to judge on: %w", err)
		}
	}
	return nil
}

// begin sets the training to its start or to its checkpoint.
func (t *trainer) begin() error {
	start, err := onnx.Write(t.c.Graph)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(start)
	t.header.Hyper, t.header.Model = t.c.Hyper, hex.EncodeToString(sum[:])
	t.header.Data = fmt.Sprintf("%d pictures, %d classes", t.c.Train.Len(), len(t.c.Train.Names()))
	if t.c.Resume {
		if err := t.load(); err != nil {
			return err
		}
		t.stopped = t.patienceLost()
		t.c.logf("going on from step %d of %d", t.Step, t.schedule.total)
	} else if err := t.c.writeFile(StartFile, func(w io.Writer) error { _, err := w.Write(start); return err }); err != nil {
		return err
	}
	t.tellProblems(0)
	return t.writeRecord(false)
}

// tellProblems logs what was left out since the first told ones, not too long.
func (t *trainer) tellProblems(told int) {
	const most = 10
	list := t.problems()
	for i, p := range list[told:] {
		if i == most {
			t.c.logf("… %d more, %s lists them", len(list)-told-most, RecordFile)
			return
		}
		t.c.logf("left out: %s", p)
	}
}

// checkClasses wants the data's classes to be the model's.
func (t *trainer) checkClasses() error {
	for _, s := range []data.Source{t.c.Train, t.c.Val} {
		if s == nil {
			continue
		}
		if names := s.Names(); len(names) != t.network.net.Classes {
			return fmt.Errorf("%w: the model has %d classes, the data set %d (%s): number its classes as the model's (data.Rename) or start with a model for them",
				ErrConfig, t.network.net.Classes, len(names), strings.Join(names[:min(len(names), 5)], ", "))
		}
	}
	return nil
}

func (t *trainer) run(ctx context.Context) error {
	t.bar = t.newBar()
	defer t.bar.Close()
	t.saved, t.savedAt, t.known = time.Now(), t.Step, len(t.problems())
	t.loader.Start(t.Step)
	defer t.loader.Close()
	for t.Step < t.schedule.total && !t.stopped {
		if ctx.Err() != nil {
			return errors.Join(context.Cause(ctx), t.save())
		}
		if err := t.step(); err != nil {
			return err
		}
		if t.Step%t.schedule.perEpoch == 0 || t.Step == t.schedule.total {
			if err := t.endEpoch(ctx); err != nil {
				return err
			}
		}
		if t.due() {
			if err := t.save(); err != nil {
				return err
			}
			t.saved, t.savedAt = time.Now(), t.Step
		}
	}
	return t.finish()
}

// step runs a batch and, where enough have come together, an update.
func (t *trainer) step() error {
	b, err := t.loader.Next()
	if err != nil {
		return err
	}
	parts, err := t.network.run(t.Step, b)
	t.loader.Release(b)
	if err != nil {
		return err
	}
	if err := t.network.addGrads(t.optimizer.tensors); err != nil {
		return err
	}
	t.Pending++
	r := t.schedule.at(t.Step)
	t.Step++
	if t.Pending >= r.accumulate || t.Step == t.schedule.total {
		t.Norm = t.optimizer.step(r)
		if math.IsNaN(t.Norm) || math.IsInf(t.Norm, 0) {
			return fmt.Errorf("%w: the gradients are not finite at step %d: try a lower rate (--lr)", ErrDiverged, t.Step)
		}
		t.Updates, t.Pending = t.optimizer.updates, 0
		t.average.update(t.Updates)
	}
	t.sum(parts)
	t.bar.Describe(describe(parts))
	return t.bar.Add(1)
}

// sum adds to the epoch's losses.
func (t *trainer) sum(parts []Part) {
	if t.Count == 0 {
		t.Sums = slices.Clone(parts)
	} else {
		for i := range t.Sums {
			t.Sums[i].Value += parts[i].Value
		}
	}
	t.Count++
}

func (t *trainer) due() bool {
	return t.c.SaveSteps > 0 && t.Step-t.savedAt >= t.c.SaveSteps || time.Since(t.saved) >= t.c.interval()
}

// endEpoch notes the epoch and judges the averaged weights where it is time.
func (t *trainer) endEpoch(ctx context.Context) error {
	last := t.Step == t.schedule.total
	row := Row{Epoch: (t.Step + t.schedule.perEpoch - 1) / t.schedule.perEpoch, Step: t.Step, LR: t.schedule.at(t.Step - 1).weights, Norm: t.Norm, Losses: t.Sums}
	for i := range row.Losses {
		row.Losses[i].Value /= float64(t.Count)
	}
	t.Sums, t.Count = nil, 0
	var show []shown
	if last || row.Epoch%t.c.ValEvery == 0 {
		file, err := t.export()
		if err != nil {
			return err
		}
		if t.judge != nil {
			t.bar.Describe("judging")
			res, pictures, err := t.judge.run(ctx, file, func() {})
			if err != nil {
				if ctx.Err() != nil { // the epoch is judged again when it is resumed
					return ctx.Err()
				}
				return fmt.Errorf("judging epoch %d: %w", row.Epoch, err)
			}
			row.Judged, row.AP, row.AP50, show = true, float64(res.AP), float64(res.AP50), pictures
		}
		if t.valLoss != nil {
			if row.ValLosses, err = t.valLoss.of(ctx, t.average); err != nil {
				return fmt.Errorf("judging epoch %d: %w", row.Epoch, err)
			}
		}
		if err := t.writeModel(LastFile, file); err != nil {
			return err
		}
		if row.Judged && row.betterThan(t.best()) {
			t.Best = len(t.Rows)
			if err := t.writeModel(BestFile, file); err != nil {
				return err
			}
		}
	}
	row.Seconds = t.seconds()
	t.Rows = append(t.Rows, row)
	t.logf("%v", row)
	if t.stopped = t.patienceLost(); t.stopped {
		t.logf("no better model in %d epochs: stopped", t.c.Patience)
	}
	return t.report(show)
}

// patienceLost tells whether the best epoch is too long ago.
func (t *trainer) patienceLost() bool {
	best := t.best()
	return t.c.Patience > 0 && best != nil && t.Rows[len(t.Rows)-1].Epoch-best.Epoch >= t.c.Patience
}

func (t *trainer) writeModel(name string, file []byte) error {
	return t.c.writeFile(name, func(w io.Writer) error { _, err := w.Write(file); return err })
}

// report writes what a person looks at.
func (t *trainer) report(show []shown) error {
	if err := t.c.writeFile(ResultsFile, func(w io.Writer) error { return writeResults(w, t.Rows) }); err != nil {
		return err
	}
	if !t.Rows[len(t.Rows)-1].Judged && t.Step < t.schedule.total {
		return nil
	}
	if err := t.c.writeCurves(t.Rows); err != nil {
		return err
	}
	return t.c.writePredictions(show)
}

func (t *trainer) finish() error {
	t.tellProblems(t.known)
	if err := t.save(); err != nil {
		return err
	}
	return t.writeRecord(true)
}

func (t *trainer) best() *Row {
	if t.Best < 0 {
		return nil
	}
	return &t.Rows[t.Best]
}

// seconds of training, those before a resumption included.
func (t *trainer) seconds() float64 { return t.header.Seconds + time.Since(t.started).Seconds() }

// problems lists what was left out of both data sets.
func (t *trainer) problems() []data.Problem {
	var all []data.Problem
	for _, s := range []data.Source{t.c.Train, t.c.Val} {
		if p, ok := s.(interface{ Problems() []data.Problem }); ok {
			all = append(all, p.Problems()...)
		}
	}
	if t.judge != nil {
		all = append(all, t.judge.problems...)
	}
	if t.loader != nil {
		all = append(all, t.loader.Problems()...)
	}
	return all
}

func (t *trainer) result() Result {
	r := Result{Steps: t.Step, Epochs: len(t.Rows), Best: t.best(), Stopped: t.stopped, Seconds: t.seconds(), Problems: t.problems()}
	if n := len(t.Rows); n > 0 {
		r.Last = t.Rows[n-1]
	}
	return r
}

func (t *trainer) newBar() *progressbar.ProgressBar {
	w := t.c.Progress
	if w == nil {
		w = io.Discard
	}
	bar := progressbar.NewOptions(t.schedule.total,
		progressbar.OptionSetWriter(w), progressbar.OptionSetWidth(20), progressbar.OptionShowCount(), progressbar.OptionShowIts(),
		progressbar.OptionThrottle(200*time.Millisecond), progressbar.OptionSetPredictTime(true), progressbar.OptionClearOnFinish())
	_ = bar.Set(t.Step)
	return bar
}

// logf writes a line where the bar is.
func (t *trainer) logf(format string, args ...any) {
	_ = t.bar.Clear()
	t.c.logf(format, args...)
}

func describe(parts []Part) string {
	s := make([]string, len(parts))
	for i, p := range parts {
		s[i] = fmt.Sprintf("%s %.3f", p.Name, p.Value)
	}
	return strings.Join(s, "  ")
}

func (t *trainer) close() {
	if t.loader != nil {
		t.loader.Close()
	}
	if t.network != nil {
		t.network.close()
	}
}
