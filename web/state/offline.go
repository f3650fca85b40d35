package state

// Offline is what the page knows of its cache, its connection and installing. It
// stays comparable: what holds slices or maps is immutable and behind a pointer.
type Offline struct{}

// Effects of offline use.
const (
	_ Effect = iota + 96
)

func reduceOffline(s State, a Action) (State, []Effect) {
	return s, nil
}
