package call

import (
	"slices"
	"time"

	"hailpoint/callagent/event"
	"hailpoint/callagent/signal"
)

// step is one call of On: the state being changed and the effects so far.
type step struct {
	State
	now Instant
	do  []Effect
	// Of the end that is being recorded:
	talked      *int64 // the talk time, where it is not simply now
	unsupported bool   // the peer cannot take this kind of call
}

func (s *step) on(in Input) {
	switch in := in.(type) {
	case Dial:
		s.dial(in)
	case MembersChanged:
		s.membersChanged(in)
	case Invited:
		s.invited(in)
	case Answer:
		if s.Phase == RingingIn && (in.CallID == "" || in.CallID == s.Call.CallID) {
			s.answer(in.Origin, in.OpID)
		}
	case HangUp:
		if in.CallID == "" || in.CallID == s.Call.CallID {
			s.hangUp(in.Origin, in.OpID)
		}
	case Mute:
		s.mute(in.On)
	case Got:
		if s.Judge(in.From, in.CallID, in.Body.Type()) == "" {
			s.got(s.leg(in.From), in.ID, in.Body)
		}
	case Confirmed:
		if s.Live(in.CallID) && s.leg(in.Peer) != nil && in.Type == signal.TypeInvite {
			s.delivered()
		}
	case Refused:
		if s.Live(in.CallID) && (in.Code == signal.CodeUnknownCall || in.Type == signal.TypeInvite) {
			s.lose(in.Peer, func() { s.abort(false, event.PeerAbort, string(in.Code), "", s.talk()) })
		}
	case Unanswered:
		if s.Live(in.CallID) && in.Type != signal.TypeInvite {
			s.drop(in.Peer, func() {
				s.abort(true, event.WaitPeerTimeout, "no answer to "+string(in.Type), signal.HangupAborted, s.talk())
			})
		}
	case OfferMade:
		if l := s.mine(in.CallID, in.Peer); l != nil && s.Call.Role == event.Caller && !l.Invited {
			s.invite(l, in.SDP)
		}
	case AnswerMade:
		if l := s.mine(in.CallID, in.Peer); l != nil && s.Call.Role == event.Callee && !l.Described {
			s.answerMade(l, in.SDP)
		}
	case MediaFailed:
		if in.Peer == "" && s.Live(in.CallID) && s.Phase == Dialing && len(s.Legs) == 0 {
			s.joinFailed(in.Detail)
			return
		}
		if l := s.mine(in.CallID, in.Peer); l != nil {
			s.mediaFailed(l, in.Detail)
		}
	case TransportUp:
		if l := s.mine(in.CallID, in.Peer); l != nil {
			l.Up = true
			s.join()
		}
	case TransportLost:
		if l := s.mine(in.CallID, in.Peer); l != nil {
			s.transportLost(l, in)
		}
	case LocalCandidate:
		if l := s.mine(in.CallID, in.Peer); l != nil {
			if s.Call.Role == event.Caller && !l.Invited {
				l.Early = append(slices.Clip(l.Early), in.Candidate)
				return
			}
			s.send(in.Peer, signal.Candidate{Candidate: in.Candidate})
		}
	case Expired:
		if s.Live(in.CallID) {
			s.expired(in.Timer)
		}
	}
}

// mine returns the leg to peer of the current call.
func (s *step) mine(callID, peer string) *Leg {
	if !s.Live(callID) {
		return nil
	}
	return s.leg(peer)
}

func (s *step) effect(e ...Effect) { s.do = append(s.do, e...) }

func (s *step) send(to string, b signal.Body) {
	s.effect(Send{to, s.Call.CallID, b, signal.GiveUp})
}

func (s *step) record(e event.Event) {
	s.effect(Record{s.Call, s.Start, s.now, e})
}

func (s *step) start(t Timer, after time.Duration) { s.effect(StartTimer{s.Call.CallID, t, after}) }
func (s *step) stop(t Timer)                       { s.effect(StopTimer{s.Call.CallID, t}) }

func (s *step) talk() int64 { return s.TalkMs(s.now.Mono) }

// dial makes a call.
func (s *step) dial(in Dial) {
	if s.Phase != Idle || (len(in.Callees) == 0 && !in.Ring) {
		return
	}
	s.State = State{
		Phase: Dialing, Call: in.Call, Rules: in.Rules, Caller: in.Rules.Self, Callees: in.Callees,
		Media: in.Media, UserData: in.UserData, Priority: in.Priority, Business: in.Rules.BusinessType,
		InviteOp: in.OpID, Start: s.now.Mono, RingUntil: s.now.Mono + in.Rules.RingTimeout,
	}
	s.Call.Role = event.Caller
	if in.Ring {
		s.Group = in.Group
	}
	shown := in.Callees
	if len(shown) == 0 {
		shown = []event.User{in.Group}
	}
	s.record(event.CallCreated{
		Caller: s.Caller, Callees: shown, Media: s.Media, RingTimeoutMs: in.Rules.RingTimeout.Milliseconds(),
		TimeLimitMs: in.Rules.TimeLimit.Milliseconds(), UserData: s.UserData, BusinessType: s.Business,
	})
	s.start(RingTimer, in.Rules.RingTimeout)
	s.fork(in.Callees)
}

// fork opens a leg to each user that has none yet.
func (s *step) fork(users []event.User) {
	for _, u := range users {
		if u.ID == s.Rules.Self.ID || slices.Contains(s.Tried, u.ID) || len(s.Legs) >= MaxLegs {
			continue
		}
		s.Tried = append(slices.Clip(s.Tried), u.ID)
		s.Legs = append(s.Legs, Leg{User: u, RingFor: s.ringLeft()})
		s.effect(MakeOffer{s.Call.CallID, u.ID})
	}
}

func (s *step) membersChanged(in MembersChanged) {
	if s.Live(in.CallID) && s.Group.ID != "" && (s.Phase == Dialing || s.Phase == RingingOut) {
		s.fork(in.Members)
	}
}

// invite sends the invitation of a leg whose offer is made.
func (s *step) invite(l *Leg, sdp string) {
	if s.Phase != Dialing && s.Phase != RingingOut {
		return
	}
	l.Invited = true
	callees := s.Callees
	if len(callees) == 0 {
		callees = []event.User{l.User}
	}
	s.effect(Send{l.User.ID, s.Call.CallID, signal.Invite{
		Caller: s.Caller, Callees: callees, RoomID: s.Call.RoomID, RoomNum: s.Call.RoomNum, GroupID: s.Call.GroupID,
		Media: s.Media, SDP: sdp, RingTimeoutMs: l.RingFor.Milliseconds(), TimeLimitMs: s.Rules.TimeLimit.Milliseconds(),
		UserData: s.UserData, BusinessType: s.Business, Priority: s.Priority,
	}, s.ringLeft()})
	for _, c := range l.Early {
		s.send(l.User.ID, signal.Candidate{Candidate: c})
	}
	l.Early = nil
	s.enterRoom()
}

// ringLeft is how much longer the call rings, at least long enough to be
// noticed.
func (s *step) ringLeft() time.Duration { return max(s.RingUntil-s.now.Mono, time.Second) }

// enterRoom records, once, that sound and session description are ready.
func (s *step) enterRoom() {
	if !s.InRoom {
		s.InRoom = true
		s.record(event.RoomJoined{})
	}
}

// delivered records, once, that an invitation reached somebody.
func (s *step) delivered() {
	if s.Call.Role == event.Caller && !s.Delivered {
		s.Delivered = true
		s.record(event.OpResult{Op: event.OpInvite, OpID: s.InviteOp, OK: true})
	}
}

// invited handles an invitation from a party that may call in.
func (s *step) invited(in Invited) {
	switch {
	case s.Phase == Idle && in.DoNotDisturb:
		s.effect(Send{in.From, in.CallID, signal.Reject{Reason: signal.RejectDoNotDisturb}, signal.GiveUp})
	case s.Phase == Idle:
		s.ring(in)
	case s.Live(in.CallID):
	case s.crosses(in.From) && s.Rules.Self.ID < in.From: // our call stands; theirs is withdrawn
		if s.Phase != Connecting {
			s.Crossed = &in
		}
	case s.crosses(in.From) && s.Phase != Connecting:
		s.withdraw(event.System, 0)
		s.ring(in)
		s.answer(event.System, 0)
	default:
		s.busy(in)
	}
}

// busy refuses a second call.
func (s *step) busy(in Invited) {
	s.effect(
		Send{in.From, in.CallID, signal.Reject{Reason: signal.RejectBusy}, signal.GiveUp},
		Record{
			invitedCall(in), s.now.Mono, s.now,
			event.CallBusy{User: in.Rules.Self, Local: true, UserData: in.Invite.UserData},
		})
}

// invitedCall is the call that an invitation is for.
func invitedCall(in Invited) event.Call {
	i := in.Invite
	return event.Call{CallID: in.CallID, RoomID: i.RoomID, RoomNum: i.RoomNum, GroupID: i.GroupID, Role: event.Callee}
}

// crosses tells whether from calls us while we call it.
func (s *step) crosses(from string) bool {
	return s.Call.Role == event.Caller && s.Group.ID == "" && s.Phase != Talking && s.leg(from) != nil
}

// ring lets a call in.
func (s *step) ring(in Invited) {
	inv := in.Invite
	if len(inv.Callees) == 0 {
		inv.Callees = []event.User{in.Rules.Self}
	}
	s.State = State{
		Phase: RingingIn, Call: invitedCall(in), Rules: in.Rules,
		Caller: inv.Caller, Callees: inv.Callees, Media: inv.Media, UserData: inv.UserData, Priority: inv.Priority,
		Business: inv.BusinessType, Legs: []Leg{{User: inv.Caller}}, Start: s.now.Mono,
		PeerLimit: millis(inv.TimeLimitMs),
	}
	s.record(event.CallIncoming{
		Caller: inv.Caller, Callees: inv.Callees, Media: inv.Media, UserData: inv.UserData, BusinessType: inv.BusinessType,
	})
	s.effect(MakeAnswer{in.CallID, in.From, inv.SDP})
	timeout := millis(inv.RingTimeoutMs)
	if timeout == 0 {
		timeout = in.Rules.RingTimeout
	}
	s.start(RingTimer, timeout+grace)
	if in.Rules.AutoAnswer >= 0 {
		s.start(AnswerTimer, in.Rules.AutoAnswer)
	}
}

// answerMade tells the caller our answer, with ringing or, when the call is
// answered already, with accept.
func (s *step) answerMade(l *Leg, sdp string) {
	l.Described = true
	if s.Phase == RingingIn {
		l.Rang = true
		s.send(l.User.ID, signal.Ringing{SDP: sdp})
		return
	}
	s.accept(l, sdp)
}

// answer takes a ringing call.
func (s *step) answer(origin event.Origin, op int64) {
	l := &s.Legs[0]
	s.Phase, s.Peer = Connecting, l.User.ID
	s.stop(RingTimer)
	s.stop(AnswerTimer)
	if l.Described && l.Broken == "" { // first of all: the caller wants to hear a voice
		s.effect(OpenMicrophone{s.Call.CallID, s.Peer})
		s.send(s.Peer, signal.Accept{})
		l.Accepted = true
	}
	s.record(event.CallAccepted{User: s.Rules.Self, Local: true, Origin: origin})
	s.record(event.OpResult{Op: event.OpAccept, OpID: op, OK: true})
	if l.Broken != "" {
		s.joinFailed(l.Broken)
		return
	}
	s.start(JoinTimer, s.Rules.JoinTimeout)
	if l.Described {
		s.enterRoom()
		s.join()
	}
}

// accept tells the caller our answer after the call was answered.
func (s *step) accept(l *Leg, sdp string) {
	s.effect(OpenMicrophone{s.Call.CallID, l.User.ID})
	s.send(l.User.ID, signal.Accept{SDP: sdp})
	l.Accepted = true
	s.enterRoom()
	s.join()
}

// join says, once, that our transport is up, and begins to talk when both sides
// did.
func (s *step) join() {
	if s.Phase != Connecting {
		return
	}
	l := s.leg(s.Peer)
	if l.Up && s.InRoom && !l.Joined {
		l.Joined = true
		s.send(s.Peer, signal.Joined{})
		if s.Muted { // since before there was anyone to tell
			s.send(s.Peer, signal.State{Audio: false})
		}
	}
	if !l.Joined || !l.PeerJoined {
		return
	}
	s.Phase, s.ConnectedAt = Talking, s.now
	s.stop(JoinTimer)
	s.record(event.CallConnected{Media: s.Media})
	s.record(event.MemberJoined{User: l.User})
	s.start(TickTimer, time.Second)
	if d := s.limit(); d > 0 {
		s.start(LimitTimer, d)
	}
}

// mute closes or opens our microphone and tells the peer.
func (s *step) mute(on bool) {
	if s.Phase == Idle || s.Muted == on {
		return
	}
	s.Muted = on
	s.effect(SetMute{on})
	if l := s.leg(s.Peer); l != nil && l.Joined {
		s.send(s.Peer, signal.State{Audio: !on})
	}
	s.record(event.MediaState{User: s.Rules.Self, Kind: event.Audio, Sending: !on, Local: true})
}
