// Package opus encodes and decodes the one codec of a call: Opus (RFC 6716),
// mono at 48 kHz, tuned for speech. It binds libopus and is, with
// audio/portaudio and audio/echo, among the few importers of C. Built without
// cgo, New functions return ErrNoCodec and everything else still compiles;
// what can be read off a packet (Samples, Redundancy) needs no C at all.
//
// # Why
//
// An own binding, because the calls this program needs are few and two of them
// are missing elsewhere: the decoder's complexity, which switches the neural
// concealment of libopus 1.5 on, and a way to know whether a packet holds
// redundancy, without which recovered and concealed sound cannot be told apart.
// The price is this package's C, about forty lines.
//
// The codec's state lives in memory of the Go heap (opus_encoder_init, not
// opus_encoder_create), so there is nothing to close, no finalizer, and no way
// to use it after it was freed. The state has no pointers to Go memory, and the
// heap does not move.
//
// Version 1.3.1 and later work. What a version lacks is left out quietly where
// it only improves the sound: SetComplexity of a Decoder before 1.5.
//
// In-band redundancy needs a bitrate of 24 kbit/s or more: at 16 kbit/s libopus
// leaves it out without a word, and a lost packet is concealed instead.
package opus
