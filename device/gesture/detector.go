package gesture

import (
	"time"

	"hailpoint/device"
)

// Detector finds the gestures in the edges of one button. Create it with New.
// It is not safe for concurrent use: one goroutine owns it.
type Detector struct {
	cfg Config
	now time.Time // the latest time seen: time never runs backwards here

	raw      bool      // the contact's level
	settling bool      // raw differs from down
	settle   time.Time // when raw counts, if settling

	down  bool      // the level that counts
	stage stage     // what is known of the press in progress
	since time.Time // when the press in progress counted, if down

	// first is when the first press of a possible double press counted, while
	// the window for the second is open; else it is the zero time.
	first time.Time
}

// stage is what is known of the press in progress.
type stage int

const (
	undecided stage = iota // its gesture has not been given
	decided                // its gesture has been given
	stuck                  // it has been given up as stuck
)

// New returns a Detector for a button that is not pressed. cfg must be valid.
func New(cfg Config) *Detector {
	return &Detector{cfg: cfg, stage: decided}
}

// Down reports whether the button counts as held.
func (d *Detector) Down() bool { return d.down }

// Edge takes one edge of the contact and returns the gestures that have become
// certain by the edge's time, oldest first.
//
// Edges may be missing (a kernel keeps only the last 16 that were not read):
// an edge to the level the contact has already is further bounce. A time before
// one already seen counts as that one.
func (d *Detector) Edge(e device.Edge) []Gesture {
	found := d.At(e.At)
	d.raw = e.Active
	d.settling = d.raw != d.down
	if d.settling {
		d.settle = d.now.Add(d.cfg.Debounce) // each edge starts the quiet time anew
	}
	return append(found, d.At(d.now)...) // without debouncing, it counts now
}

// At returns the gestures that have become certain by now, oldest first.
func (d *Detector) At(now time.Time) []Gesture {
	if now.After(d.now) {
		d.now = now
	}
	var found []Gesture
	for {
		at, step, ok := d.next()
		if !ok || at.After(d.now) {
			return found
		}
		if g, ok := step(at); ok {
			found = append(found, g)
		}
	}
}

// Next returns when At must next be called, and false if only an edge can
// change anything. The time may have passed already.
func (d *Detector) Next() (time.Time, bool) {
	at, _, ok := d.next()
	return at, ok
}

// next returns the earliest thing that is due and what to do then. Of two that
// are due together the one that ends a wait comes before the one that changes
// the level: a button held for exactly LongPress was held long enough.
func (d *Detector) next() (at time.Time, step func(time.Time) (Gesture, bool), ok bool) {
	consider := func(t time.Time, s func(time.Time) (Gesture, bool)) {
		if !ok || t.Before(at) {
			at, step, ok = t, s, true
		}
	}
	if d.down && d.stage == undecided && d.cfg.Long {
		consider(d.since.Add(d.cfg.LongPress), d.heldLong)
	}
	if d.down && d.stage != stuck && d.cfg.Stuck > 0 {
		consider(d.since.Add(d.cfg.Stuck), d.heldForEver)
	}
	if !d.first.IsZero() {
		consider(d.first.Add(d.cfg.DoublePress), d.noSecond)
	}
	if d.settling {
		consider(d.settle, d.settled)
	}
	return at, step, ok
}

func (d *Detector) heldLong(time.Time) (Gesture, bool) {
	d.stage, d.first = decided, time.Time{}
	return LongPress, true
}

func (d *Detector) heldForEver(time.Time) (Gesture, bool) {
	d.stage, d.first = stuck, time.Time{}
	return Stuck, true
}

// noSecond closes the window of a double press.
func (d *Detector) noSecond(time.Time) (Gesture, bool) {
	d.first = time.Time{}
	if d.down && d.cfg.Long {
		return 0, false // still held: it may become a long press
	}
	d.stage = decided
	return Press, true
}

// settled makes the contact's level count.
func (d *Detector) settled(at time.Time) (Gesture, bool) {
	d.settling = false
	d.down = d.raw
	if d.down {
		return d.pressed(at)
	}
	return d.released()
}

func (d *Detector) pressed(at time.Time) (Gesture, bool) {
	d.since, d.stage = at, undecided
	switch {
	case !d.first.IsZero():
		d.stage, d.first = decided, time.Time{}
		return DoublePress, true
	case d.cfg.Double:
		d.first = at
	case !d.cfg.Long:
		d.stage = decided
		return Press, true
	}
	return 0, false
}

func (d *Detector) released() (Gesture, bool) {
	if d.stage != undecided || !d.first.IsZero() {
		return 0, false
	}
	d.stage = decided
	return Press, true
}
