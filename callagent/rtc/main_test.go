package rtc_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"testing"
	"time"

	"go.uber.org/goleak"

	"hailpoint/callagent/rtc"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds each wait of a test; it is only reached when the test fails.
const patience = 30 * time.Second

// loopback returns settings for calls within this machine.
func loopback() rtc.Config {
	c := rtc.Default()
	c.Interfaces, c.Loopback = []string{"lo"}, true
	return c
}

// endpoint makes an endpoint on the loopback interface.
func endpoint(tb testing.TB, cfg rtc.Config) *rtc.Endpoint {
	tb.Helper()
	e, err := rtc.New(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(tb.Context()), patience)
		defer cancel()
		if err := e.Close(ctx); err != nil {
			tb.Error(err)
		}
	})
	return e
}

// packet is one call of Handler.Packet.
type packet struct {
	seq       uint16
	timestamp uint32
	payload   string
}

// leg is a peer and what it reports.
type leg struct {
	*rtc.Peer
	up         chan struct{}
	down       chan time.Time
	packets    chan packet
	candidates chan json.RawMessage
}

// newLeg makes a peer whose reports are kept. It is closed with the test.
func newLeg(tb testing.TB, e *rtc.Endpoint) *leg {
	tb.Helper()
	l := &leg{
		up:         make(chan struct{}, 2),
		down:       make(chan time.Time, 2),
		packets:    make(chan packet, 1000),
		candidates: make(chan json.RawMessage, 1000),
	}
	p, err := e.NewPeer(rtc.Handler{
		Candidate: func(c json.RawMessage) { l.candidates <- c },
		Up:        func() { l.up <- struct{}{} },
		Down:      func(at time.Time) { l.down <- at },
		Packet: func(seq uint16, timestamp uint32, payload []byte) {
			select {
			case l.packets <- packet{seq, timestamp, string(payload)}:
			default: // a test that does not look
			}
		},
	})
	if err != nil {
		tb.Fatal(err)
	}
	l.Peer = p
	tb.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(tb.Context()), patience)
		defer cancel()
		if err := p.Close(ctx); err != nil {
			tb.Errorf("Close: %v", err)
		}
	})
	return l
}

// await receives from c what a test waits for.
func await[T any](tb testing.TB, what string, c <-chan T) T {
	tb.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(patience):
		tb.Fatalf("no %s within %v", what, patience)
		panic("unreachable")
	}
}

// trickle hands candidates of one leg to the other as they come, each changed by
// via, until the last.
func trickle(tb testing.TB, from, to *leg, via func(json.RawMessage) json.RawMessage) {
	tb.Helper()
	for {
		c := await(tb, "candidate", from.candidates)
		if via != nil {
			c = via(c)
		}
		if c == nil {
			continue
		}
		if err := to.AddCandidate(c); err != nil {
			tb.Errorf("AddCandidate(%s): %v", c, err)
		}
		if string(c) == "null" {
			return
		}
	}
}

// describe exchanges the descriptions of two legs.
func describe(tb testing.TB, caller, callee *leg) (offer, answer string) {
	tb.Helper()
	offer, err := caller.Offer(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	answer, err = callee.Answer(tb.Context(), offer)
	if err != nil {
		tb.Fatal(err)
	}
	if err := caller.SetAnswer(answer); err != nil {
		tb.Fatal(err)
	}
	return offer, answer
}

// connect brings two new legs up.
func connect(tb testing.TB, a, b *rtc.Endpoint) (caller, callee *leg) {
	tb.Helper()
	caller, callee = newLeg(tb, a), newLeg(tb, b)
	describe(tb, caller, callee)
	trickle(tb, caller, callee, nil)
	trickle(tb, callee, caller, nil)
	await(tb, "caller's Up", caller.up)
	await(tb, "callee's Up", callee.up)
	return caller, callee
}
