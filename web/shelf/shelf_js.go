// Package shelf keeps models on the device, in the browser's Cache Storage, by
// their SHA-256: what is taken from it is checked against its name. Its functions
// wait, so they are called from a goroutine. It may import web/dom and web/state.
package shelf

import (
	"errors"
	"strconv"
	"syscall/js"

	"eagleeye/web/dom"
	"eagleeye/web/state"
)

// name of the cache.
const name = "eagleeye-models"

// ErrUnavailable says that the browser gives the page no storage.
var ErrUnavailable = errors.New("the browser gives this page no storage")

func open() (js.Value, error) {
	caches := js.Global().Get("caches")
	if !caches.Truthy() {
		return js.Undefined(), ErrUnavailable
	}
	return dom.Await(caches.Call("open", name))
}

// address is the key of a model. Nothing is ever fetched from it.
func address(id string) string {
	return js.Global().Get("URL").New("eagleeye-model/"+id, js.Global().Get("document").Get("baseURI")).Get("href").String()
}

// Digest returns the SHA-256 of a Blob, hexadecimal.
func Digest(blob js.Value) (string, error) {
	crypto := js.Global().Get("crypto").Get("subtle")
	if !crypto.Truthy() {
		return "", ErrUnavailable
	}
	buffer, err := dom.Await(blob.Call("arrayBuffer"))
	if err != nil {
		return "", err
	}
	sum, err := dom.Await(crypto.Call("digest", "SHA-256", buffer))
	if err != nil {
		return "", err
	}
	b := make([]byte, 32)
	js.CopyBytesToGo(b, js.Global().Get("Uint8Array").New(sum))
	const digits = "0123456789abcdef" // encoding/hex would bring fmt into the page's module
	text := make([]byte, 0, 2*len(b))
	for _, v := range b {
		text = append(text, digits[v>>4], digits[v&15])
	}
	return string(text), nil
}

// headers that hold what is known of a model.
const (
	nameHeader, textHeader, precisionHeader = "x-name", "x-description", "x-precision"
	bytesHeader, classesHeader              = "x-bytes", "x-classes"
	widthHeader, heightHeader, demoHeader   = "x-width", "x-height", "x-demo"
)

// Put keeps a model whose ID is that of the Blob.
func Put(e state.Entry, blob js.Value) error {
	cache, err := open()
	if err != nil {
		return err
	}
	escape := js.Global().Get("encodeURIComponent")
	number := func(n int) string { return strconv.Itoa(n) }
	headers := dom.Object("content-type", "application/octet-stream",
		nameHeader, escape.Invoke(e.Name), textHeader, escape.Invoke(e.Description), precisionHeader, escape.Invoke(e.Precision),
		bytesHeader, number(int(e.Bytes)), classesHeader, number(e.Classes), widthHeader, number(e.Width), heightHeader, number(e.Height))
	if e.Demo {
		headers.Set(demoHeader, "1")
	}
	_, err = dom.Await(cache.Call("put", address(e.ID), js.Global().Get("Response").New(blob, dom.Object("headers", headers))))
	return err
}

// Get returns a model's Blob, undefined where it is not kept. One that does not
// have the bytes of its name is taken off the device.
func Get(id string) (js.Value, error) {
	cache, err := open()
	if err != nil {
		return js.Undefined(), err
	}
	answer, err := dom.Await(cache.Call("match", address(id)))
	if err != nil || !answer.Truthy() {
		return js.Undefined(), err
	}
	blob, err := dom.Await(answer.Call("blob"))
	if err != nil {
		return js.Undefined(), err
	}
	if sum, err := Digest(blob); err != nil || sum != id {
		_, err := dom.Await(cache.Call("delete", address(id)))
		return js.Undefined(), err
	}
	return blob, nil
}

// Delete takes a model off the device.
func Delete(id string) error {
	cache, err := open()
	if err == nil {
		_, err = dom.Await(cache.Call("delete", address(id)))
	}
	return err
}

// List returns the models on the device.
func List() ([]state.Entry, error) {
	cache, err := open()
	if err != nil {
		return nil, err
	}
	keys, err := dom.Await(cache.Call("keys"))
	if err != nil {
		return nil, err
	}
	unescape := js.Global().Get("decodeURIComponent")
	var out []state.Entry
	for i := range keys.Length() {
		url := keys.Index(i).Get("url").String()
		answer, err := dom.Await(cache.Call("match", keys.Index(i)))
		if err != nil || !answer.Truthy() || len(url) < 64 {
			continue
		}
		get := func(name string) (text string) {
			if v := answer.Get("headers").Call("get", name); v.Type() == js.TypeString {
				dom.Try(func() { text = unescape.Invoke(v).String() })
			}
			return text
		}
		number := func(name string) int {
			n, _ := strconv.Atoi(get(name))
			return n
		}
		out = append(out, state.Entry{ID: url[len(url)-64:], Name: get(nameHeader), Description: get(textHeader), Precision: get(precisionHeader),
			Bytes: float64(number(bytesHeader)), Classes: number(classesHeader), Width: number(widthHeader), Height: number(heightHeader),
			Demo: get(demoHeader) != "", Stored: true})
	}
	return out, nil
}
