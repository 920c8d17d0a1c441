package callagent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"hailpoint/callagent/call"
	"hailpoint/callagent/event"
	"hailpoint/device"
	"hailpoint/device/gesture"
	"hailpoint/device/led"
)

const (
	// retryWatch is the wait before a button that failed is watched again.
	retryWatch = time.Second
	// steadyWatch is how long a button that failed must be read without trouble
	// before it counts as repaired.
	steadyWatch = 2 * time.Second
)

type button struct {
	Button
	index    int
	detector *gesture.Detector
}

func newButton(index int, b Button) *button {
	b.Gesture.Long = b.Long != ActNone && b.Long != ""
	b.Gesture.Double = b.Double != ActNone && b.Double != ""
	return &button{Button: b, index: index, detector: gesture.New(b.Gesture)}
}

// watch hands a contact's edges to the loop, for ever. A failure is a fault
// until the contact has been read again for a while.
func (a *Agent) watch(ctx context.Context, b *button) {
	source := "button " + b.Source.Name()
	edges := make(chan device.Edge)
	forward := make(chan struct{})
	go func() {
		defer close(forward)
		for e := range edges {
			a.post(edge{b.index, e})
		}
	}()
	defer func() { close(edges); <-forward }()
	failed := false
	for {
		var held *time.Timer
		if failed {
			held = time.AfterFunc(steadyWatch, func() { a.post(fault{source, nil}) })
		}
		err := b.Source.Watch(ctx, edges)
		if held != nil {
			held.Stop()
		}
		if ctx.Err() != nil {
			return
		}
		failed = true
		if err == nil {
			err = errors.New("the line is no longer read")
		}
		a.post(fault{source, err})
		select {
		case <-ctx.Done():
			return
		case <-time.After(retryWatch):
		}
	}
}

// Press presses a button by its name for the time of hold: the same debounce
// and gestures as the contact itself. It returns after the release.
func (a *Agent) Press(ctx context.Context, name string, hold time.Duration) error {
	for _, b := range a.buttons {
		if b.Source.Name() != name {
			continue
		}
		if err := a.send(ctx, edge{b.index, device.Edge{Active: true, At: time.Now()}}); err != nil {
			return err
		}
		wait := time.NewTimer(hold)
		defer wait.Stop()
		var cut error
		select {
		case <-ctx.Done():
			cut = ctx.Err()
		case <-a.done:
			return ErrStopped
		case <-wait.C:
		}
		if err := a.send(context.WithoutCancel(ctx), edge{b.index, device.Edge{At: time.Now()}}); err != nil {
			return err
		}
		return cut
	}
	return fmt.Errorf("there is no button %q; there are: %s", name, names(a.buttons))
}

func names(buttons []*button) string {
	if len(buttons) == 0 {
		return "none"
	}
	list := make([]string, len(buttons))
	for i, b := range buttons {
		list[i] = b.Source.Name()
	}
	return strings.Join(list, ", ")
}

// gestures does what a person did with a button.
func (a *Agent) gestures(ctx context.Context, b *button, gs []gesture.Gesture) {
	source := "button " + b.Source.Name() + " stuck"
	for _, g := range gs {
		a.log.Info("button", "name", b.Source.Name(), "gesture", g.String())
		switch g {
		case gesture.Press:
			a.act(ctx, b.Press)
		case gesture.LongPress:
			a.act(ctx, b.Long)
		case gesture.DoublePress:
			a.act(ctx, b.Double)
		case gesture.Stuck:
			a.setFault(source, fmt.Errorf("held down for %v; the contact is stuck or \"active\" is the wrong way round", b.Gesture.Stuck))
		}
	}
	if !b.detector.Down() {
		a.setFault(source, nil)
	}
}

// act does what a gesture is configured to do.
func (a *Agent) act(ctx context.Context, what Action) {
	switch what {
	case ActCall:
		a.callPress(ctx)
	case ActCallOrHangUp:
		switch a.state.Phase {
		case call.Idle, call.RingingIn:
			a.callPress(ctx)
		case call.Dialing, call.RingingOut, call.Connecting, call.Talking:
			a.apply(ctx, call.HangUp{Origin: event.Manual, OpID: a.nextOp()})
		}
	case ActAnswer:
		a.apply(ctx, call.Answer{Origin: event.Manual, OpID: a.nextOp()})
	case ActHangUp:
		a.plan = plan{}
		a.apply(ctx, call.HangUp{Origin: event.Manual, OpID: a.nextOp()})
	case ActMute:
		a.apply(ctx, call.Mute{On: !a.state.Muted})
	case ActVolumeUp:
		a.setVolume(a.media.Volume() + volumeStep)
	case ActVolumeDown:
		a.setVolume(a.media.Volume() - volumeStep)
	case ActCustom, ActNone, "":
	}
}

// callPress dials, or answers when it rings.
func (a *Agent) callPress(ctx context.Context) {
	switch a.state.Phase {
	case call.Idle:
		if len(a.cfg.Target) == 0 {
			a.log.Warn("call press without effect: [call] target is not set")
			return
		}
		a.plan = plan{targets: a.cfg.Target}
		a.dialNext(ctx)
	case call.RingingIn:
		a.apply(ctx, call.Answer{Origin: event.Manual, OpID: a.nextOp()})
	case call.Dialing, call.RingingOut, call.Connecting, call.Talking:
	}
}

func (a *Agent) setVolume(percent int) { a.media.SetVolume(min(max(percent, 0), 100)) }

// nextOp numbers the operations that people and programs ask for, from 1.
func (a *Agent) nextOp() int64 {
	a.ops++
	return a.ops
}

type lamp struct {
	Lamp
	pattern led.Pattern
	since   time.Time
	set     bool // on was written
	on      bool
	broken  bool
}

// show brings a lamp to what it must show at now and returns when it changes
// next.
func (l *lamp) show(now time.Time, i led.Indication, log *slog.Logger) (time.Time, bool) {
	if p := led.For(l.Show, i); p != l.pattern || l.since.IsZero() {
		l.pattern, l.since = p, now
	}
	elapsed := now.Sub(l.since)
	l.write(l.pattern.On(elapsed), log)
	at, changes := l.pattern.Next(elapsed)
	return l.since.Add(at), changes
}

func (l *lamp) off(log *slog.Logger) { l.write(false, log) }

func (l *lamp) write(on bool, log *slog.Logger) {
	if l.set && l.on == on {
		return
	}
	if err := l.Pin.Set(on); err != nil {
		if !l.broken {
			log.Error("lamp cannot be set", "lamp", l.Pin.Name(), "error", err)
		}
		l.broken = true
		return
	}
	l.broken, l.set, l.on = false, true, on
}

// indication is what the lamps are to show.
func (a *Agent) indication() led.Indication {
	i := led.Indication{Online: a.linkUp, Fault: len(a.faults) > 0, Muted: a.state.Muted}
	switch a.state.Phase {
	case call.Idle:
	case call.Dialing, call.RingingOut:
		i.Phase = led.Calling
	case call.RingingIn:
		i.Phase = led.Ringing
	case call.Connecting:
		i.Phase = led.Connecting
	case call.Talking:
		i.Phase = led.Talking
	}
	return i
}
