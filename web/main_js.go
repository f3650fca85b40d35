// Command web is the page: it joins the store (web/state) with the components
// (web/ui), the sources (web/capture), the worker (web/client) and the boxes
// (web/overlay). It may import web/… and wasm/message, nothing of the engine.
package main

import (
	"syscall/js"

	"github.com/hexops/vecty"

	"eagleeye/wasm/message"
	"eagleeye/web/capture"
	"eagleeye/web/client"
	"eagleeye/web/dom"
	"eagleeye/web/overlay"
	"eagleeye/web/state"
	"eagleeye/web/ui"
)

func main() {
	p := &page{search: js.Global().Get("location").Get("search").String(), flights: map[uint32]flight{}, mediaTime: -1, performance: performanceRoom{found: map[uint32]int{}, fields: map[string]*field{}}}
	p.soon = js.FuncOf(func(js.Value, []js.Value) any {
		p.nearly()
		return nil
	})
	p.store = state.NewStore(p.run, p.changed)
	p.app = &ui.App{State: p.store.State(), Do: p.store.Dispatch, Hand: p.hand()}
	if err := vecty.RenderInto("#"+ui.IDApp, p.app); err != nil {
		panic(err)
	}
	p.overlay = overlay.New(dom.ByID(ui.IDOverlay))
	p.source = capture.New(dom.ByID(ui.IDVideo), dom.ByID(ui.IDPicture), capture.Events{
		Live: func(seq int, name string, w, h int) {
			p.store.Dispatch(state.SourceLive{Seq: seq, Name: name, Width: w, Height: h})
		},
		Failed: func(seq int, name, text string) {
			p.store.Dispatch(state.SourceFailed{Seq: seq, Name: name, Text: text})
		},
		Ended: func(seq int) { p.store.Dispatch(state.SourceEnded{Seq: seq}) },
		Frame: p.arrived,
		Say:   func(text string, pairs ...string) string { return p.store.State().Say(text, pairs...) },

		Paused:   func(on bool) { p.store.Dispatch(state.FilmPaused{Paused: on}) },
		Measured: func(seq int, s float64) { p.store.Dispatch(state.FilmMeasured{Seq: seq, Duration: s}) },
		Analysed: func(int) { p.store.Dispatch(state.AnalysisEnded{Done: true}) },
	})
	p.client = client.New(client.Events{
		Message: p.receive,
		Modules: func(done, total float64) { p.store.Dispatch(state.ModulesProgress{Done: done, Total: total}) },
		NoSIMD:  func() { p.store.Dispatch(state.NoSIMD{}) },
		Tune:    p.tune,
		Lost: func(opening bool, text string) {
			if !opening {
				p.ground()
			}
			p.store.Dispatch(state.EngineLost{Opening: opening, Text: text})
		},
	})
	p.figures = newFigures()
	p.startShell()
	p.startResults()
	p.startOffline()
	p.startModels()
	p.acceptDrops()
	p.publish()
	dom.Every(250, p.tick)
	p.store.Dispatch(state.Opened{})
	select {}
}

// changed renders the new state; Vecty gathers renders until the next frame.
func (p *page) changed() {
	p.app.State = p.store.State()
	vecty.Rerender(p.app)
	p.apply()
}

// run carries out an effect of the store.
func (p *page) run(e state.Effect) {
	if p.runShell(e) || p.runResults(e) || p.runOffline(e) || p.runModels(e) {
		return
	}
	s := p.store.State()
	switch e {
	case state.FetchModel:
		p.fetchModel()
	case state.TakeModel:
		if name := p.picked.Get("name").String(); state.IsCheckpoint(name) {
			p.store.Dispatch(state.CheckpointPicked{Name: name})
			return
		}
		p.model, p.picked = p.picked, js.Undefined()
		p.store.Dispatch(state.ModelNamed{})
		p.store.Dispatch(state.ModelArrived{Name: p.model.Get("name").String()})
	case state.OpenModel:
		p.client.Open(p.model, s.Engine.Opening)
	case state.Promote:
		p.client.Promote()
		p.ground()
		if s.Source.Moving() || s.Source.Analysing || s.Source.Kind == state.SourceBench {
			p.arrived()
		}
	case state.DropOpening:
		p.client.DropOpening()
		if s.Engine.Model == nil {
			p.client.Close()
			p.ground()
		}
	case state.RestartEngine:
		p.client.Reopen()
	case state.CloseSource:
		p.source.Close()
		p.dirty = false
	case state.OpenCamera:
		w, h, _ := state.Resolution(s.Settings.Res)
		p.source.Camera(s.Source.Seq, capture.Wish{Device: s.Settings.Device, Facing: s.Settings.Facing, Width: w, Height: h})
	case state.OpenScreen:
		p.source.Screen(s.Source.Seq)
	case state.OpenBench:
		p.source.Fixed(s.Source.Seq, fixedPicture())
	case state.OpenPicture:
		if s.Source.Index < len(p.pictures) {
			p.source.Image(s.Source.Seq, p.pictures[s.Source.Index])
		}
	case state.PlayFilm:
		p.source.Pause(s.Source.Paused)
	case state.StepFilm:
		p.source.Step(1)
	case state.StepFilmBack:
		p.source.Step(-1)
	case state.StartAnalysis:
		p.source.Analyse(s.Source.PerSecond)
	case state.StopAnalysis:
		p.source.EndAnalysis()
	case state.OpenDemo:
		p.source.Demo(s.Source.Seq)
	case state.OpenImage:
		p.source.Image(s.Source.Seq, p.picked)
		p.picked = js.Undefined()
	case state.OpenVideo:
		p.source.Video(s.Source.Seq, p.picked)
		p.picked = js.Undefined()
	case state.Analyse:
		p.arrived()
	case state.Reanalyse:
		p.reanalyse()
	case state.Resift:
		p.resift()
	case state.ClearBoxes:
		p.raw, p.last = message.Result{}, message.Result{}
		p.rate.Reset()
		p.performance.clear()
		p.overlay.Clear()
		p.figures.clear()
	}
}

// receive takes the messages of the workers.
func (p *page) receive(m message.Message, opening bool) {
	switch m := m.(type) {
	case message.Progress:
		p.store.Dispatch(state.EngineAt{Stage: m.Stage})
	case message.Loaded:
		model := state.Model{
			Name: m.Name, Width: int(m.Width), Height: int(m.Height), Precision: m.Precision, Variant: m.Variant, Threads: int(m.Threads),
			Params: m.Params, MACs: m.MACs, Memory: m.Memory, Quantized: m.Quantized, Classes: m.Classes,
		}
		if opening {
			p.store.Dispatch(state.EngineLoaded{Model: model})
		} else {
			p.store.Dispatch(state.ModelRetuned{Model: model})
		}
	case message.Result:
		p.result(m)
	case message.Failed:
		switch {
		case !m.Frame && !opening:
			p.store.Dispatch(state.RetuneRefused{Reason: m.Reason, Text: m.Text})
		case !m.Frame:
			p.store.Dispatch(state.EngineRefused{Reason: m.Reason, Text: m.Text})
		default:
			stale := p.stale(p.land(m.ID))
			p.skipped()
			if !stale {
				p.store.Dispatch(state.FrameRefused{Reason: m.Reason, Text: m.Text})
			}
		}
	}
}
