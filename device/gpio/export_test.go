package gpio

import (
	"log/slog"

	"hailpoint/device"
)

// LineSet lets a test stand in for the driver.
type LineSet = lineSet

// BoardOn returns a Board with one button and one output on the given lines.
func BoardOn(log *slog.Logger, b ButtonConfig, in LineSet, p PinConfig, out LineSet) (*Board, device.Button, device.Pin) {
	board := &Board{log: log, closing: make(chan struct{})}
	button := newButton(log, b, in, board.closing)
	pin := newPin(p, out)
	board.buttons, board.pins = []*Button{button}, []*Pin{pin}
	return board, button, pin
}
