package event_test

import (
	"testing"

	"hailpoint/callagent/event"
)

func TestRCReason(t *testing.T) {
	for name, tt := range map[string]struct {
		reason      event.EndReason
		cause       event.AbortCause
		here, there int
	}{
		"withdrawn":                           {event.EndCanceled, "", 1, 11},
		"refused":                             {event.EndRejected, "", 2, 12},
		"hung up":                             {event.EndHungUp, "", 3, 13},
		"the time limit is a hang-up":         {event.EndTimeLimit, "", 3, 13},
		"busy":                                {event.EndBusy, "", 4, 14},
		"no answer":                           {event.EndNoAnswer, "", 5, 15},
		"aborted for no known cause":          {event.EndAborted, "", 7, 17},
		"could not join":                      {event.EndJoinFailed, "", 7, 17},
		"the peer could not join":             {event.EndJoinFailed, event.PeerAbort, 7, 17},
		"kicked":                              {event.EndKicked, "", 23, 33},
		"answered elsewhere, whoever says so": {event.EndAnsweredElsewhere, "", 101, 101},
		"refused elsewhere, whoever says so":  {event.EndRejectedElsewhere, "", 102, 102},
		"the room was closed":                 {event.EndRoomClosed, "", 13, 13},
		"the network":                         {event.EndAborted, event.MediaLost, 7, 17},
		"a crash":                             {event.EndAborted, event.Internal, 7, 17},
		"the other side did not come up":      {event.EndAborted, event.WaitPeerTimeout, 7, 17},
		"the sound device":                    {event.EndAborted, event.MediaDevice, 8, 18},
		"the peer broke off and said no more": {event.EndAborted, event.PeerAbort, 17, 17},
		"another call took over":              {event.EndAborted, event.OtherIncomingCall, 24, 34},
		"kicked out of a running call":        {event.EndKicked, event.KickedOut, 23, 33},
		"the float was closed":                {event.EndAborted, event.PageFloatClosed, 7, 17},
		"a reason of a later version":         {"eaten", "", 7, 17},
	} {
		t.Run(name, func(t *testing.T) {
			if got := event.RCReason(tt.reason, tt.cause, true); got != tt.here {
				t.Errorf("local: %d, want %d", got, tt.here)
			}
			if got := event.RCReason(tt.reason, tt.cause, false); got != tt.there {
				t.Errorf("remote: %d, want %d", got, tt.there)
			}
		})
	}
}

func TestTheFarEndHasTheOtherRole(t *testing.T) {
	for role, want := range map[event.Role]event.Role{
		event.Caller: event.Callee, event.Callee: event.Caller, event.NoRole: event.NoRole, "": event.NoRole,
	} {
		if got := role.Other(); got != want {
			t.Errorf("%q.Other() = %q, want %q", role, got, want)
		}
	}
}
