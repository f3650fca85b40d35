// Package ui holds the page's Vecty components. Each draws itself from a
// state.State and answers with state.Actions; the moving pictures, the boxes
// and the figures that change several times a second are written beside Vecty
// into the elements with the ids below. Elements are hidden, not removed: Vecty
// keeps the listener of a removed one. It may import web/geometry, web/state,
// web/words.
package ui

import (
	"syscall/js"

	"github.com/hexops/vecty"
	"github.com/hexops/vecty/elem"
	"github.com/hexops/vecty/event"
	"github.com/hexops/vecty/prop"

	"eagleeye/web/state"
	"eagleeye/web/words"
)

// Ids of the elements that other packages draw into.
const (
	IDApp      = "app"
	IDStage    = "stage"
	IDVideo    = "video"
	IDPicture  = "picture"
	IDOverlay  = "overlay"
	IDFPS      = "fps"
	IDLatency  = "latency"
	IDPrepare  = "prepare"
	IDInfer    = "infer"
	IDDecode   = "decode"
	IDFound    = "found"
	IDFile     = "file"
	IDSeek     = "seek"
	IDTime     = "time"
	IDAnalysed = "analysed"
	IDHelp     = "help"
	IDChart    = "chart"
	IDClasses  = "classes"
	IDGrip     = "grip"
	IDDock     = "dock"
	IDMemory   = "memory"
)

// Hand is what components ask of the browser's side directly.
type Hand struct {
	Calibrate func(files js.Value, careful bool) // quantize the model by these pictures
	Pick      func(files js.Value)               // a FileList of the chooser
	Seek      func(part float64)                 // moves a film to a part of its length, 0..1
	Share     func()                             // makes a link with the settings
	Theme     func()                             // dark, light or the system's
	Copy      func(text string)                  // to the clipboard
	Save      func(report *state.Report)         // as a file
}

// App is the whole page.
type App struct {
	vecty.Core
	State state.State        `vecty:"prop"`
	Do    func(state.Action) `vecty:"prop"`
	Hand  *Hand              `vecty:"prop"`
}

// Copy implements vecty.Copier: without it every render chains the last tree.
func (a *App) Copy() vecty.Component {
	c := *a
	c.Core = vecty.Core{}
	return &c
}

// Render implements vecty.Component.
func (a *App) Render() vecty.ComponentOrHTML {
	s := a.State
	return elem.Div(
		vecty.Markup(prop.ID(IDApp), vecty.Class("app"), vecty.ClassMap{"live": s.Source.Live, "open": s.Sheet, "mirrored": s.Mirrored()}),
		&Stage{State: s, Do: a.Do, Hand: a.Hand},
		elem.Aside(
			vecty.Markup(prop.ID(IDDock), vecty.Class("dock"), vecty.Attribute("aria-label", s.Say("Controls"))),
			a.grip(),
			a.header(),
			elem.Div(vecty.Markup(vecty.Class("scroll")),
				&Status{State: s},
				&Offline{State: s, Do: a.Do},
				&Problem{State: s, Do: a.Do},
				&Sources{State: s, Do: a.Do, Hand: a.Hand},
				&Found{State: s},
				&Settings{State: s, Do: a.Do, Hand: a.Hand},
				&Results{State: s, Do: a.Do},
				&Models{State: s, Do: a.Do, Hand: a.Hand},
				&Engine{State: s, Do: a.Do},
				&Performance{State: s, Do: a.Do, Hand: a.Hand},
				elem.Footer(elem.Paragraph(vecty.Markup(vecty.Class("quiet")), vecty.Text(s.Say("Computed in this tab. No picture leaves it.")))),
			),
		),
		&Help{State: s, Do: a.Do},
		elem.Div(vecty.Markup(prop.ID("notice"), vecty.Class("toast"), vecty.Attribute("role", "status"), vecty.ClassMap{"shown": s.Notice != ""}), vecty.Text(s.Notice)),
	)
}

// grip opens and lowers the sheet of narrow screens.
func (a *App) grip() vecty.ComponentOrHTML {
	s := a.State
	name := s.Say("Show the controls")
	if s.Sheet {
		name = s.Say("Lower the controls")
	}
	expanded := "false"
	if s.Sheet {
		expanded = "true"
	}
	return elem.Button(vecty.Markup(prop.ID(IDGrip), prop.Type(prop.TypeButton), vecty.Class("grip"), vecty.Attribute("aria-label", name),
		vecty.Attribute("aria-expanded", expanded), event.Click(func(*vecty.Event) { a.Do(state.SheetSet{Open: !a.State.Sheet}) })))
}

func (a *App) header() vecty.ComponentOrHTML {
	s := a.State
	other, say := "中文", "zh-Hans"
	if s.Settings.Lang == words.Chinese {
		other, say = "English", "en"
	}
	return elem.Header(
		vecty.Markup(vecty.Class("head")),
		elem.Heading1(vecty.Text("Eagle Eye")),
		elem.Button(vecty.Markup(prop.ID("lang"), prop.Type(prop.TypeButton), vecty.Class("tool", "wide"), vecty.Attribute("lang", say),
			event.Click(func(*vecty.Event) { a.Do(state.Keyed(a.State, "l")) })), vecty.Text(other)),
		tool("theme", "theme", s.Say("Dark or light"), false, func() { a.Hand.Theme() }),
		tool("share", "link", s.Say("Copy a link with these settings"), false, func() { a.Hand.Share() }),
		tool("keys", "help", s.Say("Keys and help"), false, func() { a.Do(state.HelpSet{Shown: true}) }),
	)
}
