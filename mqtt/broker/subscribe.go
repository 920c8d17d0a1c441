package broker

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"hailpoint/mqtt"
)

// subscription is one call of Subscribe.
type subscription struct {
	filter string
	handle func(mqtt.Message)
}

// Subscribe calls handle for each message whose topic matches filter, the
// retained ones first, in the order of their arrival, one at a time over all
// subscriptions: handle must be quick. A message that several filters match
// may arrive, for each of them, more than once. The returned function ends the
// subscription; a message under way may still be handled after it. Subscribe
// returns an error while the broker is not up.
func (b *Broker) Subscribe(ctx context.Context, filter string, handle func(mqtt.Message)) (func(), error) {
	select {
	case <-b.up:
	default:
		return nil, fmt.Errorf("subscribe %s: %w", filter, ErrNotRunning)
	}
	sub := &subscription{filter: filter, handle: handle}
	b.mu.Lock()
	b.subs = append(b.subs, sub)
	b.mu.Unlock()
	cancel := func() {
		b.mu.Lock()
		b.subs = slices.DeleteFunc(b.subs, func(s *subscription) bool { return s == sub })
		last := !slices.ContainsFunc(b.subs, func(s *subscription) bool { return s.filter == filter })
		b.mu.Unlock()
		if s := b.own.Session(); s != nil && last {
			// If it fails the session is gone, and the subscription with it.
			_ = s.Unsubscribe(context.WithoutCancel(ctx), filter)
		}
	}
	s := b.own.Session()
	if s == nil {
		return cancel, nil // made when the client is connected again
	}
	if err := s.Subscribe(ctx, filter); err != nil {
		cancel()
		return nil, err
	}
	return cancel, nil
}

// resubscribe makes the subscriptions in a new session.
func (b *Broker) resubscribe(ctx context.Context, s *mqtt.Session) error {
	b.mu.Lock()
	filters := make([]string, 0, len(b.subs))
	for _, sub := range b.subs {
		filters = append(filters, sub.filter)
	}
	b.mu.Unlock()
	return s.Subscribe(ctx, filters...)
}

// dispatch hands a message to those who subscribed it.
func (b *Broker) dispatch(_ context.Context, _ *mqtt.Session, m mqtt.Message) {
	b.mu.Lock()
	subs := slices.Clone(b.subs)
	b.mu.Unlock()
	for _, sub := range subs {
		if matches(sub.filter, m.Topic) {
			sub.handle(m)
		}
	}
}

// matches reports whether topic matches filter (MQTT 3.1.1, section 4.7).
func matches(filter, topic string) bool {
	for {
		f, moreFilter, hasFilter := strings.Cut(filter, "/")
		if f == "#" {
			return true
		}
		t, moreTopic, hasTopic := strings.Cut(topic, "/")
		if f != "+" && f != t {
			return false
		}
		switch {
		case !hasFilter && !hasTopic:
			return true
		case !hasTopic:
			return moreFilter == "#" // "a/#" matches "a" too
		case !hasFilter:
			return false
		}
		filter, topic = moreFilter, moreTopic
	}
}
