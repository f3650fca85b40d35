package state

// Models is what the page knows of models beyond the one in use. It stays
// comparable: what holds slices or maps is immutable and behind a pointer.
type Models struct{}

// Effects of the models.
const (
	_ Effect = iota + 128
)

// reduceModels also sees SizeSet, RateSet, ThreadsSet, PrecisionSet and
// SettingsRestored, after s.Settings has changed.
func reduceModels(s State, a Action) (State, []Effect) {
	return s, nil
}
