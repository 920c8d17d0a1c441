package rtc_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"hailpoint/callagent/rtc"
)

// host is a candidate as a browser sends it.
const host = `{"candidate":"candidate:1 1 udp 2122260223 127.0.0.1 5000 typ host generation 0 ufrag abcd network-id 1","sdpMid":"0","sdpMLineIndex":0,"usernameFragment":"abcd"}`

func TestCandidatesAreChecked(t *testing.T) {
	e := endpoint(t, loopback())
	for name, tt := range map[string]struct {
		raw  string
		want error
	}{
		"a host candidate is taken":            {host, nil},
		"null ends them":                       {`null`, nil},
		"an empty one ends them":               {`{"candidate":"","sdpMid":"0"}`, nil},
		"one without the prefix is taken":      {`{"candidate":"1 1 udp 2122260223 127.0.0.1 5000 typ host"}`, nil},
		"IPv6 is taken":                        {`{"candidate":"candidate:1 1 udp 2122260223 ::1 5000 typ host"}`, nil},
		"a hidden address is ignored":          {`{"candidate":"candidate:1 1 udp 2113937151 5a7b1c2d-0000-4000-8000-0123456789ab.local 5000 typ host"}`, nil},
		"TCP is ignored":                       {`{"candidate":"candidate:1 1 tcp 1518280447 127.0.0.1 9 typ host tcptype active"}`, nil},
		"no JSON is refused":                   {`candidate`, rtc.ErrBadCandidate},
		"nothing is refused":                   {``, rtc.ErrBadCandidate},
		"another type is refused":              {`{"candidate":7}`, rtc.ErrBadCandidate},
		"an array is refused":                  {`[]`, rtc.ErrBadCandidate},
		"rubbish is refused":                   {`{"candidate":"hello"}`, rtc.ErrBadCandidate},
		"a port out of range is refused":       {`{"candidate":"candidate:1 1 udp 1 127.0.0.1 70000 typ host"}`, rtc.ErrBadCandidate},
		"an unknown kind is refused":           {`{"candidate":"candidate:1 1 udp 1 127.0.0.1 7000 typ moon"}`, rtc.ErrBadCandidate},
		"one above 2 KiB is refused":           {`{"candidate":"` + strings.Repeat("x", 4096) + `"}`, rtc.ErrBadCandidate},
		"a name that is no address is refused": {`{"candidate":"candidate:1 1 udp 1 example.org 7000 typ host"}`, rtc.ErrBadCandidate},
	} {
		t.Run(name, func(t *testing.T) {
			early := newLeg(t, e)
			if err := early.AddCandidate(json.RawMessage(tt.raw)); !errors.Is(err, tt.want) {
				t.Errorf("before the description: got %v, want %v", err, tt.want)
			}
			caller, callee := newLeg(t, e), newLeg(t, e)
			describe(t, caller, callee)
			if err := caller.AddCandidate(json.RawMessage(tt.raw)); !errors.Is(err, tt.want) {
				t.Errorf("after the description: got %v, want %v", err, tt.want)
			}
		})
	}
}

func TestTheNumberOfCandidatesIsBounded(t *testing.T) {
	e := endpoint(t, loopback())
	p := newLeg(t, e)
	for i := range 64 {
		raw := fmt.Sprintf(`{"candidate":"candidate:1 1 udp 1 127.0.0.1 %d typ host"}`, 7000+i)
		if err := p.AddCandidate(json.RawMessage(raw)); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.AddCandidate(json.RawMessage(host)); !errors.Is(err, rtc.ErrTooManyCandidates) {
		t.Errorf("candidate 65: %v", err)
	}
}

func TestOwnCandidatesAreRealAddresses(t *testing.T) {
	p := newLeg(t, endpoint(t, loopback()))
	if _, err := p.Offer(t.Context()); err != nil {
		t.Fatal(err)
	}
	for n := 0; ; n++ {
		raw := await(t, "candidate", p.candidates)
		if string(raw) == "null" {
			if n == 0 {
				t.Error("no candidate at all")
			}
			return
		}
		var c struct {
			Candidate     string  `json:"candidate"`
			SDPMid        *string `json:"sdpMid"`
			SDPMLineIndex *int    `json:"sdpMLineIndex"`
		}
		if err := json.Unmarshal(raw, &c); err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(c.Candidate, "candidate:") || strings.Contains(c.Candidate, ".local") || !strings.Contains(c.Candidate, " typ host") {
			t.Errorf("candidate %q", c.Candidate)
		}
		if c.SDPMid == nil || *c.SDPMid != "0" || c.SDPMLineIndex == nil || *c.SDPMLineIndex != 0 {
			t.Errorf("candidate of no section: %s", raw)
		}
	}
}
