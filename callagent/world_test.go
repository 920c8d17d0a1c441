package callagent_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"hailpoint/audio"
	"hailpoint/callagent"
	"hailpoint/callagent/command"
	"hailpoint/callagent/event"
	"hailpoint/callagent/signal"
	"hailpoint/device/gesture"
	"hailpoint/device/led"
	"hailpoint/device/sim"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world joins agents by a signalling network that takes wire time, inside a
// synctest bubble.
type world struct {
	t        *testing.T
	mu       sync.Mutex
	stations map[string]*station
	cut      map[string]bool // addresses whose messages are lost
	ids      int
	agents   sync.WaitGroup
	wires    sync.WaitGroup
}

const wire = 5 * time.Millisecond

func newWorld(t *testing.T) *world {
	return &world{t: t, stations: map[string]*station{}, cut: map[string]bool{}}
}

// station is one agent with everything around it; it is its own Link and Media.
type station struct {
	*callagent.Agent
	world   *world
	id      string
	buttons map[string]*sim.Button
	lamps   map[string]*sim.Pin
	stop    context.CancelFunc

	mu       sync.Mutex
	records  []event.Record
	died     []event.Record
	status   command.Status
	tones    []audio.Tone
	volume   int
	muted    bool
	fault    error
	legs     []*testLeg
	followed [2][]string
	out      chan func()
}

// add starts an agent. change may alter its configuration.
func (w *world) add(id string, change func(*callagent.Config)) *station {
	s := &station{
		world: w, id: id, volume: 50, out: make(chan func(), 1024),
		buttons: map[string]*sim.Button{}, lamps: map[string]*sim.Pin{},
	}
	cfg := callagent.Default()
	cfg.Self = event.User{ID: id, Name: "Name of " + id}
	cfg.BootID, cfg.Boot = "boot-"+id, time.Now()
	cfg.Log = slog.New(slog.NewTextHandler(w.t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug})).With("self", id)
	cfg.Clock = func() event.Clock { return event.Synced }
	cfg.NewID = w.newID
	cfg.RoomNum = func() int64 { return 42 }
	for name, act := range map[string]callagent.Action{
		"call": callagent.ActCall, "hangup": callagent.ActHangUp, "mute": callagent.ActMute, "one": callagent.ActCallOrHangUp, "louder": callagent.ActVolumeUp,
	} {
		s.buttons[name] = sim.NewButton(name)
		cfg.Buttons = append(cfg.Buttons, callagent.Button{Source: s.buttons[name], Gesture: gesture.Default(), Press: act})
	}
	for _, show := range led.Shows() {
		s.lamps[string(show)] = sim.NewPin(string(show))
		cfg.Lamps = append(cfg.Lamps, callagent.Lamp{Pin: s.lamps[string(show)], Show: show})
	}
	if change != nil {
		change(&cfg)
	}
	a, err := callagent.New(cfg, s, s)
	if err != nil {
		w.t.Fatal(err)
	}
	s.Agent = a
	ctx, cancel := context.WithCancel(w.t.Context())
	s.stop = cancel
	w.mu.Lock()
	w.stations[id] = s
	w.mu.Unlock()
	w.agents.Go(func() {
		if err := a.Run(ctx); err != nil {
			w.t.Errorf("%s: %v", id, err)
		}
	})
	w.wires.Go(func() { // the wire keeps the order
		for deliver := range s.out {
			time.Sleep(wire)
			deliver()
		}
	})
	synctest.Wait()
	a.LinkChanged(true)
	synctest.Wait()
	return s
}

// end stops all agents and waits for them.
func (w *world) end() {
	for _, s := range w.stations {
		s.stop()
	}
	w.agents.Wait()
	for _, s := range w.stations {
		close(s.out)
	}
	w.wires.Wait()
}

func (w *world) newID() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ids++
	return fmt.Sprintf("id-%d", w.ids)
}

// Signal implements callagent.Link.
func (s *station) Signal(to string, m signal.Message) {
	w := s.world
	w.mu.Lock()
	peer, lost := w.stations[to], w.cut[s.id] || w.cut[to]
	w.mu.Unlock()
	if peer == nil || lost {
		return
	}
	text, err := signal.Encode(m)
	if err != nil {
		w.t.Error(err)
		return
	}
	s.out <- func() {
		m, err := signal.Decode(text)
		if err != nil {
			w.t.Error(err)
			return
		}
		peer.Message(s.id, m)
	}
}

// Record implements callagent.Link.
func (s *station) Record(r event.Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := r.Encode(); err != nil {
		s.world.t.Error(err)
	}
	s.records = append(s.records, r)
}

// Running implements callagent.Link.
func (s *station) Running(died []event.Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.died = died
}

// Status implements callagent.Link.
func (s *station) Status(st command.Status) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.status = st
}

// Follow implements callagent.Link.
func (s *station) Follow(groups, peers []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.followed = [2][]string{groups, peers}
}

// Ready implements callagent.Media.
func (s *station) Ready(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.fault
}

// Play implements callagent.Media.
func (s *station) Play(t audio.Tone) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.tones) == 0 || s.tones[len(s.tones)-1] != t {
		s.tones = append(s.tones, t)
	}
}

// Volume implements callagent.Media.
func (s *station) Volume() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.volume
}

// SetVolume implements callagent.Media.
func (s *station) SetVolume(percent int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.volume = percent
}

// SetMute implements callagent.Media.
func (s *station) SetMute(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.muted = on
}

// Open implements callagent.Media.
func (s *station) Open(_, peer string, on callagent.LegEvents) callagent.Leg {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := &testLeg{station: s, peer: peer, on: on}
	s.legs = append(s.legs, l)
	return l
}

// testLeg is a transport that comes up a wire time after both descriptions are
// known.
type testLeg struct {
	station *station
	peer    string
	on      callagent.LegEvents
	mu      sync.Mutex
	open    bool
	closed  bool
	dead    bool // never comes up
}

func (l *testLeg) Offer(context.Context) (string, error) { return "offer of " + l.station.id, nil }

func (l *testLeg) Answer(_ context.Context, offer string) (string, error) {
	if offer == "" {
		return "", errors.New("no offer")
	}
	l.up()
	return "answer of " + l.station.id, nil
}

func (l *testLeg) SetAnswer(string) error { l.up(); return nil }

func (l *testLeg) AddCandidate(json.RawMessage) error { return nil }

func (l *testLeg) up() {
	l.station.mu.Lock()
	dead := l.dead
	l.station.mu.Unlock()
	if dead {
		return
	}
	l.on.Candidate(json.RawMessage(`{"candidate":"candidate:1"}`))
	l.on.Up()
}

func (l *testLeg) OpenMicrophone() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open = true
}

func (l *testLeg) Close(context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	return nil
}

// isOpen tells whether the newest leg's microphone is open.
func (s *station) isOpen() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.legs) == 0 {
		return false
	}
	l := s.legs[len(s.legs)-1]
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.open && !l.closed
}

// press presses a button as a finger does.
func (s *station) press(name string) {
	s.world.t.Helper()
	if err := s.buttons[name].Press(s.world.t.Context(), 80*time.Millisecond); err != nil {
		s.world.t.Fatal(err)
	}
	time.Sleep(100 * time.Millisecond)
	synctest.Wait()
}

// order gives a command and wants it done.
func (s *station) order(name, args string) command.Reply {
	s.world.t.Helper()
	r := s.Command(s.world.t.Context(), command.Command{V: 1, ID: s.world.newID(), Name: name, Args: json.RawMessage(args)})
	time.Sleep(100 * time.Millisecond)
	synctest.Wait()
	return r
}

// names returns the names of the recorded events, ticks counted as one.
func (s *station) names() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var names []string
	for _, r := range s.records {
		names = append(names, r.Data.Name())
	}
	return slices.Compact(names)
}

// last returns the newest event of a kind.
func last[E event.Event](s *station) (E, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range slices.Backward(s.records) {
		if e, ok := r.Data.(E); ok {
			return e, true
		}
	}
	var none E
	return none, false
}

// state asks the agent itself.
func (s *station) state() string {
	s.world.t.Helper()
	r, err := s.Report(s.world.t.Context())
	if err != nil {
		s.world.t.Fatal(err)
	}
	return r.State
}

// heard returns the tones played so far.
func (s *station) heard() []audio.Tone {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.tones)
}

// faults returns the faults of the last status.
func (s *station) faults() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.status.Faults
}

// mark returns what a power cut would leave to be recorded.
func (s *station) mark() []event.Record {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.died
}

// transports returns all legs so far.
func (s *station) transports() []*testLeg {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.legs)
}

// isClosed tells whether the transport was taken down.
func (l *testLeg) isClosed() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.closed
}

func (s *station) isMuted() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.muted
}

// groups returns the ring groups that are followed.
func (s *station) groups() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.followed[0]
}
