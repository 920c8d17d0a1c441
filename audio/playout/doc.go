// Package playout turns packets that come when the network pleases into 10 ms
// frames that are due when the sound card says so. It is pure: the clock is an
// argument, the codec an interface.
//
// A Buffer does three things, each in files of its own:
//
//   - It keeps packets (stream.go, store.go): gives them numbers that do not
//     wrap, drops what repeats, comes late or belongs to nobody, and notices when
//     a sender starts anew.
//   - It decides (buffer.go, delay.go): how long sound waits, whether that is
//     more or less than the target, what to throw away.
//   - It renders (render.go, sound.go, stretch.go): decodes, rebuilds a lost
//     packet from the redundancy in the next one or conceals it, fades, and
//     shortens or lengthens the sound by whole periods of the voice.
//
// The delay comes back to the target after every disturbance. When a late packet
// or a clock that runs fast has made it grow, the sound is shortened by 5 to
// 12.5 ms at a time, at most every third frame, until it is right again: 100 ms
// take about half a second. A backlog of more than 200 ms above the target, as
// after an outage or a sound card that stood still, is thrown away at once. When
// the delay has shrunk, because the sender's clock is slow, the sound is
// lengthened in the same way before it runs out.
//
// A pause (the timestamp goes on, the sequence number does not), a timestamp
// that jumps, more than 120 ms without a packet, and another stream under the
// same name all end in the same place: silence or comfort noise until what comes
// has waited for the target, and a fresh start.
//
// # Why
//
// The delay is measured as the wait of the quickest packets, not as the number
// of packets held: that number swings with the network's jitter and with the
// packets' length, and a buffer that steers by it corrects what is right. The
// price is a correction that comes up to 0.4 s after the disturbance.
//
// The target is fixed here. What is to make it follow the network (a histogram
// of how late packets are against the quickest) has its place in delay.go; the
// steering by stretch.go stays as it is.
//
// A late packet is played late rather than dropped, so a spike of delay costs
// 20 ms of invented sound, not of real sound, and the delay it leaves behind is
// taken back afterwards.
package playout
