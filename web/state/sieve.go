package state

import "eagleeye/wasm/message"

// Floor is the least score that the page asks the engine for, whatever the
// confidence: what lies between is there when a person lowers it. It costs some
// 0.1 ms a frame.
const Floor = 0.05

// Sieve says which boxes of a result may be shown.
type Sieve struct {
	Hidden []bool // by class; those beyond are shown
	Max    int    // of boxes
}

// Pick appends to at the indices of the strongest boxes of the classes on show.
// Boxes come strongest first, so leaving out those under a confidence afterwards
// gives what the engine gives for that confidence: suppression looks only at
// stronger boxes.
func (v Sieve) Pick(at []int, boxes []message.Detection) []int {
	n := 0
	for i := range boxes {
		if n == v.Max {
			break
		}
		if c := int(boxes[i].Class); c >= len(v.Hidden) || !v.Hidden[c] {
			at = append(at, i)
			n++
		}
	}
	return at
}
