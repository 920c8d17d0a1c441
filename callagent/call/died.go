package call

import "hailpoint/callagent/event"

// Died returns what the next start has to record if the process dies at now
// during this call; nothing while idle.
func (s State) Died(now Instant) []event.Event {
	if s.Phase == Idle {
		return nil
	}
	st := &step{State: s, now: now}
	st.Crossed = nil // never became a call of ours
	st.record(event.CallAborted{Local: true, Cause: event.Internal, ErrMsg: "the terminal stopped during the call", TalkMs: st.talk()})
	st.end(event.EndAborted, true, event.Internal)
	var events []event.Event
	for _, e := range st.do {
		if r, ok := e.(Record); ok {
			events = append(events, r.Event)
		}
	}
	return events
}
