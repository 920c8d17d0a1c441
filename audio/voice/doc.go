// Package voice is one terminal's sound path: it stands between the 10 ms
// blocks of one sound device and the Opus packets of the calls that use it.
//
//	sound thread                      goroutine of Run
//	microphone -> mute -> queue ----> encoder -> every line with an open microphone
//
//	sound thread                      goroutine that reads RTP
//	loudspeaker <- limit <- volume <- sum of tone and lines <- playout <- queue <- Receive
//
// The microphone is encoded once, however many lines send it. While no line has
// it open nothing is kept or encoded, and the first packet after it is opened
// holds only what the device delivered afterwards: what was queued before is
// wiped and the encoder is reset. A line that joins while another sends takes
// the running stream over; of the time before, that can carry what the encoder
// still remembers: 6.5 ms, and the coarse copy of one packet that a far end uses
// only if it believes a packet lost.
//
// A muted terminal goes on sending: packets of digital silence. They keep the
// far end's media supervision and its playout in step, cost some bytes each, and
// make unmuting instant. A closed microphone sends nothing.
//
// The clock of the timestamps is that of the sound device, 960 ticks for two
// blocks, and runs on while the microphone is closed. When the device stands
// still for more than 100 ms the clock is set forward by the time lost, so that
// at the far end it is a pause and not a delay.
//
// # Why
//
// Everything the sound thread touches is its own, an atomic, or one end of a
// queue without locks (audio.Queue). It decodes itself, which saves a thread
// switch and a queue per line and keeps the playout buffer in one thread; a block
// costs 16 us with one line and 105 us with eight, of 10 ms, on a 2020s server
// core, and 280 us more for a packet that libopus 1.5 conceals. It does not
// encode: sending ends in the network stack, which may wait.
//
// To wake the encoder, the sound thread sends on a channel with room for one,
// and does not wait when it is full. That is the only thing it does that reaches
// into the scheduler. Polling would avoid it at the price of 200 wake-ups a
// second and 2.5 ms more of delay.
package voice
