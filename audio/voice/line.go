package voice

import (
	"sync"
	"sync/atomic"
	"time"

	"hailpoint/audio"
	"hailpoint/audio/playout"
)

// Line is one call leg on a Path. Its methods are safe for concurrent use,
// except that Receive has one caller at a time.
type Line struct {
	path *Path

	packets  *audio.Queue[arrived] // from Receive to the sound thread
	tooLarge atomic.Uint64
	speaker  atomic.Bool

	// Only the sound thread touches these.
	buffer *playout.Buffer
	heard  bool // the line was audible in the last block

	// account is playout's, as of the last block.
	account account

	sending sync.Mutex // for what follows; not on the sound thread
	send    Send
	open    bool   // the microphone
	from    uint64 // first block of its present opening
	closed  bool

	sent, failed atomic.Uint64
	gone         atomic.Bool // closed, for Receive
}

// arrived is a packet from the network.
type arrived struct {
	seq     uint16
	time    uint32
	arrival time.Duration
	size    int
	data    [playout.MaxPayload]byte
}

// packetRoom is the number of packets that may wait for the sound thread: 640 ms
// of 20 ms.
const packetRoom = 32

// Receive takes one Opus packet from the far end, with the sequence number and
// timestamp of its RTP header. It copies payload, never waits, and does nothing
// after Close. A packet that finds no room, because the sound thread has
// stopped, and one of more than 1500 bytes are dropped and counted.
func (l *Line) Receive(seq uint16, timestamp uint32, payload []byte) {
	if l.gone.Load() {
		return
	}
	if len(payload) > playout.MaxPayload {
		l.tooLarge.Add(1)
		return
	}
	p := l.packets.Claim()
	if p == nil {
		return
	}
	p.seq, p.time, p.arrival = seq, timestamp, l.path.cfg.Now()
	p.size = copy(p.data[:], payload)
	l.packets.Commit()
}

// play fills out with the next 10 ms. Sound thread only.
func (l *Line) play(now time.Duration, out *audio.Frame) {
	for p := l.packets.Front(); p != nil; p = l.packets.Front() {
		l.buffer.Put(playout.Packet{Seq: p.seq, Timestamp: p.time, Payload: p.data[:p.size], Arrival: p.arrival})
		l.packets.Release()
	}
	l.buffer.Pull(now, out)
	l.publish()
}

// OpenMicrophone opens or closes the microphone for this line. After opening,
// only sound that the device delivers from then on is sent; after closing, when
// the call has returned, nothing more is.
func (l *Line) OpenMicrophone(open bool) {
	l.path.opening.Lock()
	defer l.path.opening.Unlock()
	l.sending.Lock()
	defer l.sending.Unlock()
	if !l.closed {
		l.openMicrophone(open)
	}
}

// openMicrophone is called with path.opening and sending held.
func (l *Line) openMicrophone(open bool) {
	p := l.path
	switch {
	case open == l.open:
		return
	case open:
		l.from = p.begun.Load() // the block in progress was heard before
		if p.listeners.Load() == 0 {
			p.since.Store(l.from)
		}
		p.listeners.Add(1)
	default:
		p.listeners.Add(-1)
		p.wakeEncoder() // to wipe what is queued
	}
	l.open = open
}

// OpenSpeaker opens or closes the loudspeaker for this line. A line starts with
// it open; the called side closes it until it answers. What comes meanwhile is
// not played later.
func (l *Line) OpenSpeaker(open bool) { l.speaker.Store(open) }

// talk sends a packet that begins with that block, if the microphone was open by
// then.
func (l *Line) talk(packet []byte, block uint64, timestamp uint32) {
	l.sending.Lock()
	defer l.sending.Unlock()
	if !l.open || block < l.from {
		return
	}
	if err := l.send(packet, timestamp); err != nil {
		l.failed.Add(1)
		return
	}
	l.sent.Add(1)
}

// Close takes the line off its path, and its sound fades out. When it returns,
// send is not called again. Closing twice does nothing.
func (l *Line) Close() {
	l.gone.Store(true)
	p := l.path
	p.opening.Lock()
	defer p.opening.Unlock()
	l.sending.Lock()
	defer l.sending.Unlock()
	if l.closed {
		return
	}
	l.openMicrophone(false)
	l.closed = true
	for i := range p.lines {
		p.lines[i].CompareAndSwap(l, nil)
	}
}

// Stats says what a line has done.
type Stats struct {
	// Playout is the account of the line's playout buffer as of the last block.
	Playout playout.Stats
	// Overrun counts packets dropped by Receive because the sound thread did not
	// take them, TooLarge those of more than 1500 bytes.
	Overrun, TooLarge uint64
	// Sent counts packets handed to Send, SendFailed those it refused.
	Sent, SendFailed uint64
}

// Stats returns what the line has done. The figures are taken one by one while
// the sound thread goes on, so they may be one block apart from each other.
func (l *Line) Stats() Stats {
	return Stats{
		Playout:    l.account.load(),
		Overrun:    l.packets.Dropped(),
		TooLarge:   l.tooLarge.Load(),
		Sent:       l.sent.Load(),
		SendFailed: l.failed.Load(),
	}
}
