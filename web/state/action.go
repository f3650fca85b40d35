package state

import "eagleeye/wasm/message"

// Action is something that happened.
type Action interface{ action() }

// Actions of the engine and its model.
type (
	// Opened is the page's first action.
	Opened struct{}
	// ModelProgress counts the bytes of the site's model.
	ModelProgress struct{ Done, Total float64 }
	// ModelMissing says that the site ships no model.
	ModelMissing struct{}
	// ModelUnreachable says that the site's model did not arrive.
	ModelUnreachable struct{ Text string }
	// DemoShipped says that the site has a film for its model.
	DemoShipped struct{ Model string }
	// ModelArrived says that a model's bytes are at hand.
	ModelArrived struct{ Name string }
	// ModulesProgress counts the bytes of the engine and the kernels.
	ModulesProgress struct{ Done, Total float64 }
	// EngineAt tells a stage of message.Progress.
	EngineAt struct{ Stage uint8 }
	// EngineLoaded says that the model being opened works.
	EngineLoaded struct{ Model Model }
	// EngineRefused says that the model being opened does not work.
	EngineRefused struct {
		Reason message.Reason
		Text   string
	}
	// EngineLost says that a worker crashed, never started or fell silent.
	// Opening tells whether it was the one that opens a model.
	EngineLost struct {
		Opening bool
		Text    string
	}
	// NoSIMD says that the browser cannot run the kernels.
	NoSIMD struct{}
	// FrameRefused says that the engine could not use a picture.
	FrameRefused struct {
		Reason message.Reason
		Text   string
	}
)

// Actions of the sources and the person.
type (
	// CameraWanted is a press on the camera button.
	CameraWanted struct{}
	// DemoWanted is a press on the demo button.
	DemoWanted struct{}
	// ScreenWanted is a press on the button of the screen or a tab.
	ScreenWanted struct{}
	// Picked is a file that was chosen or dropped; the browser side holds it.
	Picked struct {
		Name, Type string
		Size       float64
	}
	// PicturesPicked is several pictures; the browser side holds them.
	PicturesPicked struct{ Strip *Strip }
	// Turned goes to a picture of the strip, By counted from the one on show.
	Turned struct{ By int }
	// CameraChosen, CameraFlipped, ResSet and MirrorSet are about the camera.
	CameraChosen  struct{ Device string }
	CameraFlipped struct{}
	ResSet        struct{ Value string }
	MirrorSet     struct{ On bool }
	// DevicesSeen tells what this machine has.
	DevicesSeen struct{ Devices *Devices }
	// FilmToggled plays or pauses; FilmPaused says that it came to be so.
	FilmToggled struct{}
	FilmPaused  struct{ Paused bool }
	// FilmStepped goes a number of frames on or back.
	FilmStepped struct{ By int }
	// FilmMeasured tells a film's length in seconds, 0 if it has none.
	FilmMeasured struct {
		Seq      int
		Duration float64
	}
	// AnalysisWanted goes through a whole film, PerSecond pictures a second of it,
	// 0 for every one; AnalysisEnded stops it, or says that it is done.
	AnalysisWanted struct{ PerSecond int }
	AnalysisEnded  struct{ Done bool }
	// BenchWanted measures this machine; BenchDone brings what was found.
	BenchWanted struct{}
	BenchDone   struct{ Report *Report }
	// HelpSet shows or hides the keys.
	HelpSet struct{ Shown bool }
	// SheetSet opens or lowers the sheet of narrow screens.
	SheetSet struct{ Open bool }
	// Told shows a short notice for a moment; "" takes it away.
	Told struct{ Text string }
	// ClassesSought filters the list of classes.
	ClassesSought struct{ Text string }
	// SourceLive says that the source Seq shows pictures of the given size.
	SourceLive struct {
		Seq           int
		Name          string // "" keeps the name
		Width, Height int
	}
	// SourceFailed says that the source Seq gives no pictures. Name is that of
	// the DOMException, if there was one.
	SourceFailed struct {
		Seq        int
		Name, Text string
	}
	// SourceEnded says that the camera went away in use.
	SourceEnded struct{ Seq int }
	// Stopped is a press on the stop button.
	Stopped struct{}
	// Dismissed closes the problem on show.
	Dismissed struct{}
	// Summarized tells what was found.
	Summarized struct{ Text string }
)

func (Opened) action()           {}
func (ModelProgress) action()    {}
func (ModelMissing) action()     {}
func (ModelUnreachable) action() {}
func (DemoShipped) action()      {}
func (ModelArrived) action()     {}
func (ModulesProgress) action()  {}
func (EngineAt) action()         {}
func (EngineLoaded) action()     {}
func (EngineRefused) action()    {}
func (EngineLost) action()       {}
func (NoSIMD) action()           {}
func (FrameRefused) action()     {}
func (CameraWanted) action()     {}
func (DemoWanted) action()       {}
func (Picked) action()           {}
func (ScreenWanted) action()     {}
func (PicturesPicked) action()   {}
func (Turned) action()           {}
func (CameraChosen) action()     {}
func (CameraFlipped) action()    {}
func (ResSet) action()           {}
func (MirrorSet) action()        {}
func (DevicesSeen) action()      {}
func (FilmToggled) action()      {}
func (FilmPaused) action()       {}
func (FilmStepped) action()      {}
func (FilmMeasured) action()     {}
func (AnalysisWanted) action()   {}
func (AnalysisEnded) action()    {}
func (BenchWanted) action()      {}
func (BenchDone) action()        {}
func (HelpSet) action()          {}
func (SheetSet) action()         {}
func (ClassesSought) action()    {}
func (Told) action()             {}
func (SourceLive) action()       {}
func (SourceFailed) action()     {}
func (SourceEnded) action()      {}
func (Stopped) action()          {}
func (Dismissed) action()        {}
func (Summarized) action()       {}

// Effect is something for the browser side to do. Each room has a block of its
// own: these here begin at 0, the results' at 64, offline's at 96, the models' at 128.
type Effect uint8

const (
	FetchModel    Effect = iota // look for the site's model
	TakeModel                   // the picked file is the model now: answer ModelArrived
	OpenModel                   // start a worker with the model that arrived last
	Promote                     // use the worker that has just loaded its model
	DropOpening                 // end the worker that was opening a model
	RestartEngine               // start a worker with the model in use
	CloseSource                 // end the source on show
	OpenCamera                  // of State.Source.Seq, as the three below
	OpenDemo                    // the site's film
	OpenImage                   // the picked file
	OpenVideo                   // the picked file
	Analyse                     // submit the still image
	Reanalyse                   // let the engine choose its boxes again
	Resift                      // choose again among the last result's boxes
	ClearBoxes                  // forget the results on show
	OpenScreen                  // ask for the screen, as OpenCamera
	OpenPicture                 // picture State.Source.Index of those picked
	PlayFilm                    // or pause it, as State.Source.Paused says
	StepFilm                    // one frame on
	StepFilmBack                // and back
	StartAnalysis               // of the whole film, State.Source.PerSecond
	StopAnalysis                // and play on
	OpenBench                   // the fixed picture of a measurement
	ShowHelp                    // or hide it
	ForgetNotice                // in a few seconds: answer Told{}
)
