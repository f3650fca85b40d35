package main

import "eagleeye/web/state"

// modelsRoom is what the page holds for the models.
type modelsRoom struct{}

// startModels runs once the components are mounted.
func (p *page) startModels() {}

// runModels carries out an effect of the models; false: it is not one.
func (p *page) runModels(e state.Effect) bool { return false }
