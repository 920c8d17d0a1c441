package rtc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/webrtc/v4"
)

// closeLimit bounds Close when its context does not: leaving a path takes
// milliseconds, and a library that hangs must not hang the caller.
const closeLimit = 5 * time.Second

// phase is how far the negotiation of a Peer has come.
type phase int

const (
	fresh    phase = iota // neither offered nor answered
	offering              // our offer is out, its answer is not here
	agreed                // both descriptions are known
	closed
)

// Peer is one leg of one call. Its methods may be called from any goroutine,
// but Send and Skip from one at a time.
type Peer struct {
	endpoint *Endpoint
	handler  Handler
	log      *slog.Logger

	pc          *webrtc.PeerConnection
	transceiver *webrtc.RTPTransceiver
	sender      *webrtc.RTPSender
	ice         *webrtc.ICETransport

	mu         sync.Mutex // guards the next four
	phase      phase
	early      []webrtc.ICECandidateInit // candidates that came before the remote description
	candidates int                       // candidates taken from the other side
	receiving  bool                      // a track is being read

	out     outgoing
	in      reception
	remote  remoteView
	heardAt atomic.Int64 // Endpoint clock, ns; 0: never
	up      atomic.Bool
	route   atomic.Pointer[Path] // the path in use
	// searching is true while servers may still be asked for candidates.
	searching atomic.Bool

	events  chan event    // from Pion's goroutines to supervise
	leaving chan struct{} // closed when Close begins
	quiet   chan struct{} // closed when the goroutines of this package have ended
	left    chan struct{} // closed when those of the library have, too
	leftErr error         // the outcome, set before left is closed
	group   sync.WaitGroup
}

// event is what Pion's callbacks hand to supervise: a state of the connection,
// or a candidate.
type event struct {
	state     webrtc.PeerConnectionState
	candidate json.RawMessage
}

// NewPeer returns a peer that reports to h. Nothing goes over the network, and
// h is not called, before Offer or Answer. The peer must be closed, even when
// the call fails.
func (e *Endpoint) NewPeer(h Handler) (*Peer, error) {
	api, err := e.api()
	if err != nil {
		return nil, fmt.Errorf("make a peer: %w", err)
	}
	policy := webrtc.ICETransportPolicyAll
	if e.cfg.RelayOnly {
		policy = webrtc.ICETransportPolicyRelay
	}
	pc, err := api.NewPeerConnection(webrtc.Configuration{
		ICEServers:         e.servers(),
		ICETransportPolicy: policy,
		BundlePolicy:       webrtc.BundlePolicyMaxBundle,
		Certificates:       []webrtc.Certificate{e.cert},
	})
	if err != nil {
		return nil, fmt.Errorf("make a peer: %w", err)
	}
	p := &Peer{
		endpoint: e,
		handler:  h,
		log:      e.log,
		pc:       pc,
		events:   make(chan event, 64),
		leaving:  make(chan struct{}),
		quiet:    make(chan struct{}),
		left:     make(chan struct{}),
	}
	p.route.Store(&Path{})
	err = p.addSound()
	if err == nil {
		err = e.adopt(p)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("make a peer: %w", err), pc.GracefulClose())
	}
	p.ice.OnSelectedCandidatePairChange(func(pair *webrtc.ICECandidatePair) { p.route.Store(path(pair)) })
	pc.OnICECandidate(func(c *webrtc.ICECandidate) {
		if c == nil {
			p.searching.Store(false)
		}
		p.post(event{candidate: encodeCandidate(c)})
	})
	pc.OnConnectionStateChange(func(s webrtc.PeerConnectionState) { p.post(event{state: s}) })
	pc.OnTrack(func(t *webrtc.TrackRemote, r *webrtc.RTPReceiver) { p.receive(t, r) })
	// An offer may contain a data section, which Pion accepts; no channel of
	// it is ours.
	pc.OnDataChannel(func(d *webrtc.DataChannel) { _ = d.Close() })
	return p, nil
}

// addSound adds the one audio section.
func (p *Peer) addSound() error {
	track, err := webrtc.NewTrackLocalStaticRTP(opus(), "sound", "hailpoint")
	if err != nil {
		return fmt.Errorf("make the outgoing track: %w", err)
	}
	p.transceiver, err = p.pc.AddTransceiverFromTrack(track, webrtc.RTPTransceiverInit{
		Direction: webrtc.RTPTransceiverDirectionSendrecv,
	})
	if err != nil {
		return fmt.Errorf("add the audio section: %w", err)
	}
	p.sender = p.transceiver.Sender()
	p.ice = p.sender.Transport().ICETransport()
	return p.out.start(track)
}

// Offer returns an SDP offer and begins to look for candidates. It does not
// wait for any: they follow through Handler.Candidate, the first perhaps
// before Offer has returned. It returns ErrOrder if this peer has offered or
// answered before.
func (p *Peer) Offer(ctx context.Context) (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.begin(ctx); err != nil {
		return "", fmt.Errorf("make an offer: %w", err)
	}
	offer, err := p.pc.CreateOffer(nil)
	if err != nil {
		return "", fmt.Errorf("make an offer: %w", err)
	}
	if err := p.pc.SetLocalDescription(offer); err != nil {
		return "", fmt.Errorf("make an offer: %w", err)
	}
	p.phase = offering
	p.start()
	return offer.SDP, nil
}

// Answer takes an SDP offer, returns the answer to it, and begins to connect.
// Candidates are reported as by Offer. Of several audio sections the first is
// used; video is declined.
//
// It returns ErrNoCommonCodec if the offer has no audio section with Opus,
// ErrBadDescription if it cannot be understood, and ErrOrder if this peer has
// offered or answered before.
func (p *Peer) Answer(ctx context.Context, offer string) (string, error) {
	if err := checkDescription(webrtc.SDPTypeOffer, offer); err != nil {
		return "", fmt.Errorf("answer an offer: %w", err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.begin(ctx); err != nil {
		return "", fmt.Errorf("answer an offer: %w", err)
	}
	if err := p.setRemote(webrtc.SDPTypeOffer, offer); err != nil {
		return "", fmt.Errorf("answer an offer: %w", err)
	}
	for _, t := range p.pc.GetTransceivers() {
		if t == p.transceiver {
			continue
		}
		if err := t.Stop(); err != nil {
			return "", fmt.Errorf("answer an offer: decline section %q: %w", t.Mid(), err)
		}
	}
	answer, err := p.pc.CreateAnswer(nil)
	if err != nil {
		return "", fmt.Errorf("answer an offer: %w: %w", ErrBadDescription, err)
	}
	if err := p.pc.SetLocalDescription(answer); err != nil {
		return "", fmt.Errorf("answer an offer: %w: %w", ErrBadDescription, err)
	}
	p.phase = agreed
	p.start()
	p.flush()
	return answer.SDP, nil
}

// SetAnswer takes the SDP answer to our offer and begins to connect. Its errors
// are those of Answer; ErrOrder means that there is no offer to be answered.
func (p *Peer) SetAnswer(sdp string) error {
	if err := checkDescription(webrtc.SDPTypeAnswer, sdp); err != nil {
		return fmt.Errorf("take an answer: %w", err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.phase == closed {
		return fmt.Errorf("take an answer: %w", ErrClosed)
	}
	if p.phase != offering {
		return fmt.Errorf("take an answer: %w", ErrOrder)
	}
	if err := p.setRemote(webrtc.SDPTypeAnswer, sdp); err != nil {
		return fmt.Errorf("take an answer: %w", err)
	}
	p.phase = agreed
	p.flush()
	return nil
}

// begin checks that a negotiation may begin. The caller holds mu.
func (p *Peer) begin(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	switch p.phase {
	case fresh:
		return nil
	case closed:
		return ErrClosed
	case offering, agreed:
	}
	return ErrOrder
}

// setRemote applies a checked description. The caller holds mu. A half applied
// one cannot be taken back, so the peer is good for nothing but closing then.
func (p *Peer) setRemote(kind webrtc.SDPType, sdp string) error {
	if err := p.pc.SetRemoteDescription(webrtc.SessionDescription{Type: kind, SDP: sdp}); err != nil {
		p.phase = agreed
		return fmt.Errorf("%w: %w", ErrBadDescription, err)
	}
	return nil
}

// start starts the peer's own goroutines. The caller holds mu.
func (p *Peer) start() {
	if len(p.endpoint.cfg.ICEServers) > 0 && p.pc.ICEGatheringState() != webrtc.ICEGatheringStateComplete {
		p.searching.Store(true)
	}
	p.group.Go(p.supervise)
	p.group.Go(p.readReports)
}

// post hands an event of one of Pion's goroutines to supervise.
func (p *Peer) post(ev event) {
	select {
	case p.events <- ev:
	case <-p.leaving:
	}
}

// Close leaves the path, closes its sockets and waits for all goroutines of
// the peer. It may be called again, also to go on waiting.
//
// A STUN or TURN server that has not answered yet is given up in the
// background, since that takes seconds; [Endpoint.Close] waits for it. The wait
// ends with ctx, and after 5 s in any case; the error then says so and the rest
// goes on in the background as well.
func (p *Peer) Close(ctx context.Context) error {
	p.begone()
	limit := time.NewTimer(closeLimit)
	defer limit.Stop()
	done := p.left
	if p.searching.Load() {
		done = p.quiet
	}
	select {
	case <-done:
		select {
		case <-p.left:
			return p.leftErr
		default:
			return nil
		}
	case <-ctx.Done():
		return fmt.Errorf("close a peer: %w (it goes on in the background)", ctx.Err())
	case <-limit.C:
		return fmt.Errorf("close a peer: still busy after %v: %w (it goes on in the background)", closeLimit, context.DeadlineExceeded)
	}
}

// begone starts the work of Close, once.
func (p *Peer) begone() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.phase == closed {
		return
	}
	p.phase = closed
	p.up.Store(false)
	close(p.leaving)
	go p.leave() // Close and Endpoint.Close wait for it
}

// leave does the work of Close.
func (p *Peer) leave() {
	go func() { // leave waits for it
		p.group.Wait()
		close(p.quiet)
	}()
	// Graceful: it waits for the library's goroutines, also when the peer is
	// closed in the middle of connecting.
	if err := p.pc.GracefulClose(); err != nil && !errors.Is(err, io.ErrClosedPipe) {
		p.leftErr = fmt.Errorf("close a peer: %w", err)
	}
	<-p.quiet
	p.endpoint.forget(p)
	close(p.left)
}
