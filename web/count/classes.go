package count

// ByClass counts objects by class. It keeps its memory.
type ByClass struct {
	Classes []ClassCount // most frequent first, then by class
}

// ClassCount is how many of a class there are.
type ClassCount struct {
	Class uint32
	N     int
}

// Reset forgets all.
func (b *ByClass) Reset() { b.Classes = b.Classes[:0] }

// Add counts one more of a class.
func (b *ByClass) Add(class uint32) {
	i := 0
	for i < len(b.Classes) && b.Classes[i].Class != class {
		i++
	}
	if i == len(b.Classes) {
		b.Classes = append(b.Classes, ClassCount{Class: class})
	}
	b.Classes[i].N++
	for i > 0 && before(b.Classes[i], b.Classes[i-1]) {
		b.Classes[i], b.Classes[i-1] = b.Classes[i-1], b.Classes[i]
		i--
	}
	// Among the classes of its number its place may be further back.
	for i+1 < len(b.Classes) && before(b.Classes[i+1], b.Classes[i]) {
		b.Classes[i], b.Classes[i+1] = b.Classes[i+1], b.Classes[i]
		i++
	}
}

func before(a, b ClassCount) bool { return a.N > b.N || a.N == b.N && a.Class < b.Class }
