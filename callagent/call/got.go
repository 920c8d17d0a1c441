package call

import (
	"slices"
	"time"

	"hailpoint/callagent/event"
	"hailpoint/callagent/signal"
)

// got handles a message that Judge let through.
func (s *step) got(l *Leg, id string, b signal.Body) {
	switch b := b.(type) {
	case signal.Ringing:
		s.describe(l, b.SDP)
		s.delivered()
		if !l.Rang {
			l.Rang = true
			s.Phase = RingingOut
			s.record(event.CallRinging{User: l.User})
		}
	case signal.Accept:
		s.accepted(l, b.SDP)
	case signal.Reject:
		s.delivered()
		s.lose(l.User.ID, func() { s.rejected(l.User, b.Reason) })
	case signal.Cancel:
		s.canceled(b.Reason)
	case signal.Joined:
		if s.Phase == Connecting {
			l.PeerJoined = true
			s.join()
		}
	case signal.Hangup:
		s.hungUp(l, b)
	case signal.Candidate:
		s.effect(AddCandidate{s.Call.CallID, l.User.ID, b.Candidate})
	case signal.State:
		if l.Silent == b.Audio {
			l.Silent = !b.Audio
			s.record(event.MediaState{User: l.User, Kind: event.Audio, Sending: b.Audio})
		}
	case signal.Property:
		s.record(event.CallProperty{Changed: b.Changed, ShareUser: b.ShareUser})
	case signal.Recording:
		if b.State == "aborted" {
			s.record(event.RecordingAborted{User: l.User, Detail: b.Detail})
		}
	case signal.Text:
		s.record(event.MessageReceived{From: l.User, Scope: scope(b.Scope), ContentType: b.ContentType, Content: b.Content})
		s.send(l.User.ID, signal.TextAck{Ref: id, OK: true})
	case signal.Invite, signal.Kick, signal.Roster, signal.Update, signal.Updated, // refused by Judge
		signal.TextAck, signal.Received, signal.Error: // for the exchange
	}
}

// scope maps a message's scope to the event's words.
func scope(s string) string {
	if s == "one" || s == "group" {
		return s
	}
	return "unknown"
}

// describe gives the leg the peer's answer, once.
func (s *step) describe(l *Leg, sdp string) {
	if sdp != "" && !l.Described {
		l.Described = true
		s.effect(SetAnswer{s.Call.CallID, l.User.ID, sdp})
	}
}

// accepted: the first member that answers gets the call, the others are told.
func (s *step) accepted(l *Leg, sdp string) {
	s.Phase, s.Peer, s.Crossed = Connecting, l.User.ID, nil
	s.stop(RingTimer)
	s.describe(l, sdp)
	if l.Described {
		s.effect(OpenMicrophone{s.Call.CallID, s.Peer})
	}
	winner := *l
	for _, other := range s.Legs {
		if other.User.ID != s.Peer {
			s.cancelLeg(other, signal.CancelAnsweredElsewhere)
		}
	}
	s.Legs = append(s.Legs[:0], winner)
	s.delivered()
	s.record(event.CallAccepted{User: winner.User, Origin: event.Remote})
	s.start(JoinTimer, s.Rules.JoinTimeout+joinGrace)
	s.join()
}

// cancelLeg withdraws a leg's invitation and takes its transport down.
func (s *step) cancelLeg(l Leg, why signal.CancelReason) {
	if l.Invited {
		s.effect(Withdraw{l.User.ID, s.Call.CallID})
		s.send(l.User.ID, signal.Cancel{Reason: why})
	}
	s.effect(CloseMedia{s.Call.CallID, l.User.ID})
}

// lose drops a leg that the peer ended. last decides what becomes of the call
// when it was the only one left.
func (s *step) lose(peer string, last func()) {
	s.part(peer, last, func(Leg) { s.effect(Withdraw{peer, s.Call.CallID}, CloseMedia{s.Call.CallID, peer}) })
}

// drop drops a leg that is of no use to us, and tells the peer.
func (s *step) drop(peer string, last func()) {
	s.part(peer, last, func(l Leg) { s.cancelLeg(l, signal.CancelJoinFailed) })
}

func (s *step) part(peer string, last func(), leave func(Leg)) {
	i := slices.IndexFunc(s.Legs, func(l Leg) bool { return l.User.ID == peer })
	switch {
	case i < 0:
	case len(s.Legs) == 1:
		last()
	default:
		leave(s.Legs[i])
		s.Legs = slices.Delete(s.Legs, i, i+1)
	}
}

func (s *step) rejected(u event.User, why signal.RejectReason) {
	switch why {
	case signal.RejectBusy:
		s.record(event.CallBusy{User: u, UserData: s.UserData})
		s.end(event.EndBusy, false, "")
	case signal.RejectJoinFailed:
		s.record(event.CallAborted{Cause: event.PeerAbort, ErrMsg: string(why)})
		s.end(event.EndJoinFailed, false, event.PeerAbort)
	case signal.RejectRejected:
		s.record(event.CallRejected{User: u, Origin: event.Remote})
		s.end(event.EndRejected, false, "")
	case signal.RejectDoNotDisturb, signal.RejectForbidden, signal.RejectUnsupported:
		fallthrough
	default:
		s.record(event.CallRejected{User: u, Origin: event.Remote, Detail: string(why)})
		s.unsupported = why == signal.RejectUnsupported
		s.end(event.EndRejected, false, "")
	}
}

// canceled: the caller withdrew, also after we answered.
func (s *step) canceled(why signal.CancelReason) {
	withdrawn := func(reason event.EndReason) {
		s.record(event.CallCanceled{Origin: event.Remote, UserData: s.UserData})
		s.end(reason, false, "")
	}
	switch why {
	case signal.CancelNoAnswer:
		s.record(event.CallNoAnswer{User: s.Rules.Self, Local: true, UserData: s.UserData})
		s.end(event.EndNoAnswer, true, "")
	case signal.CancelAnsweredElsewhere:
		withdrawn(event.EndAnsweredElsewhere)
	case signal.CancelRejectedElsewhere:
		withdrawn(event.EndRejectedElsewhere)
	case signal.CancelJoinFailed:
		s.record(event.CallAborted{Cause: event.PeerAbort, ErrMsg: string(why)})
		s.end(event.EndJoinFailed, false, event.PeerAbort)
	case signal.CancelCanceled:
		fallthrough
	default:
		withdrawn(event.EndCanceled)
	}
}

// hungUp: the peer left. Its talk time is adopted when it is close to ours.
func (s *step) hungUp(l *Leg, b signal.Hangup) {
	talk := s.talk()
	if s.Phase == Talking && b.TalkMs-talk <= talkTolerance && talk-b.TalkMs <= talkTolerance {
		talk = b.TalkMs
	}
	s.talked = &talk
	s.tick(talk)
	leave := func(reason event.EndReason, origin event.Origin) {
		s.record(event.CallHungUp{ByRole: s.Call.Role.Other(), User: l.User, Origin: origin, TalkMs: talk})
		s.end(reason, false, "")
	}
	broke := func(reason event.EndReason, cause event.AbortCause) {
		s.record(event.CallAborted{Cause: cause, ErrMsg: string(b.Reason), TalkMs: talk})
		s.end(reason, false, cause)
	}
	switch b.Reason {
	case signal.HangupTimeLimit:
		origin := event.Remote
		if d := s.knownLimit(); d > 0 && talk >= d.Milliseconds() {
			origin = event.TimeLimit
		}
		leave(event.EndTimeLimit, origin)
	case signal.HangupAborted:
		cause := b.Cause
		if cause == "" {
			cause = event.PeerAbort
		}
		broke(event.EndAborted, cause)
	case signal.HangupJoinFailed:
		broke(event.EndJoinFailed, event.PeerAbort)
	case signal.HangupKicked:
		broke(event.EndKicked, event.KickedOut)
	case signal.HangupRoomClosed:
		leave(event.EndRoomClosed, event.Remote)
	case signal.HangupHungUp:
		fallthrough
	default:
		leave(event.EndHungUp, event.Remote)
	}
}

// knownLimit is the smallest talk time limit that this side knows of, 0 for
// none.
func (s *step) knownLimit() time.Duration {
	if s.Rules.TimeLimit == 0 || (s.PeerLimit != 0 && s.PeerLimit < s.Rules.TimeLimit) {
		return s.PeerLimit
	}
	return s.Rules.TimeLimit
}
