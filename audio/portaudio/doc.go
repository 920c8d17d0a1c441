// Package portaudio is the sound card of a terminal, through PortAudio: one
// stream that captures and plays blocks of 10 ms at 48 kHz mono, and stays
// open for ever. A missing, unplugged or stalled card is a fault, which
// [Stream.State] tells in words for people and [Stream.Run] repairs as soon as
// it can.
//
// Run opens the card in its own goroutine, because Pa_Initialize probes every
// device (0.05 to 0.3 s measured): a terminal is ready before its sound is.
//
// PortAudio is not safe for concurrent use. One Stream in a process is what
// this package is made for; Devices may be called beside it. A build without
// cgo has the same names, and [ErrUnsupported] as the only fault.
//
// # Why
//
// One full-duplex stream, not two: capture and playback start together and
// keep their distance. Two streams joined by a ring keep what has piled up
// between their starts for ever (94 ms against 11 ms measured).
//
// Our own callback, through cgo, not that of the Go binding and not blocking
// reads and writes. Measured with this package's parameters, 20 ms of latency,
// amd64, Go 1.26, echo from the speaker to the microphone inside the sound
// server, 400 blocks each; allocations and CPU time are those of the process:
//
//	                           PulseAudio (ALSA)             JACK
//	                           round trip  allocs   CPU      round trip  CPU
//	our callback               30 ms       0.01/blk 1.5-2.0% 20 ms       0.6-0.7%
//	callback of the binding    30 ms       0.01/blk 1.4-2.0% 20 ms       0.4-0.6%
//	blocking, 10 ms primed     10 ms       0.01/blk 2.6%     no sound
//	blocking, 20 ms primed     20 ms       0.03/blk 2.4-2.5% no sound
//	blocking, 30 ms primed     30 ms       0.03/blk 2.5%     no sound
//
// (0.01 a block is what the measurement itself allocates; BenchmarkRoundTrip,
// which counts inside the callback, shows 0 for ours.) Neither callback
// allocates; that of the binding finds its stream in a map under a lock, calls
// through reflection, and ends the process without a stack of its own thread
// when a block function panics, so ours replaces it, in twenty lines of C. The
// binding serves for the library's life and the list of devices.
//
// Blocking calls lose three times. PortAudio's emulation of them on JACK takes
// every sample for stereo float and delivered nothing at all; a goroutine in a
// read from a card that is gone cannot be called back; and after a loss of
// sound the program must prime the output again by guess, where the callback
// has PortAudio do it. The price is latency on ALSA: PortAudio fills the
// card's whole buffer before it starts, 10 to 20 ms more than a stream primed
// by hand at the same tolerance of delays.
//
// Late sound: ALSA's PulseAudio plugin, often the default device of a desktop,
// knows no overrun. What a program has missed for 60 ms stays in the
// server's buffer for good: the round trip grew from 30 to 130 and then to
// 260 ms, with PortAudio's thread spinning at 20 to 100 % of a core. The delay
// that PortAudio reports with each block follows the real one within some
// 10 %, so a stream whose shortest delay has grown by more than 15 ms for two
// seconds is opened again, at most every 10 s; that is a gap of 0.3 s and no
// fault. For a card opened as "hw:" PortAudio
// answers an overrun with a restart of both directions, so that it should never
// need this (source read, not measured).
//
// The heartbeat: PortAudio's callbacks are known to stop on ALSA without any
// error, and one of a card that was unplugged may neither return nor be
// stopped. So the count of blocks decides whether sound works. After 1 s
// without a block (3 s at the start) the stream is aborted, closed and, after
// Pa_Terminate, opened on a fresh list of devices. Whatever takes longer than
// 2 s to close is given up: it keeps one thread and PortAudio's old list of
// devices until it returns, and another stream is tried beside it, up to four
// times. PortAudio needs ten minutes to close a stream whose JACK server has
// died; a fault that is [ErrHung] and lasts is best answered by a restart of
// the process. PulseAudio killed and started again is back within a second or
// two, frozen and continued likewise.
//
// Noise: ALSA and JACK write to standard error for each device they do not
// find, dozens of lines at every attempt. Their message handlers are replaced by
// ones that do nothing, which keeps descriptor 2, and so our own log, as it
// is. What they would have said reaches people as the fault. A shared
// libportaudio still prints some lines for a card that breaks or cannot be
// opened.
package portaudio
