package terminal

import (
	"context"
	"encoding/json"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"hailpoint/audio"
	"hailpoint/audio/voice"
	"hailpoint/callagent"
	"hailpoint/callagent/rtc"
)

// Card is a sound device: it calls the block function that it was made with
// for every 10 ms until ctx ends, and reopens itself after a fault.
type Card interface {
	Run(ctx context.Context) error
	// State is nil while there is sound, else it says what is wrong.
	State() error
}

// media is the sound of calls: one sound path, and a transport per leg.
type media struct {
	endpoint *rtc.Endpoint
	path     *voice.Path
	card     Card
	volume   *volumeFile
	log      *slog.Logger
	settled  chan struct{} // closed when the device was opened, or could not be, for the first time
	settle   sync.Once
}

var _ callagent.Media = (*media)(nil)

// firstOpen bounds the wait for the sound device after the start.
const firstOpen = 3 * time.Second

// Ready implements callagent.Media.
func (m *media) Ready(ctx context.Context) error {
	wait := time.NewTimer(firstOpen)
	defer wait.Stop()
	select {
	case <-m.settled:
	case <-wait.C:
	case <-ctx.Done():
	}
	return m.card.State()
}

// Play implements callagent.Media.
func (m *media) Play(t audio.Tone) {
	if t == audio.NoTone {
		m.path.Silence()
		return
	}
	m.path.Play(t)
}

// Volume implements callagent.Media.
func (m *media) Volume() int { return m.path.Volume() }

// SetVolume implements callagent.Media.
func (m *media) SetVolume(percent int) {
	if err := m.path.SetVolume(percent); err != nil {
		m.log.Error("volume not set", "percent", percent, "error", err)
		return
	}
	m.volume.keep(percent)
}

// SetMute implements callagent.Media.
func (m *media) SetMute(on bool) { m.path.SetMute(on) }

// Open implements callagent.Media.
func (m *media) Open(callID, peer string, on callagent.LegEvents) callagent.Leg {
	return &leg{media: m, on: on, log: m.log.With("call_id", callID, "peer", peer)}
}

// leg is the way to one party: its transport, and, from the first sound on, a
// line of the sound path.
type leg struct {
	media *media
	on    callagent.LegEvents
	log   *slog.Logger
	peer  *rtc.Peer // set by Offer or Answer, before anything else is called
	quiet bool      // the called side: nothing is played before the answer

	open  atomic.Bool // the microphone may be open
	line  atomic.Pointer[voice.Line]
	mu    sync.Mutex // guards attaching and closing
	ended bool

	// RTP time of the microphone; only voice's sender touches it.
	began bool
	next  uint32
}

var _ callagent.Leg = (*leg)(nil)

// Offer implements callagent.Leg.
func (l *leg) Offer(ctx context.Context) (string, error) {
	if err := l.connect(); err != nil {
		return "", err
	}
	return l.peer.Offer(ctx)
}

// Answer implements callagent.Leg.
func (l *leg) Answer(ctx context.Context, offer string) (string, error) {
	l.quiet = true
	if err := l.connect(); err != nil {
		return "", err
	}
	return l.peer.Answer(ctx, offer)
}

func (l *leg) connect() error {
	p, err := l.media.endpoint.NewPeer(rtc.Handler{
		Candidate: l.on.Candidate, Up: l.on.Up, Down: l.on.Down, Packet: l.receive,
	})
	l.peer = p
	return err
}

// SetAnswer implements callagent.Leg.
func (l *leg) SetAnswer(sdp string) error { return l.peer.SetAnswer(sdp) }

// AddCandidate implements callagent.Leg.
func (l *leg) AddCandidate(c json.RawMessage) error { return l.peer.AddCandidate(c) }

// OpenMicrophone implements callagent.Leg.
func (l *leg) OpenMicrophone() {
	l.open.Store(true)
	if line := l.attach(); line != nil {
		line.OpenMicrophone(true)
	}
}

// receive takes a packet from the transport's reader.
func (l *leg) receive(seq uint16, timestamp uint32, payload []byte) {
	line := l.line.Load()
	if line == nil {
		if l.quiet && !l.open.Load() {
			return
		}
		if line = l.attach(); line == nil {
			return
		}
	}
	line.Receive(seq, timestamp, payload)
}

// attach gives the leg its line of the sound path; nil after Close, or when all
// lines are in use.
func (l *leg) attach() *voice.Line {
	l.mu.Lock()
	defer l.mu.Unlock()
	if line := l.line.Load(); line != nil || l.ended {
		return line
	}
	line, err := l.media.path.Attach(l.send)
	if err != nil {
		l.log.Error("call has no sound", "error", err)
		return nil
	}
	l.line.Store(line)
	return line
}

// send takes a packet from the microphone's encoder.
func (l *leg) send(payload []byte, timestamp uint32) error {
	if l.began && timestamp != l.next {
		l.peer.Skip(timestamp - l.next)
	}
	l.began, l.next = true, timestamp+audio.PacketSamples
	return l.peer.Send(payload, audio.PacketSamples)
}

// Close implements callagent.Leg.
func (l *leg) Close(ctx context.Context) error {
	l.mu.Lock()
	l.ended = true
	line := l.line.Load()
	l.mu.Unlock()
	if line != nil {
		line.Close()
		l.log.Info("sound of call", "playout", line.Stats())
	}
	if l.peer == nil {
		return nil
	}
	began := time.Now()
	err := l.peer.Close(ctx)
	l.log.Debug("transport closed", "after", time.Since(began))
	return err
}
