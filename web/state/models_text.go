package state

import (
	"strconv"
	"strings"

	"eagleeye/wasm/message"
)

func (s State) problemFetch(name, text string) *Problem {
	return &Problem{Code: "model-fetch", Title: s.Say("“{name}” did not arrive", "name", name), Text: text,
		Remedy: s.kept(s.Say("Check the connection and choose it again."))}
}

func (s State) problemRetune(reason message.Reason, text string) *Problem {
	p := &Problem{Code: "model-retune", Title: s.Say("The model cannot run like that"), Text: plain(text),
		Remedy: s.Say("It goes on as before. Choose another input size or precision.")}
	if reason == message.ReasonMemory {
		p.Remedy = s.Say("It goes on as before. Choose a smaller input size, or close other tabs.")
	}
	return p
}

// problemWork tells why a checkpoint or a quantization failed.
func (s State) problemWork(name string, reason message.Reason, text string) *Problem {
	p := &Problem{Code: "work-failed", Title: s.Say("“{name}” cannot be converted", "name", name), Text: plain(strings.ReplaceAll(text, "pt: ", "")),
		Remedy: s.Say("Reload the page and try again.")}
	switch reason {
	case message.ReasonCheckpoint:
		p.Code = "checkpoint"
		p.Remedy = s.Say("Give the checkpoint of a YOLOv8 detection model, or its export: yolo export model=best.pt format=onnx.")
	case message.ReasonQuantized:
		p.Code = "quantized"
		p.Remedy = s.Say("Open its float model, and quantize that.")
	case message.ReasonMemory:
		p.Code = "work-memory"
		p.Remedy = s.Say("Close other tabs, or quantize a smaller model.")
	case message.ReasonPicture:
		p.Code = "work-pictures"
		p.Remedy = s.Say("Start a camera or give JPEG, PNG or WebP pictures like those that the model will see.")
	case message.ReasonEmpty, message.ReasonBroken, message.ReasonNotModel, message.ReasonOperator, message.ReasonShape:
		return problemModel(s, name, reason, text, s.Engine.Model)
	}
	p.Remedy = s.kept(p.Remedy)
	return p
}

// kept adds to an advice that nothing is lost.
func (s State) kept(advice string) string {
	if m := s.Engine.Model; m != nil {
		return advice + " " + s.Say("“{name}” stays in use.", "name", m.Name)
	}
	return advice
}

// DescribeEntry tells what is known of a model in the catalogue.
func (s State) DescribeEntry(e *Entry) string {
	var parts []string
	if e.Description != "" {
		parts = append(parts, e.Description)
	}
	parts = append(parts, Megabytes(e.Bytes))
	if e.Classes > 0 {
		parts = append(parts, s.Say("{n} classes", "n", strconv.Itoa(e.Classes)))
	}
	if e.Width > 0 {
		parts = append(parts, strconv.Itoa(e.Width)+"×"+strconv.Itoa(e.Height))
	}
	if e.Precision != "" {
		parts = append(parts, e.Precision)
	}
	if e.Stored {
		parts = append(parts, s.Say("on this device"))
	}
	return strings.Join(parts, " · ")
}

// WorkText says what is being made, "" for nothing.
func (s State) WorkText() string {
	w := s.Models.Work
	of := []string{"n", strconv.Itoa(w.Done), "of", strconv.Itoa(w.Total)}
	switch w.Kind {
	case WorkRead:
		return s.Say("Reading the checkpoint")
	case WorkGather:
		return s.Say("Gathering pictures: {n} of {of}", of...)
	case WorkObserve:
		return s.Say("Calibrating: {n} of {of} pictures", of...)
	case WorkRound:
		return s.Say("Rounding weights: {n} of {of}", of...)
	case WorkMatch:
		return s.Say("Matching biases: {n} of {of}", of...)
	case WorkCompare:
		return s.Say("Comparing: {n} of {of} pictures", of...)
	}
	return ""
}

// MadeText tells how an int8 model was made.
func (s State) MadeText(m *Made) string {
	text := s.Say("{size}, {n} convolutions in int8, calibrated on {images} pictures", "size", Megabytes(m.Bytes), "n", strconv.Itoa(m.Convs), "images", strconv.Itoa(m.Images))
	if m.RoundImages > 0 {
		text += s.Say(", weights rounded by {n}", "n", strconv.Itoa(m.RoundImages))
	}
	if m.BiasImages > 0 {
		text += s.Say(", biases matched on {n}", "n", strconv.Itoa(m.BiasImages))
	}
	return text
}

// StudyText sums a comparison up: boxes, agreement, speed, size.
func (s State) StudyText(c *Comparison) []string {
	percent := func(v float64) string { return strconv.Itoa(int(v*100+0.5)) + " %" }
	a := c.Agree
	lines := []string{
		s.Say("Boxes: {a} float, {b} int8; {share} of them agree", "a", strconv.Itoa(c.Boxes[0]), "b", strconv.Itoa(c.Boxes[1]), "share", percent(a.Share())),
		s.Say("A frame at {side}: {a} ms float, {b} ms int8", "side", strconv.Itoa(c.Width), "a", Decimal(c.Ms[0]), "b", Decimal(c.Ms[1])),
		s.Say("Size: {a} float, {b} int8", "a", Megabytes(c.Bytes[0]), "b", Megabytes(c.Bytes[1])),
	}
	if a.Pairs > 0 {
		lines = append(lines, s.Say("Boxes that agree overlap by {overlap}, their scores differ by {score}", "overlap", percent(a.Overlap), "score", percent(a.Score)))
	}
	return lines
}
