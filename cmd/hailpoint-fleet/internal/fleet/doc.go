// Package fleet keeps watch over the terminals: it stores what they report,
// tells them what is stored, and tells whoever follows what changes.
//
// # Why
//
// An acknowledgement says that an event and its vocabulary records are stored,
// but nothing in a record says how many of those there are. What helps is order: a
// terminal publishes an event, then its vocabulary records, then the next event,
// on one connection, and the broker keeps that order. So an event is whole once
// a later one of the same journal has come. The newest one has none behind it; it
// counts as whole when its terminal was quiet for [Config.Settle], and if the
// terminal's connection ends before, it is not acknowledged: it comes again, with
// everything that belongs to it. The price is that the newest acknowledgement is
// a moment late, which costs a terminal nothing but a longer memory.
package fleet
