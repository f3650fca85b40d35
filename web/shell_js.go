package main

import (
	"syscall/js"

	"eagleeye/web/dom"
	"eagleeye/web/state"
	"eagleeye/web/ui"
	"eagleeye/web/words"
)

// shellRoom is what the page holds for its settings and its look.
type shellRoom struct {
	base    state.Settings // before a person chose anything, in the browser's language
	shown   state.Settings // as applied to the document
	names   []string       // of the classes, in the page's language
	sieve   *state.Model   // whose classes hidden speaks of
	hidden  []bool         // by class
	saver   js.Func        // for the timer that keeps the settings
	timer   js.Value
	forget  js.Func // for the timer that takes a notice away
	noticed js.Value
	keys    map[string]func() // of the page and of other rooms, by the key's name
}

const storageKey = "eagleeye"

// startShell brings back the settings of the last visit, over them those of the
// address, and listens for keys.
func (p *page) startShell() {
	p.base = state.DefaultSettings()
	var preferred []string
	if list := dom.Window.Get("navigator").Get("languages"); list.Truthy() {
		for i := range list.Length() {
			preferred = append(preferred, list.Index(i).String())
		}
	}
	p.base.Lang = words.Choose(preferred...)
	p.saver = js.FuncOf(func(js.Value, []js.Value) any {
		dom.Try(func() { // storage may be forbidden
			dom.Window.Get("localStorage").Call("setItem", storageKey, p.store.State().Settings.Encode(p.base))
		})
		return nil
	})
	p.forget = js.FuncOf(func(js.Value, []js.Value) any {
		p.store.Dispatch(state.Told{})
		return nil
	})
	kept := ""
	dom.Try(func() {
		if v := dom.Window.Get("localStorage").Call("getItem", storageKey); v.Type() == js.TypeString {
			kept = v.String()
		}
	})
	hash := func() string { return dom.Window.Get("location").Get("hash").String() }
	p.store.Dispatch(state.SettingsRestored{Settings: p.base.Decode(kept).Decode(hash())})
	dom.Listen(dom.Window, "hashchange", func(js.Value) {
		p.store.Dispatch(state.SettingsRestored{Settings: p.store.State().Settings.Decode(hash())})
	})
	p.keys = map[string]func(){
		"o":          func() { dom.ByID(ui.IDFile).Call("click") },
		"t":          p.theme,
		"ArrowLeft":  func() { p.source.Skip(-1) },
		"ArrowRight": func() { p.source.Skip(1) },
	}
	dom.Listen(dom.Window, "keydown", p.key)
	dom.Listen(dom.ByID(ui.IDHelp), "close", func(js.Value) { p.store.Dispatch(state.HelpSet{}) })
	p.swipe(dom.ByID(ui.IDGrip))
	p.lookForDevices()
	if devices := dom.Window.Get("navigator").Get("mediaDevices"); devices.Truthy() {
		dom.Listen(devices, "devicechange", func(js.Value) { p.lookForDevices() })
	}
	p.apply()
}

// runShell carries out an effect of the shell; false: it is not one.
func (p *page) runShell(e state.Effect) bool {
	switch e {
	case state.ForgetNotice:
		dom.Window.Call("clearTimeout", p.noticed)
		p.noticed = dom.Window.Call("setTimeout", p.forget, 3000)
		return true
	case state.ShowHelp:
	default:
		return false
	}
	dialog := dom.ByID(ui.IDHelp)
	switch open := dialog.Get("open").Bool(); {
	case p.store.State().Help && !open:
		dialog.Call("showModal")
	case !p.store.State().Help && open:
		dialog.Call("close")
	}
	return true
}

// apply carries what changed in the settings into the document.
func (p *page) apply() {
	s := p.store.State()
	v := s.Settings
	if p.overlay != nil && (v.Lang != p.shown.Lang || s.Engine.Model != p.sieve || p.names == nil) {
		p.names = s.ShownNames()
		p.overlay.SetNames(p.names)
	}
	if v.Hidden != p.shown.Hidden || s.Engine.Model != p.sieve {
		p.sieve = s.Engine.Model
		names := s.Engine.Names()
		p.hidden = make([]bool, len(names))
		for i := range names {
			p.hidden[i] = v.Hidden.Has(state.ClassName(uint32(i), names))
		}
	}
	if p.overlay != nil {
		p.overlay.SetMirror(s.Mirrored())
	}
	if v == p.shown {
		return
	}
	root := dom.Document.Get("documentElement")
	if v.Lang != p.shown.Lang {
		root.Set("lang", map[string]string{words.Chinese: "zh-Hans"}[v.Lang])
		if v.Lang != words.Chinese {
			root.Set("lang", v.Lang)
		}
	}
	if v.Theme == "" {
		root.Call("removeAttribute", "data-theme")
	} else {
		root.Call("setAttribute", "data-theme", v.Theme)
	}
	p.shown = v
	if p.timer.Truthy() {
		dom.Window.Call("clearTimeout", p.timer)
	}
	p.timer = dom.Window.Call("setTimeout", p.saver, 300)
}

// theme turns dark to light and back; where that is the system's own way, the
// page follows the system again.
func (p *page) theme() {
	system := "light"
	if dom.Window.Call("matchMedia", "(prefers-color-scheme: dark)").Get("matches").Bool() {
		system = "dark"
	}
	now := p.store.State().Settings.Theme
	if now == "" {
		now = system
	}
	next := map[string]string{"dark": "light", "light": "dark"}[now]
	if next == system {
		next = ""
	}
	p.store.Dispatch(state.ThemeSet{Value: next})
}

// key acts on a key that no control is using.
func (p *page) key(e js.Value) {
	if e.Get("defaultPrevented").Bool() || e.Get("ctrlKey").Bool() || e.Get("metaKey").Bool() || e.Get("altKey").Bool() {
		return
	}
	name := e.Get("key").String()
	s := p.store.State()
	if target := e.Get("target"); target.Get("closest").Type() == js.TypeFunction {
		switch {
		case target.Call("closest", "textarea, select, [contenteditable], input:not([type=range]):not([type=checkbox]):not([type=file])").Truthy():
			return
		case (name == " " || name == "Enter") && target.Call("closest", "button, summary, input, a").Truthy():
			return
		case len(name) > 5 && name[:5] == "Arrow" && target.Call("closest", "input[type=range], pre, .scroll, .classes").Truthy():
			return
		}
	}
	if s.Help && name != "?" {
		return
	}
	if a := state.Keyed(s, name); a != nil {
		e.Call("preventDefault")
		p.store.Dispatch(a)
		return
	}
	if len(name) == 1 && name[0] >= 'A' && name[0] <= 'Z' {
		name = string(name[0] + 'a' - 'A')
	}
	if f := p.keys[name]; f != nil {
		e.Call("preventDefault")
		f()
	}
}

// swipe moves the sheet of narrow screens with a finger on its grip.
func (p *page) swipe(grip js.Value) {
	from := 0.0
	dom.Listen(grip, "pointerdown", func(e js.Value) { from = e.Get("clientY").Float() })
	dom.Listen(grip, "pointerup", func(e js.Value) {
		// A press without a way is a click, which the component sees.
		if d := e.Get("clientY").Float() - from; d < -24 || d > 24 {
			p.store.Dispatch(state.SheetSet{Open: d < 0})
			grip.Call("addEventListener", "click", swallow, dom.Object("once", true, "capture", true))
		}
	})
}

// swallow keeps the click that ends a swipe from being one.
var swallow = js.FuncOf(func(_ js.Value, args []js.Value) any {
	args[0].Call("stopImmediatePropagation")
	return nil
})

// lookForDevices tells the store what this machine has.
func (p *page) lookForDevices() {
	navigator := dom.Window.Get("navigator")
	found := &state.Devices{Cores: 1, Isolated: dom.Window.Get("crossOriginIsolated").Truthy()}
	if n := navigator.Get("hardwareConcurrency"); n.Type() == js.TypeNumber {
		found.Cores = n.Int()
	}
	media := navigator.Get("mediaDevices")
	if !media.Truthy() {
		p.store.Dispatch(state.DevicesSeen{Devices: found})
		return
	}
	found.Screen = media.Get("getDisplayMedia").Type() == js.TypeFunction
	dom.Then(media.Call("enumerateDevices"), func(list js.Value) {
		for i := range list.Length() {
			if d := list.Index(i); d.Get("kind").String() == "videoinput" && d.Get("deviceId").String() != "" {
				found.Cameras = append(found.Cameras, state.Camera{ID: d.Get("deviceId").String(), Label: d.Get("label").String()})
			}
		}
		p.store.Dispatch(state.DevicesSeen{Devices: found})
	}, func(string, string) { p.store.Dispatch(state.DevicesSeen{Devices: found}) })
}

// hand is what the components ask of this side.
func (p *page) hand() *ui.Hand {
	return &ui.Hand{
		Pick: p.pickAll, Calibrate: p.calibrate,
		Seek: func(part float64) { p.source.Seek(part) },
		Share: func() {
			location := dom.Window.Get("location")
			link := location.Get("origin").String() + location.Get("pathname").String() + location.Get("search").String()
			if v := p.store.State().Settings.Private(p.base).Encode(p.base); v != "" {
				link += "#" + v
			}
			dom.Window.Get("history").Call("replaceState", js.Null(), "", link)
			p.copyText(link)
		},
		Theme: p.theme,
		Copy:  p.copyText,
		Save: func(r *state.Report) {
			if r != nil {
				text := dom.Window.Get("JSON").Call("stringify", reportObject(r), js.Null(), 2)
				dom.Save("eagle-eye-benchmark.json", dom.Window.Get("Blob").New(dom.Array(text), dom.Object("type", "application/json")))
			}
		},
	}
}

// copyText puts a text onto the clipboard and says so.
func (p *page) copyText(text string) {
	s := p.store.State()
	done := func(js.Value) { p.store.Dispatch(state.Told{Text: s.Say("Copied")}) }
	failed := func(string, string) {
		p.store.Dispatch(state.Told{Text: s.Say("The browser does not let the page copy.")})
	}
	clipboard := dom.Window.Get("navigator").Get("clipboard")
	if !clipboard.Truthy() {
		failed("", "")
		return
	}
	dom.Then(clipboard.Call("writeText", text), done, failed)
}
