// Package dialect turns the terminal's own events into the callback records of
// other call SDKs, so that a backend written for one of them can replay them
// into its handlers unchanged (section 5 of the outside contract).
//
// An Encoder is a fold over the events of a terminal: some callbacks depend on
// what happened earlier in the same call. Feeding an Encoder the same events
// again gives the same records, so its state is rebuilt after a restart by
// feeding it the events that are still in the journal.
//
// The package is pure: no clock, no I/O, no randomness.
package dialect
