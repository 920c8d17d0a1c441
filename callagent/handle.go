package callagent

import (
	"context"

	"hailpoint/callagent/command"
	"hailpoint/callagent/event"
	"hailpoint/callagent/signal"
)

// post hands an input to the loop; it is dropped when the loop has ended.
func (a *Agent) post(in input) {
	select {
	case a.inputs <- in:
	case <-a.done:
	}
}

// send hands an input to the loop unless ctx ends first.
func (a *Agent) send(ctx context.Context, in input) error {
	select {
	case a.inputs <- in:
		return nil
	case <-a.done:
		return ErrStopped
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Message gives the agent a message that from signed with its topic.
func (a *Agent) Message(from string, m signal.Message) { a.post(message{from, m}) }

// Unreadable tells the agent that from sent a message that could not be read;
// the agent answers it.
func (a *Agent) Unreadable(from string, err *signal.DecodeError) { a.post(unreadable{from, err}) }

// Group gives the agent the members of a ring group.
func (a *Agent) Group(name string, users []event.User) { a.post(members{name, users}) }

// PeerName gives the agent the name that an endpoint is shown by.
func (a *Agent) PeerName(address, name string) { a.post(peerName{address, name}) }

// LinkChanged tells whether the broker is connected.
func (a *Agent) LinkChanged(up bool) { a.post(linkChange{up}) }

// Fault tells that a part of the terminal fails, or with a nil error that it
// works again. source names the part, e.g. "sound".
func (a *Agent) Fault(source string, err error) { a.post(fault{source, err}) }

// Command carries out a command and returns its reply.
func (a *Agent) Command(ctx context.Context, c command.Command) command.Reply {
	reply := make(chan command.Reply, 1)
	if err := a.send(ctx, order{c, reply}); err != nil {
		return command.Fail(c.ID, command.Errorf(command.Unavailable, "%v", err))
	}
	select {
	case r := <-reply:
		return r
	case <-a.done:
	case <-ctx.Done():
	}
	select {
	case r := <-reply:
		return r
	default:
		return command.Fail(c.ID, command.Errorf(command.Unavailable, "the terminal did not answer in time"))
	}
}

// Report returns what the agent says of itself.
func (a *Agent) Report(ctx context.Context) (Report, error) {
	answer := make(chan Report, 1)
	if err := a.send(ctx, ask{answer}); err != nil {
		return Report{}, err
	}
	select {
	case r := <-answer:
		return r, nil
	case <-a.done:
		return Report{}, ErrStopped
	case <-ctx.Done():
		return Report{}, ctx.Err()
	}
}
