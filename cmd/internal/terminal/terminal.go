package terminal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"hailpoint/audio"
	"hailpoint/audio/voice"
	"hailpoint/callagent"
	"hailpoint/callagent/command"
	"hailpoint/callagent/event"
	"hailpoint/callagent/rtc"
	"hailpoint/cmd/internal/config"
	"hailpoint/cmd/internal/control"
	"hailpoint/device"
	"hailpoint/device/gesture"
	"hailpoint/device/led"
	"hailpoint/mqtt/link"
	"hailpoint/mqtt/topic"
)

// NewCard makes a sound card that calls block for every 10 ms, and onState when
// sound begins to work (nil) or fails.
type NewCard func(block func(in, out *audio.Frame), onState func(fault error)) Card

// Hardware is what a terminal is put together with.
type Hardware struct {
	Buttons []device.Button // in the order of the configuration
	Pins    []device.Pin    // likewise
	Card    NewCard
	Version string
	// Ready is called once, when the terminal takes presses and commands, and
	// Stopping when it begins to stop. Both may be nil.
	Ready, Stopping func()
	// Beat is called by the agent's own loop at least every BeatEvery, unless
	// it is nil.
	Beat      func()
	BeatEvery time.Duration
}

// Terminal is one whole terminal.
type Terminal struct {
	cfg   config.Config
	hw    Hardware
	log   *slog.Logger
	agent *callagent.Agent
	media *media
	link  *link.Link

	recent *recent
}

// closeEndpoint bounds the end of transports that a dead relay holds up.
const closeEndpoint = 2 * time.Second

// New puts a terminal together. It makes the state directory, and reads the
// secrets that the configuration names.
func New(cfg config.Config, hw Hardware, log *slog.Logger) (*Terminal, error) {
	if err := os.MkdirAll(cfg.StateDir, 0o750); err != nil {
		return nil, fmt.Errorf("make the state directory: %w (set state_dir to a place this user may write)", err)
	}
	t := &Terminal{cfg: cfg, hw: hw, log: log, recent: newRecent()}
	if len(cfg.Call.EmergencyFrom) > 0 {
		log.Warn("call.emergency_from has no effect in this version: an emergency call to a busy terminal is refused as any other")
	}
	boot, began := newID(), time.Now()
	if err := t.openMedia(); err != nil {
		return nil, err
	}
	var err error
	if t.link, err = link.Open(t.linkConfig(boot, began), log); err != nil {
		return nil, err
	}
	if t.agent, err = callagent.New(t.agentConfig(boot, began), t.link, t.media); err != nil {
		return nil, errors.Join(err, t.link.Close())
	}
	return t, nil
}

func (t *Terminal) linkConfig(boot string, began time.Time) link.Config {
	cfg, m := t.cfg, t.cfg.MQTT
	l := link.Default()
	l.Self, l.BootID, l.Boot, l.StateDir = cfg.ID, boot, began, cfg.StateDir
	l.Topics = topic.Topics{Base: m.Base}
	l.Client.Brokers, l.Client.Username, l.Client.PasswordFile = m.Broker, m.Username, m.PasswordFile
	l.Client.CAFile, l.Client.CertFile, l.Client.KeyFile, l.Client.KeepAlive = m.CAFile, m.CertFile, m.KeyFile, m.KeepAlive
	l.Delivery, l.Vocabularies, l.Telemetry = link.Delivery(m.Delivery), m.Vocabularies, cfg.Telemetry.Interval
	l.NewID, l.Clock, l.Observe = newID, clock, t.recent.add
	return l
}

func (t *Terminal) openMedia() error {
	cfg := t.cfg
	transport := rtc.Default()
	transport.CertificateFile = filepath.Join(cfg.StateDir, "rtc-certificate.pem")
	transport.MediaTimeout = cfg.Call.MediaTimeout
	transport.GatherTimeout = cfg.RTC.GatherTimeout
	transport.Interfaces = cfg.RTC.Interfaces
	transport.Loopback = cfg.RTC.Loopback || onThisMachine(cfg.MQTT.Broker)
	for _, s := range cfg.RTC.ICEServers {
		server := rtc.ICEServer{URLs: s.URLs, Username: s.Username}
		if s.PasswordFile != "" {
			text, err := os.ReadFile(s.PasswordFile)
			if err != nil {
				return fmt.Errorf("read the password of %s: %w", s.URLs, err)
			}
			server.Password = rtc.Secret(strings.TrimSpace(string(text)))
		}
		transport.ICEServers = append(transport.ICEServers, server)
	}
	endpoint, err := rtc.New(transport, t.log)
	if err != nil {
		return err
	}
	volume := newVolumeFile(cfg.StateDir, t.log)
	sound := voice.Default()
	sound.Volume = volume.load(cfg.Audio.Volume)
	sound.Bitrate = cfg.Audio.Bitrate
	path, err := voice.New(sound)
	if err != nil {
		return err
	}
	t.media = &media{endpoint: endpoint, path: path, volume: volume, log: t.log, settled: make(chan struct{})}
	t.media.card = t.hw.Card(path.Block, t.soundChanged)
	return nil
}

// onThisMachine tells whether a broker is reached over loopback: then the other
// endpoints may be on this machine too, and it may have no other network.
func onThisMachine(brokers []string) bool {
	for _, b := range brokers {
		u, err := url.Parse(b)
		if err != nil {
			continue
		}
		ip, err := netip.ParseAddr(u.Hostname())
		if u.Hostname() == "localhost" || (err == nil && ip.IsLoopback()) {
			return true
		}
	}
	return false
}

// soundChanged tells the agent that sound works or fails.
func (t *Terminal) soundChanged(fault error) {
	t.media.settle.Do(func() { close(t.media.settled) })
	t.agent.Fault("sound", fault)
}

func (t *Terminal) agentConfig(boot string, began time.Time) callagent.Config {
	cfg := t.cfg
	a := callagent.Default()
	a.Self = event.User{ID: cfg.ID, Name: cfg.Name}
	a.Version, a.BootID, a.Boot, a.Labels = t.hw.Version, boot, began, cfg.Labels
	for i, b := range cfg.Buttons {
		a.Buttons = append(a.Buttons, callagent.Button{
			Source: t.hw.Buttons[i], Press: b.Press, Long: b.LongPress, Double: b.DoublePress,
			Gesture: gesture.Config{Debounce: b.Debounce, LongPress: b.LongPressTime, DoublePress: b.DoublePressTime, Stuck: b.StuckTime},
		})
	}
	for i, l := range cfg.LEDs {
		a.Lamps = append(a.Lamps, callagent.Lamp{Pin: t.hw.Pins[i], Show: led.Show(l.Show)})
	}
	a.Target, a.Allow, a.AutoFrom = cfg.Call.Target, cfg.Call.Allow, cfg.Call.AutoAnswerFrom
	a.RingTimeout, a.JoinTimeout, a.TimeLimit = cfg.Call.RingTimeout, cfg.Call.JoinTimeout, cfg.Call.TimeLimit
	a.AutoAnswer, a.DoNotDisturb, a.BusinessType = time.Duration(cfg.Call.AutoAnswer), cfg.Call.DoNotDisturb, cfg.Call.BusinessType
	a.Clock, a.NewID = clock, newID
	a.RoomNum = func() int64 { return rand.Int64N(1<<31-1) + 1 } //nolint:gosec // a number to tell rooms apart, no secret
	a.Beat, a.Log = t.hw.Beat, t.log
	if t.hw.BeatEvery > 0 {
		a.BeatEvery = t.hw.BeatEvery
	}
	return a
}

func newID() string { return uuid.Must(uuid.NewV7()).String() }

// Run is the terminal's life. When ctx ends, a running call is ended in order
// and reported, and Run returns when everything has stopped.
func (t *Terminal) Run(ctx context.Context) (err error) {
	socket, err := control.Listen(ctx, t.cfg.ControlSocket, t.log)
	if err != nil {
		return errors.Join(err, t.link.Close())
	}
	// What the agent stands on outlives it: first the agent ends the call, then
	// the link delivers what that was, then the rest goes.
	rest, stopRest := context.WithCancel(context.WithoutCancel(ctx))
	defer stopRest()
	g, rest := errgroup.WithContext(rest)
	linked, stopLink := context.WithCancel(rest)
	defer stopLink()
	linkDone := make(chan struct{})
	g.Go(func() error { return t.media.path.Run(rest) })
	g.Go(func() error { return t.media.card.Run(rest) })
	g.Go(func() error { return t.media.volume.run(rest) })
	g.Go(func() error { return control.Serve(rest, socket, t) })
	g.Go(func() error { defer close(linkDone); return t.link.Run(linked, t.agent) })
	g.Go(func() error {
		work, stop := context.WithCancel(ctx)
		defer stop()
		defer context.AfterFunc(rest, stop)() // a broken part ends the terminal
		err := t.agent.Run(work)
		stopLink()
		<-linkDone
		stopRest()
		return err
	})
	g.Go(func() error { return t.announce(ctx, rest) })
	err = g.Wait()
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeEndpoint)
	defer cancel()
	if e := t.media.endpoint.Close(end); e != nil {
		t.log.Warn("transports not closed in order", "error", e)
	}
	return err
}

// announce says when the terminal is ready, and when it is asked to stop.
func (t *Terminal) announce(ctx, rest context.Context) error {
	if _, err := t.agent.Report(ctx); err == nil {
		t.log.Info("ready", "id", t.cfg.ID, "version", t.hw.Version)
		if t.hw.Ready != nil {
			t.hw.Ready()
		}
	}
	select {
	case <-ctx.Done():
		if t.hw.Stopping != nil {
			t.hw.Stopping()
		}
	case <-rest.Done():
	}
	return nil
}

// Report implements control.Terminal. While the broker is not reached, the
// faults say why: nobody but those at the box can ask then.
func (t *Terminal) Report(ctx context.Context) (callagent.Report, error) {
	r, err := t.agent.Report(ctx)
	if trouble := t.link.Trouble(); err == nil && !r.Online && trouble != nil {
		r.Faults = append(r.Faults, "link: "+trouble.Error())
	}
	return r, err
}

// Press implements control.Terminal.
func (t *Terminal) Press(ctx context.Context, name string, hold time.Duration) error {
	return t.agent.Press(ctx, name, hold)
}

// Command implements control.Terminal. A command repeated with the same id is
// not done twice.
func (t *Terminal) Command(ctx context.Context, c command.Command) command.Reply {
	return t.link.Execute(ctx, c)
}

// Reconnect implements control.Terminal.
func (t *Terminal) Reconnect() { t.link.Resume() }

// Events implements control.Terminal.
func (t *Terminal) Events(ctx context.Context, follow bool, each func(record []byte) error) error {
	return t.recent.each(ctx, follow, each)
}
