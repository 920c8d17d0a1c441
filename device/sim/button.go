package sim

import (
	"context"
	"fmt"
	"sync"
	"time"

	"hailpoint/device"
)

// Button is a simulated device.Button. Like a wire, it has a level whether
// anybody watches or not, and edges that nobody watches are lost. It is safe for
// concurrent use, but two presses at once mix like two fingers.
type Button struct {
	name string
	news chan struct{} // holds one token while queue or failure has something new

	mu      sync.Mutex // guards the fields below
	active  bool
	watched bool
	queue   []device.Edge
	failure error
}

var _ device.Button = (*Button)(nil)

// NewButton returns a button that is not pressed. name is its name in the
// configuration.
func NewButton(name string) *Button {
	return &Button{name: name, news: make(chan struct{}, 1)}
}

// Name implements device.Button.
func (b *Button) Name() string { return b.name }

// Active reports whether the contact is at its active level.
func (b *Button) Active() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.active
}

// Set puts the contact to a level. A change is one clean edge; no change is
// none. It never blocks.
func (b *Button) Set(active bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if active == b.active {
		return
	}
	b.active = active
	b.emit(device.Edge{Active: active, At: time.Now()})
}

// Bounce puts the contact to a level as worn metal does: in edges changes, gap
// apart, the last of which reaches the level. It takes one more where edges
// changes would end at the other level. It returns early with ctx's error if ctx
// ends.
func (b *Button) Bounce(ctx context.Context, active bool, edges int, gap time.Duration) error {
	if (edges%2 == 1) != (b.Active() != active) {
		edges++
	}
	for n := range edges {
		if n > 0 {
			if err := wait(ctx, gap); err != nil {
				return fmt.Errorf("bounce simulated button %q: %w", b.name, err)
			}
		}
		b.Set(((edges-n)%2 == 1) == active)
	}
	return nil
}

// Press holds the button for hold and lets it go, with one clean edge each. If
// ctx ends it lets go early and returns ctx's error.
func (b *Button) Press(ctx context.Context, hold time.Duration) error {
	b.Set(true)
	defer b.Set(false)
	if err := wait(ctx, hold); err != nil {
		return fmt.Errorf("press simulated button %q: %w", b.name, err)
	}
	return nil
}

// Fail makes the running Watch, or else the next one, return err, like a chip
// that was unplugged.
func (b *Button) Fail(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.failure = err
	b.wake()
}

// Watch implements device.Button. Only one Watch may run at a time.
func (b *Button) Watch(ctx context.Context, edges chan<- device.Edge) error {
	if err := b.begin(); err != nil {
		return err
	}
	defer b.end()
	for {
		pending, err := b.take()
		for _, e := range pending {
			select {
			case edges <- e:
			case <-ctx.Done():
				return nil
			}
		}
		if err != nil {
			return fmt.Errorf("watch simulated button %q: %w", b.name, err)
		}
		select {
		case <-b.news:
		case <-ctx.Done():
			return nil
		}
	}
}

func (b *Button) begin() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.watched {
		return fmt.Errorf("watch simulated button %q: another Watch is running; end that one first", b.name)
	}
	b.watched, b.queue = true, nil
	if b.active {
		b.emit(device.Edge{Active: true, At: time.Now()})
	}
	return nil
}

func (b *Button) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.watched, b.queue = false, nil
}

func (b *Button) take() ([]device.Edge, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	pending, err := b.queue, b.failure
	b.queue, b.failure = nil, nil
	return pending, err
}

// emit queues e for the Watch that runs, if one does. The caller holds b.mu.
func (b *Button) emit(e device.Edge) {
	if b.watched {
		b.queue = append(b.queue, e)
		b.wake()
	}
}

func (b *Button) wake() {
	select {
	case b.news <- struct{}{}:
	default:
	}
}

// wait returns nil after d, or ctx's error if ctx ends first.
func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
