// Package state holds all that the page knows outside its pictures: one State,
// changed only by Reduce, which answers an action with the next state and the
// effects that the browser side has to carry out. Per-frame results do not pass
// through it. It is plain Go, tested natively, and may import wasm/message, web/count, web/track, web/words.
package state

import "eagleeye/wasm/message"

// State is what the page shows. The zero value is the page before its model is
// looked for.
type State struct {
	Engine  Engine
	Source  Source
	Problem *Problem
	Summary string // what was found, for screen readers; changes slowly
	Demo    string // name of the site's model if there is a film for it, "" for none

	Devices  *Devices // nil until they were looked at
	Report   *Report  // of the last measurement
	Help     bool     // the keys are on show
	Sheet    bool     // the sheet of narrow screens is open
	Query    string   // of the list of classes
	Notice   string   // on show for a moment
	Settings Settings
	Results  Results
	Offline  Offline
	Models   Models
}

// EnginePhase is how far the engine is.
type EnginePhase uint8

const (
	EngineIdle    EnginePhase = iota // nothing asked for yet
	EngineNoModel                    // the site ships no model: a person has to give one
	EngineLoading
	EngineWarming
	EngineReady
	EngineFailed // will not come back by itself
)

// Loading is the part of loading under way.
type Loading uint8

const (
	LoadingModel   Loading = iota // bytes of the model
	LoadingModules                // bytes of the engine and the kernels
	LoadingParse                  // reading the model and packing its weights
)

// Engine is the state of the worker and its model.
type Engine struct {
	Phase       EnginePhase
	Loading     Loading
	Done, Total float64  // bytes; Total 0 when unknown
	Opening     string   // name of the model being opened
	Model       *Model   // the model in use, also while another is being opened
	Down        bool     // its worker is gone and not yet replaced
	Crashes     int      // since the last model that a person chose
	Fault       *Problem // why Phase is EngineFailed
}

// AwaitsSite says that the site's own model is wanted: no person gave another.
func (e Engine) AwaitsSite() bool { return e.Opening == "" && e.Model == nil }

// Model describes the model in use.
type Model struct {
	Name               string
	Width, Height      int
	Precision, Variant string
	Threads            int
	Params, MACs       uint64
	Memory             uint64 // bytes of the kernels
	Quantized          bool   // the file is, whatever it runs in
	Classes            []string
}

// SourceKind says where pictures come from.
type SourceKind uint8

const (
	SourceNone SourceKind = iota
	SourceCamera
	SourceImage
	SourceVideo
	SourceDemo // the site's film
	SourceScreen
	SourceBench // the fixed picture of a measurement
)

// Source is where pictures come from. Seq numbers the sources, so that the late
// answer of one that was given up is told from the present one's.
type Source struct {
	Kind          SourceKind
	Seq           int
	Live          bool // pictures are there; before, the camera is being asked or a file opened
	Name          string
	Width, Height int

	Strip *Strip // of several pictures, nil for one
	Index int    // of the picture on show in it

	Paused    bool
	Duration  float64 // of a film, in seconds; 0: it has none
	Analysing bool    // the whole film is being gone through
	PerSecond int     // pictures that this takes of a second; 0: all
}

// Strip is the names of pictures that were picked together. It never changes.
type Strip struct{ Names []string }

// Devices is what this machine has. It never changes.
type Devices struct {
	Cameras  []Camera
	Screen   bool // it can be captured
	Cores    int  // logical processors
	Isolated bool // threads may share memory
}

// Camera is one camera. Its label is "" until a person has allowed one.
type Camera struct{ ID, Label string }

// Film says that the source is a file with time to move in.
func (s Source) Film() bool { return s.Kind == SourceVideo }

// Moving says that the source gives pictures by itself.
func (s Source) Moving() bool {
	switch s.Kind {
	case SourceCamera, SourceScreen, SourceDemo:
		return true
	case SourceVideo:
		return !s.Paused
	}
	return false
}

// Still says that the picture on show stays as it is until a person acts.
func (s Source) Still() bool {
	return s.Kind == SourceImage || (s.Kind == SourceVideo || s.Kind == SourceDemo) && s.Paused && !s.Analysing
}

// Problem is something that went wrong and what a person can do about it.
type Problem struct {
	Code   string // stable, for tests
	Title  string
	Text   string
	Remedy string
	Note   bool // something that has already been mended

	again func(lang string) *Problem // the same in another language
}

// New returns the state of a page that has just opened.
func New() State { return State{Settings: DefaultSettings()} }

// Thresholds returns what the worker needs with each frame: all that the page
// may show under the present settings or under others (see Sieve).
func (s State) Thresholds() message.Thresholds {
	return message.Thresholds{Conf: min(s.Settings.Conf, Floor), IoU: s.Settings.IoU, Max: DefaultMax}
}

// ShowsDemo says that the model in use, or on its way, is the film's.
func (s State) ShowsDemo() bool {
	e := s.Engine
	return s.Demo != "" && (e.Model == nil && (e.Opening == "" || e.Opening == s.Demo) || e.Model != nil && e.Model.Name == s.Demo)
}

// Busy says that the page is waiting for something.
func (s State) Busy() bool {
	e := s.Engine.Phase
	return e == EngineIdle || e == EngineLoading || e == EngineWarming || s.Source.Kind != SourceNone && !s.Source.Live
}

// Store holds the State and runs the effects.
type Store struct {
	state   State
	effects func(Effect)
	changed func()
}

// NewStore returns a store that hands effects to run and calls changed after
// each action that altered the state.
func NewStore(run func(Effect), changed func()) *Store {
	return &Store{state: New(), effects: run, changed: changed}
}

// State returns the present state.
func (s *Store) State() State { return s.state }

// Dispatch applies an action. Effects may dispatch in turn.
func (s *Store) Dispatch(a Action) {
	next, effects := Reduce(s.state, a)
	same := next == s.state
	s.state = next
	if !same {
		s.changed()
	}
	for _, e := range effects {
		s.effects(e)
	}
}
