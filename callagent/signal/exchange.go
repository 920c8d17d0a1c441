package signal

import (
	"time"
)

// The times of section 6 of the outside contract.
const (
	// GiveUp is how long a message other than an invite is repeated.
	GiveUp = 10 * time.Second
	// Remember is how long the ids of a call, and a withdrawn call, are kept
	// after their last use.
	Remember = 2 * time.Minute
)

// The bounds of what one Exchange keeps, so that no peer can make it grow.
const (
	maxConversations = 1024
	maxHeld          = 64   // messages ahead of a missing one
	maxSeen          = 4096 // ids of one conversation
)

// Outgoing is a message to publish now.
type Outgoing struct {
	To      string
	Message Message
}

// Delivery is something the exchange found out.
//
//sumtype:decl
type Delivery interface{ isDelivery() }

// Arrived is a message from a peer: each once, in the order of its N.
type Arrived struct {
	From    string
	Message Message
}

// Confirmed says that the peer has a message of ours.
type Confirmed struct {
	By, CallID string
	Type       Type
}

// Refused says that the peer answered a message of ours with an error.
type Refused struct {
	By, CallID string
	Type       Type // of our message; empty when it is no longer known
	Error      Error
}

// Unanswered says that a message of ours was repeated in vain until its time
// was up.
type Unanswered struct {
	By, CallID string
	Type       Type
}

func (Arrived) isDelivery()    {}
func (Confirmed) isDelivery()  {}
func (Refused) isDelivery()    {}
func (Unanswered) isDelivery() {}

// Counters count what an Exchange refused, for the status.
type Counters struct {
	Repeats      uint64 `json:"repeats"`       // messages received again
	OutOfOrder   uint64 `json:"out_of_order"`  // refused for their N
	UnknownCall  uint64 `json:"unknown_call"`  // for no call, or from no party
	NotAllowed   uint64 `json:"not_allowed"`   // not this party's to say
	Overflow     uint64 `json:"overflow"`      // dropped at a bound
	Unanswered   uint64 `json:"unanswered"`    // own messages given up
	Retransmits  uint64 `json:"retransmits"`   // own messages repeated
	WithdrawnNow uint64 `json:"withdrawn_now"` // invites ignored because their cancel came first
}

// Exchange delivers messages between this endpoint and its peers: it numbers,
// repeats and confirms its own, and orders, confirms and drops the repeats of
// theirs. It is used from one goroutine.
type Exchange struct {
	newID    func() string
	talks    map[peerCall]*conversation
	withdrew map[peerCall]time.Time // cancels that came before their invite
	counters Counters
}

type peerCall struct{ peer, call string }

type conversation struct {
	// Ours.
	nextOut uint64
	out     []*sending // unconfirmed, oldest first
	// Theirs.
	nextIn uint64
	held   map[uint64]Message // a nil Body is a refused message that keeps its place
	seen   map[string]struct{}
	used   time.Time
}

type sending struct {
	msg     Message
	onWire  bool // false: waits for the confirmation of N 0
	tries   int
	next    time.Time // of the next repeat
	expires time.Time
	patient time.Duration
}

// NewExchange returns an empty exchange. newID makes message ids (UUIDv7).
func NewExchange(newID func() string) *Exchange {
	return &Exchange{newID: newID, talks: map[peerCall]*conversation{}, withdrew: map[peerCall]time.Time{}}
}

// Counters returns what was counted so far.
func (x *Exchange) Counters() Counters { return x.counters }

// Send numbers body for the peer and returns what to publish now. patience is
// how long it is repeated: the ring timeout for an invite, GiveUp otherwise.
//
// Messages that follow an invite are held until the peer confirmed it, so that
// none of them can overtake it and be refused as unknown; Forget the invite
// before sending its cancel.
func (x *Exchange) Send(now time.Time, to, callID string, body Body, patience time.Duration) []Outgoing {
	t := x.talk(now, to, callID)
	s := &sending{
		msg:     Message{ID: x.newID(), CallID: callID, N: t.nextOut, At: now.UnixMilli(), Body: body},
		patient: patience,
	}
	t.nextOut++
	t.out = append(t.out, s)
	if s.msg.N != 0 && t.waitsForInvite() {
		return nil
	}
	return t.release(now, to)
}

// waitsForInvite tells whether the oldest unconfirmed message is an invite.
func (t *conversation) waitsForInvite() bool {
	return len(t.out) > 0 && t.out[0].msg.N == 0 && t.out[0].msg.Type() == TypeInvite
}

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

// Forget stops repeating the messages of a type to a peer, e.g. an invite that
// was withdrawn.
func (x *Exchange) Forget(to, callID string, t Type) {
	c := x.talks[peerCall{to, callID}]
	if c == nil {
		return
	}
	kept := c.out[:0]
	for _, s := range c.out {
		if s.msg.Type() != t {
			kept = append(kept, s)
		}
	}
	c.out = kept
}

// Take handles one message from a peer. verdict is what the call it belongs to
// says of it: empty when the message may be said, CodeUnknownCall when there is
// no live call of this id or from is no party to it, another code when it is not
// this party's to say. An invite, and the withdrawal of an invite that never
// arrived, need no call. What is refused is answered with an error, uses up its
// number and is not delivered.
func (x *Exchange) Take(now time.Time, from string, m Message, verdict Code) ([]Delivery, []Outgoing) {
	switch body := m.Body.(type) {
	case Received:
		return x.confirm(now, from, m.CallID, body.Ref)
	case Error:
		return x.refuse(now, from, m.CallID, body)
	default:
		return x.request(now, from, m, verdict)
	}
}

// request handles a message that wants an answer.
func (x *Exchange) request(now time.Time, from string, m Message, verdict Code) ([]Delivery, []Outgoing) {
	key := peerCall{from, m.CallID}
	t := x.talks[key]
	if t != nil {
		if _, again := t.seen[m.ID]; again {
			x.counters.Repeats++
			t.used = now
			return nil, x.answer(now, from, m, Received{Ref: m.ID})
		}
	}
	if verdict == CodeUnknownCall && m.Type() != TypeInvite {
		if m.Type() == TypeCancel {
			x.remember(now, key)
			return nil, x.answer(now, from, m, Received{Ref: m.ID})
		}
		x.counters.UnknownCall++
		return nil, x.answer(now, from, m, Error{Ref: m.ID, Code: CodeUnknownCall})
	}
	if _, gone := x.withdrew[key]; gone && m.Type() == TypeInvite {
		x.counters.WithdrawnNow++
		return nil, x.answer(now, from, m, Received{Ref: m.ID})
	}
	t = x.talk(now, from, m.CallID)
	switch {
	case m.N < t.nextIn: // a number that was already used, under another id
		x.counters.OutOfOrder++
		return nil, x.answer(now, from, m, Error{Ref: m.ID, Code: CodeOutOfOrder})
	case m.N > t.nextIn && (len(t.held) >= maxHeld || m.N-t.nextIn > maxHeld), len(t.seen) >= maxSeen:
		x.counters.Overflow++ // not answered: the peer repeats it
		return nil, nil
	}
	t.seen[m.ID] = struct{}{}
	var reply Body = Received{Ref: m.ID}
	if verdict != "" && verdict != CodeUnknownCall {
		x.counters.NotAllowed++
		reply = Error{Ref: m.ID, Code: verdict}
		m.Body = nil
	}
	t.held[m.N] = m
	return t.advance(from), x.answer(now, from, m, reply)
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
			got = append(got, Arrived{from, m})
		}
	}
}

// confirm handles received.
func (x *Exchange) confirm(now time.Time, from, callID, ref string) ([]Delivery, []Outgoing) {
	t, s := x.take(from, callID, ref)
	if s == nil {
		return nil, nil
	}
	t.used = now
	got := []Delivery{Confirmed{from, callID, s.msg.Type()}}
	return got, t.release(now, from)
}

// refuse handles error.
func (x *Exchange) refuse(now time.Time, from, callID string, e Error) ([]Delivery, []Outgoing) {
	t, s := x.take(from, callID, e.Ref)
	if t == nil {
		return nil, nil // for no message of ours
	}
	r := Refused{By: from, CallID: callID, Error: e}
	var out []Outgoing
	if s != nil {
		r.Type = s.msg.Type()
		out = t.release(now, from)
	}
	return []Delivery{r}, out
}

// take removes our message ref from what is repeated.
func (x *Exchange) take(peer, callID, ref string) (*conversation, *sending) {
	t := x.talks[peerCall{peer, callID}]
	if t == nil {
		return nil, nil
	}
	for i, s := range t.out {
		if s.msg.ID == ref {
			t.out = append(t.out[:i:i], t.out[i+1:]...)
			return t, s
		}
	}
	return t, nil
}

// release sends what waited for the invite's confirmation.
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

// Expire repeats what is due and gives up what was repeated long enough.
func (x *Exchange) Expire(now time.Time) ([]Delivery, []Outgoing) {
	var got []Delivery
	var out []Outgoing
	for key, t := range x.talks {
		kept := t.out[:0]
		for _, s := range t.out {
			switch {
			case s.onWire && !now.Before(s.expires):
				x.counters.Unanswered++
				got = append(got, Unanswered{key.peer, key.call, s.msg.Type()})
				continue
			case s.onWire && !now.Before(s.next):
				x.counters.Retransmits++
				out = append(out, s.put(now, key.peer))
			}
			kept = append(kept, s)
		}
		t.out = kept
		out = append(out, t.release(now, key.peer)...)
		if len(t.out) == 0 && now.Sub(t.used) >= Remember {
			delete(x.talks, key)
		}
	}
	for key, at := range x.withdrew {
		if now.Sub(at) >= Remember {
			delete(x.withdrew, key)
		}
	}
	return got, out
}

// Next returns when Expire has something to do; false while there is nothing
// to repeat and nothing to forget.
func (x *Exchange) Next() (time.Time, bool) {
	var next time.Time
	earlier := func(t time.Time) {
		if next.IsZero() || t.Before(next) {
			next = t
		}
	}
	for _, t := range x.talks {
		if len(t.out) == 0 {
			earlier(t.used.Add(Remember))
		}
		for _, s := range t.out {
			if s.onWire {
				earlier(s.next)
				earlier(s.expires)
			}
		}
	}
	for _, at := range x.withdrew {
		earlier(at.Add(Remember))
	}
	return next, !next.IsZero()
}

// Keep marks a call as still in use, so that its ids are not forgotten while it
// runs.
func (x *Exchange) Keep(now time.Time, peer, callID string) {
	if t := x.talks[peerCall{peer, callID}]; t != nil {
		t.used = now
	}
}

// Pending tells whether messages to anyone are still unconfirmed.
func (x *Exchange) Pending() bool {
	for _, t := range x.talks {
		if len(t.out) > 0 {
			return true
		}
	}
	return false
}

// answer makes a reply; it bears no number and is not kept.
func (x *Exchange) answer(now time.Time, to string, m Message, body Body) []Outgoing {
	return []Outgoing{{to, Message{ID: x.newID(), CallID: m.CallID, At: now.UnixMilli(), Body: body}}}
}

// talk finds or begins the conversation with a peer about a call.
func (x *Exchange) talk(now time.Time, peer, callID string) *conversation {
	key := peerCall{peer, callID}
	t := x.talks[key]
	if t == nil {
		if len(x.talks) >= maxConversations {
			x.evict()
		}
		t = &conversation{held: map[uint64]Message{}, seen: map[string]struct{}{}}
		x.talks[key] = t
	}
	t.used = now
	return t
}

// evict drops the conversation that was silent longest.
func (x *Exchange) evict() {
	var oldest peerCall
	var at time.Time
	for key, t := range x.talks {
		if at.IsZero() || t.used.Before(at) {
			oldest, at = key, t.used
		}
	}
	delete(x.talks, oldest)
	x.counters.Overflow++
}

// remember keeps a withdrawal that came before its invite.
func (x *Exchange) remember(now time.Time, key peerCall) {
	if len(x.withdrew) >= maxConversations {
		x.counters.Overflow++
		return
	}
	x.withdrew[key] = now
}
