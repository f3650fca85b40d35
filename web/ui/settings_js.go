package ui

import (
	"strconv"
	"strings"
	"syscall/js"

	"github.com/hexops/vecty"
	"github.com/hexops/vecty/elem"
	"github.com/hexops/vecty/event"
	"github.com/hexops/vecty/prop"

	"eagleeye/web/geometry"
	"eagleeye/web/state"
	"eagleeye/web/words"
)

// Settings chooses which boxes are shown.
type Settings struct {
	vecty.Core
	State state.State        `vecty:"prop"`
	Do    func(state.Action) `vecty:"prop"`
	Hand  *Hand              `vecty:"prop"`
}

// Copy implements vecty.Copier.
func (s *Settings) Copy() vecty.Component {
	c := *s
	c.Core = vecty.Core{}
	return &c
}

// Render implements vecty.Component.
func (s *Settings) Render() vecty.ComponentOrHTML {
	st := s.State
	v := st.Settings
	percent := func(f float32) int { return int(f*100 + 0.5) }
	return panel("boxes", st.Say("Boxes"), true,
		slider("conf", st.Say("Confidence"), st.Say("Boxes below it are hidden"), percent(v.Conf), 99, " %",
			func(n int) { s.Do(state.ConfSet{Value: float32(n) / 100}) }),
		slider("iou", st.Say("Overlap (IoU)"), st.Say("Of two boxes that overlap more, the stronger stays"), percent(v.IoU), 99, " %",
			func(n int) { s.Do(state.IoUSet{Value: float32(n) / 100}) }),
		slider("max", st.Say("Most boxes"), st.Say("The strongest so many are kept"), v.Max, state.DefaultMax, "",
			func(n int) { s.Do(state.MaxSet{Value: n}) }),
		&Classes{Model: st.Engine.Model, Hidden: v.Hidden, Query: st.Query, Lang: v.Lang, Do: s.Do},
	)
}

func slider(id, name, help string, value, most int, unit string, set func(int)) vecty.ComponentOrHTML {
	text := strconv.Itoa(value)
	return elem.Div(
		vecty.Markup(vecty.Class("slider")),
		elem.Label(vecty.Markup(prop.For(id)), vecty.Text(name)),
		elem.Output(vecty.Markup(prop.For(id)), vecty.Text(text+unit)),
		elem.Input(vecty.Markup(prop.ID(id), prop.Type(prop.TypeRange),
			vecty.Attribute("min", "1"), vecty.Attribute("max", strconv.Itoa(most)), vecty.Attribute("step", "1"),
			vecty.Attribute("aria-describedby", id+"-help"), vecty.Attribute("aria-valuetext", text+unit),
			vecty.Property("value", text),
			event.Input(func(e *vecty.Event) {
				if v, err := strconv.Atoi(e.Target.Get("value").String()); err == nil {
					set(v)
				}
			}))),
		elem.Paragraph(vecty.Markup(prop.ID(id+"-help"), vecty.Class("quiet")), vecty.Text(help)),
	)
}

// Classes is the list of a model's classes. How many of each are on show is
// written beside Vecty into the elements with the class "n".
type Classes struct {
	vecty.Core
	Model  *state.Model       `vecty:"prop"`
	Hidden state.Names        `vecty:"prop"`
	Query  string             `vecty:"prop"`
	Lang   string             `vecty:"prop"`
	Do     func(state.Action) `vecty:"prop"`
}

// Copy implements vecty.Copier.
func (c *Classes) Copy() vecty.Component {
	d := *c
	d.Core = vecty.Core{}
	return &d
}

// SkipRender implements vecty.RenderSkipper: the list is long and seldom changes.
func (c *Classes) SkipRender(prev vecty.Component) bool {
	p, ok := prev.(*Classes)
	return ok && p.Model == c.Model && p.Hidden == c.Hidden && p.Query == c.Query && p.Lang == c.Lang
}

// mostClasses is how many classes the list holds; the search reaches all.
const mostClasses = 200

// Render implements vecty.Component.
func (c *Classes) Render() vecty.ComponentOrHTML {
	var names []string
	if c.Model != nil {
		names = c.Model.Classes
	}
	query := strings.ToLower(strings.TrimSpace(c.Query))
	rows := []vecty.MarkupOrChild{vecty.Markup(prop.ID(IDClasses), vecty.Class("classes"), event.Change(func(e *vecty.Event) {
		if name := e.Target.Get("dataset").Get("name"); name.Type() == js.TypeString {
			c.Do(state.ClassSet{Name: name.String(), Shown: e.Target.Get("checked").Bool()})
		}
	}))}
	shown := 0
	for i := range names {
		name := state.ClassName(uint32(i), names)
		shownName := words.Class(c.Lang, name)
		if query != "" && !strings.Contains(strings.ToLower(name), query) && !strings.Contains(shownName, query) || shown == mostClasses {
			continue
		}
		shown++
		fill, _ := geometry.Colours(uint32(i))
		rows = append(rows, elem.ListItem(elem.Label(
			elem.Input(vecty.Markup(prop.Type(prop.TypeCheckbox), vecty.Data("name", name), vecty.Property("checked", !c.Hidden.Has(name)), vecty.Style("accent-color", fill))),
			elem.Span(vecty.Markup(vecty.Class("ellipsis")), vecty.Text(shownName)),
			elem.Span(vecty.Markup(vecty.Class("n"), vecty.Data("class", strconv.Itoa(i)), vecty.Attribute("aria-hidden", "true"))),
		)))
	}
	return elem.Section(vecty.Markup(vecty.Class("choose"), vecty.Property("hidden", len(names) == 0), vecty.Attribute("aria-label", words.Say(c.Lang, "Classes"))),
		elem.Div(vecty.Markup(vecty.Class("row")),
			elem.Label(vecty.Markup(prop.For("class-search")), vecty.Text(words.Say(c.Lang, "Classes"))),
			elem.Div(vecty.Markup(vecty.Class("pair")),
				elem.Button(vecty.Markup(prop.ID("all-classes"), prop.Type(prop.TypeButton), vecty.Class("small"), event.Click(func(*vecty.Event) { c.Do(state.ClassesSet{Shown: true}) })), vecty.Text(words.Say(c.Lang, "All"))),
				elem.Button(vecty.Markup(prop.ID("no-classes"), prop.Type(prop.TypeButton), vecty.Class("small"), event.Click(func(*vecty.Event) { c.Do(state.ClassesSet{}) })), vecty.Text(words.Say(c.Lang, "None"))),
			)),
		elem.Input(vecty.Markup(prop.ID("class-search"), prop.Type(prop.TypeSearch), vecty.Attribute("placeholder", words.Say(c.Lang, "Find a class")), vecty.Attribute("autocomplete", "off"),
			vecty.Property("hidden", len(names) < 8), event.Input(func(e *vecty.Event) { c.Do(state.ClassesSought{Text: e.Target.Get("value").String()}) }))),
		elem.UnorderedList(rows...),
		elem.Paragraph(vecty.Markup(vecty.Class("quiet"), vecty.Property("hidden", shown > 0)), vecty.Text(words.Say(c.Lang, "No class has that in its name."))),
	)
}

// Engine chooses how the model runs, and says how it does.
type Engine struct {
	vecty.Core
	State state.State        `vecty:"prop"`
	Do    func(state.Action) `vecty:"prop"`
}

// Copy implements vecty.Copier.
func (e *Engine) Copy() vecty.Component {
	c := *e
	c.Core = vecty.Core{}
	return &c
}

// Render implements vecty.Component.
func (e *Engine) Render() vecty.ComponentOrHTML {
	s := e.State
	v := s.Settings
	number := func(text string) int {
		n, _ := strconv.Atoi(text)
		return n
	}
	sizes := []string{"0", s.Say("The model's own"), strconv.Itoa(state.SizeAuto), s.Say("Automatic")}
	for _, n := range []int{320, 416, 512, 640, 768, 960, 1280} {
		sizes = append(sizes, strconv.Itoa(n), strconv.Itoa(n))
	}
	if n := v.Size; n > 0 && !strings.Contains(" 320 416 512 640 768 960 1280 ", " "+strconv.Itoa(n)+" ") { // of a link
		sizes = append(sizes, strconv.Itoa(n), strconv.Itoa(n))
	}
	threads := []string{"0", s.Say("Automatic")}
	most := 8
	if s.Devices != nil {
		most = max(1, min(16, s.Devices.Cores))
	}
	for n := 1; n <= max(most, v.Threads); n++ {
		threads = append(threads, strconv.Itoa(n), strconv.Itoa(n))
	}
	alone := s.Devices != nil && !s.Devices.Isolated
	return panel("engine", s.Say("Engine"), false,
		elem.Paragraph(vecty.Markup(prop.ID("backend"), vecty.Class("quiet"), vecty.Property("hidden", s.Engine.Model == nil)), vecty.Text(backend(s))),
		choices("size", s.Say("Input size"), strconv.Itoa(v.Size), false, func(t string) { e.Do(state.SizeSet{Value: number(t)}) }, sizes...),
		choices("auto-rate", s.Say("Frames a second to hold"), strconv.Itoa(v.Rate), v.Size != state.SizeAuto,
			func(t string) { e.Do(state.RateSet{Value: number(t)}) }, "5", "5", "10", "10", "15", "15", "24", "24", "30", "30", "60", "60"),
		choices("threads", s.Say("Threads"), strconv.Itoa(v.Threads), alone, func(t string) { e.Do(state.ThreadsSet{Value: number(t)}) }, threads...),
		elem.Paragraph(vecty.Markup(vecty.Class("quiet"), vecty.Property("hidden", !alone)),
			vecty.Text(s.Say("One thread: this page is not isolated from others, so browsers share no memory with it."))),
		choices("precision", s.Say("Precision"), v.Precision, false, func(t string) { e.Do(state.PrecisionSet{Value: t}) },
			"", s.Say("As in the file"), "int8", "int8", "mixed", s.Say("mixed"), "float", s.Say("float")),
	)
}

// backend says plainly what computes the boxes.
func backend(s state.State) string {
	m := s.Engine.Model
	if m == nil {
		return ""
	}
	simd := s.Say("WebAssembly, 128-bit SIMD")
	if strings.HasPrefix(m.Variant, "relaxed") {
		simd = s.Say("WebAssembly, relaxed SIMD")
	}
	threads := s.Say("1 thread")
	if m.Threads > 1 {
		threads = s.Say("{n} threads", "n", strconv.Itoa(m.Threads))
	}
	return s.Say("In use: {what}", "what", simd+" · "+threads+" · "+m.Precision+" · "+strconv.Itoa(m.Width)+" × "+strconv.Itoa(m.Height))
}

// chosen returns the value of a list that the store does not keep.
func chosen(id string) string {
	return js.Global().Get("document").Call("getElementById", id).Get("value").String()
}
