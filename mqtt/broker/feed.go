package broker

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"

	"hailpoint/mqtt"
	"hailpoint/mqtt/topic"
)

const (
	stream     = "$MQTT_msgs" // where the server puts a QoS 1 publication before its PUBACK
	prefix     = "$MQTT.msgs."
	durable    = "fleet"
	ackWait    = 10 * time.Second // after a crash between commit and acknowledgement
	batchLimit = 256

	// giveBackAfter is when messages that a stopped reader gives back may come
	// again: once the server knows that this reader takes no more.
	giveBackAfter = 250 * time.Millisecond
)

// feed makes, or finds, the durable consumer of the event topics.
func (b *Broker) feed(ctx context.Context, js jetstream.JetStream) (jetstream.Consumer, error) {
	events := prefix + subject(b.config.Topics.Everyone(topic.Event))
	consumer, err := js.CreateOrUpdateConsumer(ctx, stream, jetstream.ConsumerConfig{
		Durable: durable, FilterSubjects: []string{events, events + ".>"},
		AckPolicy: jetstream.AckExplicitPolicy, AckWait: ackWait, MaxAckPending: 4 * batchLimit,
	})
	if err != nil {
		return nil, fmt.Errorf("make the durable consumer of events: %w", err)
	}
	return consumer, nil
}

// Events calls handle with the messages of all t/<id>/event and
// t/<id>/event/<system> topics that terminals published at QoS 1, oldest
// first, up to 256 at a time, until ctx ends; then it returns nil. A message is
// forgotten only after handle has returned nil for it: store it before. After
// an error the same messages come again, a moment later. Messages can come
// twice, as after a restart; that they are well formed is for handle to see. Events
// waits for the broker to be up, and is called once at a time.
func (b *Broker) Events(ctx context.Context, handle func(context.Context, []mqtt.Message) error) error {
	if err := b.Wait(ctx); err != nil {
		if ctx.Err() != nil {
			return nil //nolint:nilerr // told to stop
		}
		return fmt.Errorf("read events: %w", err)
	}
	it, err := b.consumer.Messages(jetstream.PullMaxMessages(batchLimit))
	if err != nil {
		return fmt.Errorf("read events: %w", err)
	}
	g, ctx := errgroup.WithContext(ctx)
	arrived := make(chan jetstream.Msg, batchLimit)
	g.Go(func() error {
		defer close(arrived)
		for {
			m, err := it.Next(jetstream.NextContext(ctx))
			switch {
			case ctx.Err() != nil, errors.Is(err, jetstream.ErrMsgIteratorClosed):
				return nil
			case errors.Is(err, jetstream.ErrNoHeartbeat):
				continue // the machine was busy; the iterator asks again by itself
			case err != nil:
				return fmt.Errorf("read events: %w", err)
			}
			select {
			case arrived <- m:
			case <-ctx.Done():
				return nil
			}
		}
	})
	g.Go(func() error {
		var batch []jetstream.Msg
		defer func() {
			it.Stop()          // first: else they come again to here
			giveBack(batch...) // no effect on what was let go of
			for m := range arrived {
				giveBack(m)
			}
		}()
		for ctx.Err() == nil {
			if batch = gather(ctx, arrived); batch == nil {
				return nil
			}
			if err := b.store(ctx, batch, handle); err != nil {
				return err
			}
		}
		return nil
	})
	return g.Wait()
}

// gather waits for a message and takes along what else has arrived. It
// returns nil when no more will come.
func gather(ctx context.Context, arrived <-chan jetstream.Msg) []jetstream.Msg {
	var batch []jetstream.Msg
	select {
	case m, ok := <-arrived:
		if !ok {
			return nil
		}
		batch = append(batch, m)
	case <-ctx.Done():
		return nil
	}
	for len(batch) < batchLimit {
		select {
		case m, ok := <-arrived:
			if !ok {
				return batch
			}
			batch = append(batch, m)
		default:
			return batch
		}
	}
	return batch
}

// store calls handle until it succeeds or ctx ends, then lets go of batch.
func (b *Broker) store(ctx context.Context, batch []jetstream.Msg, handle func(context.Context, []mqtt.Message) error) error {
	messages := make([]mqtt.Message, len(batch))
	for i, m := range batch {
		messages[i] = mqtt.Message{
			Topic:   strings.ReplaceAll(strings.TrimPrefix(m.Subject(), prefix), ".", "/"),
			Payload: m.Data(), QoS: 1,
		}
	}
	backoff := mqtt.Backoff{Min: 100 * time.Millisecond, Max: ackWait / 3}
	for failures := 1; ; failures++ {
		err := handle(ctx, messages)
		if err == nil {
			break
		}
		if ctx.Err() != nil {
			return nil //nolint:nilerr // told to stop; the messages are given back
		}
		b.log.Warn("events not stored; will try again", "events", len(batch), "error", err)
		again := time.NewTimer(backoff.Delay(failures, 1))
		select {
		case <-again.C:
		case <-ctx.Done():
			again.Stop()
			return nil
		}
		for _, m := range batch {
			if err := m.InProgress(); err != nil { // else they come again while we hold them
				return fmt.Errorf("hold events: %w", err)
			}
		}
	}
	for _, m := range batch {
		// Lost acknowledgements mean repeats, which handle copes with.
		if err := m.Ack(); err != nil {
			return fmt.Errorf("let go of events: %w", err)
		}
	}
	return nil
}

// giveBack asks for messages to come again soon, not only after ackWait, which
// is what happens if the asking fails.
func giveBack(batch ...jetstream.Msg) {
	for _, m := range batch {
		_ = m.NakWithDelay(giveBackAfter)
	}
}
