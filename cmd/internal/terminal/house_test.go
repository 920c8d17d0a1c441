package terminal_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"hailpoint/audio"
	"hailpoint/audio/opus"
	soundsim "hailpoint/audio/sim"
	"hailpoint/callagent/event"
	"hailpoint/cmd/internal/config"
	"hailpoint/cmd/internal/terminal"
	"hailpoint/device/sim"
	"hailpoint/mqtt"
	"hailpoint/mqtt/broker"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long a test waits for what must come; it is no measure.
const patience = 30 * time.Second

// eventually waits until done, and says what did not come.
func eventually(t testing.TB, what string, done func() bool) {
	t.Helper()
	deadline := time.Now().Add(patience)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		if time.Now().After(deadline) {
			t.Fatalf("did not come within %v: %s", patience, what)
		}
		<-tick.C
	}
}

// logger writes to a test's output, which is shown when it fails; a benchmark
// logs nothing.
func logger(t testing.TB, who string) *slog.Logger {
	t.Helper()
	if _, bench := t.(*testing.B); bench {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(slog.NewTextHandler(t.Output(), nil)).With("self", who)
}

// house is a broker as a test needs it: its URL for terminals, and the rights of
// the service for a backend.
type house interface {
	URL() string
	Subscribe(ctx context.Context, filter string, handle func(mqtt.Message)) (func(), error)
	Publish(ctx context.Context, m mqtt.Message) error
}

// ownBroker starts the embedded broker.
func ownBroker(t testing.TB) house {
	t.Helper()
	c := broker.Default()
	c.MQTT, c.Dir, c.Sync = "127.0.0.1:0", t.TempDir(), false
	c.Authenticate = func(broker.Login) bool { return true }
	b, err := broker.New(c, logger(t, "broker"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- b.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	if err := b.Wait(ctx); err != nil {
		t.Fatal(err)
	}
	return b
}

// freePort returns a port that was free a moment ago.
func freePort(t testing.TB) int {
	t.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() //nolint:errcheck // only looked at
	return l.Addr().(*net.TCPAddr).Port
}

// mosquitto is Debian's broker, as a process that can be stopped and started.
type mosquitto struct {
	t    testing.TB
	file string
	url  string
	cmd  *exec.Cmd
}

func newMosquitto(t testing.TB) *mosquitto {
	t.Helper()
	path, err := exec.LookPath("mosquitto")
	if err != nil {
		path = "/usr/sbin/mosquitto"
		if _, err := os.Stat(path); err != nil {
			if os.Getenv("CI") != "" {
				t.Fatal("mosquitto is not installed: make deps-test")
			}
			t.Skip("mosquitto is not installed: make deps-test")
		}
	}
	port := freePort(t)
	m := &mosquitto{t: t, file: filepath.Join(t.TempDir(), "mosquitto.conf"), url: fmt.Sprintf("mqtt://127.0.0.1:%d", port)}
	text := fmt.Sprintf("listener %d 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\nmax_queued_messages 0\npersistence false\n", port)
	if err := os.WriteFile(m.file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.stop)
	m.cmd = exec.Command(path, "-c", m.file)
	return m
}

func (m *mosquitto) start() {
	m.t.Helper()
	m.cmd = exec.Command(m.cmd.Path, m.cmd.Args[1:]...)
	if err := m.cmd.Start(); err != nil {
		m.t.Fatal(err)
	}
	eventually(m.t, "mosquitto", func() bool {
		c, err := net.DialTimeout("tcp", strings.TrimPrefix(m.url, "mqtt://"), time.Second)
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	})
}

// URL is for terminals.
func (m *mosquitto) URL() string { return m.url }

// Subscribe connects a client of its own.
func (m *mosquitto) Subscribe(ctx context.Context, filter string, handle func(mqtt.Message)) (func(), error) {
	up := make(chan error, 1)
	end := m.client(filter, mqtt.Handlers{
		Up: func(ctx context.Context, s *mqtt.Session) error {
			up <- s.Subscribe(ctx, filter)
			<-ctx.Done()
			return nil
		},
		Message: func(_ context.Context, _ *mqtt.Session, msg mqtt.Message) { handle(msg) },
	})
	return end, <-up
}

// Publish connects a client of its own.
func (m *mosquitto) Publish(ctx context.Context, msg mqtt.Message) error {
	sent := make(chan error, 1)
	defer m.client("publisher", mqtt.Handlers{Up: func(ctx context.Context, s *mqtt.Session) error {
		sent <- s.Send(ctx, msg)
		<-ctx.Done()
		return nil
	}})()
	select {
	case err := <-sent:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// client runs an MQTT client until the returned function is called.
func (m *mosquitto) client(name string, h mqtt.Handlers) func() {
	m.t.Helper()
	cfg := mqtt.Default()
	cfg.Brokers, cfg.ClientID = []string{m.url}, "test-"+strings.NewReplacer("/", "-", "+", "x").Replace(name)
	c, err := mqtt.New(cfg, logger(m.t, cfg.ClientID), h)
	if err != nil {
		m.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	return func() {
		cancel()
		if err := <-done; err != nil {
			m.t.Error(err)
		}
	}
}

func (m *mosquitto) stop() {
	if m.cmd.Process != nil && m.cmd.ProcessState == nil {
		_ = m.cmd.Process.Kill()
		_ = m.cmd.Wait()
	}
}

// box is one whole terminal with simulated hands and ears.
type box struct {
	*terminal.Terminal
	t       testing.TB
	id      string
	buttons map[string]*sim.Button
	lamps   map[string]*sim.Pin
	ear     *soundsim.Recorder
	frames  atomic.Pointer[frameHook]
	onLamp  atomic.Pointer[lampHook]
	stop    func() error // ends it in order and waits
}

// hz is the tone that each terminal's microphone hears.
var hz = map[string]float64{"door": 500, "desk": 700, "gate": 900}

// boxConfig is the configuration of a simulated terminal.
func boxConfig(t testing.TB, id, url string) config.Config {
	t.Helper()
	cfg := config.Default()
	cfg.ID, cfg.Name, cfg.StateDir = id, "The "+id, t.TempDir()
	cfg.ControlSocket = filepath.Join(t.TempDir(), "s")
	cfg.MQTT.Broker, cfg.MQTT.Vocabularies = config.List{url}, config.List{"wmpf"}
	cfg.RTC.Loopback, cfg.RTC.Interfaces = true, config.List{"lo"}
	cfg.Device.Driver = "sim"
	cfg.Buttons, cfg.LEDs = config.Panel()
	return cfg
}

// newBox starts a terminal; change may alter its configuration.
func newBox(t testing.TB, id string, h house, change func(*config.Config)) *box {
	t.Helper()
	if !opus.Available {
		t.Skip("built without cgo: no Opus, and so no terminal")
	}
	cfg := boxConfig(t, id, h.URL())
	if change != nil {
		change(&cfg)
	}
	b := &box{
		t: t, id: id, ear: soundsim.NewRecorder(20 * time.Second),
		buttons: map[string]*sim.Button{}, lamps: map[string]*sim.Pin{},
	}
	ready := make(chan struct{})
	hw := terminal.Hardware{
		Version: "test", Ready: func() { close(ready) },
		Card: func(block func(in, out *audio.Frame), onState func(error)) terminal.Card {
			return soundsim.New(soundsim.Config{Microphone: soundsim.Tone(hz[id], 0.3), Speaker: b.hear, OnState: onState}, block)
		},
	}
	for _, c := range cfg.Buttons {
		b.buttons[c.Name] = sim.NewButton(c.Name)
		hw.Buttons = append(hw.Buttons, b.buttons[c.Name])
	}
	for _, c := range cfg.LEDs {
		b.lamps[c.Name] = sim.NewPinFunc(c.Name, func(ch sim.Change) {
			if h := b.onLamp.Load(); h != nil && h.name == c.Name {
				h.do(ch)
			}
		})
		hw.Pins = append(hw.Pins, b.lamps[c.Name])
	}
	var err error
	if b.Terminal, err = terminal.New(cfg, hw, logger(t, id)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- b.Run(ctx) }()
	b.stop = sync.OnceValue(func() error { cancel(); return <-done })
	t.Cleanup(func() {
		if err := b.stop(); err != nil {
			t.Errorf("%s: %v", id, err)
		}
	})
	select {
	case <-ready:
	case err := <-done:
		t.Fatalf("%s did not start: %v", id, err)
	}
	return b
}

// hear is the speaker.
func (b *box) hear(out *audio.Frame) {
	b.ear.Hear(out)
	if h := b.frames.Load(); h != nil {
		h.do(out)
	}
}

// press presses a button as a finger does.
func (b *box) press(name string) {
	b.t.Helper()
	if err := b.buttons[name].Press(context.Background(), 60*time.Millisecond); err != nil {
		b.t.Fatal(err)
	}
}

// state asks the terminal what it does.
func (b *box) state() string {
	b.t.Helper()
	r, err := b.Report(context.Background())
	if err != nil {
		b.t.Fatal(err)
	}
	return r.State
}

func (b *box) becomes(state string) {
	b.t.Helper()
	eventually(b.t, b.id+" "+state, func() bool { return b.state() == state })
}

// online waits until the broker is connected.
func (b *box) online() {
	b.t.Helper()
	eventually(b.t, b.id+" online", func() bool {
		r, err := b.Report(context.Background())
		return err == nil && r.Online
	})
}

// hears waits for a tone in the last second that the speaker played.
func (b *box) hears(f float64) {
	b.t.Helper()
	eventually(b.t, fmt.Sprintf("%s hears %v Hz", b.id, f), func() bool {
		s := b.ear.Snapshot()
		if len(s) < audio.SampleRate/2 {
			return false
		}
		s = s[len(s)-audio.SampleRate/2:]
		return audio.ToneLevel(s, f) > 0.02 && audio.TonePurity(s, f) > 0.8
	})
}

// backend is a program at the broker that keeps what terminals report.
type backend struct {
	t       testing.TB
	house   house
	mu      sync.Mutex
	events  map[string][][]byte // by terminal, durable ones, as published
	names   map[string][]string // with transient ones, repeats dropped
	wmpf    map[string][]string
	status  map[string]map[string]any
	replies []map[string]any
	seen    map[string]bool
}

func newBackend(t testing.TB, h house) *backend {
	t.Helper()
	b := &backend{
		t: t, house: h, events: map[string][][]byte{}, names: map[string][]string{}, wmpf: map[string][]string{},
		status: map[string]map[string]any{}, seen: map[string]bool{},
	}
	for _, filter := range []string{"event", "event/wmpf", "status", "reply"} {
		end, err := h.Subscribe(t.Context(), "hailpoint/v1/t/+/"+filter, b.take)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(end)
	}
	return b
}

func (b *backend) take(m mqtt.Message) {
	b.mu.Lock()
	defer b.mu.Unlock()
	parts := strings.Split(m.Topic, "/")
	id := parts[3]
	var rec struct {
		ID   string `json:"id"`
		N    int    `json:"n"`
		Name string `json:"name"`
		Seq  uint64 `json:"seq"`
	}
	var all map[string]any
	if json.Unmarshal(m.Payload, &rec) != nil || json.Unmarshal(m.Payload, &all) != nil {
		b.t.Errorf("%s: not JSON: %s", m.Topic, m.Payload)
		return
	}
	once := func() bool {
		key := fmt.Sprintf("%s %s %d", m.Topic, rec.ID, rec.N)
		was := b.seen[key]
		b.seen[key] = true
		return !was
	}
	switch strings.Join(parts[4:], "/") {
	case "event":
		if once() {
			b.names[id] = append(b.names[id], rec.Name)
			if rec.Seq > 0 {
				b.events[id] = append(b.events[id], m.Payload)
			}
		}
	case "event/wmpf":
		if once() {
			b.wmpf[id] = append(b.wmpf[id], rec.Name)
		}
	case "status":
		b.status[id] = all
	case "reply":
		b.replies = append(b.replies, all)
	}
}

// has waits until a terminal has reported an event.
func (b *backend) has(id, name string) {
	b.t.Helper()
	eventually(b.t, id+" reports "+name, func() bool {
		b.mu.Lock()
		defer b.mu.Unlock()
		return slices.Contains(b.names[id], name)
	})
}

// list returns what one kind of list holds for a terminal, neighbours that are
// equal as one.
func (b *backend) list(of map[string][]string, id string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []string
	for i, n := range of[id] {
		if i == 0 || of[id][i-1] != n {
			out = append(out, n)
		}
	}
	return strings.Join(out, " ")
}

// chain proves that a terminal's durable records are whole: numbers without a
// gap, each hash that of the record before.
func (b *backend) chain(id string) []event.Record {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	var records []event.Record
	prev := event.FirstPrev
	for i, text := range b.events[id] {
		r, err := event.Decode(text)
		if err != nil {
			b.t.Errorf("%s, record %d: %v", id, i, err)
			continue
		}
		if r.Seq != uint64(i+1) || r.Prev != prev {
			b.t.Errorf("%s, record %d: seq %d, prev %s, want %s", id, i, r.Seq, r.Prev, prev)
		}
		sum := sha256.Sum256(text)
		prev = hex.EncodeToString(sum[:])
		records = append(records, r)
	}
	return records
}
