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
	m := &mainThread{p: p, ended: make(chan struct{})}
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

// check fails where a task held the main thread for 50 ms: at once where the
// trace tells as much processor time. By the clock a task may also have waited
// for a core, which other programs held; what the page itself causes comes again
// while the camera runs on, so then it must come in two more windows.
func (m *mainThread) check() {
	t := m.p.t
	t.Helper()
	for again := 0; ; again++ {
		long := m.end()
		if m.cpu >= 50*time.Millisecond {
			t.Errorf("a task held the main thread for %v of processor time, want under 50 ms", m.cpu)
		}
		if len(long) == 0 || t.Failed() {
			return
		}
		if again == 2 {
			t.Errorf("tasks held the main thread for %v ms, in each of three windows, want under 50", long)
			return
		}
		m = m.p.watchMain()
		time.Sleep(8 * time.Second)
	}
}

// end ends the watch and returns the milliseconds of the tasks that took 50 or
// more by the clock.
func (m *mainThread) end() (long []float64) {
	t := m.p.t
	t.Helper()
	m.p.eval(`testLong`, &long)
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
	t.Logf("main thread: %d traced tasks, longest %v of processor time; tasks of 50 ms by the clock: %v", m.tasks, m.cpu, long)
	if m.tasks == 0 {
		t.Error("no task of the main thread is in the trace: the check is blind")
	}
	return long
}
