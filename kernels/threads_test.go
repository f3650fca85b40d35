//go:build !js

package kernels

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"
	"unsafe"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
)

// crew is a team of instances of the threaded module over one memory in wazero.
type crew struct {
	t       testing.TB
	rt      wazero.Runtime
	module  wazero.CompiledModule
	memory  api.Memory
	leader  api.Module
	helpers sync.WaitGroup
}

// newCrew makes a team of n threads over a memory of size bytes.
func newCrew(t testing.TB, size, n int, patience int64) *crew {
	t.Helper()
	ctx := context.Background()
	c := &crew{t: t}
	c.rt = wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfig().WithCompilationCache(cache()).
		WithCoreFeatures(api.CoreFeaturesV2|experimental.CoreFeaturesThreads))
	env, err := c.rt.InstantiateWithConfig(ctx, MemoryModule(Variant{Threads: true}, uint32(size+65535)/65536), wazero.NewModuleConfig().WithName("env"))
	if err != nil {
		t.Fatal(err)
	}
	c.memory = env.ExportedMemory("memory")
	if c.module, err = c.rt.CompileModule(ctx, module(Variant{Threads: true}, patience)); err != nil {
		t.Fatal(err)
	}
	c.leader = c.instance()
	t.Cleanup(func() {
		c.stop()
		c.rt.Close(ctx)
	})
	for range n - 1 {
		c.join()
	}
	for c.control().Joined != uint32(n-1) {
		time.Sleep(time.Millisecond)
	}
	return c
}

func (c *crew) instance() api.Module {
	m, err := c.rt.InstantiateModule(context.Background(), c.module, wazero.NewModuleConfig().WithName(""))
	if err != nil {
		c.t.Fatal(err)
	}
	return m
}

// join adds a thread.
func (c *crew) join() {
	m := c.instance()
	c.helpers.Go(func() {
		if _, err := m.ExportedFunction("help").Call(context.Background()); err != nil {
			c.t.Errorf("help: %v", err)
		}
	})
}

// stop ends the team and returns when all helpers have.
func (c *crew) stop() {
	if _, err := c.leader.ExportedFunction("stop").Call(context.Background()); err != nil {
		c.t.Errorf("stop: %v", err)
	}
	c.helpers.Wait()
}

func (c *crew) run(prog uint32, n int) error {
	_, err := c.leader.ExportedFunction("run").Call(context.Background(), uint64(prog), uint64(n))
	return err
}

func (c *crew) control() *Control {
	b, _ := c.memory.Read(ControlAddr, uint32(unsafe.Sizeof(Control{})))
	return (*Control)(unsafe.Pointer(unsafe.SliceData(b)))
}

// load writes an image, less the kernels' own first bytes.
func (c *crew) load(mem []byte) {
	if !c.memory.Write(Base, mem[Base:]) {
		c.t.Fatal("the image does not fit the memory")
	}
}

func (c *crew) read(size int) []byte {
	b, _ := c.memory.Read(0, uint32(size))
	return bytes.Clone(b)
}

func newTeamImage(seed uint64) *image {
	im := newImage(seed)
	im.mem = make([]byte, Base)
	return im
}

func TestTeamAgreesWithOracle(t *testing.T) {
	const most = 5
	im := newTeamImage(3)
	var scratch [][2]uint32
	for i, c := range []convCase{
		{inC: 16, outC: 24, k: 3, h: 13, w: 7, panels: 1, act: ActSiLU, merged: true},
		{inC: 24, outC: 16, k: 1, h: 5, w: 5, panels: 2, res: true},
		{inC: 8, outC: 72, k: 3, h: 1, w: 9, panels: 1, act: ActSiLU, merged: true},
	} {
		c.op, c.stride, c.dil = convOps[i], 1, 1
		c.build(im)
	}
	for _, rows := range []int32{1, 2} {
		c := convCase{op: OpConvI16, inC: 16, outC: 40, k: 3, stride: 1, dil: 1, h: 12, w: 9, panels: 2, act: ActSiLU, slots8: true}
		conv, p, w := c.desc(im)
		packed, err := PackWinogradI16(any(w).([]int16), p)
		if err != nil {
			t.Fatal(err)
		}
		size := (WinogradScratch(c.w, int(rows), 2*p.InPhys) + 15) / 16 * 16
		d := WinogradDesc{Conv: conv, BlockRows: rows, Scratch: im.alloc(most * size), ScratchStep: int32(size)}
		scratch = append(scratch, [2]uint32{d.Scratch, uint32(most * size)})
		d.Conv.RunLen, d.Conv.Weights = int32(p.InPhys), put(im, packed...)
		step(im, OpWinogradI16, d, (6+rows-1)/rows*3)
	}
	for op := range NumOps {
		if add := elementwise[op]; add != nil {
			add(im, op, size{9, 7, 24}, layouts["dense"], layouts["slice"])
		}
	}
	borderStep(im, size{6, 5, 16}, 2, 0)
	letterboxCase{srcW: 37, srcH: 29, dstW: 20, dstH: 20, top: 2, newW: 20, newH: 16}.step(im)
	prog := put(im, im.steps...)
	im.alloc(64)
	want := bytes.Clone(im.mem)
	RefRun(want, prog, len(im.steps))
	for n := 1; n <= most; n++ {
		t.Run(fmt.Sprintf("%d threads", n), func(t *testing.T) {
			c := newCrew(t, len(im.mem), n, leaderPatience)
			for range 20 {
				c.load(im.mem)
				if err := c.run(prog, len(im.steps)); err != nil {
					t.Fatal(err)
				}
				got := c.read(len(im.mem))
				copy(got[:Base], want)
				for _, s := range scratch {
					copy(got[s[0]:s[0]+s[1]], want[s[0]:])
				}
				if i := firstDifference(got, want); i >= 0 {
					t.Fatalf("memory at %d: % x, oracle % x", i, window(got, i), window(want, i))
				}
			}
		})
	}
}

// Candidates come in any order, each exactly once.
func TestTeamDetects(t *testing.T) {
	im := newTeamImage(4)
	detectScale{40, 30, 11, 16, 8, 1, 7}.step(im, 0)
	prog := put(im, im.steps...)
	d := *at[DetectDesc](im.mem, im.steps[0].Desc)
	candidates := func(mem []byte) []Candidate {
		n := at[DetectParams](mem, d.Params).Count
		all := slices.Clone(view[Candidate](mem, d.Out, int(n)))
		slices.SortFunc(all, func(a, b Candidate) int { return cmp.Compare(a.Anchor, b.Anchor) })
		return all
	}
	ref := bytes.Clone(im.mem)
	RefRun(ref, prog, 1)
	want := candidates(ref)
	if len(want) < 100 {
		t.Fatalf("only %d candidates", len(want))
	}
	c := newCrew(t, len(im.mem), 3, leaderPatience)
	for range 50 {
		c.load(im.mem)
		if err := c.run(prog, 1); err != nil {
			t.Fatal(err)
		}
		if got := candidates(c.read(len(im.mem))); !slices.Equal(got, want) {
			t.Fatalf("%d candidates differ from the oracle's %d", len(got), len(want))
		}
	}
}

// A long chain of small dependent steps goes wrong when a step ends early, and
// hangs when a wake is lost. Threads join meanwhile; pauses put them to sleep.
func TestTeamKeepsOrder(t *testing.T) {
	im := newTeamImage(5)
	const h, bytesPerRow, links = 24, 64, 40
	maps := make([]Map, links+1)
	for i := range maps {
		maps[i] = Map{im.alloc(h * bytesPerRow), bytesPerRow, 4}
	}
	for i := range links {
		// Turned upside down, so that a thread reads what others have written.
		src := Map{maps[i].Addr + (h-1)*bytesPerRow, -bytesPerRow, 4}
		rows := int32(h)
		if i%8 == 7 { // a step with fewer tiles than threads
			src, rows = maps[i], 1
			src.Row, maps[i+1].Row = 0, 0
			step(im, OpCopy, CopyDesc{Src: src, Dst: maps[i+1], H: 1, W: h * bytesPerRow / 4, Bytes: 4}, rows)
			maps[i+1].Row = bytesPerRow
			continue
		}
		step(im, OpCopy, CopyDesc{Src: src, Dst: maps[i+1], H: rows, W: bytesPerRow / 4, Bytes: 4}, rows)
	}
	prog := put(im, im.steps...)
	c := newCrew(t, len(im.mem), 1, leaderPatience)
	c.load(im.mem)
	rng := rand.New(rand.NewPCG(1, 2))
	row := make([]byte, h*bytesPerRow)
	for round := range 300 {
		if round%50 == 0 && round < 200 {
			c.join()
		}
		if round%97 == 0 {
			time.Sleep(2 * time.Millisecond)
		}
		for i := range row {
			row[i] = byte(rng.Uint32())
		}
		c.memory.Write(maps[0].Addr, row)
		if err := c.run(prog, links); err != nil {
			t.Fatal(err)
		}
		want := slices.Clone(row)
		for i := range links {
			if i%8 == 7 {
				continue
			}
			slices.Reverse(want)
			for r := range h {
				slices.Reverse(want[r*bytesPerRow:][:bytesPerRow])
			}
		}
		got, _ := c.memory.Read(maps[links].Addr, h*bytesPerRow)
		if !bytes.Equal(got, want) {
			t.Fatalf("round %d, %d threads joined: the chain's end is wrong", round, c.control().Joined)
		}
	}
	if n := c.control().Joined; n != 4 {
		t.Errorf("%d threads have joined, want 4", n)
	}
}

// A thread that the system has put aside holds nobody up.
func TestTeamGoesOnWithoutIdleThread(t *testing.T) {
	im := newTeamImage(6)
	for range 20 {
		copyStep(im, size{9, 7, 24}, layouts["dense"], layouts["dense"])
	}
	prog := put(im, im.steps...)
	want := bytes.Clone(im.mem)
	RefRun(want, prog, len(im.steps))
	c := newCrew(t, len(im.mem), 2, 20e6)
	c.control().Joined += 2 // and they never come
	for range 50 {
		c.load(im.mem)
		if err := c.run(prog, len(im.steps)); err != nil {
			t.Fatal(err)
		}
		got := c.read(len(im.mem))
		copy(got[:Base], want)
		if i := firstDifference(got, want); i >= 0 {
			t.Fatalf("memory at %d differs", i)
		}
	}
}

// A thread that is lost in the middle of a chunk makes run trap, not hang, and
// others leave.
func TestTeamGivesUpLostThread(t *testing.T) {
	im := newTeamImage(6)
	copyStep(im, size{9, 7, 24}, layouts["dense"], layouts["dense"])
	prog := put(im, im.steps...)
	c := newCrew(t, len(im.mem), 3, 20e6)
	c.load(im.mem)
	if err := c.run(prog, 1); err != nil {
		t.Fatal(err)
	}
	c.control().Done-- // a tile that is taken and never computed
	start := time.Now()
	if err := c.run(prog, 1); err == nil {
		t.Fatal("run did not fail")
	}
	if took := time.Since(start); took < 40*time.Millisecond {
		t.Errorf("given up after %v, before two waits of 20 ms", took)
	}
	if err := c.run(prog, 1); err == nil {
		t.Error("run of an ended team did not fail")
	}
	c.helpers.Wait() // they have left without stop
}

// Steps without tiles pass, and more tiles than 16 bits count are computed once
// each.
func TestTeamCountsTiles(t *testing.T) {
	for _, rows := range []int32{0, 1, 65535, 65536, 65537, 131072, 200001} {
		t.Run(fmt.Sprint(rows), func(t *testing.T) {
			im := newTeamImage(8)
			const links = 3
			maps := [links + 1]Map{}
			for i := range maps {
				maps[i] = Map{im.alloc(4 * max(1, int(rows))), 4, 4}
			}
			for i := range links {
				step(im, OpCopy, CopyDesc{Src: maps[i], Dst: maps[i+1], H: rows, W: 1, Bytes: 4}, rows)
				step(im, OpNop, struct{ _ uint32 }{}, 0)
			}
			prog := put(im, im.steps...)
			want := bytes.Clone(im.mem)
			RefRun(want, prog, len(im.steps))
			c := newCrew(t, len(im.mem), 3, leaderPatience)
			for range 3 {
				c.load(im.mem)
				if err := c.run(prog, len(im.steps)); err != nil {
					t.Fatal(err)
				}
				got := c.read(len(im.mem))
				copy(got[:Base], want)
				if i := firstDifference(got, want); i >= 0 {
					t.Fatalf("memory at %d differs", i)
				}
				if d := c.control().Done; d != 0 {
					t.Fatalf("%d units are left over", d)
				}
			}
		})
	}
}

func TestStopEndsTeam(t *testing.T) {
	im := newTeamImage(7)
	copyStep(im, size{9, 7, 24}, layouts["dense"], layouts["dense"])
	prog := put(im, im.steps...)
	for _, pause := range []time.Duration{0, 5 * time.Millisecond} { // awake and asleep
		c := newCrew(t, len(im.mem), 3, leaderPatience)
		c.load(im.mem)
		if err := c.run(prog, 1); err != nil {
			t.Fatal(err)
		}
		time.Sleep(pause)
		c.stop()
		if err := c.run(prog, 1); err == nil {
			t.Error("run after stop did not fail")
		}
		c.join() // too late
		c.helpers.Wait()
	}
}

func TestControlFitsBelowBase(t *testing.T) {
	if end := ControlAddr + unsafe.Sizeof(Control{}); end > Base || ControlAddr%128 != 0 {
		t.Errorf("Control ends at %d, Base is %d", end, Base)
	}
}
