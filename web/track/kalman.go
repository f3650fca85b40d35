package track

// filter follows one coordinate of a box: its value and its velocity a second,
// with their covariance. The filter of SORT (Bewley et al. 2016) and ByteTrack
// keeps eight numbers in one state, but neither its motion nor its noises couple
// the coordinates, so it is four of these.
type filter struct {
	x, v          float64
	pxx, pxv, pvv float64
}

// The noises, as ByteTrack has them, are a share of the box's size a frame of
// its 30 Hz; here they grow with time instead, since a page's rate varies.
const (
	rate      = 30
	noisePos  = 1.0 / 20
	noiseVel  = 1.0 / 160
	firstPos  = 2  // × noisePos: of the first value
	firstVel  = 10 // × noiseVel: of the first velocity
	leastSize = 4  // pixels: a smaller box has no less noise
)

// start begins at a measured value of a box of the given size.
func (f *filter) start(x, size float64) {
	pos, vel := firstPos*noisePos*size, firstVel*noiseVel*size*rate
	*f = filter{x: x, pxx: pos * pos, pvv: vel * vel}
}

// predict moves on by dt seconds.
func (f *filter) predict(dt, size float64) {
	f.x += f.v * dt
	f.pxx += dt * (2*f.pxv + dt*f.pvv)
	f.pxv += dt * f.pvv
	pos, vel := noisePos*size, noiseVel*size*rate
	f.pxx += pos * pos * dt * rate
	f.pvv += vel * vel * dt * rate
}

// correct takes a measured value into account.
func (f *filter) correct(x, size float64) {
	pos := noisePos * size
	s := f.pxx + pos*pos
	kx, kv := f.pxx/s, f.pxv/s
	d := x - f.x
	f.x += kx * d
	f.v += kv * d
	f.pvv -= kv * f.pxv
	f.pxv -= kx * f.pxv
	f.pxx -= kx * f.pxx
}
