package rtc

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/pion/ice/v4"
	"github.com/pion/webrtc/v4"
)

const (
	// maxCandidate bounds one candidate as it is signalled, in bytes. Real ones
	// have 100 to 300.
	maxCandidate = 2 << 10
	// maxCandidates bounds the candidates of one peer: each is checked against
	// each of ours, over the network. Hosts with many interfaces have about 20.
	maxCandidates = 64
)

// AddCandidate takes a candidate of the other side: an RTCIceCandidateInit
// object, or null when there will be no more. One that comes before the
// remote description is kept until then.
//
// It returns ErrBadCandidate for what is no candidate, ErrTooManyCandidates
// after 64 of them, and ErrClosed after Close; none of these harms the call.
// Candidates that cannot be used here (.local names, TCP) are accepted and
// ignored, as RFC 8839, section 5.1, asks.
func (p *Peer) AddCandidate(raw json.RawMessage) error {
	c, err := decodeCandidate(raw)
	if err != nil {
		return fmt.Errorf("add a candidate: %w", err)
	}
	if c == nil {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.phase == closed {
		return fmt.Errorf("add a candidate: %w", ErrClosed)
	}
	if p.candidates >= maxCandidates {
		return fmt.Errorf("add a candidate: %w", ErrTooManyCandidates)
	}
	p.candidates++
	if p.phase != agreed {
		p.early = append(p.early, *c)
		return nil
	}
	if err := p.pc.AddICECandidate(*c); err != nil {
		return fmt.Errorf("add a candidate: %w: %w", ErrBadCandidate, err)
	}
	return nil
}

// flush applies the candidates that came before the remote description. The
// caller holds mu.
func (p *Peer) flush() {
	for _, c := range p.early {
		if err := p.pc.AddICECandidate(c); err != nil {
			p.log.Debug("early candidate cannot be used", "error", err)
		}
	}
	p.early = nil
}

// decodeCandidate reads an RTCIceCandidateInit object. It returns nil for one
// that means nothing here: the end of candidates, or one we cannot use.
func decodeCandidate(raw json.RawMessage) (*webrtc.ICECandidateInit, error) {
	if len(raw) > maxCandidate {
		return nil, fmt.Errorf("%w: %d bytes, at most %d are read", ErrBadCandidate, len(raw), maxCandidate)
	}
	var c *webrtc.ICECandidateInit
	if err := json.Unmarshal(raw, &c); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBadCandidate, err)
	}
	if c == nil || c.Candidate == "" { // both are the end of candidates
		return nil, nil //nolint:nilnil // nothing to add is no error
	}
	line := strings.TrimPrefix(c.Candidate, "candidate:")
	// foundation component transport priority address port typ type ...
	// (RFC 8839, section 5.1)
	fields := strings.Fields(line)
	if len(fields) < 8 || fields[6] != "typ" {
		return nil, fmt.Errorf("%w: %.80q", ErrBadCandidate, c.Candidate)
	}
	if !strings.EqualFold(fields[2], "udp") || strings.HasSuffix(strings.ToLower(fields[4]), ".local") {
		return nil, nil //nolint:nilnil // see Why in doc.go
	}
	if _, err := ice.UnmarshalCandidate(line); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBadCandidate, err)
	}
	return c, nil
}

// encodeCandidate writes c as an RTCIceCandidateInit object, and nil, the end of
// candidates, as null.
func encodeCandidate(c *webrtc.ICECandidate) json.RawMessage {
	if c == nil {
		return json.RawMessage("null")
	}
	raw, err := json.Marshal(c.ToJSON())
	if err != nil {
		panic("rtc: a struct of strings and numbers did not encode: " + err.Error())
	}
	return raw
}
