// Package dom holds the few helpers of syscall/js that the page's packages
// share. It imports nothing of ours.
package dom

import "syscall/js"

// Constructors and objects that the page uses often.
var (
	Window   = js.Global()
	Document = Window.Get("document")
	object   = Window.Get("Object")
	array    = Window.Get("Array")
)

// Asset returns the name that a file of the site has there (boot.js knows them).
func Asset(name string) string {
	if names := Window.Get("eagleeyeAssets"); names.Truthy() {
		if v := names.Get(name); v.Type() == js.TypeString {
			return v.String()
		}
	}
	return name
}

// Save gives a Blob to the person as a file.
func Save(name string, blob js.Value) {
	url := Window.Get("URL").Call("createObjectURL", blob)
	link := Document.Call("createElement", "a")
	link.Set("href", url)
	link.Set("download", name)
	link.Call("click")
	Window.Get("URL").Call("revokeObjectURL", url)
}

// ByID returns the element with an id, null if there is none.
func ByID(id string) js.Value { return Document.Call("getElementById", id) }

// Object makes an object of key, value, key, value…
func Object(pairs ...any) js.Value {
	o := object.New()
	for i := 0; i+1 < len(pairs); i += 2 {
		o.Set(pairs[i].(string), pairs[i+1])
	}
	return o
}

// Array makes an array.
func Array(items ...any) js.Value {
	a := array.New(len(items))
	for i, v := range items {
		a.SetIndex(i, v)
	}
	return a
}

// functions counts what Then and Listen have made and not yet released.
var functions int

// Functions returns how many functions of Then and Listen the browser holds.
func Functions() int { return functions }

// Then calls done with what a promise yields, or failed with the name and the
// message of its error, and releases both functions after.
func Then(promise js.Value, done func(js.Value), failed func(name, text string)) {
	var then, catch js.Func
	functions += 2
	release := func() {
		functions -= 2
		then.Release()
		catch.Release()
	}
	then = js.FuncOf(func(_ js.Value, args []js.Value) any {
		release()
		v := js.Undefined()
		if len(args) > 0 {
			v = args[0]
		}
		if done != nil {
			done(v)
		}
		return nil
	})
	catch = js.FuncOf(func(_ js.Value, args []js.Value) any {
		release()
		if failed != nil {
			failed(Error(args[0]))
		}
		return nil
	})
	promise.Call("then", then, catch)
}

// Error returns the name and the message of a JavaScript error.
func Error(e js.Value) (name, text string) {
	if e.Type() != js.TypeObject {
		return "", Window.Get("String").Invoke(e).String()
	}
	if v := e.Get("name"); v.Type() == js.TypeString {
		name = v.String()
	}
	if v := e.Get("message"); v.Type() == js.TypeString {
		text = v.String()
	}
	return name, text
}

// Try calls f and returns the JavaScript error that it throws.
func Try(f func()) (err js.Value, failed bool) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case js.Error:
			err, failed = r.Value, true
		default:
			panic(r)
		}
	}()
	f()
	return js.Undefined(), false
}

// Listen adds a listener for as long as the page lives, or until the function
// that it returns is called.
func Listen(target js.Value, event string, f func(e js.Value)) (stop func()) {
	fn := js.FuncOf(func(_ js.Value, args []js.Value) any {
		f(args[0])
		return nil
	})
	functions++
	target.Call("addEventListener", event, fn)
	return func() {
		functions--
		target.Call("removeEventListener", event, fn)
		fn.Release()
	}
}

// Every calls f every so many milliseconds for as long as the page lives.
func Every(ms int, f func()) {
	Window.Call("setInterval", js.FuncOf(func(js.Value, []js.Value) any {
		f()
		return nil
	}), ms)
}

// Now returns milliseconds on the page's clock.
func Now() float64 { return Window.Get("performance").Call("now").Float() }

// Failure is a JavaScript error.
type Failure struct{ Name, Text string }

// Error implements error.
func (f Failure) Error() string {
	if f.Text == "" {
		return f.Name
	}
	return f.Text
}

// Await waits for what a promise yields. It is for goroutines of their own: a
// callback of the browser must not wait.
func Await(promise js.Value) (js.Value, error) {
	type result struct {
		v   js.Value
		err error
	}
	done := make(chan result, 1)
	Then(promise, func(v js.Value) { done <- result{v: v} }, func(name, text string) { done <- result{err: Failure{name, text}} })
	r := <-done
	return r.v, r.err
}
