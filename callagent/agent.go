package callagent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"hailpoint/audio"
	"hailpoint/callagent/call"
	"hailpoint/callagent/command"
	"hailpoint/callagent/event"
	"hailpoint/callagent/signal"
	"hailpoint/device"
)

// ErrStopped is returned by methods of an Agent whose Run has returned.
var ErrStopped = errors.New("the terminal has stopped")

// inputsAhead is how many inputs may wait for the loop.
const inputsAhead = 256

// Agent is one terminal. Its methods may be called from any goroutine, but not
// from Link, Media or Leg methods that the Agent itself called.
type Agent struct {
	cfg    Config
	link   Link
	media  Media
	log    *slog.Logger
	inputs chan input
	done   chan struct{}

	// Owned by the goroutine of Run.
	state    call.State
	exchange *signal.Exchange
	timers   map[timerKey]time.Time
	legs     map[legKey]*legWorker
	buttons  []*button
	lamps    []*lamp
	groups   map[string][]event.User
	names    map[string]string
	faults   map[string]string
	linkUp   bool
	plan     plan
	ops      int64
	beatAt   time.Time
	lampAt   time.Time // when a lamp changes next; zero for never
	status   command.Status
	stopping bool
	stopAt   time.Time
	counters Counters
	workers  sync.WaitGroup
}

// Counters count what the agent refused, for the status and the telemetry.
type Counters struct {
	signal.Counters
	Forbidden uint64 `json:"forbidden"` // invites from those who may not call
	Dropped   uint64 `json:"dropped"`   // work for a leg that had too much already
}

// input is what the loop takes.
//
//sumtype:decl
type input interface{ isAgentInput() }

type (
	edge struct {
		button int
		edge   device.Edge
	}
	fault struct {
		source string
		err    error
	}
	message struct {
		from string
		m    signal.Message
	}
	unreadable struct {
		from string
		err  *signal.DecodeError
	}
	order struct {
		cmd   command.Command
		reply chan<- command.Reply
	}
	members struct {
		group string
		users []event.User
	}
	peerName   struct{ address, name string }
	linkChange struct{ up bool }
	happened   struct{ in call.Input }
	ask        struct{ answer chan<- Report }
)

func (edge) isAgentInput()       {}
func (fault) isAgentInput()      {}
func (message) isAgentInput()    {}
func (unreadable) isAgentInput() {}
func (order) isAgentInput()      {}
func (members) isAgentInput()    {}
func (peerName) isAgentInput()   {}
func (linkChange) isAgentInput() {}
func (happened) isAgentInput()   {}
func (ask) isAgentInput()        {}

// Report is what an Agent says of itself to those who stand at the box.
type Report struct {
	command.Status
	Lamps    map[string]bool `json:"lamps"` // by name: lit now
	Counters Counters        `json:"counters"`
}

// New returns an agent that has not started.
func New(cfg Config, link Link, media Media) (*Agent, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	a := &Agent{
		cfg: cfg, link: link, media: media, log: cfg.Log,
		inputs: make(chan input, inputsAhead), done: make(chan struct{}),
		exchange: signal.NewExchange(cfg.NewID),
		timers:   map[timerKey]time.Time{}, legs: map[legKey]*legWorker{},
		groups: map[string][]event.User{}, names: map[string]string{}, faults: map[string]string{},
	}
	for i, b := range cfg.Buttons {
		a.buttons = append(a.buttons, newButton(i, b))
	}
	for _, l := range cfg.Lamps {
		a.lamps = append(a.lamps, &lamp{Lamp: l})
	}
	return a, nil
}

// Run works until ctx ends, then ends a running call, waits for the peer to
// know it, but for StopTimeout at most, and returns when every goroutine of its
// own has. It is called once.
func (a *Agent) Run(ctx context.Context) error {
	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer a.workers.Wait()
	defer close(a.done)
	defer cancel()
	for _, b := range a.buttons {
		a.workers.Go(func() { a.watch(work, b) })
	}
	a.follow()
	a.settle()
	timer := time.NewTimer(0)
	defer timer.Stop()
	stop := ctx.Done()
	for {
		select {
		case <-stop:
			stop = nil
			a.stop(work)
		case in := <-a.inputs:
			a.take(work, in)
		case <-timer.C:
		}
		a.expire(work)
		a.settle()
		if a.stopping && a.stopped() {
			a.shut()
			return nil
		}
		timer.Reset(time.Until(a.next()))
	}
}

// now reads both clocks.
func (a *Agent) now() call.Instant {
	t := time.Now()
	return call.Instant{Mono: t.Sub(a.cfg.Boot), Wall: t.UnixMilli()}
}

// take handles one input.
func (a *Agent) take(ctx context.Context, in input) {
	switch in := in.(type) {
	case edge:
		a.gestures(ctx, a.buttons[in.button], a.buttons[in.button].detector.Edge(in.edge))
	case fault:
		a.setFault(in.source, in.err)
	case message:
		a.message(ctx, in.from, in.m)
	case unreadable:
		got, out := a.exchange.Bad(time.Now(), in.from, in.err)
		a.signal(out)
		a.deliver(ctx, got)
	case order:
		in.reply <- a.obey(ctx, in.cmd)
	case members:
		a.groups[in.group] = in.users
		if a.state.Group.ID == in.group {
			a.apply(ctx, call.MembersChanged{CallID: a.state.Call.CallID, Members: in.users})
		}
	case peerName:
		a.names[in.address] = in.name
	case linkChange:
		a.linkUp = in.up
	case happened:
		if lost, ok := in.in.(call.TransportLost); ok {
			lost.LinkUp = a.linkUp
			in.in = lost
		}
		a.apply(ctx, in.in)
	case ask:
		in.answer <- a.report()
	}
}

// message hands a peer's message to the exchange and what comes of it to the
// call.
func (a *Agent) message(ctx context.Context, from string, m signal.Message) {
	got, out := a.exchange.Take(time.Now(), from, m, a.judge(from, m))
	a.signal(out)
	a.deliver(ctx, got)
}

// judge is what the running call says of a message.
func (a *Agent) judge(from string, m signal.Message) signal.Code {
	if m.Type() == signal.TypeInvite {
		if a.state.Live(m.CallID) {
			return signal.CodeNotAllowed
		}
		return ""
	}
	return a.state.Judge(from, m.CallID, m.Type())
}

// deliver hands on what the exchange found out.
func (a *Agent) deliver(ctx context.Context, got []signal.Delivery) {
	for _, d := range got {
		switch d := d.(type) {
		case signal.Arrived:
			if inv, ok := d.Message.Body.(signal.Invite); ok {
				a.invited(ctx, d.From, d.Message.CallID, inv)
				continue
			}
			a.apply(ctx, call.Got{From: d.From, CallID: d.Message.CallID, ID: d.Message.ID, Body: d.Message.Body})
		case signal.Confirmed:
			a.apply(ctx, call.Confirmed{Peer: d.By, CallID: d.CallID, Type: d.Type})
		case signal.Refused:
			a.log.Debug("message refused by peer", "peer", d.By, "call_id", d.CallID, "type", d.Type, "code", d.Error.Code, "detail", d.Error.Detail)
			a.apply(ctx, call.Refused{Peer: d.By, CallID: d.CallID, Type: d.Type, Code: d.Error.Code})
		case signal.Unanswered:
			a.log.Debug("message not confirmed by peer", "peer", d.By, "call_id", d.CallID, "type", d.Type)
			a.apply(ctx, call.Unanswered{Peer: d.By, CallID: d.CallID, Type: d.Type})
		}
	}
}

// invited lets an invitation in, or refuses it.
func (a *Agent) invited(ctx context.Context, from, callID string, inv signal.Invite) {
	if inv.Caller.ID != from || !a.matches(a.cfg.Allow, from) {
		a.counters.Forbidden++
		a.log.Warn("call refused: the caller is not allowed", "call_id", callID, "from", from, "claims", inv.Caller.ID)
		a.signal(a.exchange.Send(time.Now(), from, callID, signal.Reject{Reason: signal.RejectForbidden}, signal.GiveUp))
		return
	}
	rules := a.rules(a.cfg.TimeLimit)
	if a.cfg.AutoAnswer >= 0 && a.matches(a.cfg.AutoFrom, from) {
		rules.AutoAnswer = a.cfg.AutoAnswer
	}
	a.apply(ctx, call.Invited{
		From: from, CallID: callID, Invite: inv, Rules: rules,
		DoNotDisturb: a.cfg.DoNotDisturb || a.stopping,
	})
}

// matches tells whether an address stands in a list of addresses and groups.
func (a *Agent) matches(list []string, address string) bool {
	for _, entry := range list {
		if entry == "*" || entry == address {
			return true
		}
		for _, u := range a.groups[entry] {
			if u.ID == address {
				return true
			}
		}
	}
	return false
}

// rules are the settings of a call.
func (a *Agent) rules(limit time.Duration) call.Rules {
	return call.Rules{
		Self: a.cfg.Self, RingTimeout: a.cfg.RingTimeout, JoinTimeout: a.cfg.JoinTimeout,
		TimeLimit: limit, AutoAnswer: -1, BusinessType: a.cfg.BusinessType,
	}
}

// apply gives an input to the call and does what it asks for.
func (a *Agent) apply(ctx context.Context, in call.Input) {
	before := a.state.Phase
	next, do := a.state.On(a.now(), in)
	a.state = next
	for _, e := range do {
		a.perform(ctx, e)
	}
	if before != a.state.Phase {
		a.phaseChanged(before)
	}
}

// phaseChanged follows the call with tone, marks and subscriptions.
func (a *Agent) phaseChanged(before call.Phase) {
	switch a.state.Phase {
	case call.RingingIn:
		a.media.Play(audio.Ring)
	case call.RingingOut:
		a.media.Play(audio.Ringback)
	case call.Dialing, call.Connecting:
		a.media.Play(audio.NoTone)
	case call.Talking, call.Idle: // Over chose the tone
	}
	if before == call.Idle || a.state.Phase == call.Idle {
		a.follow()
	}
	a.mark()
}

// mark leaves, or takes away, what the next start is to record if the process
// dies now.
func (a *Agent) mark() {
	now := a.now()
	var records []event.Record
	for _, e := range a.state.Died(now) {
		records = append(records, a.envelope(call.Record{Call: a.state.Call, Start: a.state.Start, At: now, Event: e}))
	}
	a.link.Running(records)
}

// envelope makes the record of an event.
func (a *Agent) envelope(r call.Record) event.Record {
	return event.Record{
		ID: a.cfg.NewID(), DeviceID: a.cfg.Self.ID, SelfID: a.cfg.Self.ID, BootID: a.cfg.BootID,
		Call: r.Call, At: r.At.Wall, Clock: a.cfg.Clock(), UptimeMs: r.At.Mono.Milliseconds(),
		SinceStartMs: (r.At.Mono - r.Start).Milliseconds(), Data: r.Event,
	}
}

// setFault notes that a part of the terminal fails, or works again.
func (a *Agent) setFault(source string, err error) {
	_, was := a.faults[source]
	if err == nil {
		if was {
			a.log.Info("fault gone", "source", source)
			delete(a.faults, source)
		}
		return
	}
	if a.faults[source] != err.Error() {
		a.log.Error("fault", "source", source, "error", err)
	}
	a.faults[source] = err.Error()
	if !was {
		now := a.now()
		a.link.Record(a.envelope(call.Record{
			Call: event.Call{Role: event.NoRole}, Start: now.Mono, At: now,
			Event: event.DeviceError{Detail: fmt.Sprintf("%s: %v", source, err)},
		}))
	}
}

// stop begins the orderly end.
func (a *Agent) stop(ctx context.Context) {
	a.stopping = true
	a.stopAt = time.Now().Add(a.cfg.StopTimeout)
	a.plan = plan{}
	a.log.Info("stopping", "state", a.state.Phase.String())
	a.apply(ctx, call.HangUp{Origin: event.System})
}

// stopped tells whether the peer knows of the end, or was given up.
func (a *Agent) stopped() bool {
	return !a.exchange.Pending() || !time.Now().Before(a.stopAt)
}

// shut takes down what still runs.
func (a *Agent) shut() {
	for key := range a.legs {
		a.closeLeg(key)
	}
	a.media.Play(audio.NoTone)
	for _, l := range a.lamps {
		l.off(a.log)
	}
	for {
		select {
		case in := <-a.inputs:
			if o, ok := in.(order); ok {
				o.reply <- command.Fail(o.cmd.ID, command.Errorf(command.Unavailable, "the terminal is stopping"))
			}
		default:
			return
		}
	}
}
