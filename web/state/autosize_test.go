package state

import "testing"

// machine needs so many ms for a frame at 640.
type machine float64

func (m machine) frame(side int) float64 { return float64(m) * float64(side*side) / (640 * 640) }

// settle runs a sizer for some seconds and returns the side in use and how often
// it changed. slow makes the frames of a time slower.
func settle(z *Sizer, m machine, side, rate int, from, to float64, slow func(now float64) float64) (int, int) {
	changes := 0
	for now := from; now < to; {
		ms := m.frame(side)
		if slow != nil {
			ms *= slow(now)
		}
		now += ms
		if next := z.Next(side, ms, now, rate); next != side {
			side = next
			changes++
		}
	}
	return side, changes
}

func TestSizer(t *testing.T) {
	for _, c := range []struct {
		name        string
		at640       machine
		start, rate int
		want        int
		most        int // changes
	}{
		{"fast machine grows to the end", 5, 640, 30, 1280, 3},
		{"slow machine shrinks", 120, 640, 15, 448, 2},
		{"hopeless machine takes the smallest", 2000, 640, 30, 320, 1},
		{"what fits stays", 50, 640, 18, 640, 0},
		{"own size between the steps", 50, 416, 18, 576, 2},
		{"size below the smallest grows", 20, 224, 15, 1024, 2},
		{"no rate", 50, 640, 0, 640, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			var z Sizer
			got, changes := settle(&z, c.at640, c.start, c.rate, 0, 30000, nil)
			if got != c.want || changes > c.most {
				t.Errorf("size %d after %d changes, want %d after at most %d", got, changes, c.want, c.most)
			}
		})
	}
}

// Times that vary by a fifth, and an outlier now and then, change nothing.
func TestSizerBearsNoise(t *testing.T) {
	var z Sizer
	frame := 0
	noise := func(float64) float64 {
		frame++
		switch {
		case frame%13 == 0:
			return 4
		case frame%2 == 0:
			return 1.1
		}
		return 0.92
	}
	if got, changes := settle(&z, 58, 640, 15, 0, 60000, noise); got != 640 || changes != 0 {
		t.Errorf("size %d after %d changes, want none", got, changes)
	}
}

// A machine that slows down where the model says it should not (a larger input
// leaves its caches) is tried once a minute, not all the time.
func TestSizerDoesNotSwing(t *testing.T) {
	var z Sizer
	side, changes := 640, 0
	for now := 0.0; now < 55000; {
		ms := machine(30).frame(side)
		if side > 640 {
			ms *= 2
		}
		now += ms
		if next := z.Next(side, ms, now, 25); next != side {
			side = next
			changes++
		}
	}
	if changes > 3 || side > 640 {
		t.Errorf("size %d after %d changes in 55 s", side, changes)
	}
}

// Another load is followed within seconds, both ways.
func TestSizerFollows(t *testing.T) {
	var z Sizer
	side, _ := settle(&z, 40, 640, 18, 0, 10000, nil)
	if side, _ = settle(&z, 130, side, 18, 10000, 15000, nil); side > 384 {
		t.Errorf("size %d under load", side)
	}
	if side, _ = settle(&z, 40, side, 18, 15000, 30000, nil); side != 640 {
		t.Errorf("size %d after the load", side)
	}
}
