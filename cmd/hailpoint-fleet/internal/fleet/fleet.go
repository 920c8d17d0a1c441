package fleet

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"hailpoint/cmd/hailpoint-fleet/internal/registry"
	"hailpoint/cmd/hailpoint-fleet/internal/store"
	"hailpoint/mqtt"
	"hailpoint/mqtt/topic"
)

// Broker is what the service needs of an MQTT broker; that of mqtt/broker has
// it.
type Broker interface {
	// Publish sends a message to all who subscribed it.
	Publish(ctx context.Context, m mqtt.Message) error
	// Subscribe calls handle, which is quick, for each message that matches
	// filter, the retained ones first, until cancel is called.
	Subscribe(ctx context.Context, filter string, handle func(mqtt.Message)) (cancel func(), err error)
	// Events calls handle with the durable event and vocabulary records of all
	// terminals until ctx ends; what handle returned nil for does not come
	// again, but for a crash.
	Events(ctx context.Context, handle func(context.Context, []mqtt.Message) error) error
}

// Config has the settings of a Fleet.
type Config struct {
	// Topics is the base of all topics.
	Topics topic.Topics
	// Settle is how long a terminal must be quiet for its newest event to count
	// as whole.
	Settle time.Duration
	// Beat, if not nil, is called at least every BeatEvery by the loop that
	// watches the terminals.
	Beat      func()
	BeatEvery time.Duration
}

// Default returns the settings used when nothing is configured.
func Default() Config { return Config{Topics: topic.Default(), Settle: 250 * time.Millisecond} }

// Change is one piece of news.
//
//sumtype:decl
type Change interface{ isChange() }

// TerminalChanged says what is known of a terminal now.
type TerminalChanged struct{ Terminal registry.Terminal }

// CallChanged says what is known of a call now, with all its events.
type CallChanged struct {
	Call     registry.Call
	Timeline []registry.Entry
}

func (TerminalChanged) isChange() {}
func (CallChanged) isChange()     {}

// Fleet watches over all terminals of one broker. Its methods may be called
// from any goroutine.
type Fleet struct {
	config Config
	broker Broker
	store  *store.Store
	log    *slog.Logger

	heard chan mqtt.Message
	acks  chan ackInput

	mu        sync.Mutex // guards the fields below
	terminals *registry.Terminals
	followers map[*follower]struct{}
}

type follower struct{ tell func(Change) }

// New returns a Fleet that does nothing until Run.
func New(c Config, b Broker, s *store.Store, log *slog.Logger) *Fleet {
	return &Fleet{
		config: c, broker: b, store: s, log: log,
		heard: make(chan mqtt.Message, 4096), acks: make(chan ackInput, 64),
		terminals: registry.NewTerminals(), followers: map[*follower]struct{}{},
	}
}

// Run works until ctx ends; then it returns nil. The broker must be up.
func (f *Fleet) Run(ctx context.Context) error {
	for _, kind := range []topic.Kind{topic.Status, topic.Telemetry} {
		cancel, err := f.broker.Subscribe(ctx, f.config.Topics.Everyone(kind), f.hear)
		switch {
		case err == nil:
			defer cancel()
		case ctx.Err() != nil:
			return nil // asked to stop in the moment of its start
		default:
			return fmt.Errorf("watch the terminals: %w", err)
		}
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return f.watch(ctx) })
	g.Go(func() error { return f.acknowledge(ctx) })
	g.Go(func() error { return f.broker.Events(ctx, f.take) })
	return g.Wait()
}

// hear queues a message of a terminal. If the queue is full, it is lost, as
// any telemetry at QoS 0 may be; a status comes again with the next telemetry.
func (f *Fleet) hear(m mqtt.Message) {
	select {
	case f.heard <- m:
	default:
	}
}

// watch keeps the presence of the terminals.
func (f *Fleet) watch(ctx context.Context) error {
	expiry := time.NewTimer(time.Hour)
	defer expiry.Stop()
	beat := &time.Ticker{} // never ticks
	if f.config.Beat != nil {
		beat = time.NewTicker(f.config.BeatEvery)
		defer beat.Stop()
	}
	for {
		select {
		case <-beat.C:
			f.config.Beat()
		case m := <-f.heard:
			f.note(ctx, m)
		case <-expiry.C:
			f.mu.Lock()
			gone := f.terminals.Expire(time.Now())
			f.mu.Unlock()
			for _, t := range gone {
				f.log.Warn("terminal silent for too long", "device_id", t.ID)
				f.tell(TerminalChanged{t})
			}
		case <-ctx.Done():
			return nil
		}
		f.mu.Lock()
		if next, ok := f.terminals.Next(); ok {
			expiry.Reset(time.Until(next))
		}
		f.mu.Unlock()
	}
}

// note takes one status or telemetry.
func (f *Fleet) note(ctx context.Context, m mqtt.Message) {
	p, err := f.config.Topics.Parse(m.Topic)
	if err != nil {
		return // a subscription brings no other topics
	}
	now := time.Now()
	if p.Kind == topic.Telemetry {
		f.mu.Lock()
		t, changed := f.terminals.Heard(now, p.ID, m.Payload)
		f.mu.Unlock()
		if changed {
			f.log.Info("terminal heard again", "device_id", p.ID)
			f.tell(TerminalChanged{t})
		}
		return
	}
	f.mu.Lock()
	t, err := f.terminals.Status(now, p.ID, m.Payload, m.Retained)
	f.mu.Unlock()
	if err != nil {
		f.log.Warn("status not understood", "device_id", p.ID, "error", err)
		return
	}
	f.log.Debug("terminal status", "device_id", t.ID, "presence", t.Presence, "state", t.State)
	if t.Presence == registry.Offline {
		f.disconnected(ctx, p.ID)
	}
	f.tell(TerminalChanged{t})
}

// take stores a batch of records. What is no record is left out, with a line
// in the log: it would be no better the next time.
func (f *Fleet) take(ctx context.Context, messages []mqtt.Message) error {
	batch, sizes := f.read(messages)
	saved, err := f.store.Save(ctx, time.Now(), batch)
	if err != nil {
		return fmt.Errorf("store %d messages (%d bytes): %w", len(messages), sizes, err)
	}
	if saved.Disputed > 0 {
		f.log.Warn("events with a number that was used before: was a terminal's storage set back?", "events", saved.Disputed)
	}
	if len(saved.Journals) > 0 || len(batch.Translations) > 0 {
		in := ackInput{journals: saved.Journals, newest: map[string]uint64{}, active: map[string]bool{}}
		for _, e := range batch.Events {
			in.newest[e.DeviceID] = e.Seq
			in.active[e.DeviceID] = true
		}
		for _, t := range batch.Translations {
			in.active[t.Device] = true
		}
		select {
		case f.acks <- in:
		case <-ctx.Done():
			return nil // stored all the same
		}
	}
	for _, id := range saved.Calls {
		call, timeline, err := f.store.Call(ctx, id)
		if err != nil {
			f.log.Error("call not read back", "call_id", id, "error", err)
			continue
		}
		if call.State == registry.Ended {
			f.log.Info("call ended", "call_id", id, "caller", call.Caller.ID, "callee", call.Callee.ID,
				"reason", call.Reason, "talk_ms", call.TalkMs)
		}
		f.tell(CallChanged{call, timeline})
	}
	return nil
}

// read takes messages apart.
func (f *Fleet) read(messages []mqtt.Message) (b store.Batch, bytes int) {
	for _, m := range messages {
		bytes += len(m.Payload)
		p, err := f.config.Topics.Parse(m.Topic)
		switch {
		case err != nil:
		case p.Kind == topic.Event:
			var e registry.Entry
			if e, err = registry.ParseEntry(p.ID, m.Payload); err == nil && e.Seq == 0 {
				err = errors.New("a record without a number was published as a durable one")
			}
			if err == nil {
				b.Events = append(b.Events, store.Event{Entry: e, Raw: m.Payload})
			}
		case p.Kind == topic.EventOf:
			var t registry.Translation
			if t, err = registry.ParseTranslation(p.ID, p.System, m.Payload); err == nil {
				b.Translations = append(b.Translations, store.Translation{Device: p.ID, Translation: t, Raw: m.Payload})
			}
		default:
			err = fmt.Errorf("no place for %s", p.Kind)
		}
		if err != nil {
			f.log.Warn("record left out", "topic", m.Topic, "bytes", len(m.Payload), "error", err)
		}
	}
	return b, bytes
}

// Terminals returns what is known of every terminal, by address.
func (f *Fleet) Terminals() []registry.Terminal {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.terminals.All()
}

// Follow calls tell, which must be quick, for every change from now on, in
// order, and returns what is known of the terminals before the first. After
// cancel has returned, tell is not called any more.
func (f *Fleet) Follow(tell func(Change)) (now []registry.Terminal, cancel func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	x := &follower{tell}
	f.followers[x] = struct{}{}
	return f.terminals.All(), func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.followers, x)
	}
}

func (f *Fleet) tell(c Change) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for x := range f.followers {
		x.tell(c)
	}
}
