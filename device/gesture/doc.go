// Package gesture turns the bouncing edges of one button into what a person
// meant by it: a press, a long press, a double press, or a button that is
// stuck. It is pure: the caller brings the edges and the time.
//
// # Rules
//
// A level counts once it has been stable for Config.Debounce; every time below
// is counted from the moment a level counts.
//
//   - Neither Long nor Double is wanted: Press is given when the press counts,
//     not when the button is let go. A person who clings to the button gets
//     help at once.
//   - Long is wanted: Press is given when the button is let go before
//     Config.LongPress; LongPress is given once, at that time, while the button
//     is still held.
//   - Double is wanted: DoublePress is given when a second press counts within
//     Config.DoublePress of the first; without a second, Press is given when
//     that time is over, whether the button was let go or not (with Long wanted
//     too, not before it was let go).
//   - A button held for Config.Stuck gives Stuck, once. Letting it go gives
//     nothing, and the next press is an ordinary one.
//
// # Use
//
// Feed every edge to Detector.Edge. Keep one timer for Detector.Next and call
// Detector.At when it fires. Both return the gestures that have become certain.
//
// # Why
//
// Debouncing could be left to the kernel, which has it for most pins. It is
// done here because the driver in use does not expose it, because a simulated
// button must feel like a real one, and because a test of it then takes no
// time. The price is one timer for each button.
//
// A press counts after the contact was quiet for the whole debounce time, not
// at its first edge. That costs the debounce time (20 ms, below what a person
// notices) and buys that an electric spark on a long wire never dials anyone.
package gesture
