package rtc

import (
	"encoding/json"
	"time"
)

// Handler is what a Peer reports. A nil field reports nothing.
//
// Candidate, Up and Down are called one at a time, from one goroutine; Packet
// from another. None may block for long or call [Peer.Close]: each should
// translate and hand on. After Close has returned none is called.
type Handler struct {
	// Candidate is called for each address found by which this peer may be
	// reached, to be sent to the other side: an RTCIceCandidateInit object
	// (W3C WebRTC, section 4.8.1.1), or null when there will be no more.
	Candidate func(init json.RawMessage)
	// Up is called once, when ICE and DTLS are both connected: Send works from
	// now on.
	Up func()
	// Down is called once: when nothing was heard for Config.MediaTimeout after
	// Up, or when connecting failed. lastHeard is when something was last
	// received, as by LastHeard; it is zero when Up was never called. The peer
	// must still be closed.
	Down func(lastHeard time.Time)
	// Packet is called for each RTP packet received, in order of arrival: lost
	// packets leave a gap in seq, late and repeated ones arrive as they are.
	// timestamp counts 48 kHz ticks (RFC 7587, section 4.1). payload is one
	// decrypted Opus packet, never empty, and valid only during the call.
	Packet func(seq uint16, timestamp uint32, payload []byte)
}
