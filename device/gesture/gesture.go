package gesture

import (
	"errors"
	"fmt"
	"time"
)

// Gesture is what a person did with a button.
type Gesture int

// The gestures.
const (
	// Press is one short press.
	Press Gesture = iota + 1
	// LongPress is a press held for Config.LongPress.
	LongPress
	// DoublePress is two presses within Config.DoublePress.
	DoublePress
	// Stuck is a button held for Config.Stuck: more likely a broken contact, a
	// wedged button or a wrong polarity than a finger.
	Stuck
)

// String returns the gesture's name as the configuration writes it, e.g.
// "long_press".
func (g Gesture) String() string {
	switch g {
	case Press:
		return "press"
	case LongPress:
		return "long_press"
	case DoublePress:
		return "double_press"
	case Stuck:
		return "stuck"
	}
	return fmt.Sprintf("gesture(%d)", int(g))
}

// Config says how one button is read.
type Config struct {
	// Debounce is how long a level must be stable to count. 0 counts at once.
	Debounce time.Duration
	// Long and Double say which gestures the button has a meaning for. An
	// unwanted one is never given and delays nothing.
	Long, Double bool
	// LongPress is how long a long press is held.
	LongPress time.Duration
	// DoublePress is the longest time between the two presses of a double
	// press. A single press waits for it, if Double is wanted.
	DoublePress time.Duration
	// Stuck is how long a button is held before it is taken for broken. 0 means
	// never.
	Stuck time.Duration
}

// Default returns the configuration of a button that knows only Press, with
// the times to use if more is wanted.
func Default() Config {
	return Config{
		Debounce:    20 * time.Millisecond,
		LongPress:   time.Second,
		DoublePress: 400 * time.Millisecond,
		Stuck:       time.Minute,
	}
}

const (
	minDebounce = time.Millisecond
	maxDebounce = time.Second
)

// Validate reports every problem of c by key, or nil. It changes nothing.
func (c Config) Validate() error {
	var errs []error
	if c.Debounce != 0 && (c.Debounce < minDebounce || c.Debounce > maxDebounce) {
		errs = append(errs, fmt.Errorf("debounce: %v is outside %v to %v; a mechanical button needs about 20ms, 0s turns it off", c.Debounce, minDebounce, maxDebounce))
	}
	if c.Long && c.LongPress <= 0 {
		errs = append(errs, fmt.Errorf("long_press_time: %v is no time to hold a button; use about 1s", c.LongPress))
	}
	if c.Double && c.DoublePress <= c.Debounce {
		errs = append(errs, fmt.Errorf("double_press_time: %v leaves no room for a second press after debounce = %v; use about 400ms", c.DoublePress, c.Debounce))
	}
	switch {
	case c.Stuck < 0:
		errs = append(errs, fmt.Errorf("stuck_time: %v is negative; use 0s for never", c.Stuck))
	case c.Stuck > 0 && c.Stuck <= c.longest():
		errs = append(errs, fmt.Errorf("stuck_time: %v is not above the %v that the longest wanted gesture takes; use about 1m", c.Stuck, c.longest()))
	}
	return errors.Join(errs...)
}

// longest returns the longest time any wanted gesture takes.
func (c Config) longest() time.Duration {
	d := c.Debounce
	if c.Long {
		d = max(d, c.LongPress)
	}
	if c.Double {
		d = max(d, c.DoublePress)
	}
	return d
}
