package rtc_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"hailpoint/callagent/rtc"
)

// BenchmarkConnect measures from the making of the offer to Up at both ends:
// two endpoints on the loopback interface, descriptions and candidates handed
// over at once. The figure excludes Close, and what a real signalling path
// adds.
func BenchmarkConnect(b *testing.B) {
	one, two := endpoint(b, loopback()), endpoint(b, loopback())
	for b.Loop() {
		up := make(chan struct{}, 2)
		var caller, callee *rtc.Peer
		ready := make(chan struct{})
		handler := func(other **rtc.Peer) rtc.Handler {
			return rtc.Handler{
				Candidate: func(c json.RawMessage) {
					<-ready
					if err := (*other).AddCandidate(c); err != nil && !errors.Is(err, rtc.ErrClosed) {
						b.Error(err)
					}
				},
				Up: func() { up <- struct{}{} },
			}
		}
		var err error
		if caller, err = one.NewPeer(handler(&callee)); err != nil {
			b.Fatal(err)
		}
		if callee, err = two.NewPeer(handler(&caller)); err != nil {
			b.Fatal(err)
		}
		close(ready)
		offer, err := caller.Offer(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		answer, err := callee.Answer(b.Context(), offer)
		if err != nil {
			b.Fatal(err)
		}
		if err := caller.SetAnswer(answer); err != nil {
			b.Fatal(err)
		}
		await(b, "Up", up)
		await(b, "Up", up)
		b.StopTimer()
		for _, p := range []*rtc.Peer{caller, callee} {
			if err := p.Close(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
		b.StartTimer()
	}
	b.ReportMetric(b.Elapsed().Seconds()*1000/float64(b.N), "ms/connect")
}

// BenchmarkPacket measures one 20 ms packet all the way: Send, encryption, two
// passes through the kernel, decryption, Handler.Packet. Nothing of it is
// allocated by this package; the allocations shown are Pion's (packet headers,
// interceptor attributes, decryption). BenchmarkOwnPacket shows ours alone.
func BenchmarkPacket(b *testing.B) {
	arrived := make(chan struct{}, 1)
	caller := newLeg(b, endpoint(b, loopback()))
	callee := &leg{up: make(chan struct{}, 1), candidates: make(chan json.RawMessage, 100)}
	p, err := endpoint(b, loopback()).NewPeer(rtc.Handler{
		Candidate: func(c json.RawMessage) { callee.candidates <- c },
		Up:        func() { callee.up <- struct{}{} },
		Packet:    func(uint16, uint32, []byte) { arrived <- struct{}{} },
	})
	if err != nil {
		b.Fatal(err)
	}
	callee.Peer = p
	defer func() {
		if err := p.Close(b.Context()); err != nil {
			b.Error(err)
		}
	}()
	describe(b, caller, callee)
	trickle(b, caller, callee, nil)
	trickle(b, callee, caller, nil)
	await(b, "Up", caller.up)
	await(b, "Up", callee.up)
	payload := make([]byte, 80) // 32 kbit/s
	b.ReportAllocs()
	limit := time.NewTimer(0)
	for b.Loop() {
		if err := caller.Send(payload, 960); err != nil {
			b.Fatal(err)
		}
		limit.Reset(patience)
		select {
		case <-arrived:
		case <-limit.C:
			b.Fatal("lost on loopback")
		}
	}
}

// BenchmarkSend measures Send alone: the packet's way to the kernel.
func BenchmarkSend(b *testing.B) {
	caller, _ := connect(b, endpoint(b, loopback()), endpoint(b, loopback()))
	payload := make([]byte, 80)
	b.ReportAllocs()
	for b.Loop() {
		if err := caller.Send(payload, 960); err != nil {
			b.Fatal(err)
		}
	}
}
