// Package callagent is the terminal's own will: one goroutine that owns the
// call, the buttons and the lamps, and that joins them to the link and the
// media, which it reaches through the interfaces in ports.go.
//
// Whatever happens becomes an input of that goroutine: an edge of a button, a
// message, a command, the end of something slow, the passing of time. Decisions
// are made by the pure packages below (call, signal, gesture, led); what they
// decide is carried out here, fast things at once, slow ones by workers that
// report back.
//
// # Why
//
// One owner needs no locks and sees one order of things, which is the order the
// events report. The price is that nothing in the loop may wait, so a leg's
// transport has a worker of its own.
package callagent
