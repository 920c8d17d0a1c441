// Package call is the call state machine: what happened goes in, the new state
// and what is to be done come out. It is pure; time is part of every input.
//
// A State holds at most one call. It has one leg per party invited: a call to
// an address or from one has a single leg, a ring group forks to one leg per
// member until one of them answers.
//
//	Idle -> Dialing -> RingingOut -> Connecting -> Talking -> Idle   (caller)
//	Idle -> RingingIn             -> Connecting -> Talking -> Idle   (callee)
//
// # Why
//
// Everything a backend bills and alarms by is decided here, so here it can be
// tested exhaustively: tables for each rule, a random walk for the rest. The
// price is that effects are data, and that media and signalling report back by
// inputs.
package call
