package rtc

import (
	"time"

	"github.com/pion/webrtc/v4"
)

const (
	// pollsPerTimeout and the two bounds give the interval at which the path is
	// looked at: fine enough to tell silence from its end, and cheap.
	pollsPerTimeout = 16
	minPoll         = 50 * time.Millisecond
	maxPoll         = 500 * time.Millisecond
)

// supervise is the one goroutine that calls Candidate, Up and Down. It ends
// when the peer is closed.
func (p *Peer) supervise() {
	poll := time.NewTicker(min(max(p.endpoint.cfg.MediaTimeout/pollsPerTimeout, minPoll), maxPoll))
	defer poll.Stop()
	var (
		isUp, isDown bool
		responses    uint64 // to our STUN checks, as last seen
	)
	down := func(reason string) {
		isDown = true
		last := p.LastHeard()
		p.log.Info("call path lost", "reason", reason, "last_heard", last, "path", *p.route.Load())
		if p.handler.Down != nil {
			p.handler.Down(last)
		}
	}
	for {
		select {
		case <-p.leaving:
			return
		default: // leaving goes before everything else
		}
		select {
		case <-p.leaving:
			return
		case ev := <-p.events:
			switch {
			case ev.candidate != nil:
				if p.handler.Candidate != nil {
					p.handler.Candidate(ev.candidate)
				}
			case ev.state == webrtc.PeerConnectionStateConnected && !isUp && !isDown:
				isUp = true
				p.heard()
				p.up.Store(true)
				p.log.Info("call path connected", "path", *p.route.Load())
				if p.handler.Up != nil {
					p.handler.Up()
				}
			case ev.state == webrtc.PeerConnectionStateFailed && !isDown:
				// ICE gives up later than the silence rule below, so this is
				// a path that was never found or a DTLS handshake that failed.
				down("not connected")
			}
		case <-poll.C:
			if !isUp || isDown {
				continue
			}
			// Only answers to our own checks count: they are keyed, and they
			// are the consent to go on sending (RFC 7675, section 5.1).
			if s, ok := p.ice.GetSelectedCandidatePairStats(); ok && s.ResponsesReceived != responses {
				responses = s.ResponsesReceived
				p.heard()
			}
			if p.endpoint.now().Sub(p.LastHeard()) >= p.endpoint.cfg.MediaTimeout {
				down("silent")
			}
		}
	}
}

// heard notes that something was received from the other side just now.
func (p *Peer) heard() {
	p.heardAt.Store(max(int64(time.Since(p.endpoint.origin)), 1))
}

// LastHeard returns when something was last received from the other side: RTP
// and RTCP exactly, STUN to within half a second. It is zero before Up.
func (p *Peer) LastHeard() time.Time {
	at := p.heardAt.Load()
	if at == 0 {
		return time.Time{}
	}
	return p.endpoint.origin.Add(time.Duration(at))
}
