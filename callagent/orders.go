package callagent

import (
	"context"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"hailpoint/callagent/call"
	"hailpoint/callagent/command"
	"hailpoint/callagent/event"
	"hailpoint/callagent/signal"
)

// obey carries out one command.
func (a *Agent) obey(ctx context.Context, c command.Command) command.Reply {
	if a.stopping {
		return command.Fail(c.ID, command.Errorf(command.Unavailable, "the terminal is stopping"))
	}
	do, ok := orders[c.Name]
	if !ok {
		return command.Fail(c.ID, command.Errorf(command.UnknownCommand, "there is no command %q; there are: %s",
			c.Name, strings.Join(Commands(), ", ")))
	}
	result, err := do(a, ctx, c)
	if err != nil {
		return command.Fail(c.ID, command.AsError(err))
	}
	return command.OK(c.ID, result)
}

// orders are the commands this terminal knows.
var orders = map[string]func(*Agent, context.Context, command.Command) (any, error){
	"call.dial":    (*Agent).orderDial,
	"call.answer":  (*Agent).orderAnswer,
	"call.reject":  (*Agent).orderReject,
	"call.hangup":  (*Agent).orderHangUp,
	"call.mute":    (*Agent).orderMute,
	"audio.volume": (*Agent).orderVolume,
	"agent.status": (*Agent).orderStatus,
}

// Commands returns the names of the commands this terminal knows, sorted.
func Commands() []string { return slices.Sorted(maps.Keys(orders)) }

type dialArgs struct {
	To           string          `json:"to"`
	Members      []string        `json:"members"`
	Media        event.Media     `json:"media"`
	Priority     signal.Priority `json:"priority"`
	BusinessType int             `json:"business_type"`
	TimeLimitMs  int64           `json:"time_limit_ms"`
	UserData     string          `json:"user_data"`
}

// maxUserData bounds what a call carries along, in bytes.
const maxUserData = 4096

type callResult struct {
	CallID string `json:"call_id"`
}

func (a *Agent) orderDial(ctx context.Context, c command.Command) (any, error) {
	var args dialArgs
	if err := c.Bind(&args); err != nil {
		return nil, err
	}
	switch {
	case len(args.Members) > 0:
		return nil, command.Errorf(command.Unsupported, "members: this terminal makes calls to one address or ring group; use to")
	case !validTarget(args.To):
		return nil, command.Errorf(command.BadArgs, "to: %q is neither an address ([a-z0-9][a-z0-9_-]{0,63}) nor a @group", args.To)
	case args.To == a.cfg.Self.ID:
		return nil, command.Errorf(command.BadArgs, "to: %q is this terminal itself", args.To)
	case args.Media != "" && args.Media != event.Audio:
		return nil, command.Errorf(command.Unsupported, "media: %q; this terminal makes audio calls only", args.Media)
	case args.Priority != "" && args.Priority != signal.Normal && args.Priority != signal.Emergency:
		return nil, command.Errorf(command.BadArgs, "priority: %q; use normal or emergency", args.Priority)
	case args.TimeLimitMs < 0:
		return nil, command.Errorf(command.BadArgs, "time_limit_ms: %d is negative; use 0 for none", args.TimeLimitMs)
	case len(args.UserData) > maxUserData:
		return nil, command.Errorf(command.BadArgs, "user_data: %d bytes, at most %d are allowed", len(args.UserData), maxUserData)
	case a.state.Phase != call.Idle:
		return nil, command.Errorf(command.Busy, "there is a call already: %s is %s", a.state.Call.CallID, a.state.Phase)
	}
	a.plan = plan{
		userData: args.UserData, priority: args.Priority, business: args.BusinessType,
		limit: time.Duration(args.TimeLimitMs) * time.Millisecond,
	}
	a.dial(ctx, args.To)
	return callResult{a.state.Call.CallID}, nil
}

// validTarget follows section 1 of the outside contract.
func validTarget(s string) bool {
	s = strings.TrimPrefix(s, "@")
	if s == "" || len(s) > 64 {
		return false
	}
	for i, r := range s {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
		case i > 0 && (r == '_' || r == '-'):
		default:
			return false
		}
	}
	return true
}

// during checks that there is a call, and the one meant, in one of the phases.
func (a *Agent) during(callID string, phases ...call.Phase) (any, error) {
	switch {
	case a.state.Phase == call.Idle:
		return nil, command.Errorf(command.NoSuchCall, "there is no call")
	case callID != "" && callID != a.state.Call.CallID:
		return nil, command.Errorf(command.NoSuchCall, "the call is %s, not %s", a.state.Call.CallID, callID)
	case len(phases) > 0 && !slices.Contains(phases, a.state.Phase):
		return nil, command.Errorf(command.NoSuchCall, "the call %s is %s", a.state.Call.CallID, a.state.Phase)
	}
	return callResult{a.state.Call.CallID}, nil
}

type callArgs struct {
	CallID string `json:"call_id"`
}

// onCall does in to the call that the args mean.
func (a *Agent) onCall(ctx context.Context, c command.Command, in func() call.Input, phases ...call.Phase) (any, error) {
	var args callArgs
	if err := c.Bind(&args); err != nil {
		return nil, err
	}
	result, err := a.during(args.CallID, phases...)
	if err == nil {
		a.plan = plan{}
		a.apply(ctx, in())
	}
	return result, err
}

func (a *Agent) orderAnswer(ctx context.Context, c command.Command) (any, error) {
	return a.onCall(ctx, c, func() call.Input { return call.Answer{Origin: event.AppForce, OpID: a.nextOp()} }, call.RingingIn)
}

func (a *Agent) orderReject(ctx context.Context, c command.Command) (any, error) {
	return a.onCall(ctx, c, func() call.Input { return call.HangUp{Origin: event.AppForce, OpID: a.nextOp()} }, call.RingingIn)
}

func (a *Agent) orderHangUp(ctx context.Context, c command.Command) (any, error) {
	return a.onCall(ctx, c, func() call.Input { return call.HangUp{Origin: event.AppForce, OpID: a.nextOp()} })
}

func (a *Agent) orderMute(ctx context.Context, c command.Command) (any, error) {
	var args struct {
		On *bool `json:"on"`
	}
	if err := c.Bind(&args); err != nil {
		return nil, err
	}
	if args.On == nil {
		return nil, command.Errorf(command.BadArgs, "on: missing; use true or false")
	}
	result, err := a.during("")
	if err == nil {
		a.apply(ctx, call.Mute{On: *args.On})
	}
	return result, err
}

func (a *Agent) orderVolume(_ context.Context, c command.Command) (any, error) {
	var args struct {
		Percent *int `json:"percent"`
	}
	if err := c.Bind(&args); err != nil {
		return nil, err
	}
	if args.Percent == nil || *args.Percent < 0 || *args.Percent > 100 {
		return nil, command.Errorf(command.BadArgs, "percent: missing or outside 0 to 100")
	}
	a.media.SetVolume(*args.Percent)
	return map[string]int{"percent": *args.Percent}, nil
}

func (a *Agent) orderStatus(context.Context, command.Command) (any, error) { return a.report(), nil }

// publish tells the link what changed.
func (a *Agent) publish() {
	s := a.describe()
	if !reflect.DeepEqual(s, a.status) {
		a.status = s
		a.link.Status(s)
	}
}

// describe is the status as of now.
func (a *Agent) describe() command.Status {
	s := command.Status{
		Version: a.cfg.Version, BootID: a.cfg.BootID, Name: a.cfg.Self.Name, State: a.state.Phase.String(),
		CallID: a.state.Call.CallID, Peer: a.state.Peer, Muted: a.state.Muted, Volume: a.media.Volume(),
		Labels: a.cfg.Labels, Capabilities: []string{"audio"}, Faults: []string{},
	}
	if s.Labels == nil {
		s.Labels = map[string]string{}
	}
	if s.Peer == "" && len(a.state.Legs) == 1 {
		s.Peer = a.state.Legs[0].User.ID
	}
	if a.stopping && a.state.Phase == call.Idle {
		s.State = "ending"
	}
	for _, source := range slices.Sorted(maps.Keys(a.faults)) {
		s.Faults = append(s.Faults, source+": "+a.faults[source])
	}
	return s
}

// report is everything an Agent says of itself.
func (a *Agent) report() Report {
	s := a.describe()
	s.Online, s.At = a.linkUp, time.Now().UnixMilli()
	r := Report{Status: s, Lamps: map[string]bool{}, Counters: a.counters}
	r.Counters.Counters = a.exchange.Counters()
	for _, l := range a.lamps {
		r.Lamps[l.Pin.Name()] = l.on
	}
	return r
}
