package led

import (
	"fmt"
	"time"
)

// Pattern is how a lamp changes over time. Patterns are comparable: start a
// pattern anew only when it differs from the one that is showing. The zero
// Pattern is Off.
type Pattern int

// The patterns.
const (
	// Off is dark.
	Off Pattern = iota
	// Steady is lit.
	Steady
	// SlowBlink is 500 ms lit, 500 ms dark.
	SlowBlink
	// Blink is 250 ms lit, 250 ms dark.
	Blink
	// QuickBlink is 125 ms lit, 125 ms dark.
	QuickBlink
	// Wink is lit but for 100 ms in each second.
	Wink
	// Flash is 100 ms lit every 2 s.
	Flash
	// TwoFlashes is twice 100 ms lit, 100 ms apart, every 2 s.
	TwoFlashes
)

// String returns the pattern's name, e.g. "slow blink".
func (p Pattern) String() string {
	switch p {
	case Off:
		return "off"
	case Steady:
		return "steady"
	case SlowBlink:
		return "slow blink"
	case Blink:
		return "blink"
	case QuickBlink:
		return "quick blink"
	case Wink:
		return "wink"
	case Flash:
		return "flash"
	case TwoFlashes:
		return "two flashes"
	}
	return fmt.Sprintf("pattern(%d)", int(p))
}

// spans returns how long the pattern is lit, dark, lit, dark and so on; then it
// begins again. It returns nil for a pattern that never changes.
func (p Pattern) spans() []time.Duration {
	const ms = time.Millisecond
	switch p {
	case Off, Steady:
		return nil
	case SlowBlink:
		return []time.Duration{500 * ms, 500 * ms}
	case Blink:
		return []time.Duration{250 * ms, 250 * ms}
	case QuickBlink:
		return []time.Duration{125 * ms, 125 * ms}
	case Wink:
		return []time.Duration{900 * ms, 100 * ms}
	case Flash:
		return []time.Duration{100 * ms, 1900 * ms}
	case TwoFlashes:
		return []time.Duration{100 * ms, 100 * ms, 100 * ms, 1700 * ms}
	}
	return nil
}

// On reports whether the lamp is lit when the pattern has been showing for
// elapsed. Every pattern but Off begins lit, so that a change is seen at once.
// A negative elapsed counts as 0.
func (p Pattern) On(elapsed time.Duration) bool {
	on, _, _ := p.at(elapsed)
	return on
}

// Next returns the first elapsed time after the given one at which the lamp
// changes, and false if it never does.
func (p Pattern) Next(elapsed time.Duration) (time.Duration, bool) {
	_, left, changes := p.at(elapsed)
	return max(elapsed, 0) + left, changes
}

// at returns whether the lamp is lit at elapsed, and how long that lasts.
func (p Pattern) at(elapsed time.Duration) (on bool, left time.Duration, changes bool) {
	spans := p.spans()
	if spans == nil {
		return p == Steady, 0, false
	}
	var period time.Duration
	for _, s := range spans {
		period += s
	}
	t := max(elapsed, 0) % period
	on = true
	for _, s := range spans {
		if t < s {
			return on, s - t, true
		}
		t -= s
		on = !on
	}
	panic("led: a time within the period lies in none of its spans")
}
