package gpio

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"

	pgpio "periph.io/x/conn/v3/gpio"
	"periph.io/x/host/v3/gpioioctl"

	"hailpoint/device"
)

// namesShown is how many names of lines an error lists at most.
const namesShown = 80

// Board holds the claimed lines of a terminal. Its methods are safe for
// concurrent use.
type Board struct {
	log     *slog.Logger
	buttons []*Button
	pins    []*Pin
	closing chan struct{}
	once    sync.Once
}

// Open claims the lines of all buttons and outputs; outputs are switched off.
// No other process can use the lines until Close.
//
// It reports every problem at once, as ErrNoChip, ErrNoLine (with the names
// that exist) or ErrBusy among others, and then holds no line. Call it early,
// before other goroutines open files; see the package documentation.
func Open(log *slog.Logger, buttons []ButtonConfig, pins []PinConfig) (*Board, error) {
	if err := Validate(buttons, pins); err != nil {
		return nil, err
	}
	b := &Board{log: log, closing: make(chan struct{})}
	if len(buttons)+len(pins) == 0 {
		return b, nil
	}
	unusable, err := load()
	if unusable != nil {
		log.Warn("some gpio chips cannot be opened", "error", unusable)
	}
	if err != nil {
		return nil, err
	}
	var errs []error
	for _, c := range buttons {
		button, err := openButton(log, c, b.closing)
		if err != nil {
			errs = append(errs, fmt.Errorf("claim line %q for button %q: %w", c.Line, c.Name, err))
			continue
		}
		b.buttons = append(b.buttons, button)
	}
	for _, c := range pins {
		pin, err := openPin(c)
		if err != nil {
			errs = append(errs, fmt.Errorf("claim line %q for led %q: %w", c.Line, c.Name, err))
			continue
		}
		b.pins = append(b.pins, pin)
	}
	if len(errs) > 0 {
		return nil, errors.Join(explain(errors.Join(errs...)), b.Close())
	}
	log.Info("gpio lines claimed", "buttons", len(b.buttons), "leds", len(b.pins))
	return b, nil
}

// explain adds the names of the lines there are to an error about one that does
// not exist.
func explain(err error) error {
	if !errors.Is(err, ErrNoLine) {
		return err
	}
	names, lerr := Lines()
	if lerr != nil {
		return errors.Join(err, lerr)
	}
	more := ""
	if len(names) > namesShown {
		more = fmt.Sprintf(" and %d more", len(names)-namesShown)
		names = names[:namesShown]
	}
	if len(names) == 0 {
		return fmt.Errorf("%w\nno line of this machine has a name; the board's device tree must give them", err)
	}
	return fmt.Errorf("%w\nthe lines of this machine are: %s%s", err, strings.Join(names, ", "), more)
}

// Buttons returns the buttons in the order of the configuration.
func (b *Board) Buttons() []device.Button {
	out := make([]device.Button, len(b.buttons))
	for i, button := range b.buttons {
		out[i] = button
	}
	return out
}

// Pins returns the outputs in the order of the configuration.
func (b *Board) Pins() []device.Pin {
	out := make([]device.Pin, len(b.pins))
	for i, pin := range b.pins {
		out[i] = pin
	}
	return out
}

// Close switches the outputs off and gives all lines back. A Watch that is
// running returns ErrClosed first, which takes up to a quarter of a second. The
// second and later calls do nothing.
func (b *Board) Close() error {
	var errs []error
	b.once.Do(func() {
		close(b.closing)
		for _, p := range b.pins {
			if err := p.close(); err != nil {
				errs = append(errs, fmt.Errorf("give back the line of led %q: %w", p.name, err))
			}
		}
		for _, button := range b.buttons {
			if err := button.close(); err != nil {
				errs = append(errs, fmt.Errorf("give back the line of button %q: %w", button.name, err))
			}
		}
	})
	return errors.Join(errs...)
}

// openButton claims an input with its resistor and both edges.
func openButton(log *slog.Logger, c ButtonConfig, closing <-chan struct{}) (*Button, error) {
	set, err := claim(c.Line, gpioioctl.LineInput, pgpio.BothEdges, c.Pull.driver())
	if err != nil {
		return nil, err
	}
	return newButton(log, c, set, closing), nil
}

// openPin claims an output and switches it off. The driver cannot claim it with
// a level, so the line is low in between: off, or for an active-low output on.
func openPin(c PinConfig) (*Pin, error) {
	set, err := claim(c.Line, gpioioctl.LineOutput, pgpio.NoEdge, pgpio.PullNoChange)
	if err != nil {
		return nil, err
	}
	p := newPin(c, set)
	if err := p.Set(false); err != nil {
		return nil, errors.Join(err, set.Close())
	}
	return p, nil
}
