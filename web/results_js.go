package main

import (
	"strconv"
	"syscall/js"

	"eagleeye/wasm/message"
	"eagleeye/web/count"
	"eagleeye/web/dom"
	"eagleeye/web/overlay"
	"eagleeye/web/results"
	"eagleeye/web/state"
	"eagleeye/web/track"
)

// resultsRoom is what the page holds for the results of the source on show.
type resultsRoom struct {
	tracker  *track.Tracker
	counter  count.Counter
	timeline *count.Timeline
	seen     count.ByClass // objects so far
	top      int           // the largest track number so far
	log      results.Log
	store    logStore

	seq       int          // of the source that all this is of
	model     *state.Model // and the model
	analysing bool
	sealed    bool    // an analysis has ended: what it found stays as it is
	began     float64 // ms, when its first picture was taken
	now       float64 // seconds, of the last result
	logged    float64 // seconds, of the last frame in the log

	ids     []int               // of the boxes on show
	all     []int               // of all boxes of the last result
	conf    float32             // at the last result
	picked  []int               // boxes that may be shown (see state.Sieve)
	boxes   []message.Detection // the same
	shown   []message.Detection // the boxes on show
	objects []count.Object
	items   []results.Item
	lines   []count.LineCount // as written in the scene's tallies
	zones   []count.ZoneCount
	board   board
	film    *recording
	saved   int // downloads so far
	drag    int // corner being dragged, -1 for none
}

// startResults runs once the components are mounted.
func (p *page) startResults() {
	r := &p.results
	r.tracker, r.timeline = track.New(track.For(state.DefaultConf)), count.NewTimeline(1, timelineBuckets)
	r.drag = -1
	r.log.Spill = r.store.take
	p.listenForDrawing()
	r.board.start()
	dom.Every(250, p.showResults)
}

// timelineBuckets is how many bars the chart of counts has.
const timelineBuckets = 120

// runResults carries out an effect of the results; false: it is not one.
func (p *page) runResults(e state.Effect) bool {
	s := p.store.State()
	switch e {
	case state.ShapesChanged:
		p.results.counter.SetShapes(s.Results.List())
		p.tally(s, true)
	case state.DrawChanged:
		p.showDrawing()
	case state.TrackingReset:
		p.results.tracker.Reset()
		p.results.top = 0
		p.results.seen.Reset()
	case state.TakeSnapshot:
		p.saveSnapshot()
	case state.StartRecording:
		p.startRecording()
	case state.StopRecording:
		p.stopRecording()
	case state.SaveResults:
		p.saveResults()
	case state.CopyResults:
		p.copyResults()
	case state.ForgetResults:
		p.beginResults(s)
	default:
		return false
	}
	return true
}

// beginResults forgets all that was found so far.
func (p *page) beginResults(s state.State) {
	r := &p.results
	r.tracker.Reset()
	r.counter.Reset()
	step := 1.0
	if d := s.Source.Duration; d > timelineBuckets {
		step = d / timelineBuckets
	}
	if r.timeline.Step() != step {
		r.timeline = count.NewTimeline(step, timelineBuckets)
	}
	r.timeline.Reset()
	r.seen.Reset()
	r.top = 0
	r.log.Reset()
	r.store.reset()
	r.seq, r.model, r.sealed, r.began, r.logged = s.Source.Seq, s.Engine.Model, false, p.sent, -1
	p.tally(s, true)
}

// observe sees each result of the source on show before it is drawn.
func (p *page) observe() {
	s, r, m := p.store.State(), &p.results, &p.last
	r.all = append(r.all[:0], make([]int, len(p.raw.Detections))...)
	r.conf = s.Settings.Conf
	if s.Source.Kind == state.SourceBench {
		p.sift(s)
		p.overlay.Scene.IDs, p.overlay.Scene.Tracks = nil, nil
		return
	}
	if s.Source.Seq != r.seq || s.Engine.Model != r.model || s.Source.Analysing && !r.analysing {
		p.beginResults(s)
	}
	r.sealed = r.sealed || r.analysing && !s.Source.Analysing
	r.analysing = s.Source.Analysing
	r.now = (p.sent - r.began) / 1000
	if p.mediaTime >= 0 {
		r.now = p.mediaTime
	}
	p.follow(s)
	p.sift(s)
	p.countObjects(s, m)
	p.writeLog(s, m)
	scene := &p.overlay.Scene
	scene.Width, scene.Height, scene.Detections = float64(m.Width), float64(m.Height), m.Detections
	scene.IDs, scene.Tracks = r.ids, nil
	if s.Tracks() && !s.Results.Untrailed {
		scene.Tracks = r.tracker.Tracks()
	}
	p.recordFrame(s)
}

// follow gives the boxes of the last result their tracks' numbers.
func (p *page) follow(s state.State) {
	if !s.Tracks() {
		return
	}
	r := &p.results
	p.eligible(s)
	r.tracker.Set(track.For(s.Settings.Conf))
	for i, id := range r.tracker.Update(r.now, r.boxes) {
		r.all[r.picked[i]] = id
	}
}

// eligible finds the boxes of the last result that may be shown.
func (p *page) eligible(s state.State) {
	r := &p.results
	r.picked = state.Sieve{Hidden: p.hidden, Max: s.Settings.Max}.Pick(r.picked[:0], p.raw.Detections)
	r.boxes = r.boxes[:0]
	for _, i := range r.picked {
		r.boxes = append(r.boxes, p.raw.Detections[i])
	}
}

// sift leaves in p.last the boxes of the last result that are shown: those that
// score enough, and weaker ones of tracks unless the confidence was raised since.
// It counts the boxes of each class, hidden ones too.
func (p *page) sift(s state.State) {
	r, conf := &p.results, s.Settings.Conf
	enough := func(i int) bool {
		return p.raw.Detections[i].Score >= conf || r.all[i] > 0 && conf <= r.conf
	}
	clear(p.performance.found)
	for i := range p.raw.Detections {
		if enough(i) {
			p.performance.found[p.raw.Detections[i].Class]++
		}
	}
	p.eligible(s)
	r.shown, r.ids = r.shown[:0], r.ids[:0]
	for k, i := range r.picked {
		if enough(i) {
			r.shown, r.ids = append(r.shown, r.boxes[k]), append(r.ids, r.all[i])
		}
	}
	p.last.Detections = r.shown
}

// resift shows the last result under settings that have just changed.
func (p *page) resift() {
	if p.last.Width == 0 || len(p.results.all) != len(p.raw.Detections) {
		return
	}
	s := p.store.State()
	p.sift(s)
	if s.Source.Kind == state.SourceImage {
		p.writeLog(s, &p.last)
	}
	p.overlay.Scene.IDs = p.results.ids
	p.overlay.Show(p.last)
	p.recordFrame(s)
}

// countObjects counts over lines, in zones and over time.
func (p *page) countObjects(s state.State, m *message.Result) {
	r := &p.results
	w, h := float64(max(m.Width, 1)), float64(max(m.Height, 1))
	r.objects = r.objects[:0]
	top := r.top
	for i, d := range m.Detections {
		id := r.ids[i]
		if id == 0 {
			continue
		}
		if id > r.top { // numbers rise: this one is new
			r.seen.Add(d.Class)
			top = max(top, id)
		}
		r.objects = append(r.objects, count.Object{ID: id, Class: d.Class,
			At: count.Point{X: float64(d.X1+d.X2) / 2 / w, Y: float64(d.Y1+d.Y2) / 2 / h}})
	}
	r.top = top
	r.counter.Update(r.now, w/h, r.objects)
	r.timeline.Add(max(r.now, 0), len(m.Detections))
	p.tally(s, false)
}

// tally writes the counts at the lines and zones where they changed.
func (p *page) tally(s state.State, all bool) {
	r, scene := &p.results, &p.overlay.Scene
	n := r.counter.Len()
	if all {
		scene.Shapes, scene.Tallies = s.Results.List(), make([]overlay.Tally, n)
		r.lines, r.zones = make([]count.LineCount, n), make([]count.ZoneCount, n)
	}
	for i, sh := range scene.Shapes {
		if i >= n {
			break
		}
		if line := r.counter.Line(i); sh.IsLine() && (all || line != r.lines[i]) {
			r.lines[i] = line
			scene.Tallies[i] = overlay.Tally{Left: strconv.Itoa(line.ToLeft), Right: strconv.Itoa(line.ToRight)}
		}
		if zone := r.counter.Zone(i); !sh.IsLine() && (all || zone.Inside != r.zones[i].Inside || zone.Entries != r.zones[i].Entries) {
			r.zones[i] = zone
			scene.Tallies[i].Left = s.Say("{n} inside, {m} so far", "n", strconv.Itoa(zone.Inside), "m", strconv.Itoa(zone.Entries))
		}
	}
	if all {
		p.overlay.Redraw()
	}
}

// writeLog keeps what was found. A picture that is looked at again replaces
// itself.
func (p *page) writeLog(s state.State, m *message.Result) {
	r := &p.results
	switch {
	case s.Source.Kind == state.SourceImage:
		r.log.Reset()
		r.store.reset()
		r.now = 0
	case r.sealed || s.Source.Film() && r.now == r.logged:
		return
	}
	r.logged = r.now
	r.log.Add(results.Frame{Time: r.now, Width: int(m.Width), Height: int(m.Height), Items: p.itemsOf(m)})
}

func (p *page) itemsOf(m *message.Result) []results.Item {
	r := &p.results
	r.items = r.items[:0]
	for i, d := range m.Detections {
		id := 0
		if i < len(r.ids) {
			id = r.ids[i]
		}
		r.items = append(r.items, results.Item{ID: id, Class: d.Class, Score: d.Score, X1: d.X1, Y1: d.Y1, X2: d.X2, Y2: d.Y2})
	}
	return r.items
}

// resultsObject is the part of the snapshot that tells of the results:
//
//	{logged: {frames, items, bytes}, recording, seen: {class name: objects},
//	 shapes: [{id, line, toLeft, toRight} or {id, inside, entries, dwell}]}
//
// and gives result's detections their "track", 0 for none.
func (p *page) resultsObject(result js.Value) js.Value {
	s, r := p.store.State(), &p.results
	if result.Truthy() {
		found := result.Get("detections")
		for i := range found.Length() {
			id := 0
			if i < len(r.ids) {
				id = r.ids[i]
			}
			found.Index(i).Set("track", id)
		}
	}
	shapes := dom.Array()
	for i, sh := range s.Results.List() {
		if i >= r.counter.Len() {
			break
		}
		one := dom.Object("id", sh.ID, "line", sh.IsLine())
		if sh.IsLine() {
			one.Set("toLeft", r.counter.Line(i).ToLeft)
			one.Set("toRight", r.counter.Line(i).ToRight)
		} else {
			z := r.counter.Zone(i)
			one.Set("inside", z.Inside)
			one.Set("entries", z.Entries)
			one.Set("dwell", z.MeanDwell())
		}
		shapes.Call("push", one)
	}
	seen := dom.Object()
	for _, c := range r.seen.Classes {
		seen.Set(state.ClassName(c.Class, s.Engine.Names()), c.N)
	}
	return dom.Object("logged", dom.Object("frames", r.log.Frames, "items", r.log.Items, "bytes", r.store.bytes),
		"recording", s.Results.Recording, "seen", seen, "shapes", shapes, "drawing", int(s.Results.Draw.Mode))
}
