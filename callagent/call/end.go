package call

import (
	"time"

	"hailpoint/callagent/event"
	"hailpoint/callagent/signal"
)

// hangUp ends the call from here, in whatever phase it is.
func (s *step) hangUp(origin event.Origin, op int64) {
	switch s.Phase {
	case Dialing, RingingOut:
		s.withdraw(origin, op)
	case RingingIn:
		s.send(s.Legs[0].User.ID, signal.Reject{Reason: signal.RejectRejected})
		s.record(event.OpResult{Op: event.OpReject, OpID: op, OK: true})
		s.record(event.CallRejected{User: s.Rules.Self, Local: true, Origin: origin})
		s.end(event.EndRejected, true, "")
	case Connecting, Talking:
		s.leave(event.EndHungUp, origin)
	case Idle:
	}
}

// withdraw cancels our unanswered call. The agent's own withdrawals, with op 0
// and origin system, have no operation result.
func (s *step) withdraw(origin event.Origin, op int64) {
	for _, l := range s.Legs {
		s.cancelLeg(l, signal.CancelCanceled)
	}
	if origin != event.System {
		s.record(event.OpResult{Op: event.OpCancel, OpID: op, OK: true})
	}
	s.record(event.CallCanceled{Local: true, Origin: origin, UserData: s.UserData})
	s.end(event.EndCanceled, true, "")
}

// leave hangs up an answered call.
func (s *step) leave(reason event.EndReason, origin event.Origin) {
	talk := s.talk()
	why := signal.HangupHungUp
	if reason == event.EndTimeLimit {
		why = signal.HangupTimeLimit
	}
	s.bye(signal.Hangup{Reason: why, TalkMs: talk})
	s.tick(talk)
	s.record(event.CallHungUp{ByRole: s.Call.Role, User: s.Rules.Self, Local: true, Origin: origin, TalkMs: talk})
	s.end(reason, true, "")
}

// bye tells the peer of an answered call that we leave it. A caller that waits
// for our description yet is told first that we answered: it would refuse a
// hangup before that.
func (s *step) bye(h signal.Hangup) {
	if s.Call.Role == event.Callee && !s.leg(s.Peer).Accepted {
		s.send(s.Peer, signal.Accept{})
	}
	s.send(s.Peer, h)
}

// abort breaks the call off. A reason tells the peer; without one it is not
// told.
func (s *step) abort(local bool, cause event.AbortCause, detail string, tell signal.HangupReason, talk int64) {
	s.talked = &talk
	if tell != "" && s.Peer != "" {
		s.bye(signal.Hangup{Reason: tell, Cause: cause, TalkMs: talk})
	}
	for _, l := range s.Legs {
		if s.Peer == "" && s.Call.Role == event.Caller {
			s.cancelLeg(l, signal.CancelJoinFailed)
		}
	}
	s.tick(talk)
	s.record(event.CallAborted{Local: local, Cause: cause, ErrMsg: detail, TalkMs: talk})
	s.end(event.EndAborted, local, cause)
}

// joinFailed: we answered, or dialled, but cannot take part.
func (s *step) joinFailed(detail string) {
	if s.Peer != "" {
		s.bye(signal.Hangup{Reason: signal.HangupJoinFailed})
	}
	s.record(event.RoomJoinFailed{ErrMsg: detail})
	s.end(event.EndJoinFailed, true, "")
}

// mediaFailed: a leg's sound device or session description is no good.
func (s *step) mediaFailed(l *Leg, detail string) {
	switch s.Phase {
	case Dialing, RingingOut:
		id := l.User.ID
		s.drop(id, func() {
			if !s.InRoom {
				s.joinFailed(detail)
				return
			}
			s.abort(true, event.MediaDevice, detail, "", 0)
		})
	case RingingIn:
		l.Broken = detail
		if !l.Rang { // ring all the same: a person is there
			l.Rang = true
			s.send(l.User.ID, signal.Ringing{})
		}
	case Connecting:
		if s.Call.Role == event.Callee && !s.InRoom {
			s.joinFailed(detail)
			return
		}
		s.abort(true, event.MediaDevice, detail, signal.HangupAborted, 0)
	case Talking:
		s.abort(true, event.MediaDevice, detail, signal.HangupAborted, s.talk())
	case Idle:
	}
}

// transportLost: nothing was heard for the media timeout. Talk time ends with
// the last packet heard; while answering, the join timer decides instead.
func (s *step) transportLost(l *Leg, in TransportLost) {
	l.Up = false
	if s.Phase != Talking {
		return
	}
	talk := min(max((in.Heard-s.ConnectedAt.Mono).Milliseconds(), 0), s.talk())
	s.abort(!in.LinkUp, event.MediaLost, "no sound, RTCP or consent from the other side", signal.HangupAborted, talk)
}

func (s *step) expired(t Timer) {
	switch t {
	case RingTimer:
		s.ringExpired()
	case AnswerTimer:
		if s.Phase == RingingIn {
			s.answer(event.System, 0)
		}
	case JoinTimer:
		if s.Phase == Connecting {
			s.abort(true, event.WaitPeerTimeout, "the other side did not come up", signal.HangupAborted, 0)
		}
	case LimitTimer:
		if s.Phase == Talking {
			s.leave(event.EndTimeLimit, event.TimeLimit)
		}
	case TickTimer:
		if s.Phase == Talking {
			s.tick(s.talk())
			s.start(TickTimer, time.Second-(s.now.Mono-s.ConnectedAt.Mono)%time.Second)
		}
	}
}

// tick reports a second of talk, unless it is reported already. It is also
// asked when the call ends, so that the last full second is not lost where its
// timer and the end fall together, as they do at a time limit.
func (s *step) tick(talk int64) {
	if s.Phase == Talking && talk/1000 > s.Ticked/1000 {
		s.Ticked = talk
		s.record(event.CallTick{TalkMs: talk})
	}
}

func (s *step) ringExpired() {
	switch s.Phase {
	case Dialing, RingingOut:
		for _, l := range s.Legs {
			s.cancelLeg(l, signal.CancelNoAnswer)
		}
		if !s.Delivered {
			s.record(event.OpResult{Op: event.OpInvite, OpID: s.InviteOp, Detail: "nobody received the invitation"})
		}
		s.record(event.CallNoAnswer{User: s.callee(), UserData: s.UserData})
		s.end(event.EndNoAnswer, false, "")
	case RingingIn:
		s.record(event.CallNoAnswer{User: s.Rules.Self, Local: true, UserData: s.UserData})
		s.end(event.EndNoAnswer, true, "")
	case Idle, Connecting, Talking:
	}
}

// end closes the books: exactly one call.ended per call, after the terminal
// event that the caller of end recorded.
func (s *step) end(reason event.EndReason, local bool, cause event.AbortCause) {
	connected := s.Phase == Talking
	var talk, begin int64
	endAt := s.now.Wall
	if connected {
		talk, begin = s.talk(), s.ConnectedAt.Wall
		if s.talked != nil {
			talk = *s.talked
		}
		endAt = begin + talk
	}
	if connected && !local {
		why := event.LeftQuit
		switch cause {
		case event.MediaLost:
			why = event.LeftOffline
		case event.WaitPeerTimeout:
			why = event.LeftTimeout
		case event.PeerAbort, event.PageFloatClosed, event.OtherIncomingCall, event.KickedOut, event.MediaDevice, event.Internal:
		}
		if reason == event.EndRoomClosed {
			why = event.LeftRoomClosed
		}
		s.record(event.MemberLeft{User: s.leg(s.Peer).User, Why: why})
	}
	code := event.RCReason(reason, cause, local)
	if s.unsupported {
		code = 16
	}
	s.record(event.CallEnded{
		Reason: reason, Local: local, Connected: connected, TalkMs: talk, BeginAt: begin, EndAt: endAt,
		Caller: s.Caller, Callee: s.callee(), Media: s.Media, BusinessType: s.Business, ReasonCode: code,
	})
	for _, t := range []Timer{RingTimer, JoinTimer, LimitTimer, TickTimer, AnswerTimer} {
		s.stop(t)
	}
	for _, l := range s.Legs {
		s.effect(CloseMedia{s.Call.CallID, l.User.ID})
	}
	if s.Muted {
		s.effect(SetMute{false})
	}
	s.effect(Over{s.Call.CallID, reason, local, connected})
	if s.Crossed != nil { // not withdrawn after all, as far as we know
		s.busy(*s.Crossed)
	}
	s.State = State{}
	s.talked, s.unsupported = nil, false
}
