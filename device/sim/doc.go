// Package sim has buttons that a program presses and lamps that remember what
// they showed. They stand in for device/gpio in tests, on a machine without
// pins, and under a panel on a screen.
//
// A simulated button delivers edges, not presses, so that everything behind the
// pin is the code that a real button drives: debouncing, gestures and all.
package sim
