// Package broker runs an MQTT broker inside the process: nats-server, with the
// access list of the outside contract, section 1, a durable feed of events, and a client
// of the service's own.
//
// A fleet service needs four things of a broker: to publish (retained or not),
// to subscribe, a feed of events that are acknowledged after they are stored,
// and a way to throw a client out. Broker has just these as methods, so that a
// service that takes them as an interface can also work with a broker of its own
// choice; all but the feed and Kick are plain MQTT.
//
// # Why
//
// Of the engines tried, nats-server lost no acknowledged event when killed,
// passed every check of access, wills, retained messages and takeover, and is
// the same engine when it grows into a cluster. It has its prices. It keeps
// a QoS 1 publication only while a consumer wants it: so the durable consumer
// is made first and terminals are let in after it. It does not tell the
// authentication hook the MQTT client id, without which any terminal could
// evict any other: so the hook asks the monitoring table. And a subscription at
// QoS 1 costs it a stored consumer each, of which it allows 1,000: terminals
// subscribe at QoS 0. A retained message is found by subscriptions made a few
// milliseconds after its PUBACK, not from the very moment on.
//
// With Config.Sync each event is on disk before its PUBACK, at the price of
// about a tenth of the rate; without it a power cut (not a crash) may lose the
// last two minutes, which terminals with delivery "backend" repeat.
package broker
