package data

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"

	"eagleeye/build/train/loss"
)

// Options of a Loader.
type Options struct {
	Batch         int // pictures
	Width, Height int // of the network's input in pixels
	Seed          uint64
	Augment       Augment
	// MosaicEpochs is how many epochs from the start use mosaics; negative is all.
	MosaicEpochs int
	Workers      int   // goroutines; 0 is one a processor
	Ahead        int   // batches that are ready or under way; 0 is 4
	CacheBytes   int64 // of decoded pictures; 0 is DefaultCache, negative none
}

// DefaultCache is how many bytes of decoded pictures are kept.
const DefaultCache = 1 << 30

// Batch is what a training step takes.
type Batch struct {
	Index, Epoch int
	Pixels       []float32      // [B,3,H,W], 0..1
	Truth        [][]loss.Truth // of each picture
}

// Loader makes batches in the background. Batch i is a function of the source,
// the options and i alone.
type Loader struct {
	o     Options
	cache *cache
	n     int

	mu      sync.Mutex
	orders  map[int][]int32 // permutations of the latest epochs
	running *run
}

// NewLoader checks the options. Start starts the work.
func NewLoader(src Source, o Options) (*Loader, error) {
	switch {
	case src.Len() < 1:
		return nil, ErrEmpty
	case o.Batch < 1 || o.Batch > 1<<12:
		return nil, fmt.Errorf("batch of %d: use 1 to 4096", o.Batch)
	case o.Width < 1 || o.Height < 1 || o.Width > 1<<13 || o.Height > 1<<13:
		return nil, fmt.Errorf("input of %d×%d pixels", o.Width, o.Height)
	}
	if err := o.Augment.check(); err != nil {
		return nil, err
	}
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	if o.Ahead <= 0 {
		o.Ahead = 4
	}
	if o.CacheBytes == 0 {
		o.CacheBytes = DefaultCache
	}
	return &Loader{o: o, cache: newCache(src, o.Width, o.Height, o.CacheBytes), n: src.Len(), orders: map[int][]int32{}}, nil
}

// PerEpoch is the number of batches that shows every picture; the last one is
// filled up with the epoch's first pictures.
func (l *Loader) PerEpoch() int { return (l.n + l.o.Batch - 1) / l.o.Batch }

// Problems lists the pictures that were left out so far.
func (l *Loader) Problems() []Problem {
	l.cache.mu.Lock()
	defer l.cache.mu.Unlock()
	return slices.Clone(l.cache.problems)
}

// order is the permutation of an epoch.
func (l *Loader) order(epoch int) []int32 {
	l.mu.Lock()
	defer l.mu.Unlock()
	if p := l.orders[epoch]; p != nil {
		return p
	}
	p := make([]int32, l.n)
	for i := range p {
		p[i] = int32(i)
	}
	rnd := rand.New(rand.NewPCG(l.o.Seed, 0x6f72646572<<20+uint64(epoch)))
	rnd.Shuffle(len(p), func(i, j int) { p[i], p[j] = p[j], p[i] })
	for e := range l.orders {
		if e < epoch-1 {
			delete(l.orders, e)
		}
	}
	l.orders[epoch] = p
	return p
}

// fill makes batch b.Index.
func (l *Loader) fill(b *Batch, c *composer) error {
	b.Epoch = b.Index / l.PerEpoch()
	order := l.order(b.Epoch)
	first := b.Index % l.PerEpoch() * l.o.Batch
	mosaic := l.o.MosaicEpochs < 0 || b.Epoch < l.o.MosaicEpochs
	size := 3 * l.o.Width * l.o.Height
	pick := l.cache.get
	if _, ok := l.cache.src.(Endless); ok {
		pick = func(i int) (*sample, error) { return l.cache.get(b.Epoch*l.n + i) }
	}
	for k := range l.o.Batch {
		rnd := rand.New(rand.NewPCG(l.o.Seed, uint64(b.Index)*uint64(l.o.Batch)+uint64(k)))
		t, err := c.compose(b.Pixels[k*size:][:size], rnd, mosaic, int(order[(first+k)%l.n]), l.n, pick)
		if err != nil {
			return fmt.Errorf("batch %d: %w", b.Index, err)
		}
		b.Truth[k] = t
	}
	return nil
}

// run is a stretch of batches that workers make.
type run struct {
	mu    sync.Mutex
	next  int // batch that the next free worker makes
	free  chan *Batch
	done  []chan result // by index modulo their number
	stop  chan struct{}
	ready sync.WaitGroup
	want  int // batch that Next gives
}

type result struct {
	b   *Batch
	err error
}

// Start lets the workers begin with batch from. Close ends them.
func (l *Loader) Start(from int) {
	l.Close()
	r := &run{next: from, want: from, free: make(chan *Batch, l.o.Ahead), stop: make(chan struct{})}
	for range l.o.Ahead {
		r.free <- &Batch{Pixels: make([]float32, l.o.Batch*3*l.o.Width*l.o.Height), Truth: make([][]loss.Truth, l.o.Batch)}
		r.done = append(r.done, make(chan result, 1))
	}
	for range min(l.o.Workers, l.o.Ahead) {
		r.ready.Go(func() { l.work(r) })
	}
	l.running = r
}

// work makes batches as long as there are free ones. There are as many free
// ones as places for done ones, so none is ever overtaken by its successor.
func (l *Loader) work(r *run) {
	c := &composer{w: l.o.Width, h: l.o.Height, augment: l.o.Augment}
	for {
		r.mu.Lock()
		var b *Batch
		select {
		case b = <-r.free:
		case <-r.stop:
			r.mu.Unlock()
			return
		}
		b.Index = r.next
		r.next++
		r.mu.Unlock()
		err := l.fill(b, c)
		select {
		case r.done[b.Index%len(r.done)] <- result{b, err}:
		case <-r.stop:
			return
		}
	}
}

// errNotStarted is our own mistake.
var errNotStarted = errors.New("loader: Next before Start")

// Next waits for the next batch. Release gives it back.
func (l *Loader) Next() (*Batch, error) {
	r := l.running
	if r == nil {
		return nil, errNotStarted
	}
	got := <-r.done[r.want%len(r.done)]
	r.want++
	return got.b, got.err
}

// Release lets a batch's memory be used again.
func (l *Loader) Release(b *Batch) { l.running.free <- b }

// Close ends the background work. Start may follow.
func (l *Loader) Close() {
	if r := l.running; r != nil {
		close(r.stop)
		r.ready.Wait()
		l.running = nil
	}
}
