// Package state holds all that the page knows outside its pictures: one State,
// changed only by Reduce, which answers an action with the next state and the
// effects that the browser side has to carry out. Per-frame results do not pass
// through it. It is plain Go, tested natively, and may import wasm/message, web/words.
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
)

// Source is where pictures come from. Seq numbers the sources, so that the late
// answer of one that was given up is told from the present one's.
type Source struct {
	Kind          SourceKind
	Seq           int
	Live          bool // pictures are there; before, the camera is being asked or a file opened
	Name          string
	Width, Height int
}

// Problem is something that went wrong and what a person can do about it.
type Problem struct {
	Code   string // stable, for tests
	Title  string
	Text   string
	Remedy string
	Note   bool // something that has already been mended
}

// New returns the state of a page that has just opened.
func New() State { return State{Settings: DefaultSettings()} }

// Thresholds returns what the worker needs with each frame.
func (s State) Thresholds() message.Thresholds {
	return message.Thresholds{Conf: s.Settings.Conf, IoU: s.Settings.IoU, Max: uint32(s.Settings.Max)}
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
