package rtc_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"hailpoint/callagent/rtc"
)

// seeds are an offer and an answer of our own, and texts of others.
func seeds(f *testing.F) {
	f.Helper()
	e := endpoint(f, loopback())
	caller, callee := newLeg(f, e), newLeg(f, e)
	offer, answer := describe(f, caller, callee)
	for _, s := range []string{
		offer, answer, "", "v=0\r\n", browserOffer,
		strings.Replace(offer, "a=mid:0", "a=mid:", 1),
		strings.Replace(offer, "opus/48000/2", "PCMU/8000", 1),
		strings.Replace(offer, "m=audio 9", "m=audio 0", 1),
		strings.ReplaceAll(offer, "a=ice", "a=no"),
		strings.Replace(offer, "a=sendrecv", "a=inactive", 1),
	} {
		f.Add(s)
	}
}

// known tells whether err is one a caller can expect for bad input.
func known(err error) bool {
	return err == nil || errors.Is(err, rtc.ErrBadDescription) || errors.Is(err, rtc.ErrNoCommonCodec)
}

func FuzzAnswer(f *testing.F) {
	seeds(f)
	e := endpoint(f, loopback())
	f.Fuzz(func(t *testing.T, offer string) {
		if _, err := newLeg(t, e).Answer(t.Context(), offer); !known(err) {
			t.Errorf("%v", err)
		}
	})
}

func FuzzSetAnswer(f *testing.F) {
	seeds(f)
	e := endpoint(f, loopback())
	f.Fuzz(func(t *testing.T, answer string) {
		p := newLeg(t, e)
		if _, err := p.Offer(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := p.SetAnswer(answer); !known(err) {
			t.Errorf("%v", err)
		}
	})
}

func FuzzAddCandidate(f *testing.F) {
	for _, s := range []string{
		host, `null`, `{}`, `{"candidate":"candidate:1 1 udp 1 ::1 1 typ srflx raddr 0.0.0.0 rport 0"}`,
		`{"candidate":"candidate:1 1 udp 1 127.0.0.1 1 typ relay raddr 127.0.0.1 rport 2 tcptype so"}`,
	} {
		f.Add(s)
	}
	e := endpoint(f, loopback())
	caller, callee := newLeg(f, e), newLeg(f, e)
	offer, _ := describe(f, caller, callee)
	f.Fuzz(func(t *testing.T, raw string) {
		p := newLeg(t, e)
		if _, err := p.Answer(t.Context(), offer); err != nil {
			t.Fatal(err)
		}
		if err := p.AddCandidate(json.RawMessage(raw)); err != nil && !errors.Is(err, rtc.ErrBadCandidate) {
			t.Errorf("%v", err)
		}
	})
}
