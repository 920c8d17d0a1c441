package rtc

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/interceptor"
	"github.com/pion/interceptor/pkg/report"
	"github.com/pion/webrtc/v4"
)

const (
	// payloadOpus is the dynamic payload type we offer; an answer keeps the
	// offerer's.
	payloadOpus = 111
	// keepalive is the interval of STUN consent checks on the path in use.
	// RFC 7675, section 5.1, has 5 s; shorter finds a dead path sooner.
	keepalive = time.Second
	// minCheckTime is the least time that ICE goes on trying to connect: the
	// other side may learn of us only after signalling was repeated.
	minCheckTime = 15 * time.Second
	// maxChecks is how often one candidate pair is tried, every 200 ms, before
	// it is given up: as long as minCheckTime, because a pair that was given up
	// too early is not tried again.
	maxChecks = 75
	// dtlsResend is the first interval of the DTLS handshake's retransmission.
	// RFC 6347, section 4.2.4.1, permits less than its 1 s where latency
	// matters; it doubles with each attempt.
	dtlsResend = 250 * time.Millisecond
)

// opus is the one codec of a call (RFC 7587, sections 6.1 and 7): mono decoding
// is preferred and frames are 20 ms by default, so neither is spelled out.
func opus() webrtc.RTPCodecCapability {
	return webrtc.RTPCodecCapability{
		MimeType:    webrtc.MimeTypeOpus,
		ClockRate:   48000,
		Channels:    2, // always 2 in SDP (RFC 7587, section 7)
		SDPFmtpLine: "minptime=10;useinbandfec=1",
	}
}

// Endpoint makes peers. Its methods may be called from any goroutine. It has no
// goroutine or socket of its own, only those of its peers.
type Endpoint struct {
	cfg      Config
	log      *slog.Logger
	cert     webrtc.Certificate
	digest   string
	settings webrtc.SettingEngine
	// origin is the zero of the clock that dates what is heard. Its monotonic
	// reading keeps that clock steady when the wall clock is set.
	origin time.Time

	mu     sync.Mutex         // guards the next two
	peers  map[*Peer]struct{} // those that have not gone altogether
	closed bool
}

// New returns an endpoint with the settings of cfg, which must be valid.
//
// The certificate is loaded from cfg.CertificateFile, or made and stored
// there. One that cannot be used (corrupt, expired, another kind of key) is
// replaced, and one that cannot be stored is used for this run only; both are
// logged as warnings, since calls work all the same.
func New(cfg Config, log *slog.Logger) (*Endpoint, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("set up calls: %w", err)
	}
	for _, s := range cfg.ICEServers {
		if unused := s.unused(); len(unused) > 0 {
			log.Warn("TURN server without user name and password is not used", "urls", unused)
		}
	}
	origin := time.Now()
	cert, err := certificate(cfg.CertificateFile, origin, log)
	if err != nil {
		return nil, fmt.Errorf("set up calls: %w", err)
	}
	prints, err := cert.GetFingerprints()
	if err != nil {
		return nil, fmt.Errorf("set up calls: fingerprint of the certificate: %w", err)
	}
	return &Endpoint{
		cfg:      cfg,
		log:      log,
		cert:     *cert,
		digest:   prints[0].Algorithm + " " + prints[0].Value,
		settings: settings(cfg, log),
		origin:   origin,
		peers:    map[*Peer]struct{}{},
	}, nil
}

// Close closes all peers and waits until nothing of them is left, but no
// longer than ctx. After it NewPeer returns ErrClosed. It may be called again,
// to go on waiting.
func (e *Endpoint) Close(ctx context.Context) error {
	e.mu.Lock()
	e.closed = true
	peers := slices.Collect(maps.Keys(e.peers))
	e.mu.Unlock()
	for _, p := range peers {
		p.begone()
	}
	for _, p := range peers {
		select {
		case <-p.left:
		case <-ctx.Done():
			return fmt.Errorf("close %d peers: %w (a STUN or TURN server that does not answer is given up after some seconds)", len(peers), ctx.Err())
		}
	}
	return nil
}

// adopt counts p among the peers.
func (e *Endpoint) adopt(p *Peer) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return ErrClosed
	}
	e.peers[p] = struct{}{}
	return nil
}

// forget takes p from the peers.
func (e *Endpoint) forget(p *Peer) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.peers, p)
}

// Fingerprint returns the certificate's fingerprint as it stands in SDP:
// "sha-256 ab:cd:...", in lower case.
func (e *Endpoint) Fingerprint() string { return e.digest }

// settings translates cfg for Pion.
func settings(cfg Config, log *slog.Logger) webrtc.SettingEngine {
	s := webrtc.SettingEngine{LoggerFactory: libraryLog{log}}
	s.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	s.SetIncludeLoopbackCandidate(cfg.Loopback)
	if len(cfg.Interfaces) > 0 {
		s.SetInterfaceFilter(func(name string) bool { return slices.Contains(cfg.Interfaces, name) })
	}
	s.SetHostAcceptanceMinWait(0)
	s.SetSrflxAcceptanceMinWait(0)
	s.SetPrflxAcceptanceMinWait(0)
	s.SetRelayAcceptanceMinWait(0)
	s.SetSTUNGatherTimeout(cfg.GatherTimeout)
	// The silence rule of Peer decides, so ICE must give up later than that:
	// after the sum of the two.
	s.SetICETimeouts(cfg.MediaTimeout/2, max(cfg.MediaTimeout, minCheckTime), keepalive)
	s.SetICEMaxBindingRequests(maxChecks)
	s.DisableActiveTCP(true)
	s.SetDTLSInsecureSkipHelloVerify(true)
	s.SetDTLSRetransmissionInterval(dtlsResend)
	s.DisableCloseByDTLS(true)
	// A track before its first packet: RTCP can be read from the start, and a
	// first packet of an unknown kind cannot hide those after it.
	s.SetFireOnTrackBeforeFirstRTP(true)
	// SSRC lines are optional in SDP (RFC 5576): accept answers without them.
	s.SetHandleUndeclaredSSRCWithoutAnswer(true)
	return s
}

// now returns the wall clock of the start plus the time since: it does not jump
// when the wall clock is set.
func (e *Endpoint) now() time.Time { return e.origin.Add(time.Since(e.origin)) }

// api returns a fresh set of codecs and interceptors for one peer.
func (e *Endpoint) api() (*webrtc.API, error) {
	media := &webrtc.MediaEngine{}
	err := media.RegisterCodec(webrtc.RTPCodecParameters{RTPCodecCapability: opus(), PayloadType: payloadOpus}, webrtc.RTPCodecTypeAudio)
	if err != nil {
		return nil, fmt.Errorf("register Opus: %w", err)
	}
	factory := libraryLog{e.log}
	receiver, err := report.NewReceiverInterceptor(report.ReceiverLog(factory.NewLogger("rtcp_receiver")), report.ReceiverNow(e.now))
	if err != nil {
		return nil, fmt.Errorf("set up RTCP receiver reports: %w", err)
	}
	sender, err := report.NewSenderInterceptor(report.SenderLog(factory.NewLogger("rtcp_sender")), report.SenderNow(e.now))
	if err != nil {
		return nil, fmt.Errorf("set up RTCP sender reports: %w", err)
	}
	registry := &interceptor.Registry{}
	registry.Add(receiver)
	registry.Add(sender)
	return webrtc.NewAPI(
		webrtc.WithMediaEngine(media),
		webrtc.WithSettingEngine(e.settings),
		webrtc.WithInterceptorRegistry(registry),
	), nil
}

// servers translates the configured ICE servers for Pion, which refuses a call
// for a TURN server without credentials.
func (e *Endpoint) servers() []webrtc.ICEServer {
	servers := make([]webrtc.ICEServer, 0, len(e.cfg.ICEServers))
	for _, s := range e.cfg.ICEServers {
		urls := slices.DeleteFunc(slices.Clone(s.URLs), func(u string) bool { return slices.Contains(s.unused(), u) })
		if len(urls) == 0 {
			continue
		}
		servers = append(servers, webrtc.ICEServer{
			URLs:       urls,
			Username:   s.Username,
			Credential: string(s.Password),
		})
	}
	return servers
}
