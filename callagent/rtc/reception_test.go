package rtc

import (
	"testing"
	"time"

	"github.com/pion/rtcp"
)

func TestReceptionFollowsRFC3550(t *testing.T) {
	type arrival struct {
		seq  uint16
		late time.Duration // beyond its 20 ms step
	}
	for name, tt := range map[string]struct {
		packets []arrival
		lost    int64
		jitter  bool
	}{
		"nothing is no loss":                    {nil, 0, false},
		"an even stream has no jitter":          {[]arrival{{1, 0}, {2, 0}, {3, 0}}, 0, false},
		"a gap is a loss":                       {[]arrival{{1, 0}, {2, 0}, {5, 0}}, 2, false},
		"a late packet is no loss":              {[]arrival{{1, 0}, {3, 0}, {2, 0}, {4, 0}}, 0, true},
		"a repeated packet makes up for a lost": {[]arrival{{1, 0}, {3, 0}, {3, 0}}, 0, true},
		"numbers wrap":                          {[]arrival{{65534, 0}, {65535, 0}, {0, 0}, {2, 0}}, 1, false},
		"a new start is no loss":                {[]arrival{{1, 0}, {2, 0}, {30000, 0}, {30001, 0}}, 0, false},
		"uneven arrival is jitter":              {[]arrival{{1, 0}, {2, 10 * time.Millisecond}, {3, 0}}, 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			var r reception
			begin := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
			for i, p := range tt.packets {
				// Times step with the order of arrival, but for reordered ones.
				stamp := uint32(4294967000) + uint32(i)*960
				if tt.jitter {
					stamp = uint32(p.seq) * 960
				}
				r.add(p.seq, stamp, 80, begin.Add(time.Duration(i)*20*time.Millisecond+p.late))
			}
			var s Stats
			r.fill(&s)
			if s.Lost != tt.lost || (s.Jitter > 0) != tt.jitter || s.Received != uint64(len(tt.packets)) {
				t.Errorf("%+v", s)
			}
		})
	}
}

func TestRoundTripFollowsRFC3550(t *testing.T) {
	// The example of section 6.4.1, figure 2: A 0xb710:8000, DLSR 5.25 s, LSR
	// 0xb705:2000, delay 6.125 s.
	now := time.Unix(int64(0xb44db710)-ntpEpoch, int64(time.Second/2))
	if got := ntp32(now); got != 0xb7108000 {
		t.Fatalf("NTP time %#x, want 0xb7108000", got)
	}
	for name, tt := range map[string]struct {
		report rtcp.ReceptionReport
		want   time.Duration
	}{
		"the example of the RFC":             {rtcp.ReceptionReport{SSRC: 1, LastSenderReport: 0xb7052000, Delay: 0x00054000}, 6125 * time.Millisecond},
		"no sender report seen":              {rtcp.ReceptionReport{SSRC: 1, Delay: 7}, 0},
		"a report about another stream":      {rtcp.ReceptionReport{SSRC: 2, LastSenderReport: 0xb7052000}, 0},
		"a negative delay is not believed":   {rtcp.ReceptionReport{SSRC: 1, LastSenderReport: 0xb7108001}, 0},
		"a delay of 0 is the shortest known": {rtcp.ReceptionReport{SSRC: 1, LastSenderReport: 0xb7108000}, time.Microsecond},
		"a delay of an hour is not believed": {rtcp.ReceptionReport{SSRC: 1, LastSenderReport: 0xa9008000}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			var v remoteView
			v.add(1, []rtcp.ReceptionReport{tt.report}, now)
			var s Stats
			v.fill(&s)
			if s.RTT != tt.want {
				t.Errorf("round trip %v, want %v", s.RTT, tt.want)
			}
		})
	}
	t.Run("repeated packets make the loss negative", func(t *testing.T) {
		var v remoteView
		v.add(1, []rtcp.ReceptionReport{{SSRC: 1, TotalLost: 0xffffff, FractionLost: 64, Jitter: 48}}, now)
		var s Stats
		v.fill(&s)
		if s.RemoteLost != -1 || s.RemoteFractionLost != 0.25 || s.RemoteJitter != time.Millisecond {
			t.Errorf("%+v", s)
		}
	})
}
