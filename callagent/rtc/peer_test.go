package rtc_test

import (
	"context"
	"encoding/json"
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"

	"hailpoint/callagent/rtc"
)

func TestSoundFlowsBothWays(t *testing.T) {
	caller, callee := connect(t, endpoint(t, loopback()), endpoint(t, loopback()))
	for _, way := range []struct{ from, to *leg }{{caller, callee}, {callee, caller}} {
		for _, payload := range []string{"one", "two"} {
			if err := way.from.Send([]byte(payload), 960); err != nil {
				t.Fatal(err)
			}
		}
		way.from.Skip(4 * 960)
		if err := way.from.Send([]byte("three"), 960); err != nil {
			t.Fatal(err)
		}
		first := await(t, "first packet", way.to.packets)
		want := []packet{
			{first.seq, first.timestamp, "one"},
			{first.seq + 1, first.timestamp + 960, "two"},
			{first.seq + 2, first.timestamp + 6*960, "three"},
		}
		got := []packet{first, await(t, "second packet", way.to.packets), await(t, "third packet", way.to.packets)}
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("packet %d is %+v, want %+v", i, got[i], want[i])
			}
		}
	}
}

func TestAnOfferIsMadeBeforeAnyCandidateIsKnown(t *testing.T) {
	caller, callee := newLeg(t, endpoint(t, loopback())), newLeg(t, endpoint(t, loopback()))
	offer, answer := describe(t, caller, callee)
	for name, sdp := range map[string]string{"offer": offer, "answer": answer} {
		if strings.Contains(sdp, "a=candidate") {
			t.Errorf("%s waited for candidates:\n%s", name, sdp)
		}
		for _, want := range []string{
			"m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n",
			"a=rtpmap:111 opus/48000/2\r\n",
			"a=fmtp:111 minptime=10;useinbandfec=1\r\n",
			"a=sendrecv\r\n",
			"a=rtcp-mux\r\n",
		} {
			if !strings.Contains(sdp, want) {
				t.Errorf("%s lacks %q:\n%s", name, want, sdp)
			}
		}
		if n := strings.Count(sdp, "m="); n != 1 {
			t.Errorf("%s has %d sections, want 1", name, n)
		}
		if strings.Contains(sdp, "nack") || strings.Contains(sdp, "transport-cc") {
			t.Errorf("%s has feedback that is not implemented:\n%s", name, sdp)
		}
	}
}

func TestCandidatesMayOvertakeTheDescriptions(t *testing.T) {
	caller, callee := newLeg(t, endpoint(t, loopback())), newLeg(t, endpoint(t, loopback()))
	offer, err := caller.Offer(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	trickle(t, caller, callee, nil) // before the callee has the offer
	answer, err := callee.Answer(t.Context(), offer)
	if err != nil {
		t.Fatal(err)
	}
	trickle(t, callee, caller, nil) // before the caller has the answer
	if err := caller.SetAnswer(answer); err != nil {
		t.Fatal(err)
	}
	await(t, "caller's Up", caller.up)
	await(t, "callee's Up", callee.up)
}

func TestAHiddenAddressIsFoundByItsChecks(t *testing.T) {
	// As from a browser without microphone permission.
	address := regexp.MustCompile(`(127\.0\.0\.1|::1) `)
	hide := func(raw json.RawMessage) json.RawMessage {
		return address.ReplaceAll(raw, []byte("5a7b1c2d-0000-4000-8000-0123456789ab.local "))
	}
	caller, callee := newLeg(t, endpoint(t, loopback())), newLeg(t, endpoint(t, loopback()))
	describe(t, caller, callee)
	trickle(t, caller, callee, nil)
	trickle(t, callee, caller, hide)
	await(t, "caller's Up", caller.up)
	await(t, "callee's Up", callee.up)
	hears(t, caller, callee)
	if kind := caller.Stats().Path.Remote.Kind; kind != "prflx" {
		t.Errorf("the callee was found as %q, want prflx", kind)
	}
}

func TestAnAnswerMayComeLate(t *testing.T) {
	// The callee checks in vain until then; that must not use the path up.
	caller, callee := newLeg(t, endpoint(t, loopback())), newLeg(t, endpoint(t, loopback()))
	offer, err := caller.Offer(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	answer, err := callee.Answer(t.Context(), offer)
	if err != nil {
		t.Fatal(err)
	}
	trickle(t, caller, callee, nil)
	trickle(t, callee, caller, nil)
	select {
	case <-callee.up:
		t.Fatal("up without the caller's consent")
	case <-time.After(3 * time.Second):
	}
	if err := caller.SetAnswer(answer); err != nil {
		t.Fatal(err)
	}
	await(t, "caller's Up", caller.up)
	await(t, "callee's Up", callee.up)
}

func TestForeignDescriptionsLeadToACall(t *testing.T) {
	ssrc := regexp.MustCompile(`a=(ssrc|msid)[^\n]*\n`)
	for name, change := range map[string]func(sdp string) string{
		"as they are": func(sdp string) string { return sdp },
		"without SSRC lines": func(sdp string) string {
			return ssrc.ReplaceAllString(sdp, "")
		},
		"with an unknown attribute": func(sdp string) string {
			return strings.Replace(sdp, "a=rtcp-mux\r\n", "a=rtcp-mux\r\na=x-hail:1 2 3\r\n", 1)
		},
		"with further codecs": func(sdp string) string {
			sdp = strings.Replace(sdp, "SAVPF 111\r\n", "SAVPF 63 111 9 0 8 13 110 126\r\n", 1)
			return strings.Replace(sdp, "a=rtpmap:111", "a=rtpmap:63 red/48000/2\r\na=fmtp:63 111/111\r\na=rtpmap:9 G722/8000\r\n"+
				"a=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:13 CN/8000\r\na=rtpmap:110 telephone-event/48000\r\n"+
				"a=rtpmap:126 telephone-event/8000\r\na=rtpmap:111", 1)
		},
		"with Opus under another number": func(sdp string) string {
			return strings.NewReplacer("SAVPF 111", "SAVPF 96", ":111 ", ":96 ").Replace(sdp)
		},
	} {
		t.Run(name, func(t *testing.T) {
			caller, callee := newLeg(t, endpoint(t, loopback())), newLeg(t, endpoint(t, loopback()))
			offer, err := caller.Offer(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			answer, err := callee.Answer(t.Context(), change(offer))
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(name, "another number") {
				change = func(sdp string) string {
					return strings.NewReplacer("SAVPF 96", "SAVPF 111", ":96 ", ":111 ").Replace(sdp)
				}
			}
			if strings.Contains(name, "codecs") { // an answer has only the chosen
				change = func(sdp string) string { return sdp }
			}
			if err := caller.SetAnswer(change(answer)); err != nil {
				t.Fatal(err)
			}
			trickle(t, caller, callee, nil)
			trickle(t, callee, caller, nil)
			await(t, "caller's Up", caller.up)
			await(t, "callee's Up", callee.up)
			if strings.Contains(name, "another number") {
				return // the caller does not know that number
			}
			for _, way := range []struct{ from, to *leg }{{caller, callee}, {callee, caller}} {
				hears(t, way.from, way.to)
			}
		})
	}
}

// hears sends until something arrives: the first packets of a stream that was
// not announced may be lost while its receiver is set up.
func hears(t *testing.T, from, to *leg) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(patience)
	for {
		select {
		case <-tick.C:
			if err := from.Send([]byte("sound"), 960); err != nil {
				t.Fatal(err)
			}
		case p := <-to.packets:
			if p.payload != "sound" {
				t.Errorf("heard %q", p.payload)
			}
			return
		case <-limit:
			t.Fatal("nothing heard")
		}
	}
}

func TestVideoIsDeclinedAndTheCallWorks(t *testing.T) {
	caller, callee := newLeg(t, endpoint(t, loopback())), newLeg(t, endpoint(t, loopback()))
	offer, err := caller.Offer(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ice := regexp.MustCompile(`a=(setup|ice-ufrag|ice-pwd)[^\n]*\n`).FindAllString(offer, -1)
	video := "m=video 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=mid:1\r\na=rtcp-mux\r\n" + strings.Join(ice, "") +
		"a=rtpmap:96 VP8/90000\r\na=sendrecv\r\n"
	second := strings.NewReplacer("m=video", "m=audio", "mid:1", "mid:2", "VP8/90000", "opus/48000/2").Replace(video)
	answer, err := callee.Answer(t.Context(), strings.Replace(offer, "BUNDLE 0", "BUNDLE 0 1 2", 1)+video+second)
	if err != nil {
		t.Fatal(err)
	}
	sections := strings.Split(answer, "m=")
	if len(sections) != 4 {
		t.Fatalf("the answer has %d sections, want 3:\n%s", len(sections)-1, answer)
	}
	if !strings.HasPrefix(sections[2], "video 0 ") && !strings.Contains(sections[2], "a=inactive") {
		t.Errorf("video is not declined:\n%s", sections[2])
	}
	if !strings.Contains(sections[3], "a=inactive") && !strings.HasPrefix(sections[3], "audio 0 ") {
		t.Errorf("second audio section is not declined:\n%s", sections[3])
	}
	// The caller here offered audio only, so it takes only that part back.
	audio := strings.NewReplacer("BUNDLE 0 1 2", "BUNDLE 0", "BUNDLE 0 2", "BUNDLE 0").Replace(sections[0] + "m=" + sections[1])
	if err := caller.SetAnswer(audio); err != nil {
		t.Fatal(err)
	}
	trickle(t, caller, callee, nil)
	trickle(t, callee, caller, nil)
	await(t, "caller's Up", caller.up)
	await(t, "callee's Up", callee.up)
	hears(t, caller, callee)
	hears(t, callee, caller)
}

func TestMethodsOutOfOrderAreRefused(t *testing.T) {
	e := endpoint(t, loopback())
	offer, err := newLeg(t, e).Offer(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	answer, err := newLeg(t, e).Answer(t.Context(), offer)
	if err != nil {
		t.Fatal(err)
	}
	offered := func(p *leg) error { _, err := p.Offer(t.Context()); return err }
	answered := func(p *leg) error { _, err := p.Answer(t.Context(), offer); return err }
	shut := func(p *leg) error { return p.Close(t.Context()) }
	for name, tt := range map[string]struct {
		before func(*leg) error
		do     func(*leg) error
		want   error
	}{
		"a second offer":                        {offered, offered, rtc.ErrOrder},
		"an offer after an answer":              {answered, offered, rtc.ErrOrder},
		"an answer after an offer":              {offered, answered, rtc.ErrOrder},
		"a second answer":                       {answered, answered, rtc.ErrOrder},
		"taking an answer without an offer":     {nil, func(p *leg) error { return p.SetAnswer(answer) }, rtc.ErrOrder},
		"taking an answer when answered":        {answered, func(p *leg) error { return p.SetAnswer(answer) }, rtc.ErrOrder},
		"an offer after Close":                  {shut, offered, rtc.ErrClosed},
		"an answer after Close":                 {shut, answered, rtc.ErrClosed},
		"taking an answer after Close":          {shut, func(p *leg) error { return p.SetAnswer(answer) }, rtc.ErrClosed},
		"a candidate after Close":               {shut, func(p *leg) error { return p.AddCandidate(json.RawMessage(host)) }, rtc.ErrClosed},
		"sending before the path is up":         {offered, func(p *leg) error { return p.Send([]byte{1}, 960) }, rtc.ErrNotUp},
		"sending after Close":                   {shut, func(p *leg) error { return p.Send([]byte{1}, 960) }, rtc.ErrClosed},
		"sending nothing":                       {offered, func(p *leg) error { return p.Send(nil, 960) }, rtc.ErrPayloadSize},
		"sending more than an Opus frame":       {offered, func(p *leg) error { return p.Send(make([]byte, 1276), 960) }, rtc.ErrPayloadSize},
		"an offer when the caller has given up": {nil, func(p *leg) error { _, err := p.Offer(ended(t)); return err }, context.Canceled},
		"closing twice":                         {shut, shut, nil},
	} {
		t.Run(name, func(t *testing.T) {
			p := newLeg(t, e)
			if tt.before != nil {
				if err := tt.before(p); err != nil {
					t.Fatal(err)
				}
			}
			if err := tt.do(p); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
}

// ended returns a context that is over.
func ended(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}

func TestCloseLeavesNothingBehind(t *testing.T) {
	// goleak, in TestMain, looks for what was left.
	e := endpoint(t, loopback())
	for name, stop := range map[string]func(caller, callee *leg){
		"before anything": func(*leg, *leg) {},
		"after an offer": func(caller, _ *leg) {
			if _, err := caller.Offer(t.Context()); err != nil {
				t.Error(err)
			}
		},
		"in the middle of connecting": func(caller, callee *leg) {
			describe(t, caller, callee)
			trickle(t, caller, callee, nil)
		},
		"when connected": func(caller, callee *leg) {
			describe(t, caller, callee)
			trickle(t, caller, callee, nil)
			trickle(t, callee, caller, nil)
			await(t, "Up", caller.up)
			await(t, "Up", callee.up)
		},
	} {
		t.Run(name, func(t *testing.T) {
			caller, callee := newLeg(t, e), newLeg(t, e)
			stop(caller, callee)
			if err := caller.Close(t.Context()); err != nil {
				t.Error(err)
			}
			select {
			case <-callee.down:
				t.Error("an orderly close was taken for a failure at once")
			default:
			}
			if err := callee.Close(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestClosingTheEndpointClosesItsPeers(t *testing.T) {
	e := endpoint(t, loopback())
	caller, callee := connect(t, e, e)
	if err := e.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, l := range []*leg{caller, callee} {
		if err := l.Send([]byte("sound"), 960); !errors.Is(err, rtc.ErrClosed) {
			t.Errorf("Send: %v, want ErrClosed", err)
		}
		if s := l.Stats(); s.Path == (rtc.Path{}) {
			t.Error("the figures of an ended call are gone")
		}
	}
	if _, err := e.NewPeer(rtc.Handler{}); !errors.Is(err, rtc.ErrClosed) {
		t.Errorf("NewPeer: %v, want ErrClosed", err)
	}
}

func TestStatsTellWhatHappened(t *testing.T) {
	caller, callee := connect(t, endpoint(t, loopback()), endpoint(t, loopback()))
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	deadline := time.Now().Add(patience)
	for callee.Stats().Received < 20 || caller.Stats().RTT == 0 || caller.Stats().RemoteJitter == 0 {
		<-tick.C
		if time.Now().After(deadline) {
			t.Fatalf("figures stay incomplete:\ncaller %+v\ncallee %+v", caller.Stats(), callee.Stats())
		}
		if err := caller.Send(make([]byte, 80), 960); err != nil {
			t.Fatal(err)
		}
	}
	sent, got := caller.Stats(), callee.Stats()
	if got.Lost != 0 || got.ReceivedBytes != got.Received*80 || sent.Sent < 20 || sent.SentBytes != sent.Sent*80 || sent.RemoteLost != 0 {
		t.Errorf("caller %+v\ncallee %+v", sent, got)
	}
	if sent.RTT > 5*time.Second {
		t.Errorf("round trip %v on loopback", sent.RTT)
	}
	if p := sent.Path; p.Local.Network != "udp" || p.Local.Kind != "host" || p.Relayed() || p.Local.HostPort == "" || p.String() == "none" {
		t.Errorf("path %+v", p)
	}
	if sent.LastHeard.IsZero() || got.LastHeard.IsZero() {
		t.Error("LastHeard is zero while connected")
	}
}
