// Package event is the terminal's own vocabulary: one struct for each fact that
// a terminal reports about a call or about itself, and the record that carries
// it to the outside (section 4 of the outside contract).
//
// Other vocabularies are made from these events by package dialect; nothing in
// here knows of them. The package is pure: it reads no clock and makes no ids.
//
// # Why
//
// A struct per fact, and not one struct with many optional fields, lets the
// compiler find the encoder that forgot a field. The price is a table of
// constructors for decoding.
package event
