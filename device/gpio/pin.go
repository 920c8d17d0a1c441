package gpio

import (
	"errors"
	"fmt"
	"os"
	"sync"

	pgpio "periph.io/x/conn/v3/gpio"

	"hailpoint/device"
)

// ErrClosed is what Watch and Set return after Board.Close.
var ErrClosed = fmt.Errorf("the GPIO lines were given back: %w", os.ErrClosed)

// Pin is an output line. It is safe for concurrent use.
type Pin struct {
	name, line string
	activeLow  bool

	mu  sync.Mutex // guards set
	set lineSet    // nil once closed
}

var _ device.Pin = (*Pin)(nil)

func newPin(c PinConfig, set lineSet) *Pin {
	return &Pin{name: c.Name, line: c.Line, activeLow: c.ActiveLow, set: set}
}

// Name implements device.Pin.
func (p *Pin) Name() string { return p.name }

// Set implements device.Pin with one system call. It returns ErrClosed after
// Board.Close.
func (p *Pin) Set(on bool) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.write(on); err != nil {
		return fmt.Errorf("switch led %q on line %q: %w", p.name, p.line, err)
	}
	return nil
}

// write sets the level. The caller holds p.mu.
func (p *Pin) write(on bool) error {
	if p.set == nil {
		return ErrClosed
	}
	var level pgpio.GPIOValue
	if on != p.activeLow {
		level = theLine
	}
	return p.set.Out(level, theLine)
}

// close switches the output off and gives the line back. What the line does
// then is the chip's affair; most leave the level as it is.
func (p *Pin) close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.set == nil {
		return nil
	}
	err := errors.Join(p.write(false), p.set.Close())
	p.set = nil
	return err
}
