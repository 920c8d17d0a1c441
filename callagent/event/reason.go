package event

// RCReason gives RongCloud's RCCallEndReason for the end of a call: the abort
// cause decides where there is one, else the reason; local means this endpoint
// caused it. Source: function rc and table end_reason_to_rongcloud of the
// vocabulary; unsupported is 6 and 16 (section 6 of the outside contract).
func RCReason(reason EndReason, cause AbortCause, local bool) int {
	side := func(here, there int) int {
		if local {
			return here
		}
		return there
	}
	switch cause {
	case MediaLost, Internal, WaitPeerTimeout:
		return side(7, 17)
	case MediaDevice:
		return side(8, 18)
	case PeerAbort:
		if reason == EndJoinFailed { // the peer said why
			break
		}
		return 17
	case OtherIncomingCall:
		return side(24, 34)
	case KickedOut:
		return side(23, 33)
	case PageFloatClosed, "":
	}
	switch reason {
	case EndCanceled:
		return side(1, 11)
	case EndRejected:
		return side(2, 12)
	case EndHungUp, EndTimeLimit:
		return side(3, 13)
	case EndBusy:
		return side(4, 14)
	case EndNoAnswer:
		return side(5, 15)
	case EndAborted, EndJoinFailed:
		return side(7, 17)
	case EndKicked:
		return side(23, 33)
	case EndAnsweredElsewhere:
		return 101
	case EndRejectedElsewhere:
		return 102
	case EndRoomClosed:
		return 13
	}
	return side(7, 17)
}
