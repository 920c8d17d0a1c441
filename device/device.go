// Package device names the things people touch and see on a terminal: buttons
// and lamps. It holds words only; device/gpio gives them to real pins,
// device/sim to simulated ones.
package device

import (
	"context"
	"time"
)

// Edge is one change of a button's contact, before debouncing.
type Edge struct {
	// Active is true when the contact went to its active level (pressed),
	// whatever voltage that is: polarity is resolved where the pin is read.
	Active bool
	// At is when the change was seen. It carries Go's monotonic reading, so
	// differences between edges do not depend on the wall clock.
	At time.Time
}

// Button is the source of the edges of one contact.
type Button interface {
	// Name is the button's name in the configuration, e.g. "call".
	Name() string
	// Watch sends every edge to edges, oldest first, until ctx ends; then it
	// returns nil. If the contact is active when Watch starts, that is the
	// first edge. It returns an error when the line stops working; the caller
	// may call Watch again.
	Watch(ctx context.Context, edges chan<- Edge) error
}

// Pin is one output line: a lamp or a relay.
type Pin interface {
	// Name is the output's name in the configuration, e.g. "ring".
	Name() string
	// Set switches the output on or off, whatever level that needs. It is
	// called from one goroutine at a time and does not block for longer than
	// one system call.
	Set(on bool) error
}
