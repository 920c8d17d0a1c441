package signal

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"
)

// The times of section 6 of the outside contract.
const (
	// GiveUp is how long a message other than an invite is repeated.
	GiveUp = 10 * time.Second
	// Remember is how long the ids of a call that is over, and a withdrawn call,
	// are kept after their last use.
	Remember = 2 * time.Minute
	// abandoned is when a call is taken for over whose end nobody told.
	abandoned = time.Hour
)

// The bounds of what one Exchange keeps, so that no peer can make it grow.
const (
	maxConversations = 1024
	maxHeld          = 64  // messages ahead of a missing one
	maxSeen          = 256 // ids of one conversation, the latest
	maxUnconfirmed   = 256 // own messages to a peer; it is not heard until it confirms some
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
	NotAllowed   uint64 `json:"not_allowed"`   // not to be said, or not to be read
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
	t := x.talk(now, peerCall{to, callID})
	s := &sending{
		msg:     Message{ID: x.newID(), CallID: callID, N: t.nextOut, At: now.UnixMilli(), Body: body},
		patient: patience,
	}
	t.nextOut++
	t.out = append(t.out, s)
	if ends(body.Type()) {
		t.left, t.ended = true, true
	}
	return t.release(now, to)
}

// Forget stops repeating the messages of a type to a peer: an invite that was
// withdrawn. What still waited behind the invite was never sent; it is dropped
// and its numbers are used again.
func (x *Exchange) Forget(to, callID string, t Type) {
	c := x.talks[peerCall{to, callID}]
	if c == nil {
		return
	}
	if t == TypeInvite && c.waitsForInvite() {
		c.out = slices.DeleteFunc(c.out, func(s *sending) bool { return !s.onWire })
		c.nextOut = c.out[len(c.out)-1].msg.N + 1
	}
	c.out = slices.DeleteFunc(c.out, func(s *sending) bool { return s.msg.Type() == t })
}

// Take handles one message from a peer. verdict is what the call it belongs to
// says of it: empty when the message may be said, CodeUnknownCall when there is
// no live call of this id or from is no party to it, another code when it is not
// this party's to say. What is refused is answered with an error, uses up its
// number and is not delivered.
//
// An invite needs no call, but it must be the first that the peer says of it:
// no call begins twice. The withdrawal of an invite that never arrived needs no
// call either. What comes while our own end of the call is not confirmed yet is
// confirmed and dropped.
//
// A message that came ahead of a missing one cannot be judged yet: it is
// confirmed, held, and delivered in its turn, so the receiver of an Arrived
// judges again.
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
		if before, again := t.seen[m.ID]; again {
			x.counters.Repeats++
			t.used = now
			return nil, x.reply(now, from, m, before, "")
		}
	}
	if verdict == CodeUnknownCall && m.Type() != TypeInvite {
		if m.Type() == TypeCancel {
			x.remember(now, key)
			return nil, x.reply(now, from, m, "", "")
		}
		if t.leaving() {
			// The peer does not know yet that we ended the call, nor why. An
			// error would make it an abort there; what it says no longer matters.
			return nil, x.reply(now, from, m, "", "")
		}
		x.counters.UnknownCall++
		return nil, x.reply(now, from, m, CodeUnknownCall, "")
	}
	if _, gone := x.withdrew[key]; gone && m.Type() == TypeInvite {
		x.counters.WithdrawnNow++
		return nil, x.reply(now, from, m, "", "")
	}
	second := m.Type() == TypeInvite && m.N > 0
	if t == nil && second {
		x.counters.OutOfOrder++
		return nil, x.reply(now, from, m, CodeOutOfOrder, "")
	}
	if t == nil && len(x.talks) >= maxConversations && !x.evict(now) {
		x.counters.Overflow++ // not answered: the peer repeats it
		return nil, nil
	}
	t = x.talk(now, key)
	switch {
	case second:
		verdict = CodeNotAllowed
	case verdict == CodeUnknownCall || m.N > t.nextIn:
		verdict = ""
	}
	return x.file(now, from, t, m, verdict, "")
}

// Bad handles a message from a peer that Decode could not read. It is answered
// with an error, unless it was a reply itself or bore no id, and uses up its
// number, so that what the peer says next is heard.
func (x *Exchange) Bad(now time.Time, from string, e *DecodeError) ([]Delivery, []Outgoing) {
	if e.Reply || e.ID == "" {
		return nil, nil
	}
	m := Message{ID: e.ID, CallID: e.CallID}
	t := x.talks[peerCall{from, e.CallID}]
	if t == nil || e.N == nil {
		return nil, x.reply(now, from, m, e.Code, short(e.Err))
	}
	m.N = *e.N
	if before, again := t.seen[m.ID]; again {
		x.counters.Repeats++
		return nil, x.reply(now, from, m, before, "")
	}
	return x.file(now, from, t, m, e.Code, short(e.Err))
}

// maxDetail bounds what of a bad message is quoted back, in bytes.
const maxDetail = 200

func short(err error) string {
	text := err.Error()
	return strings.ToValidUTF8(text[:min(len(text), maxDetail)], "")
}

// file answers a new message, puts it in its place and returns what is now in
// order. With a code it is refused.
func (x *Exchange) file(now time.Time, from string, t *conversation, m Message, code Code, detail string) ([]Delivery, []Outgoing) {
	_, taken := t.held[m.N]
	switch {
	case m.N < t.nextIn || taken: // a number that was already used, under another id
		x.counters.OutOfOrder++
		return nil, x.reply(now, from, m, CodeOutOfOrder, "")
	case m.N-t.nextIn > maxHeld, len(t.out) >= maxUnconfirmed:
		x.counters.Overflow++ // not answered: the peer repeats it
		return nil, nil
	}
	t.see(m.ID, code)
	out := x.reply(now, from, m, code, detail)
	if code != "" {
		x.counters.NotAllowed++
		m.Body = nil
	}
	t.held[m.N] = m
	return t.advance(from), out
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
	i := slices.IndexFunc(t.out, func(s *sending) bool { return s.msg.ID == ref })
	if i < 0 {
		return t, nil
	}
	s := t.out[i]
	t.out = slices.Delete(t.out, i, i+1)
	return t, s
}

// Expire repeats what is due and gives up what was repeated long enough.
func (x *Exchange) Expire(now time.Time) ([]Delivery, []Outgoing) {
	var got []Delivery
	var out []Outgoing
	for _, key := range x.order() {
		t := x.talks[key]
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
		clear(t.out[len(kept):])
		t.out = kept
		out = append(out, t.release(now, key.peer)...)
		if len(t.out) == 0 && !now.Before(t.forget()) {
			delete(x.talks, key)
		}
	}
	maps.DeleteFunc(x.withdrew, func(_ peerCall, at time.Time) bool { return now.Sub(at) >= Remember })
	return got, out
}

// order returns the conversations in an order that does not change from run to
// run.
func (x *Exchange) order() []peerCall {
	return slices.SortedFunc(maps.Keys(x.talks), func(a, b peerCall) int {
		return cmp.Or(cmp.Compare(a.call, b.call), cmp.Compare(a.peer, b.peer))
	})
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
			earlier(t.forget())
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

// reply answers m: received, or an error when code is not empty. A reply bears
// no number and is not kept.
func (x *Exchange) reply(now time.Time, to string, m Message, code Code, detail string) []Outgoing {
	var body Body = Received{Ref: m.ID}
	if code != "" {
		body = Error{Ref: m.ID, Code: code, Detail: detail}
	}
	return []Outgoing{{to, Message{ID: x.newID(), CallID: m.CallID, At: now.UnixMilli(), Body: body}}}
}

// talk finds or begins the conversation with a peer about a call.
func (x *Exchange) talk(now time.Time, key peerCall) *conversation {
	t := x.talks[key]
	if t == nil {
		if len(x.talks) >= maxConversations {
			x.evict(now) // if it cannot: our own calls are few
		}
		t = &conversation{held: map[uint64]Message{}, seen: map[string]Code{}}
		x.talks[key] = t
	}
	t.used = now
	return t
}

// evict makes room by dropping the conversation that was silent longest of
// those that are over. A running call is never dropped for a new one: its
// numbers would begin again, and the peer would refuse them.
func (x *Exchange) evict(now time.Time) bool {
	var oldest *conversation
	var which peerCall
	for key, t := range x.talks {
		over := t.ended || now.Sub(t.used) >= Remember
		if over && (oldest == nil || t.used.Before(oldest.used)) {
			oldest, which = t, key
		}
	}
	if oldest == nil {
		return false
	}
	delete(x.talks, which)
	x.counters.Overflow++
	return true
}

// remember keeps a withdrawal that came before its invite.
func (x *Exchange) remember(now time.Time, key peerCall) {
	if len(x.withdrew) >= maxConversations {
		var oldest peerCall
		var at time.Time
		for k, t := range x.withdrew {
			if at.IsZero() || t.Before(at) {
				oldest, at = k, t
			}
		}
		delete(x.withdrew, oldest)
		x.counters.Overflow++
	}
	x.withdrew[key] = now
}
