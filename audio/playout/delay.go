package playout

import (
	"time"

	"hailpoint/audio"
)

// maxWait is the longest wait that is believed; what waited longer came while
// the sound card stood still, and is not played.
const maxWait = 10 * time.Second

// maxSpan is the largest distance of timestamps, in samples, that is taken for
// sound in one go; more is a jump.
const maxSpan = 2 * audio.SampleRate

const (
	// windowTicks is the length of a window in frames: 200 ms.
	windowTicks = 20
	// noWait marks a window in which nothing was measured.
	noWait = time.Duration(-1 << 62)
)

// delay measures how long packets wait between coming and being played. Of each
// window it keeps the longest wait, which is that of the packet the network held
// up the least: the others only look shorter because they came late. The wait of
// the quickest is therefore the delay that the buffer itself adds, whatever the
// network's jitter is.
type delay struct {
	fresh   bool // a packet came since the last measurement
	time    int64
	arrival time.Duration

	windows [3]time.Duration // the current one and the two before it
	ticks   int
}

// restart forgets what was measured.
func (d *delay) restart() {
	d.windows = [3]time.Duration{noWait, noWait, noWait}
	d.ticks = 0
}

// came notes a packet's coming.
func (d *delay) came(timestamp int64, arrival time.Duration) {
	if !d.fresh || timestamp > d.time {
		d.fresh, d.time, d.arrival = true, timestamp, arrival
	}
}

// measure takes the wait of the newest packet when the sample with timestamp
// head is played at now.
func (d *delay) measure(now time.Duration, head int64) {
	if !d.fresh {
		return
	}
	d.fresh = false
	after := d.time - head
	if after <= -maxSpan || after >= maxSpan {
		return
	}
	if wait := now - d.arrival + length(after); wait < maxWait {
		d.windows[0] = max(d.windows[0], wait)
	}
}

// tick is called for each frame.
func (d *delay) tick() {
	if d.ticks++; d.ticks >= windowTicks {
		d.ticks = 0
		d.windows = [3]time.Duration{noWait, d.windows[0], d.windows[1]}
	}
}

// excess is by how much the delay has been above target (or, negative, below)
// throughout the last two windows, 0 when it was neither.
func (d *delay) excess(target time.Duration) time.Duration {
	least, most := min(d.windows[1], d.windows[2]), max(d.windows[1], d.windows[2])
	switch {
	case least == noWait:
		return 0
	case least > target:
		return least - target
	case most < target:
		return most - target
	}
	return 0
}

// moved corrects what was measured after the sound to come was put off by change.
func (d *delay) moved(change time.Duration) {
	for i, w := range d.windows {
		if w != noWait {
			d.windows[i] = w + change
		}
	}
}

// recent is the delay of late, 0 when nothing came.
func (d *delay) recent() time.Duration {
	for _, w := range [...]time.Duration{d.windows[1], d.windows[2], d.windows[0]} {
		if w != noWait {
			return w
		}
	}
	return 0
}
