package main

import (
	"syscall/js"

	"eagleeye/web/dom"
	"eagleeye/web/state"
	"eagleeye/web/words"
)

// shellRoom is what the page holds for its settings and its look.
type shellRoom struct {
	shown state.Settings // as applied to the document and kept
	keep  js.Func        // for the timer that keeps the settings
	timer js.Value
}

const storageKey = "eagleeye"

// startShell brings back the settings of the last visit, over them those of the
// address.
func (p *page) startShell() {
	s := state.DefaultSettings()
	var preferred []string
	if list := dom.Window.Get("navigator").Get("languages"); list.Truthy() {
		for i := range list.Length() {
			preferred = append(preferred, list.Index(i).String())
		}
	}
	s.Lang = words.Choose(preferred...)
	p.keep = js.FuncOf(func(js.Value, []js.Value) any {
		return nil
	})
	p.store.Dispatch(state.SettingsRestored{Settings: s})
}

// runShell carries out an effect of the shell; false: it is not one.
func (p *page) runShell(e state.Effect) bool { return false }
