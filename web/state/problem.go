package state

import (
	"strings"

	"eagleeye/wasm/message"
	"eagleeye/web/words"
)

const codeNoSIMD = "no-simd"

// HowToGetModel tells a person without a model where one comes from.
var HowToGetModel = words.Key("Drop a YOLOv8 .onnx file here. Get one with “make model” in the project, or export your own: yolo export model=yolov8n.pt format=onnx.")

func problemNoSIMD(s State) *Problem {
	return &Problem{
		Code:   codeNoSIMD,
		Title:  s.Say("This browser has no WebAssembly SIMD"),
		Text:   s.Say("The detector's kernels cannot run without it."),
		Remedy: s.Say("Update the browser: Chrome or Edge 91, Firefox 89, Safari 16.4 or later have it."),
	}
}

func problemUnreachable(s State, text string) *Problem {
	return &Problem{
		Code:   "model-unreachable",
		Title:  s.Say("The model did not arrive"),
		Text:   text,
		Remedy: s.Say("Check the connection and reload the page, or drop an .onnx file."),
	}
}

// problemModel names why a model was refused; kept is the one still in use. The
// engine's own advice goes before the one for all failures of a reason.
func problemModel(s State, name string, reason message.Reason, text string, kept *Model) *Problem {
	p := &Problem{Title: s.Say("“{name}” cannot be used", "name", name)}
	var advice string
	p.Text, advice = advised(text)
	switch reason {
	case message.ReasonEmpty:
		p.Code, p.Text = "model-empty", s.Say("The file has 0 bytes.")
		p.Remedy = s.Say("The download probably failed: get the file again.")
	case message.ReasonNotModel:
		p.Code = "model-not-onnx"
		// "not an ONNX file: this is X: what to do"
		if parts := strings.SplitN(strings.TrimPrefix(text, "onnx: "), ": ", 3); len(parts) == 3 {
			p.Text, advice = plain(parts[0]+": "+parts[1]), plain(parts[2])
		}
		p.Remedy = s.Say("Choose the .onnx file of a YOLOv8 detection model.")
	case message.ReasonBroken:
		p.Code = "model-broken"
		p.Remedy = s.Say("Get the file again and compare its size.")
	case message.ReasonOperator:
		p.Code = "model-operator"
		p.Remedy = s.Say("Export a YOLOv8 detection model without custom or built-in post-processing operators (nms=False).")
	case message.ReasonShape:
		p.Code = "model-shape"
		p.Remedy = s.Say("Use a YOLOv8 detection model with one image input [1, 3, height, width].")
	case message.ReasonMemory:
		p.Code, p.Text, advice = "model-memory", plain(text), ""
		p.Remedy = s.Say("Close other tabs, or use a smaller model or input size.")
	default:
		p.Code = "model-failed"
		p.Remedy = s.Say("Try another .onnx file.")
	}
	if advice != "" {
		p.Remedy = advice
	}
	if kept != nil {
		p.Remedy += " " + s.Say("“{name}” stays in use.", "name", kept.Name)
	}
	return p
}

// plain makes a sentence of an error of the engine: without the names of
// packages, with a capital and a full stop.
func plain(text string) string {
	for _, pkg := range [...]string{"onnx: ", "wasm: ", "graph: ", "plan: ", "host: "} {
		text = strings.ReplaceAll(text, pkg, "")
	}
	if text == "" {
		return "No reason was given."
	}
	return strings.ToUpper(text[:1]) + strings.TrimSuffix(text[1:], ".") + "."
}

// advised parts an error of the engine that ends in "; what to do", perhaps
// with a list of what is supported after it, which stays with the cause.
func advised(text string) (cause, advice string) {
	text, list, listed := strings.Cut(text, ". Supported are ")
	if i := strings.LastIndex(text, "; "); i >= 0 {
		text, advice = text[:i], plain(text[i+2:])
	}
	cause = plain(text)
	if listed {
		cause += " Supported are " + strings.TrimSuffix(list, ".") + "."
	}
	return cause, advice
}

func problemFrame(s State, reason message.Reason, text string) *Problem {
	p := &Problem{Code: "frame", Title: s.Say("This picture cannot be analysed"), Text: plain(text),
		Remedy: s.Say("Try another picture, or reload the page.")}
	if reason == message.ReasonPicture {
		p.Code, p.Remedy = "picture", s.Say("Crop or scale the picture and try again.")
	}
	return p
}

func problemRestarted(s State, text string) *Problem {
	return &Problem{
		Code:   "engine-restarted",
		Title:  s.Say("The detector stopped and was started again"),
		Text:   text,
		Remedy: s.Say("Nothing to do. If it happens again, the page will say so."),
		Note:   true,
	}
}

func problemCrash(s State, text string) *Problem {
	return &Problem{
		Code:   "engine-crash",
		Title:  s.Say("The detector stopped again"),
		Text:   text,
		Remedy: s.Say("Reload the page or open another model. If it stays so, close other tabs or try a smaller one."),
	}
}

func problemFile(s State, name string) *Problem {
	return &Problem{
		Code:   "file",
		Title:  s.Say("“{name}” is no picture, video or model", "name", name),
		Text:   s.Say("The page knows neither its type nor the ending of its name."),
		Remedy: s.Say("Drop a JPEG, PNG or WebP picture, an MP4 or WebM video, or an .onnx model."),
	}
}

func problemUnplugged(s State) *Problem {
	return &Problem{
		Code:   "camera-lost",
		Title:  s.Say("The camera went away"),
		Text:   s.Say("It was unplugged, or the system took it back."),
		Remedy: s.Say("Plug it in again and press Start camera."),
	}
}

// problemSource explains why a camera or a file gave no pictures; name is the
// DOMException's.
func problemSource(s State, name, text string) *Problem {
	src := s.Source
	switch src.Kind {
	case SourceCamera:
		return problemCamera(s, name, text)
	case SourceScreen:
		return problemScreen(s, name, text)
	case SourceDemo:
		return &Problem{Code: "demo", Title: s.Say("The demo cannot be played"), Text: text,
			Remedy: s.Say("Check the connection and press Play demo.")}
	case SourceVideo:
		return &Problem{Code: "video", Title: s.Say("“{name}” cannot be played", "name", src.Name), Text: text,
			Remedy: s.Say("The browser lacks its codec, or the file is damaged: try MP4 (H.264) or WebM.")}
	}
	return &Problem{Code: "picture", Title: s.Say("“{name}” cannot be shown", "name", src.Name), Text: text,
		Remedy: s.Say("Use a JPEG, PNG or WebP picture of at most 16,384 pixels a side; crop or scale it first.")}
}

// codeNoCamera is the problem of a machine without a camera.
const codeNoCamera = "camera-absent"

func problemDemoInstead(s State) *Problem {
	return &Problem{Code: codeNoCamera, Title: s.Say("No camera was found"), Text: s.Say("The demo plays instead."),
		Remedy: s.Say("Plug one in and press Start camera."), Note: true}
}

// problemScreen follows the exceptions that the Screen Capture specification
// lists for getDisplayMedia.
func problemScreen(s State, name, text string) *Problem {
	switch name {
	case "NotAllowedError":
		return &Problem{Code: "screen-refused", Title: s.Say("The screen is not shared"), Text: s.Say("It was declined in the browser's question, or the system does not allow it."),
			Remedy: s.Say("Press Share screen and choose a tab, a window or the screen."), Note: true}
	case "Unsupported", "NotFoundError":
		return &Problem{Code: "screen-absent", Title: s.Say("This browser cannot share its screen"), Text: s.Say("Browsers of phones do not offer it."),
			Remedy: s.Say("Use a browser on a computer, or open a picture or a video.")}
	case "Insecure":
		return &Problem{Code: "screen-insecure", Title: s.Say("The screen needs a secure page"), Text: s.Say("Browsers give it to https:// and localhost only."),
			Remedy: s.Say("Open the page under https:// or on 127.0.0.1, or open a picture or a video.")}
	}
	return &Problem{Code: "screen-failed", Title: s.Say("The screen cannot be shared"), Text: strings.TrimSpace(name + " " + text),
		Remedy: s.Say("Press Share screen to try again.")}
}

// problemCamera follows the exceptions that the Media Capture and Streams
// specification lists for getUserMedia.
func problemCamera(s State, name, text string) *Problem {
	switch name {
	case "NotAllowedError", "SecurityError":
		return &Problem{Code: "camera-refused", Title: s.Say("The camera is not allowed"), Text: s.Say("The browser or the system refused this page the camera."),
			Remedy: s.Say("Allow it at the camera sign in the address bar (or in the site's settings) and press Start camera.")}
	case "NotFoundError", "OverconstrainedError":
		return &Problem{Code: codeNoCamera, Title: s.Say("No camera was found"), Text: s.Say("The browser knows of none."),
			Remedy: s.Say("Plug one in and press Start camera, or open a picture or a video.")}
	case "NotReadableError", "AbortError":
		return &Problem{Code: "camera-busy", Title: s.Say("The camera does not start"), Text: s.Say("Another program is probably using it."),
			Remedy: s.Say("Close that program and press Start camera.")}
	case "Insecure":
		return &Problem{Code: "camera-insecure", Title: s.Say("The camera needs a secure page"), Text: s.Say("Browsers give it to https:// and localhost only."),
			Remedy: s.Say("Open the page under https:// or on 127.0.0.1, or open a picture or a video.")}
	}
	return &Problem{Code: "camera-failed", Title: s.Say("The camera does not start"), Text: strings.TrimSpace(name + " " + text),
		Remedy: s.Say("Press Start camera to try again, or open a picture or a video.")}
}
