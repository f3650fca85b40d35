package train

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"image"
	"image/color"
	"image/draw"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"eagleeye/build/train/data"
	"eagleeye/build/train/net"
	"eagleeye/wasm/zoo"

	"github.com/google/go-cmp/cmp"
)

// blocks are pictures with a few rectangles in a class's colour.
type blocks int

func (b blocks) Len() int        { return int(b) }
func (b blocks) Names() []string { return []string{"red", "green"} }

func (b blocks) Load(i int) (*image.RGBA, []data.Box, error) {
	rnd := rand.New(rand.NewPCG(3, uint64(i)))
	img := image.NewRGBA(image.Rect(0, 0, 64, 64))
	draw.Draw(img, img.Rect, image.NewUniform(color.Gray{Y: uint8(rnd.IntN(80))}), image.Point{}, draw.Src)
	var boxes []data.Box
	for k := range 2 {
		class := rnd.IntN(2)
		x, y := 32*k+rnd.IntN(8), rnd.IntN(30)
		r := image.Rect(x, y, x+14+rnd.IntN(10), y+14+rnd.IntN(18))
		draw.Draw(img, r, image.NewUniform([]color.Color{color.RGBA{255, 0, 0, 255}, color.RGBA{0, 255, 0, 255}}[class]), image.Point{}, draw.Src)
		boxes = append(boxes, data.Box{Class: class, X1: float32(r.Min.X), Y1: float32(r.Min.Y), X2: float32(r.Max.X), Y2: float32(r.Max.Y)})
	}
	return img, boxes, nil
}

// small is a short training of a tiny model.
func small(t testing.TB) Config {
	t.Helper()
	g, err := zoo.YOLOv8(zoo.Config{Depth: 0.33, Width: 0.05, MaxChannels: 512, Classes: blocks(0).Names(), Size: 64, BN: true, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	h := Defaults()
	h.Batch, h.Width, h.Height, h.Steps, h.Seed = 4, 64, 64, 12, 5
	h.WarmupSteps, h.WarmupEpochs, h.Nominal, h.ValEvery = 4, 1, 8, 2
	return Config{Hyper: h, Graph: g, Train: blocks(10), Val: blocks(6), Out: t.TempDir(), Log: t.Output()}
}

// trained runs a training and returns the tensors of its last checkpoint.
func trained(t *testing.T, c Config) (Result, header, []byte) {
	t.Helper()
	r, err := Run(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	h, floats := checkpointOf(t, c.Out)
	return r, h, floats
}

func checkpointOf(t *testing.T, dir string) (header, []byte) {
	t.Helper()
	file, err := os.ReadFile(filepath.Join(dir, CheckpointFile))
	if err != nil {
		t.Fatal(err)
	}
	h, floats, err := readCheckpoint(file)
	if err != nil {
		t.Fatal(err)
	}
	return h, floats
}

// sameEnd wants two trainings to have come to the same state, bit by bit.
func sameEnd(t *testing.T, a, b string) {
	t.Helper()
	ha, fa := checkpointOf(t, a)
	hb, fb := checkpointOf(t, b)
	for _, h := range []*header{&ha, &hb} {
		h.Seconds = 0
		for i := range h.Rows {
			h.Rows[i].Seconds = 0
		}
	}
	if diff := cmp.Diff(ha, hb); diff != "" {
		t.Errorf("other ends: %s", diff)
	}
	if !bytes.Equal(fa, fb) {
		t.Error("other weights")
	}
	for _, name := range []string{BestFile, LastFile} {
		ma, err1 := os.ReadFile(filepath.Join(a, name))
		mb, err2 := os.ReadFile(filepath.Join(b, name))
		if err := errors.Join(err1, err2); err != nil || !bytes.Equal(ma, mb) {
			t.Errorf("%s differs: %v", name, err)
		}
	}
}

func TestRun(t *testing.T) {
	c := small(t)
	c.Note = map[string]string{"model": "tiny"}
	r, h, _ := trained(t, c)
	if r.Steps != 12 || r.Epochs != 4 || len(h.Rows) != 4 || h.Updates == 0 || h.Pending != 0 || r.Best == nil {
		t.Errorf("%+v", r)
	}
	for i, row := range h.Rows {
		if row.Epoch != i+1 || row.Step != 3*(i+1) || row.Judged != (i%2 == 1) || len(row.Losses) != 3 || row.Losses[0].Value <= 0 {
			t.Errorf("row %d: %+v", i, row)
		}
	}
	for _, name := range []string{RecordFile, StartFile, ResultsFile, CurvesSVG, CurvesPNG, PredictionsFile, BestFile, LastFile} {
		if info, err := os.Stat(filepath.Join(c.Out, name)); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
	csv, _ := os.ReadFile(filepath.Join(c.Out, ResultsFile))
	if lines := strings.Split(strings.TrimSpace(string(csv)), "\n"); len(lines) != 5 ||
		lines[0] != "epoch,step,time,lr,grad_norm,train/box_loss,train/cls_loss,train/dfl_loss,metrics/mAP50(B),metrics/mAP50-95(B)" {
		t.Errorf("%s", csv)
	}
	var rec record
	text, _ := os.ReadFile(filepath.Join(c.Out, RecordFile))
	if err := json.Unmarshal(text, &rec); err != nil || !rec.Done || rec.Hyper != h.Hyper || rec.Params == 0 {
		t.Errorf("%v: %s", err, text)
	}

	again := small(t)
	again.Workers = 1
	trained(t, again)
	sameEnd(t, c.Out, again.Out)

	c.Log = nil
	if _, err := Run(context.Background(), c); err == nil || !strings.Contains(err.Error(), "holds a training already") {
		t.Errorf("a second training in the folder: %v", err)
	}
	c.Resume = true
	if r, err := Run(context.Background(), c); err != nil || r.Steps != 12 || r.Epochs != 4 {
		t.Errorf("resuming what is done: %+v, %v", r, err)
	}
}

// TestResume stops trainings by a signal, between updates and at an epoch's end.
func TestResume(t *testing.T) {
	whole := small(t)
	trained(t, whole)
	pending := false
	for _, at := range []int{3, 7, 8} {
		c := small(t)
		ctx, cancel := context.WithCancel(context.Background())
		c.Extra.Step = func(step int, _ *data.Batch) error {
			if step == at {
				cancel()
			}
			return nil
		}
		if _, err := Run(ctx, c); !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		h, _ := checkpointOf(t, c.Out)
		if h.Step != at+1 {
			t.Errorf("stopped at step %d, want %d", h.Step, at+1)
		}
		pending = pending || h.Pending > 0
		c.Extra.Step, c.Resume = nil, true
		trained(t, c)
		sameEnd(t, whole.Out, c.Out)
	}
	if !pending {
		t.Error("no checkpoint between two updates was tried")
	}
}

// TestBadPictures: what cannot be read is told and left out.
func TestBadPictures(t *testing.T) {
	c := small(t)
	c.Steps, c.Train, c.Val = 4, torn{blocks(10), 3}, torn{blocks(6), 2}
	var log bytes.Buffer
	c.Log = &log
	r, err := Run(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Problems) != 2 || !r.Last.Judged {
		t.Errorf("%v", r.Problems)
	}
	if n := strings.Count(log.String(), "left out: "); n != 2 {
		t.Errorf("told %d:\n%s", n, log.String())
	}
}

// torn is a source of which one picture cannot be read.
type torn struct {
	blocks
	bad int
}

func (s torn) Load(i int) (*image.RGBA, []data.Box, error) {
	if i == s.bad {
		return nil, nil, errors.New("torn")
	}
	return s.blocks.Load(i)
}

// TestKill kills a training's process and resumes it.
func TestKill(t *testing.T) {
	if dir := os.Getenv("EAGLEEYE_TRAIN_KILL"); dir != "" { // the process to kill
		c := small(t)
		c.Out, c.SaveSteps = dir, 5
		trained(t, c)
		return
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cmd := exec.Command(self, "-test.run", "^TestKill$")
	cmd.Env = append(os.Environ(), "EAGLEEYE_TRAIN_KILL="+dir)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for try := 0; ; try++ {
		if _, err := os.Stat(filepath.Join(dir, CheckpointFile)); err == nil {
			break
		}
		if try > 6000 {
			t.Error("no checkpoint in a minute")
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil {
		t.Skip("it was done before it could be killed")
	}
	if h, _ := checkpointOf(t, dir); h.Step != 5 && h.Step != 10 {
		t.Errorf("the checkpoint is of step %d", h.Step)
	}
	c := small(t)
	c.Out, c.Resume = dir, true
	trained(t, c)
	whole := small(t)
	trained(t, whole)
	sameEnd(t, whole.Out, dir)
}

// TestFullDisk: a write that fails is told, and the checkpoint that was there is
// still whole.
func TestFullDisk(t *testing.T) {
	c := small(t)
	c.SaveSteps, c.Val, c.ValEvery = 2, nil, 100
	full := false
	c.Extra.Step = func(step int, _ *data.Batch) error { full = step >= 5; return nil }
	c.fail = func(string) error {
		if full {
			return syscall.ENOSPC
		}
		return nil
	}
	_, err := Run(context.Background(), c)
	if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), c.Out) {
		t.Fatalf("a full disk: %v", err)
	}
	if h, _ := checkpointOf(t, c.Out); h.Step != 4 {
		t.Errorf("the checkpoint is of step %d", h.Step)
	}
	left, _ := filepath.Glob(filepath.Join(c.Out, ".*"))
	if len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
	c.fail, c.Extra.Step, c.Resume = nil, nil, true
	trained(t, c)
	whole := small(t)
	whole.Val, whole.ValEvery = nil, 100
	trained(t, whole)
	_, fa := checkpointOf(t, c.Out)
	_, fb := checkpointOf(t, whole.Out)
	if !bytes.Equal(fa, fb) {
		t.Error("other weights after the disk was full")
	}
}

func TestRefuses(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		change func(*Config)
		want   string
	}{
		"no model":        {func(c *Config) { c.Graph = nil }, "a model and a data set"},
		"size":            {func(c *Config) { c.Width = 100 }, "multiples of 32"},
		"rate":            {func(c *Config) { c.LR = math.NaN() }, "lr NaN"},
		"optimizer":       {func(c *Config) { c.Optimizer = "adam" }, `"adam"`},
		"no epochs":       {func(c *Config) { c.Steps, c.Epochs = 0, 0 }, "0 epochs"},
		"augmentation":    {func(c *Config) { c.Augment.Scale = 2 }, "scale"},
		"no folder":       {func(c *Config) { c.Out = "" }, "no output folder"},
		"a file":          {func(c *Config) { c.Out = file }, "output folder"},
		"below a file":    {func(c *Config) { c.Out = filepath.Join(file, "x") }, "output folder"},
		"nothing there":   {func(c *Config) { c.Resume = true }, "nothing to resume"},
		"other classes":   {func(c *Config) { c.Val, _ = data.Rename(blocks(2), []string{"red", "green", "blue"}) }, "3 (red, green, blue)"},
		"disk full first": {func(c *Config) { c.fail = func(string) error { return syscall.ENOSPC } }, "no space"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := small(t)
			stepped := false
			cfg.Extra.Step = func(int, *data.Batch) error { stepped = true; return nil }
			c.change(&cfg)
			_, err := Run(context.Background(), cfg)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
			if stepped {
				t.Error("it began all the same")
			}
		})
	}
}

// TestForeignCheckpoint: what is not this training's checkpoint is refused.
func TestForeignCheckpoint(t *testing.T) {
	c := small(t)
	c.Val, c.Steps = nil, 2
	trained(t, c)
	path := filepath.Join(c.Out, CheckpointFile)
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	edit := func(f func([]byte) []byte) func(*Config) {
		return func(*Config) {
			if err := os.WriteFile(path, f(slices.Clone(good)), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, f := range map[string]struct {
		change func(*Config)
		want   string
	}{
		"empty":         {edit(func([]byte) []byte { return nil }), "not a checkpoint"},
		"cut off":       {edit(func(b []byte) []byte { return b[:len(b)/2] }), "damaged"},
		"a bit flipped": {edit(func(b []byte) []byte { b[len(b)/2] ^= 1; return b }), "damaged"},
		"other rate":    {func(c *Config) { c.LR = 0.5 }, "made with lr "},
		"other data":    {func(c *Config) { c.Train = blocks(9) }, "another data set"},
		"other model":   {func(c *Config) { c.Graph = small(t).Graph; c.Graph.Meta["stride"] = "33" }, "another model"},
	} {
		edit(func(b []byte) []byte { return b })(nil)
		d := c
		d.Resume = true
		f.change(&d)
		if _, err := Run(context.Background(), d); !errors.Is(err, ErrCheckpoint) || !strings.Contains(err.Error(), f.want) {
			t.Errorf("%s: %v, want %q", name, err, f.want)
		}
	}
}

// FuzzCheckpoint: whatever a file holds, reading it neither panics nor gives out
// tensors that are not there.
func FuzzCheckpoint(f *testing.F) {
	var b bytes.Buffer
	err := writeCheckpoint(&b, header{Best: -1, Tensors: []entry{{"a", 2}}}, []net.Tensor{{Name: "a", Data: []float32{1, 2}}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes()[:b.Len()-sha256.Size])
	f.Fuzz(func(t *testing.T, body []byte) {
		sum := sha256.Sum256(body)
		h, floats, err := readCheckpoint(append(body, sum[:]...))
		if err != nil {
			return
		}
		for _, e := range h.Tensors {
			floats = floats[4*e.Len:]
		}
		if len(floats) > 0 {
			t.Fatal("floats of no tensor")
		}
	})
}

func TestPatience(t *testing.T) {
	c := Config{Hyper: Hyper{Patience: 2}}
	tr := &trainer{c: &c, header: header{Best: -1}}
	for i, step := range []struct {
		ap   float64
		best int // epoch
		lost bool
	}{{0, 1, false}, {0, 2, false}, {0, 3, false}, {0.3, 4, false}, {0.2, 4, false}, {0.5, 6, false}, {0.5, 6, false}, {0.4, 6, true}} {
		row := Row{Epoch: i + 1, Judged: true, AP: step.ap, AP50: step.ap}
		if row.betterThan(tr.best()) {
			tr.Best = i
		}
		tr.Rows = append(tr.Rows, row)
		if tr.best().Epoch != step.best || tr.patienceLost() != step.lost {
			t.Errorf("epoch %d: best %d, lost %v", i+1, tr.best().Epoch, tr.patienceLost())
		}
	}
}

func TestDiverged(t *testing.T) {
	c := small(t)
	c.Extra.Parts = func() []Part { return []Part{{"teacher", math.Inf(1)}} }
	if _, err := Run(context.Background(), c); !errors.Is(err, ErrDiverged) || !strings.Contains(err.Error(), "teacher") {
		t.Errorf("%v", err)
	}
}
