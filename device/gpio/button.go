package gpio

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	pgpio "periph.io/x/conn/v3/gpio"

	"hailpoint/device"
)

const (
	// quietWait bounds each wait for an edge. After it the level is read, so
	// that a lost edge or a dead line is noticed.
	quietWait = 250 * time.Millisecond
	// drainWait is how long old edges are waited for before they count as gone.
	drainWait = 2 * time.Millisecond
	// drainLimit is how many old edges are thrown away at most: a line that
	// never rests must not keep Watch from starting. The kernel keeps 16.
	drainLimit = 64
)

// Button is an input line. Its methods are safe for concurrent use.
type Button struct {
	log        *slog.Logger
	name, line string
	activeLow  bool
	closing    <-chan struct{}

	// turn has room for one: whoever puts a token in may use set until it takes
	// the token out.
	turn chan struct{}
	set  lineSet // nil once closed
}

var _ device.Button = (*Button)(nil)

func newButton(log *slog.Logger, c ButtonConfig, set lineSet, closing <-chan struct{}) *Button {
	return &Button{log: log, name: c.Name, line: c.Line, activeLow: c.ActiveLow, closing: closing, turn: make(chan struct{}, 1), set: set}
}

// Name implements device.Button.
func (b *Button) Name() string { return b.name }

// Watch implements device.Button. An edge is sent as soon as the kernel reports
// it, with the time at which it was read; the level is checked against what was
// sent every quarter of a second. Only one Watch may run at a time.
//
// A line whose chip was removed does not come back in the life of the process.
// It returns ErrClosed when Board.Close is called.
func (b *Button) Watch(ctx context.Context, edges chan<- device.Edge) error {
	err := b.watch(ctx, edges)
	if err != nil && ctx.Err() == nil {
		return fmt.Errorf("watch button %q on line %q: %w", b.name, b.line, err)
	}
	return nil
}

func (b *Button) watch(ctx context.Context, edges chan<- device.Edge) error {
	select {
	case b.turn <- struct{}{}:
	default:
		return errors.New("it is being watched already; end that Watch first")
	}
	defer func() { <-b.turn }()
	if b.set == nil {
		return ErrClosed
	}
	if err := b.drain(); err != nil { // also the first wait, after which Halt is safe
		return err
	}
	defer b.haltWith(ctx)()

	active, err := b.read()
	if err != nil {
		return err
	}
	if active {
		if err := b.send(ctx, edges, device.Edge{Active: true, At: time.Now()}); err != nil {
			return err
		}
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-b.closing:
			return ErrClosed
		default:
		}
		e, ok, err := b.wait(active)
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		active = e.Active
		if err := b.send(ctx, edges, e); err != nil {
			return err
		}
	}
}

// wait returns the next edge, or false after a quiet while. active is the level
// that the receiver knows.
func (b *Button) wait(active bool) (device.Edge, bool, error) {
	e, ok, err := b.edge(quietWait)
	if err != nil || ok {
		return e, ok, err
	}
	is, err := b.read() // a dead line shows itself here
	if err != nil || is == active {
		return device.Edge{}, false, err
	}
	// It changed: just now, so that its edge is on the way, or unseen.
	e, ok, err = b.edge(drainWait)
	if err != nil || ok {
		return e, ok, err
	}
	b.log.Warn("a gpio edge was lost", "button", b.name, "active", is)
	return device.Edge{Active: is, At: time.Now()}, true, nil
}

// edge returns the next edge, or false if none comes within timeout.
func (b *Button) edge(timeout time.Duration) (device.Edge, bool, error) {
	_, edge, err := b.set.WaitForEdge(timeout)
	now := time.Now()
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return device.Edge{}, false, nil
	case err != nil:
		return device.Edge{}, false, err
	case edge == pgpio.NoEdge: // of a kind that the driver does not know
		return device.Edge{}, false, nil
	}
	return device.Edge{Active: (edge == pgpio.RisingEdge) != b.activeLow, At: now}, true, nil
}

// drain throws away the edges from before now.
func (b *Button) drain() error {
	for range drainLimit {
		if _, ok, err := b.edge(drainWait); err != nil || !ok {
			return err
		}
	}
	return nil
}

// read returns whether the contact is at its active level.
func (b *Button) read() (bool, error) {
	levels, err := b.set.Read(theLine)
	return (levels&theLine != 0) != b.activeLow, err
}

func (b *Button) send(ctx context.Context, edges chan<- device.Edge, e device.Edge) error {
	select {
	case edges <- e:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-b.closing:
		return ErrClosed
	}
}

// haltWith cuts the wait short that is running when ctx ends. If none is, the
// next one ends by itself. The function returned undoes it, and returns when
// nothing of it runs any more.
func (b *Button) haltWith(ctx context.Context) (undo func()) {
	set, halted := b.set, make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(halted)
		_ = set.Halt()
	})
	return func() {
		if !stop() {
			<-halted
		}
	}
}

// close gives the line back, after the Watch that is running has returned.
func (b *Button) close() error {
	b.turn <- struct{}{}
	defer func() { <-b.turn }()
	if b.set == nil {
		return nil
	}
	err := b.set.Close()
	b.set = nil
	return err
}
