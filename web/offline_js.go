package main

import (
	"syscall/js"

	"eagleeye/web/dom"
	"eagleeye/web/state"
)

// offlineRoom is what the page holds for offline use: the service worker's
// registration, and the browser's offer to install the page.
type offlineRoom struct {
	workers      js.Value // navigator.serviceWorker, or undefined
	registration js.Value
	controlled   bool // a service worker serves this page
	offer        js.Value
}

// Pauses in milliseconds.
const (
	keepAfter   = 1500        // the engine's start: the first boxes come before the cache
	updateEvery = 3600 * 1000 // a page that stays open looks for a newer version
)

// startOffline runs once the components are mounted.
func (p *page) startOffline() {
	o := &p.offline
	navigator := js.Global().Get("navigator")
	if !navigator.Get("onLine").Bool() {
		p.store.Dispatch(state.NetworkChanged{})
	}
	dom.Listen(dom.Window, "online", func(js.Value) { p.store.Dispatch(state.NetworkChanged{Online: true}) })
	dom.Listen(dom.Window, "offline", func(js.Value) { p.store.Dispatch(state.NetworkChanged{}) })

	offered := func(e js.Value) {
		o.offer = e
		p.store.Dispatch(state.InstallOffered{})
	}
	if early := js.Global().Get("eagleeyeInstall"); early.Truthy() { // boot.js saw it
		offered(early)
	}
	dom.Listen(dom.Window, "beforeinstallprompt", offered)
	dom.Listen(dom.Window, "appinstalled", func(js.Value) { p.store.Dispatch(state.InstallOver{}) })

	o.workers = navigator.Get("serviceWorker")
	if !o.workers.Truthy() {
		return
	}
	o.controlled = o.workers.Get("controller").Truthy()
	dom.Listen(o.workers, "controllerchange", func(js.Value) {
		if o.controlled {
			p.store.Dispatch(state.UpdateTaken{})
		}
		o.controlled = true
	})
	dom.Listen(o.workers, "message", func(e js.Value) {
		data := e.Get("data")
		switch kept := data.Get("kept"); {
		case kept.Type() != js.TypeBoolean:
		case kept.Bool():
			p.store.Dispatch(state.Kept{})
		default:
			p.store.Dispatch(state.NotKept{Text: data.Get("text").String()})
		}
	})
}

// runOffline carries out an effect of offline use; false: it is not one.
func (p *page) runOffline(e state.Effect) bool {
	o := &p.offline
	switch e {
	case state.KeepFiles:
		p.after(keepAfter, p.keepFiles)
	case state.CheckFiles:
		p.askService("keep", true)
	case state.SeekUpdate:
		p.seekUpdate()
	case state.TakeUpdate:
		if waiting := o.registration.Get("waiting"); waiting.Truthy() {
			waiting.Call("postMessage", dom.Object("ask", "take"))
		} else {
			p.store.Dispatch(state.UpdateTaken{}) // another tab was faster
		}
	case state.Reload:
		js.Global().Get("location").Call("reload")
	case state.AskInstall:
		dom.Then(o.offer.Call("prompt"), nil, nil)
		o.offer = js.Undefined() // it serves once
	default:
		return false
	}
	return true
}

// after calls f once, later.
func (p *page) after(ms int, f func()) {
	var fn js.Func
	fn = js.FuncOf(func(js.Value, []js.Value) any {
		fn.Release()
		f()
		return nil
	})
	js.Global().Call("setTimeout", fn, ms)
}

// keepFiles has the service worker store the page, and watches for newer ones.
func (p *page) keepFiles() {
	o := &p.offline
	failed := func(_, text string) { p.store.Dispatch(state.NotKept{Text: text}) }
	if !o.workers.Truthy() {
		failed("", p.store.State().Say("this browser has no service workers here"))
		return
	}
	var promise js.Value
	if err, bad := dom.Try(func() {
		promise = o.workers.Call("register", "sw.js", dom.Object("updateViaCache", "none"))
	}); bad {
		failed(dom.Error(err))
		return
	}
	dom.Then(promise, func(registration js.Value) {
		o.registration = registration
		if registration.Get("waiting").Truthy() {
			p.store.Dispatch(state.UpdateWaits{})
		}
		p.watchInstalling(registration.Get("installing"))
		dom.Listen(registration, "updatefound", func(js.Value) { p.watchInstalling(registration.Get("installing")) })
		dom.Every(updateEvery, p.seekUpdate)
		dom.Then(o.workers.Get("ready"), func(js.Value) { p.askService("keep", false) }, failed)
	}, failed)
}

// watchInstalling tells when a version that is being stored is complete. The
// first one waits for nobody.
func (p *page) watchInstalling(worker js.Value) {
	if !worker.Truthy() {
		return
	}
	var stop func()
	stop = dom.Listen(worker, "statechange", func(js.Value) {
		if worker.Get("state").String() == "installed" && p.offline.registration.Get("active").Truthy() {
			p.store.Dispatch(state.UpdateWaits{})
		}
		if s := worker.Get("state").String(); s != "installing" {
			stop()
		}
	})
}

func (p *page) seekUpdate() {
	if r := p.offline.registration; r.Truthy() {
		dom.Then(r.Call("update"), nil, nil) // offline, it fails; the next one may not
	}
}

func (p *page) askService(what string, check bool) {
	if r := p.offline.registration; r.Truthy() && r.Get("active").Truthy() {
		r.Get("active").Call("postMessage", dom.Object("ask", what, "check", check))
	}
}

// offlineObject is the part of the snapshot for offline use.
func (p *page) offlineObject() js.Value {
	o := p.store.State().Offline
	return dom.Object("kept", o.Keeping == state.KeepingDone, "failed", o.Why, "update", o.Update, "cut", o.Cut, "install", o.Install)
}
