package link

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"hailpoint/callagent/command"
	"hailpoint/callagent/event"
	"hailpoint/callagent/signal"
	"hailpoint/mqtt"
	"hailpoint/mqtt/journal"
)

// outboxSize is how many messages may wait for a line that is up but slow.
const outboxSize = 512

// Counters count what was refused or lost.
type Counters struct {
	TooLarge     atomic.Uint64 // messages over their size limit, dropped
	Malformed    atomic.Uint64 // messages that could not be read
	ForeignAcks  atomic.Uint64 // acks of another journal, or above the last number sent
	Overflow     atomic.Uint64 // messages and events that found their queue full
	Unrecordable atomic.Uint64 // events that cannot be made into a record
	Repeats      atomic.Uint64 // events sent again
	Connects     atomic.Uint64
}

// Link is the way from an agent to the outside. Its methods may be called from
// any goroutine and do not block.
type Link struct {
	cfg      Config
	log      *slog.Logger
	journal  *journal.Journal
	boots    []string // boot ids of this terminal, this one last
	client   *mqtt.Client
	recorder *recorder
	deliver  *deliverer
	commands *commands
	counters Counters

	agent  Agent // set by Run
	outbox chan mqtt.Message
	resume chan struct{}
	ended  chan struct{} // closed when Run has ended
	been   bool          // online before in this process; the client's goroutines take turns with it

	session atomic.Pointer[session] // what is known of the connection now
	status  latest[command.Status]
	follow  latest[[]string] // filters that the agent asked for
}

// Open opens the journal and what else is kept in Config.StateDir, records the
// end of a call that the last process died in, and returns a Link that does
// nothing more until Run. Close it if Run is never called.
func Open(cfg Config, log *slog.Logger) (*Link, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	l := &Link{cfg: cfg, log: log, outbox: make(chan mqtt.Message, outboxSize), resume: make(chan struct{}, 1), ended: make(chan struct{})}
	l.status.init()
	l.follow.init()
	var err error
	if l.journal, err = journal.Open(filepath.Join(cfg.StateDir, "journal")); err != nil {
		return nil, err
	}
	for _, d := range l.journal.Damage() {
		log.Error("journal damaged", "file", d.File, "detail", d.Detail, "first_lost", d.First, "last_lost", d.Last)
	}
	if err := l.open(); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

func (l *Link) open() error {
	var err error
	if l.boots, err = noteBoot(filepath.Join(l.cfg.StateDir, "boots"), l.cfg.BootID); err != nil {
		return err
	}
	if l.commands, err = openCommands(filepath.Join(l.cfg.StateDir, "commands"), time.Now); err != nil {
		return err
	}
	if l.client, err = mqtt.New(l.cfg.client(), l.log, mqtt.Handlers{
		Will: func() mqtt.Message { return l.offline("lost") },
		Bye:  l.bye,
		Up:   l.up, Down: l.down, Message: l.receive,
	}); err != nil {
		return err
	}
	if l.deliver, err = newDeliverer(l); err != nil {
		return err
	}
	if l.recorder, err = newRecorder(l); err != nil {
		return err
	}
	return nil
}

// Close closes the files of a Link whose Run was never called.
func (l *Link) Close() error {
	err := l.journal.Close()
	if l.commands != nil {
		err = errors.Join(err, l.commands.close())
	}
	return err
}

// Run works until ctx ends. Then it delivers what is left, for
// Config.FlushTimeout at most, says goodbye to the broker, and returns when
// everything has stopped. End the agent first, so that its last events are
// among what is left. Run is called once.
func (l *Link) Run(ctx context.Context, agent Agent) error {
	l.agent = agent
	defer close(l.ended)
	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	g := new(errgroup.Group)
	g.Go(func() error { l.recorder.run(work); return nil })
	g.Go(func() error { l.commands.run(work, l); return nil })
	g.Go(func() error { l.connect(work); return nil })
	<-ctx.Done()
	l.flush(work)
	cancel()
	return errors.Join(g.Wait(), l.Close())
}

// connect keeps the client running, but for a takeover.
func (l *Link) connect(ctx context.Context) {
	for {
		err := l.client.Run(ctx)
		if ctx.Err() != nil {
			return
		}
		if taken, ok := errors.AsType[*takenOverError](err); ok {
			err = taken // which says it all
		}
		l.log.Error("link given up until told otherwise", "error", err)
		select {
		case <-l.resume: // asked for when there was nothing to resume
		default:
		}
		l.agent.Fault("link", err)
		select {
		case <-ctx.Done():
			return
		case <-l.resume:
			l.agent.Fault("link", nil)
		}
	}
}

// Resume connects again after another holder of the address was found and the
// link was given up; else it does nothing.
func (l *Link) Resume() {
	select {
	case l.resume <- struct{}{}:
	default:
	}
}

// flush waits until everything recorded is sent, within the bound.
func (l *Link) flush(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, l.cfg.FlushTimeout)
	defer cancel()
	if !l.recorder.idle(ctx) {
		l.log.Error("events not recorded before the stop")
		return
	}
	if l.Connected() && !l.deliver.idle(ctx) {
		l.log.Warn("events left for the next start", "backlog", l.Backlog())
	}
}

// Connected reports whether the broker is connected and everything subscribed.
func (l *Link) Connected() bool {
	s := l.session.Load()
	return s != nil && s.ready.Load()
}

// Trouble is why the broker is not reached; nil while it is, or was just lost.
func (l *Link) Trouble() error { return l.client.Trouble() }

// Backlog is the number of durable events that are not acknowledged.
func (l *Link) Backlog() uint64 { return l.journal.Last() - l.journal.Acknowledged() }

// Counters returns the counters, which go on counting.
func (l *Link) Counters() *Counters { return &l.counters }

// JournalID is the id of the journal.
func (l *Link) JournalID() string { return l.journal.ID() }

// Signal sends one message to an endpoint, once. It is lost while the link is
// down.
func (l *Link) Signal(to string, m signal.Message) {
	b, err := signal.Encode(m)
	if err != nil {
		l.log.Error("signalling message not sent", "call_id", m.CallID, "to", to, "error", err)
		l.counters.TooLarge.Add(1)
		return
	}
	l.post(mqtt.Message{Topic: l.cfg.Topics.Signal(to, l.cfg.Self), Payload: b})
}

// Record reports an event. Durable kinds are numbered, kept and delivered in
// the order of the calls; transient kinds are lost while the link is down.
func (l *Link) Record(r event.Record) { l.recorder.record(r) }

// Running leaves a mark on disk of what the next start is to record if this
// process dies; nil takes it away. It is kept in order with Record.
func (l *Link) Running(died []event.Record) { l.recorder.running(died) }

// Status says what the terminal does now. Online and At are set here.
func (l *Link) Status(s command.Status) { l.status.set(s) }

// Follow asks for the members of ring groups and the status of peers, in place
// of those asked for before.
func (l *Link) Follow(groups, peers []string) {
	var filters []string
	for _, g := range groups {
		filters = append(filters, l.cfg.Topics.Group(g))
	}
	for _, p := range peers {
		filters = append(filters, l.cfg.Topics.Status(p))
	}
	slices.Sort(filters)
	l.follow.set(slices.Compact(filters))
}

// post queues m for the connection, if there is one.
func (l *Link) post(m mqtt.Message) {
	if !l.Connected() {
		return
	}
	select {
	case l.outbox <- m:
	default:
		l.counters.Overflow.Add(1)
	}
}

// offline is the status of a terminal that is gone (the outside contract, section 3).
func (l *Link) offline(reason string) mqtt.Message {
	b, err := json.Marshal(struct {
		Online bool   `json:"online"`
		Reason string `json:"reason"`
		BootID string `json:"boot_id"`
		At     int64  `json:"at"`
	}{false, reason, l.cfg.BootID, time.Now().UnixMilli()})
	if err != nil {
		panic(fmt.Sprintf("encode a status of plain fields: %v", err))
	}
	return mqtt.Message{Topic: l.cfg.Topics.Status(l.cfg.Self), Payload: b, QoS: 1, Retained: true}
}

// bye is the last message of an orderly stop: none if this address may be
// another's.
func (l *Link) bye() mqtt.Message {
	if !l.Connected() {
		return mqtt.Message{}
	}
	return l.offline("shutdown")
}

// latest is a value of which only the newest counts.
type latest[T any] struct {
	changed chan struct{} // holds a token after a change

	mu    sync.Mutex // guards value and known
	value T
	known bool
}

func (l *latest[T]) init() { l.changed = make(chan struct{}, 1) }

func (l *latest[T]) set(v T) {
	l.mu.Lock()
	l.value, l.known = v, true
	l.mu.Unlock()
	l.poke()
}

// poke makes the reader look again.
func (l *latest[T]) poke() {
	select {
	case l.changed <- struct{}{}:
	default:
	}
}

func (l *latest[T]) get() (v T, known bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.value, l.known
}
