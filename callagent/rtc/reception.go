package rtc

import (
	"sync"
	"time"

	"github.com/pion/rtcp"
)

const (
	// clockRate is the RTP clock of Opus in hertz (RFC 7587, section 4.1).
	clockRate = 48000
	// maxDropout is the largest step in sequence numbers that is taken for a
	// loss; a larger one is a new start (RFC 3550, appendix A.1).
	maxDropout = 3000
	// ntpEpoch is 1 January 1900 in seconds before the Unix epoch.
	ntpEpoch = 2208988800
	// maxRTT is the longest round trip believed; the counter wraps at 18 h.
	maxRTT = time.Minute
)

// reception counts what arrives, after RFC 3550, appendices A.1, A.3 and A.8.
type reception struct {
	mu       sync.Mutex // guards all below
	started  bool
	highest  uint16
	expected uint64
	received uint64
	bytes    uint64
	transit  uint32 // of the packet before, in ticks
	jitter   float64
}

// add counts a packet that arrived at now.
func (r *reception) add(seq uint16, timestamp uint32, bytes int, now time.Time) {
	arrival := uint32(now.UnixMicro() * (clockRate / 1000) / 1000) //nolint:gosec // G115: wraps as RTP time does
	transit := arrival - timestamp
	r.mu.Lock()
	defer r.mu.Unlock()
	r.received++
	r.bytes += uint64(bytes) //nolint:gosec // G115: a length
	if !r.started {
		r.started = true
		r.highest, r.expected, r.transit = seq, 1, transit
		return
	}
	switch step := int(int16(seq - r.highest)); { //nolint:gosec // G115: serial number arithmetic
	case step > maxDropout || step < -maxDropout:
		r.highest = seq
		r.expected++
	case step > 0:
		r.highest = seq
		r.expected += uint64(step)
	}
	d := int64(int32(transit - r.transit)) //nolint:gosec // G115: the difference wraps
	r.transit = transit
	r.jitter += (float64(max(d, -d)) - r.jitter) / 16
}

// fill writes the counts to s.
func (r *reception) fill(s *Stats) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s.Received, s.ReceivedBytes = r.received, r.bytes
	s.Lost = int64(r.expected) - int64(r.received) //nolint:gosec // G115: 50 a second
	s.Jitter = ticks(r.jitter)
}

// remoteView is how the other side receives us, by its last report.
type remoteView struct {
	mu       sync.Mutex // guards all below
	lost     int64
	fraction float64
	jitter   time.Duration
	rtt      time.Duration
}

// add takes the report about the stream ssrc, if there is one, that arrived at
// now.
func (v *remoteView) add(ssrc uint32, reports []rtcp.ReceptionReport, now time.Time) {
	for _, r := range reports {
		if r.SSRC != ssrc {
			continue
		}
		v.mu.Lock()
		v.lost = int64(int32(r.TotalLost<<8) >> 8) //nolint:gosec // G115: 24 bits, signed
		v.fraction = float64(r.FractionLost) / 256
		v.jitter = ticks(float64(r.Jitter))
		// RFC 3550, section 6.4.1, figure 2: A - LSR - DLSR in 1/65536 s. LSR is
		// 0 as long as the other side has had no sender report.
		if r.LastSenderReport != 0 {
			units := ntp32(now) - r.LastSenderReport - r.Delay
			if rtt := time.Duration(units) * time.Second / 65536; rtt <= maxRTT { // else negative by rounding
				v.rtt = max(rtt, time.Microsecond)
			}
		}
		v.mu.Unlock()
	}
}

// fill writes the view to s.
func (v *remoteView) fill(s *Stats) {
	v.mu.Lock()
	defer v.mu.Unlock()
	s.RemoteLost, s.RemoteFractionLost, s.RemoteJitter, s.RTT = v.lost, v.fraction, v.jitter, v.rtt
}

// ticks converts RTP clock ticks to time.
func ticks(n float64) time.Duration {
	return time.Duration(n * float64(time.Second) / clockRate)
}

// ntp32 is the middle 32 bits of t as an NTP timestamp, in 1/65536 s (RFC 3550,
// section 4).
func ntp32(t time.Time) uint32 {
	seconds := uint64(t.Unix() + ntpEpoch)                         //nolint:gosec // G115: after 1900
	fraction := uint64(t.Nanosecond()) << 16 / uint64(time.Second) //nolint:gosec // G115: below a second
	return uint32(seconds<<16 | fraction)                          //nolint:gosec // G115: the middle 32 bits
}
