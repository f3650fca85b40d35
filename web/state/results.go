package state

// Results is what the page knows of results beyond the frame on show. It stays
// comparable: what holds slices or maps is immutable and behind a pointer.
type Results struct{}

// Effects of the results.
const (
	_ Effect = iota + 64
)

func reduceResults(s State, a Action) (State, []Effect) {
	return s, nil
}
