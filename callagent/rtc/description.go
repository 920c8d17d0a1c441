package rtc

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pion/sdp/v3"
	"github.com/pion/webrtc/v4"
)

// maxDescription bounds an SDP text, in bytes: a signalling message has no room
// for more. Browsers send 2 to 8 KiB.
const maxDescription = 64 << 10

// checkDescription tells why the text of another side cannot lead to a call,
// before any of it is acted upon.
func checkDescription(kind webrtc.SDPType, text string) error {
	if len(text) > maxDescription {
		return fmt.Errorf("%w: %d bytes, at most %d are read", ErrBadDescription, len(text), maxDescription)
	}
	d := webrtc.SessionDescription{Type: kind, SDP: text}
	parsed, err := d.Unmarshal()
	if err != nil {
		return fmt.Errorf("%w: %w", ErrBadDescription, err)
	}
	if len(parsed.MediaDescriptions) == 0 {
		return fmt.Errorf("%w: no media section in %d bytes", ErrBadDescription, len(text))
	}
	candidates := 0
	for _, m := range parsed.MediaDescriptions {
		for _, a := range m.Attributes {
			if a.Key == sdp.AttrKeyCandidate {
				candidates++
			}
		}
	}
	if candidates > maxCandidates {
		return fmt.Errorf("%w: %w: %d", ErrBadDescription, ErrTooManyCandidates, candidates)
	}
	if !slices.ContainsFunc(parsed.MediaDescriptions, carriesOpus) {
		return ErrNoCommonCodec
	}
	return nil
}

// carriesOpus tells whether m is an audio section in use with Opus among its
// codecs.
func carriesOpus(m *sdp.MediaDescription) bool {
	if m.MediaName.Media != "audio" {
		return false
	}
	// Port 0 means declined, unless the section shares another's port
	// (RFC 9143, section 6).
	if _, bundled := m.Attribute("bundle-only"); m.MediaName.Port.Value == 0 && !bundled {
		return false
	}
	for _, a := range m.Attributes {
		if a.Key != "rtpmap" {
			continue
		}
		// a=rtpmap:111 opus/48000/2 (RFC 7587, section 7)
		format, codec, ok := strings.Cut(a.Value, " ")
		if ok && strings.EqualFold(strings.TrimSpace(codec), "opus/48000/2") && slices.Contains(m.MediaName.Formats, format) {
			return true
		}
	}
	return false
}
