package main

import (
	"eagleeye/wasm/message"
	"eagleeye/web/state"
)

// resultsRoom is what the page holds for the results.
type resultsRoom struct{}

// startResults runs once the components are mounted.
func (p *page) startResults() {}

// runResults carries out an effect of the results; false: it is not one.
func (p *page) runResults(e state.Effect) bool { return false }

// observe sees each result of the source on show before it is drawn; hidden
// classes are gone from it.
func (p *page) observe(m *message.Result) {}
