package rtc

import "errors"

// Errors a caller branches on. All are wrapped with what was attempted.
var (
	// ErrNoCommonCodec means that the other side offers or accepts no audio
	// section with Opus: a call with it cannot carry sound.
	ErrNoCommonCodec = errors.New("no audio section with Opus")
	// ErrBadDescription means that an SDP text was malformed, oversized or
	// unusable.
	ErrBadDescription = errors.New("unusable session description")
	// ErrBadCandidate means that a candidate was malformed or oversized.
	ErrBadCandidate = errors.New("unusable ICE candidate")
	// ErrTooManyCandidates means that the other side sent more candidates than
	// any real host has; the surplus is ignored.
	ErrTooManyCandidates = errors.New("too many ICE candidates")
	// ErrOrder means that a method was called in a state in which it has no
	// meaning, e.g. SetAnswer without Offer.
	ErrOrder = errors.New("not possible in this state of the negotiation")
	// ErrNotUp means that there is no connected path to send on.
	ErrNotUp = errors.New("transport is not up")
	// ErrPayloadSize means that an RTP payload was empty or above 1275 bytes,
	// the largest Opus frame (RFC 6716, section 3.4, R2).
	ErrPayloadSize = errors.New("payload size outside 1 to 1275 bytes")
	// ErrClosed means that the peer, or its endpoint, has been closed.
	ErrClosed = errors.New("closed")
)
