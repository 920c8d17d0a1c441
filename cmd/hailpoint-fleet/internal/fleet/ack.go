package fleet

import (
	"context"
	"encoding/json"
	"time"

	"hailpoint/cmd/hailpoint-fleet/internal/store"
	"hailpoint/mqtt"
)

// ackInput is news for the goroutine that acknowledges.
type ackInput struct {
	journals []store.Journal   // as a commit left them
	newest   map[string]uint64 // by terminal: the number of the last event in the commit
	active   map[string]bool   // terminals that sent something
	gone     string            // a terminal whose connection ended
}

// pending is an acknowledgement that is due to a terminal.
type pending struct {
	journals map[string]store.Journal
	newest   uint64    // number of the event that came last
	last     time.Time // when something last came
	due      time.Time
}

// acknowledge tells terminals up to where their events are stored.
func (f *Fleet) acknowledge(ctx context.Context) error {
	waiting := map[string]*pending{}
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		select {
		case in := <-f.acks:
			f.arm(waiting, in, time.Now())
		case <-timer.C:
		case <-ctx.Done():
			return nil
		}
		now := time.Now()
		var next time.Time
		for device, p := range waiting {
			if !p.due.After(now) && f.settle(ctx, device, p, now) {
				delete(waiting, device)
				continue
			}
			if next.IsZero() || p.due.Before(next) {
				next = p.due
			}
		}
		if !next.IsZero() {
			timer.Reset(time.Until(next))
		}
	}
}

// arm notes what is to be acknowledged.
func (f *Fleet) arm(waiting map[string]*pending, in ackInput, now time.Time) {
	delete(waiting, in.gone)
	for device := range in.active {
		if p := waiting[device]; p != nil {
			p.last = now
		}
	}
	for _, j := range in.journals {
		p := waiting[j.Device]
		if p == nil {
			p = &pending{journals: map[string]store.Journal{}, last: now, due: now.Add(f.config.Settle)}
			waiting[j.Device] = p
		}
		p.journals[j.Journal] = j
		p.newest = in.newest[j.Device]
	}
}

// settle sends what is certain, and reports whether nothing is left to send.
func (f *Fleet) settle(ctx context.Context, device string, p *pending, now time.Time) (done bool) {
	quiet := now.Sub(p.last) >= f.config.Settle
	for journal, j := range p.journals {
		upTo := j.Acknowledgeable()
		if !quiet && p.newest > 0 {
			upTo = min(upTo, p.newest-1) // the newest may lack its vocabulary records
		}
		if upTo > 0 {
			f.sendAck(ctx, device, journal, upTo)
		}
	}
	p.due = p.last.Add(f.config.Settle)
	if !p.due.After(now) {
		p.due = now.Add(f.config.Settle)
	}
	return quiet
}

func (f *Fleet) sendAck(ctx context.Context, device, journal string, seq uint64) {
	payload, err := json.Marshal(struct {
		Journal string `json:"journal"`
		Seq     uint64 `json:"seq"`
	}{journal, seq})
	if err == nil {
		err = f.broker.Publish(ctx, mqtt.Message{Topic: f.config.Topics.Ack(device), Payload: payload, QoS: 1})
	}
	if err != nil && ctx.Err() == nil {
		// The terminal repeats what it got no acknowledgement for.
		f.log.Warn("acknowledgement not sent", "device_id", device, "seq", seq, "error", err)
	}
}

// disconnected withdraws what was about to be acknowledged to a terminal: the
// rest of its newest event may have been lost with the connection.
func (f *Fleet) disconnected(ctx context.Context, device string) {
	select {
	case f.acks <- ackInput{gone: device}:
	case <-ctx.Done():
	}
}
