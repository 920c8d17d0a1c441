// Package mqtt keeps one clean MQTT 3.1.1 session with a broker: it connects,
// keeps trying for ever, tells when the session is up or down, and hands over
// what comes in, in order. It knows no topic and no call.
//
// # Why
//
// A paho client is used for one connection only and then thrown away; the
// loop that reconnects is ours. Paho's own reconnection keeps what was in
// flight and sends it again by itself, which the journal already does with
// proof; it waits without a context, and it tries brokers without saying why
// one failed. Dialling is ours for the same reason: a stop must not wait for a
// TCP timeout, TLS errors are told with their cause, and a connection on which
// nothing arrives for one and a half keep-alive periods is closed although the
// library's pinger looks only every five seconds. The price is that a message
// published while there is no session is an error, at once, for the caller to
// handle.
package mqtt
