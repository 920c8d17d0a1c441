package rtc

import (
	"log/slog"
	"testing"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
)

// BenchmarkOwnPacket measures what this package itself does for one packet out
// and one in, without Pion's transport: 0 allocations.
func BenchmarkOwnPacket(b *testing.B) {
	e, err := New(Default(), slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	track, err := webrtc.NewTrackLocalStaticRTP(opus(), "sound", "hailpoint") // bound to no transport
	if err != nil {
		b.Fatal(err)
	}
	p := &Peer{endpoint: e, log: e.log}
	if err := p.out.start(track); err != nil {
		b.Fatal(err)
	}
	p.up.Store(true)
	payload := make([]byte, 80)
	raw, err := (&rtp.Packet{Header: rtp.Header{Version: 2, PayloadType: payloadOpus}, Payload: payload}).Marshal()
	if err != nil {
		b.Fatal(err)
	}
	var packet rtp.Packet
	heard := 0
	p.handler.Packet = func(uint16, uint32, []byte) { heard++ }
	b.ReportAllocs()
	for b.Loop() {
		if err := p.Send(payload, 960); err != nil {
			b.Fatal(err)
		}
		if err := p.take(&packet, raw); err != nil {
			b.Fatal(err)
		}
	}
	if heard != b.N {
		b.Fatalf("heard %d of %d", heard, b.N)
	}
}
