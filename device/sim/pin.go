package sim

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"hailpoint/device"
)

// historyLimit is how many changes a Pin remembers: over two minutes of the
// quickest blinking.
const historyLimit = 1024

// Change is one change of a Pin.
type Change struct {
	On bool
	At time.Time
}

// Pin is a simulated device.Pin that remembers what it showed. It is safe for
// concurrent use.
type Pin struct {
	name string
	// onChange is called after each change, or nil.
	onChange func(Change)

	mu      sync.Mutex // guards the fields below
	on      bool
	history []Change
	failure error
	changed chan struct{} // closed and replaced at each change
}

var _ device.Pin = (*Pin)(nil)

// NewPin returns an output that is off. name is its name in the configuration.
func NewPin(name string) *Pin {
	return NewPinFunc(name, nil)
}

// NewPinFunc is like NewPin with a function that Set calls for each change, on
// its own goroutine and with no lock held; it should return quickly.
func NewPinFunc(name string, onChange func(Change)) *Pin {
	return &Pin{name: name, onChange: onChange, changed: make(chan struct{})}
}

// Name implements device.Pin.
func (p *Pin) Name() string { return p.name }

// Set implements device.Pin. It returns the error given to Fail, if any.
func (p *Pin) Set(on bool) error {
	c, changed, err := p.set(on)
	if err != nil {
		return fmt.Errorf("set simulated output %q: %w", p.name, err)
	}
	if changed && p.onChange != nil {
		p.onChange(c)
	}
	return nil
}

func (p *Pin) set(on bool) (c Change, changed bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.failure != nil || on == p.on {
		return Change{}, false, p.failure
	}
	p.on = on
	c = Change{On: on, At: time.Now()}
	if len(p.history) == historyLimit {
		p.history = slices.Delete(p.history, 0, 1)
	}
	p.history = append(p.history, c)
	close(p.changed)
	p.changed = make(chan struct{})
	return c, true, nil
}

// On reports whether the output is on.
func (p *Pin) On() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.on
}

// History returns the changes so far, oldest first, at most the last 1024. The
// first is a change to on, as an output begins off.
func (p *Pin) History() []Change {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.history)
}

// Wait returns nil once the output is on or off, whichever is asked for, at
// once if it is already. If ctx ends first it returns ctx's error.
func (p *Pin) Wait(ctx context.Context, on bool) error {
	for {
		p.mu.Lock()
		now, changed := p.on, p.changed
		p.mu.Unlock()
		if now == on {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("wait for simulated output %q to be %s: %w", p.name, onOff(on), context.Cause(ctx))
		}
	}
}

// Fail makes every later Set return err and change nothing, like a chip that
// was unplugged; nil mends it.
func (p *Pin) Fail(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.failure = err
}

func onOff(on bool) string {
	if on {
		return "on"
	}
	return "off"
}
