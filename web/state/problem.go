package state

import (
	"strings"

	"eagleeye/wasm/message"
)

const codeNoSIMD = "no-simd"

// HowToGetModel tells a person without a model where one comes from.
const HowToGetModel = "Drop a YOLOv8 .onnx file here. Get one with “make model” in the project, or export your own: yolo export model=yolov8n.pt format=onnx."

func problemNoSIMD() *Problem {
	return &Problem{
		Code:   codeNoSIMD,
		Title:  "This browser has no WebAssembly SIMD",
		Text:   "The detector's kernels cannot run without it.",
		Remedy: "Update the browser: Chrome or Edge 91, Firefox 89, Safari 16.4 or later have it.",
	}
}

func problemUnreachable(text string) *Problem {
	return &Problem{
		Code:   "model-unreachable",
		Title:  "The model did not arrive",
		Text:   text,
		Remedy: "Check the connection and reload the page, or drop an .onnx file.",
	}
}

// problemModel names why a model was refused; kept is the one still in use. The
// engine's own advice goes before the one for all failures of a reason.
func problemModel(name string, reason message.Reason, text string, kept *Model) *Problem {
	p := &Problem{Title: "“" + name + "” cannot be used"}
	var advice string
	p.Text, advice = advised(text)
	switch reason {
	case message.ReasonEmpty:
		p.Code, p.Text = "model-empty", "The file has 0 bytes."
		p.Remedy = "The download probably failed: get the file again."
	case message.ReasonNotModel:
		p.Code = "model-not-onnx"
		// "not an ONNX file: this is X: what to do"
		if parts := strings.SplitN(strings.TrimPrefix(text, "onnx: "), ": ", 3); len(parts) == 3 {
			p.Text, advice = plain(parts[0]+": "+parts[1]), plain(parts[2])
		}
		p.Remedy = "Choose the .onnx file of a YOLOv8 detection model."
	case message.ReasonBroken:
		p.Code = "model-broken"
		p.Remedy = "Get the file again and compare its size."
	case message.ReasonOperator:
		p.Code = "model-operator"
		p.Remedy = "Export a YOLOv8 detection model without custom or built-in post-processing operators (nms=False)."
	case message.ReasonShape:
		p.Code = "model-shape"
		p.Remedy = "Use a YOLOv8 detection model with one image input [1, 3, height, width]."
	case message.ReasonMemory:
		p.Code, p.Text, advice = "model-memory", plain(text), ""
		p.Remedy = "Close other tabs, or use a smaller model or input size."
	default:
		p.Code = "model-failed"
		p.Remedy = "Try another .onnx file."
	}
	if advice != "" {
		p.Remedy = advice
	}
	if kept != nil {
		p.Remedy += " “" + kept.Name + "” stays in use."
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

func problemFrame(reason message.Reason, text string) *Problem {
	p := &Problem{Code: "frame", Title: "This picture cannot be analysed", Text: plain(text),
		Remedy: "Try another picture, or reload the page."}
	if reason == message.ReasonPicture {
		p.Code, p.Remedy = "picture", "Crop or scale the picture and try again."
	}
	return p
}

func problemRestarted(text string) *Problem {
	return &Problem{
		Code:   "engine-restarted",
		Title:  "The detector stopped and was started again",
		Text:   text,
		Remedy: "Nothing to do. If it happens again, the page will say so.",
		Note:   true,
	}
}

func problemCrash(text string) *Problem {
	return &Problem{
		Code:   "engine-crash",
		Title:  "The detector stopped again",
		Text:   text,
		Remedy: "Reload the page or open another model. If it stays so, close other tabs or try a smaller one.",
	}
}

func problemFile(name string) *Problem {
	return &Problem{
		Code:   "file",
		Title:  "“" + name + "” is no picture, video or model",
		Text:   "The page knows neither its type nor the ending of its name.",
		Remedy: "Drop a JPEG, PNG or WebP picture, an MP4 or WebM video, or an .onnx model.",
	}
}

func problemUnplugged() *Problem {
	return &Problem{
		Code:   "camera-lost",
		Title:  "The camera went away",
		Text:   "It was unplugged, or the system took it back.",
		Remedy: "Plug it in again and press Start camera.",
	}
}

// problemSource explains why a camera or a file gave no pictures; name is the
// DOMException's.
func problemSource(src Source, name, text string) *Problem {
	switch src.Kind {
	case SourceCamera:
		return problemCamera(name, text)
	case SourceDemo:
		return &Problem{Code: "demo", Title: "The demo cannot be played", Text: text,
			Remedy: "Check the connection and press Play demo."}
	case SourceVideo:
		return &Problem{Code: "video", Title: "“" + src.Name + "” cannot be played", Text: text,
			Remedy: "The browser lacks its codec, or the file is damaged: try MP4 (H.264) or WebM."}
	}
	return &Problem{Code: "picture", Title: "“" + src.Name + "” cannot be shown", Text: text,
		Remedy: "Use a JPEG, PNG or WebP picture of at most 16,384 pixels a side; crop or scale it first."}
}

// codeNoCamera is the problem of a machine without a camera.
const codeNoCamera = "camera-absent"

func problemDemoInstead() *Problem {
	return &Problem{Code: codeNoCamera, Title: "No camera was found", Text: "The demo plays instead.",
		Remedy: "Plug one in and press Start camera.", Note: true}
}

// problemCamera follows the exceptions that the Media Capture and Streams
// specification lists for getUserMedia.
func problemCamera(name, text string) *Problem {
	switch name {
	case "NotAllowedError", "SecurityError":
		return &Problem{Code: "camera-refused", Title: "The camera is not allowed", Text: "The browser or the system refused this page the camera.",
			Remedy: "Allow it at the camera sign in the address bar (or in the site's settings) and press Start camera."}
	case "NotFoundError", "OverconstrainedError":
		return &Problem{Code: codeNoCamera, Title: "No camera was found", Text: "The browser knows of none.",
			Remedy: "Plug one in and press Start camera, or open a picture or a video."}
	case "NotReadableError", "AbortError":
		return &Problem{Code: "camera-busy", Title: "The camera does not start", Text: "Another program is probably using it.",
			Remedy: "Close that program and press Start camera."}
	case "Insecure":
		return &Problem{Code: "camera-insecure", Title: "The camera needs a secure page", Text: "Browsers give it to https:// and localhost only.",
			Remedy: "Open the page under https:// or on 127.0.0.1, or open a picture or a video."}
	}
	return &Problem{Code: "camera-failed", Title: "The camera does not start", Text: strings.TrimSpace(name + " " + text),
		Remedy: "Press Start camera to try again, or open a picture or a video."}
}
