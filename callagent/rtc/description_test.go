package rtc_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"hailpoint/callagent/rtc"
)

// browserOffer is an offer as Chromium makes it for audio, shortened to what
// differs from ours.
const browserOffer = "v=0\r\no=- 6186352571021363215 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n" +
	"a=extmap-allow-mixed\r\na=msid-semantic: WMS s\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126\r\nc=IN IP4 0.0.0.0\r\n" +
	"a=rtcp:9 IN IP4 0.0.0.0\r\na=ice-ufrag:kLmN\r\na=ice-pwd:0123456789abcdefghijklmn\r\na=ice-options:trickle\r\n" +
	"a=fingerprint:sha-256 7B:8B:F0:65:5F:78:E2:51:3B:AC:6F:F3:3F:46:1B:35:DC:B8:5F:64:1A:24:C2:43:F0:A1:58:D0:A1:2C:19:08\r\n" +
	"a=setup:actpass\r\na=mid:0\r\na=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n" +
	"a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01\r\na=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\n" +
	"a=sendrecv\r\na=msid:s t\r\na=rtcp-mux\r\na=rtcp-rsize\r\na=rtpmap:111 opus/48000/2\r\na=rtcp-fb:111 transport-cc\r\n" +
	"a=fmtp:111 minptime=10;useinbandfec=1\r\na=rtpmap:63 red/48000/2\r\na=fmtp:63 111/111\r\na=rtpmap:9 G722/8000\r\n" +
	"a=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:13 CN/8000\r\na=rtpmap:110 telephone-event/48000\r\n" +
	"a=rtpmap:126 telephone-event/8000\r\na=ssrc:3735928559 cname:abc\r\na=ssrc:3735928559 msid:s t\r\n"

func TestOnlyUsableDescriptionsAreTaken(t *testing.T) {
	e := endpoint(t, loopback())
	var candidates strings.Builder
	for i := range 65 {
		fmt.Fprintf(&candidates, "a=candidate:1 1 udp 1 127.0.0.1 %d typ host\r\n", 7000+i)
	}
	replace := func(from, to string) string {
		t.Helper()
		if !strings.Contains(browserOffer, from) {
			t.Fatalf("nothing to replace: %q", from)
		}
		return strings.ReplaceAll(browserOffer, from, to)
	}
	for name, tt := range map[string]struct {
		sdp  string
		want error
	}{
		"a browser's offer is taken":         {browserOffer, nil},
		"Opus in capitals is taken":          {replace("opus/48000/2", "OPUS/48000/2"), nil},
		"a hidden candidate does no harm":    {browserOffer + "a=candidate:1 1 udp 1 5a7b1c2d-0000-4000-8000-0123456789ab.local 7000 typ host\r\n", nil},
		"no Opus is no common codec":         {replace("opus/48000/2", "speex/16000"), rtc.ErrNoCommonCodec},
		"mono Opus is no common codec":       {replace("opus/48000/2", "opus/48000"), rtc.ErrNoCommonCodec},
		"Opus without its format is none":    {replace("SAVPF 111 63", "SAVPF 63"), rtc.ErrNoCommonCodec},
		"a declined section is none":         {replace("m=audio 9", "m=audio 0"), rtc.ErrNoCommonCodec},
		"video alone is none":                {replace("m=audio", "m=video"), rtc.ErrNoCommonCodec},
		"nothing is refused":                 {"", rtc.ErrBadDescription},
		"rubbish is refused":                 {"hello", rtc.ErrBadDescription},
		"half of it is refused":              {browserOffer[:40], rtc.ErrBadDescription},
		"no fingerprint is refused":          {replace("a=fingerprint", "a=finger"), rtc.ErrBadDescription},
		"no ICE password is refused":         {replace("a=ice-pwd", "a=ice-pw"), rtc.ErrBadDescription},
		"no section name is refused":         {replace("a=mid:0\r\n", ""), rtc.ErrBadDescription},
		"above 64 KiB is refused":            {browserOffer + strings.Repeat("a=x-hail:0123456789\r\n", 4000), rtc.ErrBadDescription},
		"a flood of candidates is refused":   {browserOffer + candidates.String(), rtc.ErrTooManyCandidates},
		"a malformed candidate is refused":   {browserOffer + "a=candidate:1 1 udp\r\n", rtc.ErrBadDescription},
		"no session header is only leniency": {replace("a=msid-semantic: WMS s\r\n", ""), nil},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := newLeg(t, e).Answer(t.Context(), tt.sdp)
			if !errors.Is(err, tt.want) {
				t.Errorf("as an offer: got %v, want %v", err, tt.want)
			}
			p := newLeg(t, e)
			if _, err := p.Offer(t.Context()); err != nil {
				t.Fatal(err)
			}
			err = p.SetAnswer(strings.Replace(tt.sdp, "a=setup:actpass", "a=setup:active", 1))
			if !errors.Is(err, tt.want) {
				t.Errorf("as an answer: got %v, want %v", err, tt.want)
			}
		})
	}
}
