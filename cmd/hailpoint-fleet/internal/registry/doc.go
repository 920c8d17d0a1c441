// Package registry works out, from what terminals publish, what each of them
// is doing and what became of each call. It is pure: payloads and times in,
// facts out.
//
// [Terminals] keeps the latest status of every terminal and decides who is
// there. [Fold] joins the events that all sides of one call reported into one
// record of it, and [Timeline] puts them in one order.
//
// # Why
//
// A call's record is folded anew from its events each time, and never stored:
// a call has a few dozen events, so this costs nothing that anyone would
// notice, and a stored summary could disagree with the events it came from.
//
// A retained status that says "online" is old news: its terminal may have died
// with an earlier broker. So presence has four values and not two, and a
// terminal counts as online only once it was heard. The price is a few seconds
// after a restart of the service in which a terminal is known but not yet heard.
package registry
