package link

import (
	"context"

	"hailpoint/mqtt"
)

// Receive handles a message as if it came from the broker.
func (l *Link) Receive(ctx context.Context, agent Agent, m mqtt.Message) {
	l.agent = agent
	if l.session.Load() == nil {
		l.session.Store(&session{marker: "marker", read: make(chan struct{})})
	}
	l.receive(ctx, nil, m)
}
