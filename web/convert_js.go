package main

import (
	"slices"
	"strings"
	"syscall/js"

	"eagleeye/wasm/message"
	"eagleeye/web/client"
	"eagleeye/web/dom"
	"eagleeye/web/geometry"
	"eagleeye/web/shelf"
	"eagleeye/web/state"
	"eagleeye/web/ui"
)

// begin opens a new work and ends what was under way.
func (p *page) begin() chan struct{} {
	p.stopWork()
	p.models.quit = make(chan struct{})
	return p.models.quit
}

func (p *page) stopWork() {
	if p.models.quit != nil {
		close(p.models.quit)
		p.models.quit = nil
	}
	for _, j := range p.models.jobs {
		j.End()
	}
	p.models.jobs = nil
}

// said is what a job tells: a message with what lies beside it, or its end.
type said struct {
	m    message.Message
	x    js.Value
	lost string
}

// job starts a worker of the work under way, whose messages come through a
// channel.
func (p *page) job(program string, threads int) (*client.Job, chan said) {
	out := make(chan said, 64)
	j := client.NewJob(program, threads, client.JobEvents{
		Message: func(m message.Message, x js.Value) { out <- said{m: m, x: x} },
		Lost:    func(text string) { out <- said{lost: text} },
	})
	p.models.jobs = append(p.models.jobs, j)
	return j, out
}

// hear waits for the next message of a job; false: the work was given up.
func hear(from chan said, quit chan struct{}) (said, bool) {
	select {
	case v := <-from:
		if v.lost != "" {
			v.m = message.Failed{Text: v.lost}
		}
		return v, true
	case <-quit:
		return said{}, false
	}
}

// readCheckpoint makes an ONNX file of a .pt and opens it.
func (p *page) readCheckpoint(file js.Value) {
	name := file.Get("name").String()
	quit := p.begin()
	j, heard := p.job(client.Convert, 0)
	go func() {
		for {
			v, ok := hear(heard, quit)
			if !ok {
				return
			}
			switch m := v.m.(type) {
			case message.Ready:
				j.Send(message.Convert{Name: name}, file)
			case message.Converted:
				p.stopWork()
				p.model = js.Global().Get("Blob").New(dom.Array(v.x))
				p.store.Dispatch(state.CheckpointRead{})
				p.store.Dispatch(state.ModelNamed{})
				p.store.Dispatch(state.ModelArrived{Name: strings.TrimSuffix(name, ".pt") + ".onnx"})
				return
			case message.Failed:
				p.stopWork()
				p.store.Dispatch(state.WorkFailed{Name: name, Reason: m.Reason, Text: m.Text})
				return
			}
		}
	}()
}

// calibrate quantizes the model in use by pictures that a person gave.
func (p *page) calibrate(files js.Value, careful bool) {
	p.models.files = nil
	for i := range min(files.Length(), state.CalibrationPictures) {
		p.models.files = append(p.models.files, files.Index(i))
	}
	if len(p.models.files) > 0 {
		p.store.Dispatch(state.QuantizeWanted{Careful: careful})
	}
}

// startQuantize gathers pictures, of the files that were given or of the source,
// and makes the int8 form of the model in use.
func (p *page) startQuantize() {
	quit := p.begin()
	s := p.store.State()
	files := p.models.files
	p.models.files = nil
	model, name := p.client.Model()
	p.models.float = model
	side := s.Engine.Model.Width
	p.models.asFloat = side
	wish := message.Calibrate{Name: strings.TrimSuffix(name, ".onnx") + "-int8.onnx", Width: uint32(side), BiasImages: state.MatchPictures}
	if s.Models.Work.Careful {
		wish.BiasImages, wish.RoundImages = 0, state.RoundPictures
	}
	go func() {
		pictures := p.gather(files, side, quit)
		if pictures == nil {
			return
		}
		p.models.pictures = pictures
		fail := func(m message.Failed) {
			p.stopWork()
			p.store.Dispatch(state.WorkFailed{Name: name, Reason: m.Reason, Text: m.Text})
		}
		if len(pictures) == 0 {
			fail(message.Failed{Reason: message.ReasonPicture, Text: s.Say("No picture could be read.")})
			return
		}
		p.store.Dispatch(state.WorkAt{Kind: state.WorkObserve, Total: len(pictures)})
		j, heard := p.job(client.Convert, 0)
		kinds := map[uint8]state.WorkKind{message.WorkRead: state.WorkObserve, message.WorkObserve: state.WorkObserve, message.WorkRound: state.WorkRound, message.WorkBias: state.WorkMatch}
		for {
			v, ok := hear(heard, quit)
			if !ok {
				return
			}
			switch m := v.m.(type) {
			case message.Ready: // the bitmaps are copied: they are compared on later
				list := dom.Array()
				for _, b := range pictures {
					list.Call("push", b)
				}
				j.Send(wish, dom.Object("model", model, "pictures", list))
			case message.Working:
				p.store.Dispatch(state.WorkAt{Kind: kinds[m.What], Done: int(m.Done), Total: int(m.Total)})
			case message.Failed:
				fail(m)
				return
			case message.Converted:
				p.models.made = js.Global().Get("Blob").New(dom.Array(v.x))
				p.stopWork()
				id, _ := shelf.Digest(p.models.made)
				p.store.Dispatch(state.Quantized{Made: &state.Made{Name: m.Name, ID: id, Bytes: float64(m.Bytes), Images: int(m.Images),
					BiasImages: int(m.BiasImages), RoundImages: int(m.RoundImages), Convs: int(m.Convs)}})
				return
			}
		}
	}()
}

// between is the time between two pictures that are gathered from a film, in ms.
const between = 150

// gather returns pictures no larger than the network's input, nil when the work
// is given up. It waits.
func (p *page) gather(files []js.Value, side int, quit chan struct{}) []js.Value {
	out := []js.Value{}
	add := func(picture js.Value, w, h int) {
		options := dom.Object("resizeQuality", "high")
		if most := max(w, h); most > side {
			options.Set("resizeWidth", max(1, w*side/most))
			options.Set("resizeHeight", max(1, h*side/most))
		}
		if b, err := dom.Await(js.Global().Call("createImageBitmap", picture, options)); err == nil {
			out = append(out, b)
		}
	}
	total := state.CalibrationPictures
	if files != nil {
		total = len(files)
	}
	for i := range total {
		select {
		case <-quit:
			p.closeAll(out)
			return nil
		default:
		}
		if files != nil {
			if b, err := dom.Await(js.Global().Call("createImageBitmap", files[i])); err == nil {
				add(b, b.Get("width").Int(), b.Get("height").Int())
				b.Call("close")
			}
		} else if picture, w, h := p.takeOne(); picture.Truthy() {
			add(picture, w, h)
			picture.Call("close")
			pause(between)
		} else {
			pause(between)
		}
		p.store.Dispatch(state.WorkAt{Kind: state.WorkGather, Done: i + 1, Total: total})
	}
	return out
}

// takeOne takes the picture on show. It waits.
func (p *page) takeOne() (js.Value, int, int) {
	type taken struct {
		v    js.Value
		w, h int
	}
	done := make(chan taken, 1)
	p.source.Take(func(v js.Value, w, h int) { done <- taken{v, w, h} }, func() { done <- taken{} })
	t := <-done
	return t.v, t.w, t.h
}

// pause waits for ms.
func pause(ms int) {
	done := make(chan struct{})
	f := js.FuncOf(func(js.Value, []js.Value) any {
		close(done)
		return nil
	})
	js.Global().Call("setTimeout", f, ms)
	<-done
	f.Release()
}

func (p *page) closeAll(bitmaps []js.Value) {
	for _, b := range bitmaps {
		b.Call("close")
	}
}

// dropMade forgets the int8 model and the pictures.
func (p *page) dropMade() {
	p.closeAll(p.models.pictures)
	p.models.pictures, p.models.made, p.models.float = nil, js.Undefined(), js.Undefined()
}

// startCompare runs the float and the int8 model over the pictures, each in a
// worker like the page's own, in turn.
func (p *page) startCompare() {
	quit := p.begin()
	s := p.store.State()
	pictures := p.models.pictures
	files := [2]js.Value{p.models.float, p.models.made}
	study := &state.Comparison{Width: p.models.asFloat, Pictures: make([]state.Seen, len(pictures))}
	for k, f := range files {
		study.Bytes[k] = f.Get("size").Float()
	}
	thresholds := message.Thresholds{Conf: s.Settings.Conf, IoU: s.Settings.IoU, Max: uint32(s.Settings.Max)}
	go func() {
		var times [2][]float64
		for k := range files { // one after the other: two teams of threads would share the cores
			j, heard := p.job(client.Detect, s.Settings.Threads)
			frame := func(i int) {
				b := pictures[i]
				j.Send(message.Frame{ID: uint32(i), Width: uint32(b.Get("width").Int()), Height: uint32(b.Get("height").Int()), Thresholds: thresholds}, b)
			}
			for left := true; left; {
				v, ok := hear(heard, quit)
				if !ok {
					return
				}
				switch m := v.m.(type) {
				case message.Ready:
					j.Send(message.Load{Name: "compared", Choice: message.Choice{Width: uint32(study.Width), Height: uint32(study.Width)}}, files[k])
				case message.Loaded:
					frame(0)
				case message.Failed:
					p.stopWork()
					p.store.Dispatch(state.WorkFailed{Name: s.Models.Made.Name, Reason: m.Reason, Text: m.Text})
					return
				case message.Result:
					i := int(m.ID)
					seen := &study.Pictures[i]
					seen.Width, seen.Height, seen.Boxes[k] = int(m.Width), int(m.Height), m.Detections
					study.Boxes[k] += len(m.Detections)
					times[k] = append(times[k], float64(m.Infer)/1000)
					p.store.Dispatch(state.WorkAt{Kind: state.WorkCompare, Done: k*len(pictures) + i + 1, Total: 2 * len(pictures)})
					if left = i+1 < len(pictures); left {
						frame(i + 1)
					}
				}
			}
			j.End()
		}
		for k, t := range times {
			slices.Sort(t)
			study.Ms[k] = t[len(t)/2]
		}
		study.Agree = state.Agree(study.Pictures)
		p.stopWork()
		p.store.Dispatch(state.Compared{Study: study})
	}()
}

// showCompare draws a picture twice, with the boxes of either model.
func (p *page) showCompare() {
	s := p.store.State()
	study := s.Models.Study
	if study == nil || s.Models.Shown >= len(p.models.pictures) {
		return
	}
	picture, seen := p.models.pictures[s.Models.Shown], study.Pictures[s.Models.Shown]
	for k, id := range [...]string{ui.IDCompareFloat, ui.IDCompareInt8} {
		canvas := dom.ByID(id)
		if !canvas.Truthy() {
			continue
		}
		canvas.Set("width", seen.Width)
		canvas.Set("height", seen.Height)
		c := canvas.Call("getContext", "2d")
		c.Call("drawImage", picture, 0, 0)
		c.Set("lineWidth", max(2, seen.Width/160))
		for _, d := range seen.Boxes[k] {
			fill, _ := geometry.Colours(d.Class)
			c.Set("strokeStyle", fill)
			c.Call("strokeRect", d.X1, d.Y1, d.X2-d.X1, d.Y2-d.Y1)
		}
	}
}
