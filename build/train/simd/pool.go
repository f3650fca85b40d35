package simd

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// team runs the parts of one piece of work at a time on all processors. Its
// goroutines live as long as the program and sleep between pieces.
type team struct {
	busy  sync.Mutex
	wake  []chan struct{}
	ready sync.Once

	n    int64
	f    func(worker, i int)
	next atomic.Int64
	left sync.WaitGroup
}

var workers team

// Workers is how many parts run at once at most: Parallel's worker is below it.
func Workers() int {
	workers.ready.Do(workers.start)
	return len(workers.wake) + 1
}

func (t *team) start() {
	for i := range runtime.GOMAXPROCS(0) - 1 {
		c := make(chan struct{}, 1)
		t.wake = append(t.wake, c)
		go func() {
			for range c {
				t.take(i + 1)
				t.left.Done()
			}
		}()
	}
}

func (t *team) take(worker int) {
	for {
		i := t.next.Add(1) - 1
		if i >= t.n {
			return
		}
		t.f(worker, int(i))
	}
}

// Parallel calls f for each i below n, several at a time, and returns when all
// are done. Which worker gets which i is up to chance: f's result must not
// depend on it. Within f, and while another Parallel runs, it works alone.
func Parallel(n int, f func(worker, i int)) {
	t := &workers
	t.ready.Do(t.start)
	if n < 2 || len(t.wake) == 0 || !t.busy.TryLock() {
		for i := range n {
			f(0, i)
		}
		return
	}
	defer t.busy.Unlock()
	t.n, t.f = int64(n), f
	t.next.Store(0)
	help := min(n-1, len(t.wake))
	t.left.Add(help)
	for _, c := range t.wake[:help] {
		c <- struct{}{}
	}
	t.take(0)
	t.left.Wait()
	t.f = nil
}
