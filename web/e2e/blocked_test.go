//go:build !js

package e2e

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/tracing"
	"github.com/chromedp/chromedp"
)

// mainThread watches how long tasks hold the page's main thread.
type mainThread struct {
	p      *tab
	cpu    time.Duration // longest by processor time
	tasks  int
	stop   chan struct{}
	done   sync.WaitGroup
	late   time.Duration // by how much this process' own sleeps overran, at most
	events []json.RawMessage
	mu     sync.Mutex
	ended  chan struct{}

	unlisten func()
}

// markName is the mark that tells the page's thread from those of other renderers.
const markName = "eagleeye-main-thread"

// watchMain starts watching; check ends it.
func (p *tab) watchMain() *mainThread {
	p.t.Helper()
	m := &mainThread{p: p, stop: make(chan struct{}), ended: make(chan struct{})}
	m.done.Add(1)
	go func() {
		defer m.done.Done()
		for {
			select {
			case <-m.stop:
				return
			default:
			}
			start := time.Now()
			time.Sleep(5 * time.Millisecond)
			m.late = max(m.late, time.Since(start)-5*time.Millisecond)
		}
	}()
	listening, unlisten := context.WithCancel(p.ctx)
	m.unlisten = unlisten
	chromedp.ListenBrowser(listening, func(ev any) {
		switch e := ev.(type) {
		case *tracing.EventDataCollected:
			m.mu.Lock()
			for _, v := range e.Value {
				m.events = append(m.events, json.RawMessage(v))
			}
			m.mu.Unlock()
		case *tracing.EventTracingComplete:
			close(m.ended)
		}
	})
	p.browser(func(ctx context.Context) error {
		return tracing.Start().WithTransferMode(tracing.TransferModeReportEvents).WithTraceConfig(&tracing.TraceConfig{
			RecordMode:         tracing.RecordModeRecordContinuously,
			IncludedCategories: []string{"toplevel", "disabled-by-default-devtools.timeline", "blink.user_timing"},
			ExcludedCategories: []string{"*"},
		}).Do(ctx)
	})
	p.eval(`testLong.length = 0; performance.mark('`+markName+`')`, nil)
	return m
}

func (p *tab) browser(f func(ctx context.Context) error) {
	p.t.Helper()
	p.run(chromedp.ActionFunc(func(ctx context.Context) error {
		return f(cdp.WithExecutor(ctx, chromedp.FromContext(ctx).Browser))
	}))
}

// check fails where a task held the main thread for 50 ms. Long tasks by the
// clock are the page's fault only if the machine had a core to spare: where this
// process' own short sleeps overran by 20 ms, the processor time that the trace
// tells for each task decides.
func (m *mainThread) check() {
	t := m.p.t
	t.Helper()
	var long []float64
	m.p.eval(`testLong`, &long)
	close(m.stop)
	m.done.Wait()
	m.p.browser(func(ctx context.Context) error { return tracing.End().Do(ctx) })
	select {
	case <-m.ended:
	case <-time.After(30 * time.Second):
		t.Fatal("the trace does not end")
	}
	m.unlisten()
	type event struct {
		Name     string
		Pid, Tid int
		TDur     float64 `json:"tdur"` // µs of processor time
	}
	var page [2]int // process and thread
	var all []event
	for _, raw := range m.events {
		var e event
		if json.Unmarshal(raw, &e) != nil {
			continue
		}
		if e.Name == markName {
			page = [2]int{e.Pid, e.Tid}
		}
		all = append(all, e)
	}
	for _, e := range all {
		if page == [2]int{e.Pid, e.Tid} && e.TDur > 0 {
			m.tasks++
			m.cpu = max(m.cpu, time.Duration(e.TDur*1000))
		}
	}
	t.Logf("main thread: %d traced tasks, longest %v of processor time; tasks of 50 ms by the clock: %v; own sleeps late by up to %v",
		m.tasks, m.cpu, long, m.late)
	if m.tasks == 0 {
		t.Error("no task of the main thread is in the trace: the check is blind")
	}
	if m.cpu >= 50*time.Millisecond {
		t.Errorf("a task held the main thread for %v of processor time, want under 50 ms", m.cpu)
	}
	if len(long) > 0 && m.late < 20*time.Millisecond {
		t.Errorf("tasks held the main thread for %v ms, want under 50", long)
	}
}
