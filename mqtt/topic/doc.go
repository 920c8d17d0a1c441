// Package topic builds and parses the MQTT topics of the outside contract
// (the outside contract, sections 1 and 2). It is pure: strings in, strings out.
//
// # Why
//
// Every topic is built and taken apart here and nowhere else, so that the
// broker's access list, the terminal and the fleet service cannot disagree on
// a level. The price is that a caller with a topic in hand must ask Parse who
// sent it, even where a string split would do.
package topic
