package count

// Timeline keeps how many objects there were over the last stretch of time: one
// bucket a step, the mean of its frames, in a ring that never grows.
type Timeline struct {
	step    float64 // seconds a bucket
	buckets []bucket
	n, head int // head is the newest
	index   int // of the newest: floor(time / step)
}

type bucket struct {
	sum    float64
	frames int
	most   int
}

// NewTimeline returns a timeline of size buckets of step seconds.
func NewTimeline(step float64, size int) *Timeline {
	return &Timeline{step: step, buckets: make([]bucket, size)}
}

// Reset empties it.
func (t *Timeline) Reset() { t.n = 0 }

// Add notes the number of objects in the frame of time at, in seconds. Time that
// goes back, or ahead by more than the timeline holds, begins anew.
func (t *Timeline) Add(at float64, objects int) {
	i := int(at / t.step)
	if t.n > 0 && (i < t.index || i-t.index >= len(t.buckets)) {
		t.n = 0
	}
	if t.n == 0 {
		t.n, t.head, t.index = 1, 0, i
		t.buckets[0] = bucket{}
	}
	for t.index < i {
		t.index++
		t.head = (t.head + 1) % len(t.buckets)
		t.n = min(t.n+1, len(t.buckets))
		t.buckets[t.head] = bucket{}
	}
	b := &t.buckets[t.head]
	b.sum += float64(objects)
	b.frames++
	b.most = max(b.most, objects)
}

// Len is the number of buckets so far; Step the seconds of each.
func (t *Timeline) Len() int      { return t.n }
func (t *Timeline) Step() float64 { return t.step }

// At returns the mean and the largest number of bucket i, the oldest first; seen
// is false for one without frames.
func (t *Timeline) At(i int) (mean float64, most int, seen bool) {
	b := t.buckets[(t.head+len(t.buckets)-t.n+1+i)%len(t.buckets)]
	if b.frames == 0 {
		return 0, 0, false
	}
	return b.sum / float64(b.frames), b.most, true
}

// Start is the time at which bucket i begins, in seconds.
func (t *Timeline) Start(i int) float64 { return float64(t.index-t.n+1+i) * t.step }
