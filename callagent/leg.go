package callagent

import (
	"context"
	"encoding/json"
	"time"

	"hailpoint/callagent/call"
)

// opsAhead bounds what may wait for one leg: descriptions and candidates.
const opsAhead = 128

// closeTimeout bounds the closing of a leg's transport.
const closeTimeout = 5 * time.Second

type legKey struct{ callID, peer string }

// legWorker does the slow work of one leg, in order.
type legWorker struct {
	key    legKey
	leg    Leg
	ops    chan func(context.Context, *legWorker) error
	cancel context.CancelFunc
}

// makeOffer opens the caller's leg.
func (a *Agent) makeOffer(ctx context.Context, key legKey) {
	a.openLeg(ctx, key)
	a.toLeg(key, func(ctx context.Context, l *legWorker) error {
		if err := a.media.Ready(ctx); err != nil {
			return err
		}
		sdp, err := l.leg.Offer(ctx)
		if err != nil {
			return err
		}
		a.post(happened{call.OfferMade{CallID: key.callID, Peer: key.peer, SDP: sdp}})
		return nil
	})
}

// makeAnswer opens the callee's leg.
func (a *Agent) makeAnswer(ctx context.Context, key legKey, offer string) {
	a.openLeg(ctx, key)
	a.toLeg(key, func(ctx context.Context, l *legWorker) error {
		if err := a.media.Ready(ctx); err != nil {
			return err
		}
		sdp, err := l.leg.Answer(ctx, offer)
		if err != nil {
			return err
		}
		a.post(happened{call.AnswerMade{CallID: key.callID, Peer: key.peer, SDP: sdp}})
		return nil
	})
}

// openLeg begins a leg and its worker.
func (a *Agent) openLeg(ctx context.Context, key legKey) {
	a.closeLeg(key)
	ctx, cancel := context.WithCancel(ctx)
	w := &legWorker{key: key, cancel: cancel, ops: make(chan func(context.Context, *legWorker) error, opsAhead)}
	w.leg = a.media.Open(key.callID, key.peer, LegEvents{
		Candidate: func(c json.RawMessage) {
			a.post(happened{call.LocalCandidate{CallID: key.callID, Peer: key.peer, Candidate: c}})
		},
		Up: func() { a.post(happened{call.TransportUp{CallID: key.callID, Peer: key.peer}}) },
		Down: func(heard time.Time) {
			lost := call.TransportLost{CallID: key.callID, Peer: key.peer}
			if !heard.IsZero() {
				lost.Heard = heard.Sub(a.cfg.Boot)
			}
			a.post(happened{lost})
		},
	})
	a.legs[key] = w
	a.workers.Go(func() { a.work(ctx, w) })
}

// work is the goroutine of one leg.
func (a *Agent) work(ctx context.Context, w *legWorker) {
	failed := false
	for op := range w.ops {
		if failed {
			continue
		}
		if err := op(ctx, w); err != nil && ctx.Err() == nil {
			failed = true
			a.log.Error("sound of call cannot be set up", "call_id", w.key.callID, "peer", w.key.peer, "error", err)
			a.post(happened{call.MediaFailed{CallID: w.key.callID, Peer: w.key.peer, Detail: err.Error()}})
		}
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
	defer cancel()
	if err := w.leg.Close(ctx); err != nil {
		a.log.Warn("transport of call not closed in order", "call_id", w.key.callID, "peer", w.key.peer, "error", err)
	}
}

// toLeg gives a leg work; without a leg, or with too much work before it, it is
// dropped.
func (a *Agent) toLeg(key legKey, op func(context.Context, *legWorker) error) {
	w := a.legs[key]
	if w == nil {
		return
	}
	select {
	case w.ops <- op:
	default:
		a.counters.Dropped++
	}
}

// closeLeg ends a leg's worker, which closes the transport.
func (a *Agent) closeLeg(key legKey) {
	w := a.legs[key]
	if w == nil {
		return
	}
	delete(a.legs, key)
	w.cancel()
	close(w.ops)
}
