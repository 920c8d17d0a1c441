package signal

import "time"

// conversation is what is said to and by one peer about one call.
type conversation struct {
	// Ours.
	nextOut uint64
	out     []*sending // unconfirmed, oldest first
	// Theirs.
	nextIn uint64
	held   map[uint64]Message // a nil Body is a refused message that keeps its place
	seen   map[string]Code    // ids that were handled: how they were answered
	recent []string           // the ids in seen, oldest first
	// Of both.
	used  time.Time
	left  bool // we said that it is over
	ended bool // one side said so
}

// sending is a message of ours that is not confirmed.
type sending struct {
	msg     Message
	onWire  bool // false: waits for the confirmation of the invite
	tries   int
	next    time.Time // of the next repeat
	expires time.Time
	patient time.Duration
}

// ends tells whether a message of this type ends the call for its receiver.
func ends(t Type) bool {
	return t == TypeReject || t == TypeCancel || t == TypeHangup
}

// waitsForInvite tells whether the oldest unconfirmed message is an invite.
func (t *conversation) waitsForInvite() bool {
	return len(t.out) > 0 && t.out[0].msg.N == 0 && t.out[0].msg.Type() == TypeInvite
}

// release sends what no longer waits for the invite's confirmation.
func (t *conversation) release(now time.Time, to string) []Outgoing {
	var out []Outgoing
	waits := t.waitsForInvite()
	for _, s := range t.out {
		if !s.onWire && (!waits || s.msg.N == 0) {
			out = append(out, s.put(now, to))
		}
	}
	return out
}

// leaving tells whether we ended the call and the peer may not have heard it:
// for that it needs all that we said before, too. A nil conversation is of no
// call.
func (t *conversation) leaving() bool { return t != nil && t.left && len(t.out) > 0 }

// put marks s as sent at now.
func (s *sending) put(now time.Time, to string) Outgoing {
	if !s.onWire {
		s.onWire = true
		s.expires = now.Add(s.patient)
	}
	s.next = now.Add(repeatAfter(s.tries))
	s.tries++
	return Outgoing{to, s.msg}
}

// repeatAfter is the wait before repeat n: 0.5, 1, 2, 2, … s.
func repeatAfter(n int) time.Duration {
	switch n {
	case 0:
		return 500 * time.Millisecond
	case 1:
		return time.Second
	}
	return 2 * time.Second
}

// see notes that the message id was answered with code, or received when it is
// empty.
func (t *conversation) see(id string, code Code) {
	if len(t.recent) >= maxSeen {
		delete(t.seen, t.recent[0])
		t.recent = append(t.recent[:0], t.recent[1:]...)
	}
	t.seen[id] = code
	t.recent = append(t.recent, id)
}

// advance returns the held messages that have no gap before them.
func (t *conversation) advance(from string) []Delivery {
	var got []Delivery
	for ; ; t.nextIn++ {
		m, ok := t.held[t.nextIn]
		if !ok {
			return got
		}
		delete(t.held, t.nextIn)
		if m.Body != nil { // else it was refused
			t.ended = t.ended || ends(m.Type())
			got = append(got, Arrived{from, m})
		}
	}
}

// forget is when the conversation may be dropped.
func (t *conversation) forget() time.Time {
	if t.ended {
		return t.used.Add(Remember)
	}
	return t.used.Add(abandoned)
}
