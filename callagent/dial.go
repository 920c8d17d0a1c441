package callagent

import (
	"context"
	"slices"
	"strings"
	"time"

	"hailpoint/callagent/call"
	"hailpoint/callagent/event"
	"hailpoint/callagent/signal"
)

// plan is what is dialled, and what is dialled after it when nobody takes the
// call.
type plan struct {
	targets  []string
	userData string
	priority signal.Priority
	business int
	limit    time.Duration // 0: as configured
}

// dialNext dials the next target of the plan; false when there is none.
func (a *Agent) dialNext(ctx context.Context) bool {
	for len(a.plan.targets) > 0 && !a.stopping {
		target := a.plan.targets[0]
		a.plan.targets = a.plan.targets[1:]
		if target == a.cfg.Self.ID {
			continue
		}
		a.dial(ctx, target)
		return true
	}
	return false
}

// dial makes a call to an address or a ring group.
func (a *Agent) dial(ctx context.Context, target string) {
	limit := a.cfg.TimeLimit
	if a.plan.limit > 0 {
		limit = a.plan.limit
	}
	in := call.Dial{
		Call:  event.Call{CallID: a.cfg.NewID(), RoomID: a.cfg.NewID(), RoomNum: a.cfg.RoomNum()},
		Media: event.Audio, UserData: a.plan.userData, Priority: a.plan.priority, OpID: a.nextOp(), Rules: a.rules(limit),
	}
	if a.plan.business != 0 {
		in.Rules.BusinessType = a.plan.business
	}
	if in.Priority == "" {
		in.Priority = signal.Normal
	}
	if strings.HasPrefix(target, "@") {
		in.Ring, in.Group, in.Callees = true, event.User{ID: target}, a.groups[target]
	} else {
		in.Callees = []event.User{{ID: target, Name: a.names[target]}}
	}
	a.log.Info("dialling", "call_id", in.Call.CallID, "target", target)
	a.apply(ctx, in)
	if len(a.state.Legs) == 0 { // nobody is in the group yet: no leg finds out that there is no sound
		a.workers.Go(func() {
			if err := a.media.Ready(ctx); err != nil && ctx.Err() == nil {
				a.post(happened{call.MediaFailed{CallID: in.Call.CallID, Detail: err.Error()}})
			}
		})
	}
}

// follow asks the link for the groups and peers that matter now.
func (a *Agent) follow() {
	var groups, peers []string
	add := func(list []string) {
		for _, entry := range list {
			switch {
			case entry == "*" || entry == a.cfg.Self.ID:
			case strings.HasPrefix(entry, "@"):
				groups = append(groups, entry)
			}
		}
	}
	add(a.cfg.Target)
	add(a.cfg.Allow)
	add(a.cfg.AutoFrom)
	for _, entry := range a.cfg.Target {
		if !strings.HasPrefix(entry, "@") && entry != a.cfg.Self.ID {
			peers = append(peers, entry)
		}
	}
	if g := a.state.Group.ID; g != "" {
		groups = append(groups, g)
	}
	if a.state.Phase != call.Idle && a.state.Call.Role == event.Caller && a.state.Group.ID == "" {
		peers = append(peers, a.state.Parties()...)
	}
	slices.Sort(groups)
	slices.Sort(peers)
	a.link.Follow(slices.Compact(groups), slices.Compact(peers))
}
