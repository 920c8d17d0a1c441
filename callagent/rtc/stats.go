package rtc

import (
	"net"
	"strconv"
	"time"

	"github.com/pion/webrtc/v4"
)

// Stats are the figures of one peer since its start.
type Stats struct {
	// Sent and Received are RTP packets; Bytes count their payloads.
	Sent, SentBytes         uint64
	Received, ReceivedBytes uint64
	// Lost is the number of packets expected and not received; repeated packets
	// can make it negative (RFC 3550, appendix A.3).
	Lost int64
	// Jitter is the interarrival jitter (RFC 3550, section 6.4.1).
	Jitter time.Duration
	// RemoteLost, RemoteFractionLost (0 to 1, in the last report interval) and
	// RemoteJitter are what the other side last reported of our packets.
	RemoteLost         int64
	RemoteFractionLost float64
	RemoteJitter       time.Duration
	// RTT is the round trip time by RTCP, or by STUN while RTCP has none; 0 if
	// unknown.
	RTT time.Duration
	// Path is the network path in use; zero while there is none.
	Path Path
	// LastHeard is when something was last received; zero before Up.
	LastHeard time.Time
}

// Path is a pair of ICE candidates that carries a call.
type Path struct {
	Local, Remote Address
}

// Address is one end of a Path.
type Address struct {
	// Kind is host, srflx, prflx or relay (RFC 8839, section 5.1).
	Kind string
	// Network is udp or tcp: for a relay as well, the protocol between the
	// relay and the other side.
	Network string
	// HostPort is the address as "192.0.2.1:5000" or "[2001:db8::1]:5000".
	HostPort string
}

// Relayed tells whether p goes through a TURN server of either side.
func (p Path) Relayed() bool { return p.Local.Kind == "relay" || p.Remote.Kind == "relay" }

// String returns p in one line for logs, e.g.
// "udp host 192.0.2.1:5000 - prflx 192.0.2.7:6000"; "none" for the zero Path.
func (p Path) String() string {
	if p == (Path{}) {
		return "none"
	}
	return p.Local.Network + " " + p.Local.Kind + " " + p.Local.HostPort + " - " + p.Remote.Kind + " " + p.Remote.HostPort
}

// Stats returns the figures of this moment.
func (p *Peer) Stats() Stats {
	s := Stats{
		Sent:      p.out.sent.Load(),
		SentBytes: p.out.bytes.Load(),
		Path:      *p.route.Load(),
		LastHeard: p.LastHeard(),
	}
	p.in.fill(&s)
	p.remote.fill(&s)
	if s.RTT == 0 && p.up.Load() {
		if pair, ok := p.ice.GetSelectedCandidatePairStats(); ok {
			s.RTT = time.Duration(pair.CurrentRoundTripTime * float64(time.Second))
		}
	}
	return s
}

// path translates a pair of candidates of Pion.
func path(pair *webrtc.ICECandidatePair) *Path {
	return &Path{Local: address(pair.Local), Remote: address(pair.Remote)}
}

// address translates a candidate of Pion.
func address(c *webrtc.ICECandidate) Address {
	return Address{
		Kind:     c.Typ.String(),
		Network:  c.Protocol.String(),
		HostPort: net.JoinHostPort(c.Address, strconv.Itoa(int(c.Port))),
	}
}
