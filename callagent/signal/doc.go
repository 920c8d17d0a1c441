// Package signal is the language that the endpoints of a call speak to each
// other (section 6 of the outside contract): the messages, their encoding and
// checks, and the exchange that delivers them once and in order over a
// transport that may lose, repeat and reorder.
//
// The package is pure: time and new ids are inputs, what goes on the wire is a
// return value.
//
// # Why
//
// Signalling travels at MQTT QoS 0 and is repeated here, end to end: a broker's
// acknowledgement proves only that the broker has a message, a received message
// proves that the far end has it. The price is one small answer per message.
package signal
