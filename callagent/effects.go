package callagent

import (
	"context"
	"time"

	"hailpoint/audio"
	"hailpoint/callagent/call"
	"hailpoint/callagent/event"
	"hailpoint/callagent/signal"
)

// perform does what the call asks for. Nothing here waits.
func (a *Agent) perform(ctx context.Context, e call.Effect) {
	switch e := e.(type) {
	case call.Send:
		a.signal(a.exchange.Send(time.Now(), e.To, e.CallID, e.Body, e.Patience))
	case call.Withdraw:
		a.exchange.Forget(e.To, e.CallID, signal.TypeInvite)
	case call.Record:
		a.record(e)
	case call.StartTimer:
		a.timers[timerKey{e.CallID, e.Timer}] = time.Now().Add(e.After)
	case call.StopTimer:
		delete(a.timers, timerKey{e.CallID, e.Timer})
	case call.MakeOffer:
		a.makeOffer(ctx, legKey{e.CallID, e.Peer})
	case call.MakeAnswer:
		a.makeAnswer(ctx, legKey{e.CallID, e.Peer}, e.Offer)
	case call.SetAnswer:
		a.toLeg(legKey{e.CallID, e.Peer}, func(_ context.Context, l *legWorker) error { return l.leg.SetAnswer(e.SDP) })
	case call.AddCandidate:
		a.toLeg(legKey{e.CallID, e.Peer}, func(_ context.Context, l *legWorker) error {
			if err := l.leg.AddCandidate(e.Candidate); err != nil {
				a.log.Debug("candidate of peer is of no use", "call_id", e.CallID, "peer", e.Peer, "error", err)
			}
			return nil
		})
	case call.OpenMicrophone:
		if w := a.legs[legKey{e.CallID, e.Peer}]; w != nil {
			w.leg.OpenMicrophone()
		}
	case call.SetMute:
		a.media.SetMute(e.On)
	case call.CloseMedia:
		a.closeLeg(legKey{e.CallID, e.Peer})
	case call.Over:
		a.over(ctx, e)
	}
}

// signal puts messages on the wire.
func (a *Agent) signal(out []signal.Outgoing) {
	for _, o := range out {
		a.link.Signal(o.To, o.Message)
	}
}

// record reports an event of a call.
func (a *Agent) record(r call.Record) {
	rec := a.envelope(r)
	if !event.Transient(r.Event) {
		a.log.Info("call event", "call_id", r.Call.CallID, "event", r.Event.Name(), "role", string(r.Call.Role), "data", r.Event)
	} else {
		a.exchange.Keep(time.Now(), a.state.Peer, r.Call.CallID)
		a.mark()
	}
	a.link.Record(rec)
}

// over chooses what is heard after a call, and what is dialled next.
func (a *Agent) over(ctx context.Context, o call.Over) {
	if !o.Connected && !o.Local && a.dialNext(ctx) {
		return
	}
	a.plan = plan{}
	a.media.Play(toneAfter(o))
}

// toneAfter is the tone that tells a person how a call ended: none where the
// person here ended it, or another one took it.
func toneAfter(o call.Over) audio.Tone {
	switch o.Reason {
	case event.EndBusy:
		return audio.Busy
	case event.EndHungUp, event.EndTimeLimit, event.EndRoomClosed, event.EndKicked:
		if o.Local && o.Reason == event.EndHungUp {
			return audio.NoTone
		}
		return audio.Busy
	case event.EndAborted, event.EndJoinFailed:
		return audio.Error
	case event.EndRejected, event.EndNoAnswer:
		if o.Local {
			return audio.NoTone
		}
		return audio.Error
	case event.EndCanceled, event.EndAnsweredElsewhere, event.EndRejectedElsewhere:
	}
	return audio.NoTone
}
