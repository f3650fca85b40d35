package main

import "eagleeye/web/state"

// offlineRoom is what the page holds for offline use.
type offlineRoom struct{}

// startOffline runs once the components are mounted.
func (p *page) startOffline() {}

// runOffline carries out an effect of offline use; false: it is not one.
func (p *page) runOffline(e state.Effect) bool { return false }
