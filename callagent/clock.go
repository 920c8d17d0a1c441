package callagent

import (
	"context"
	"time"

	"hailpoint/callagent/call"
)

type timerKey struct {
	callID string
	timer  call.Timer
}

// expire does everything whose time has come.
func (a *Agent) expire(ctx context.Context) {
	now := time.Now()
	for _, b := range a.buttons {
		if at, ok := b.detector.Next(); ok && !now.Before(at) {
			a.gestures(ctx, b, b.detector.At(now))
		}
	}
	for {
		key, ok := a.due(now)
		if !ok {
			break
		}
		delete(a.timers, key)
		a.apply(ctx, call.Expired{CallID: key.callID, Timer: key.timer})
	}
	if at, ok := a.exchange.Next(); ok && !now.Before(at) {
		got, out := a.exchange.Expire(now)
		a.signal(out)
		a.deliver(ctx, got)
	}
	if a.cfg.Beat != nil && !now.Before(a.beatAt) {
		a.beatAt = now.Add(a.cfg.BeatEvery)
		a.cfg.Beat()
	}
}

// due returns the timer that ran off first.
func (a *Agent) due(now time.Time) (timerKey, bool) {
	var first timerKey
	var at time.Time
	for key, t := range a.timers {
		if !now.Before(t) && (at.IsZero() || t.Before(at)) {
			first, at = key, t
		}
	}
	return first, !at.IsZero()
}

// settle brings lamps and status up to date with what happened.
func (a *Agent) settle() {
	now, i := time.Now(), a.indication()
	a.lampAt = time.Time{}
	for _, l := range a.lamps {
		if at, changes := l.show(now, i, a.log); changes && (a.lampAt.IsZero() || at.Before(a.lampAt)) {
			a.lampAt = at
		}
	}
	a.publish()
}

// next is when the loop must look again, if nothing happens before. It comes
// after settle.
func (a *Agent) next() time.Time {
	next := time.Now().Add(time.Hour)
	earlier := func(t time.Time, ok bool) {
		if ok && t.Before(next) {
			next = t
		}
	}
	for _, b := range a.buttons {
		earlier(b.detector.Next())
	}
	for _, t := range a.timers {
		earlier(t, true)
	}
	earlier(a.exchange.Next())
	earlier(a.lampAt, !a.lampAt.IsZero())
	earlier(a.beatAt, a.cfg.Beat != nil)
	earlier(a.stopAt, a.stopping)
	return next
}
