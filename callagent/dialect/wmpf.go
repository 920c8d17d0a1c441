package dialect

import "hailpoint/callagent/event"

// wmpf encodes for the Weixin Mini Program VoIP plugin: one listener, set with
// onVoipEvent, that gets one object per event (17 event names).
//
// keepTime is in whole seconds. The documents do not state its unit; seconds
// are read from the event that repeats each second and from the limit that is
// given in seconds (marked open in the vocabulary).
type wmpf struct {
	connected map[string]bool // by call id, from call.connected to call.ended
}

// wmpfEvent is the single argument of the listener. roomId and groupId carry
// the same value on all events but callPageOnShow, which has neither.
type wmpfEvent struct {
	EventName string `json:"eventName"`
	RoomID    string `json:"roomId,omitempty"`
	GroupID   string `json:"groupId,omitempty"`
	Data      any    `json:"data"`
}

type (
	wmpfNone   struct{}
	wmpfStatus struct {
		Status string `json:"status"`
	}
	wmpfKeep struct {
		KeepTime int64 `json:"keepTime"`
	}
	wmpfHangUp struct {
		KeepTime int64  `json:"keepTime"`
		Status   string `json:"status"`
		Origin   string `json:"origin"`
	}
	wmpfError struct {
		ErrMsg string `json:"errMsg"`
	}
	wmpfAbort struct {
		KeepTime int64     `json:"keepTime"`
		Status   string    `json:"status"`
		Error    wmpfError `json:"error"`
	}
	wmpfJoinFail struct {
		ErrMsg  string `json:"errMsg"`
		Message string `json:"message"`
	}
	wmpfEnd struct {
		KeepTime     int64  `json:"keepTime"`
		CallerName   string `json:"callerName"`
		ListenerName string `json:"listenerName"`
		RoomType     string `json:"roomType"`
		IsCaller     bool   `json:"isCaller"`
		BusinessType int    `json:"businessType"`
	}
	wmpfBox struct {
		CallerID   string `json:"callerId"`
		ListenerID string `json:"listenerId"`
	}
)

func (*wmpf) System() string { return "wmpf" }

func (w *wmpf) Encode(r event.Record) []Record {
	name, data := w.callback(r)
	if name == "" {
		return nil
	}
	arg := wmpfEvent{EventName: name, RoomID: r.RoomID, GroupID: r.RoomID, Data: data}
	if name == "callPageOnShow" {
		arg.RoomID, arg.GroupID = "", ""
	}
	return []Record{{
		V: 1, System: "wmpf", Name: name, Args: []any{arg},
		ID: r.ID, Seq: r.Seq, DeviceID: r.DeviceID, At: r.At,
	}}
}

// callback gives the event name and its data; an empty name where the
// vocabulary is silent.
func (w *wmpf) callback(r event.Record) (string, any) {
	caller := r.Role == event.Caller
	switch e := r.Data.(type) {
	case event.RoomJoined:
		if caller {
			return "joinedRoomByCaller", wmpfNone{}
		}
	case event.RoomJoinFailed:
		if caller {
			return "joinFailCaller", wmpfJoinFail{e.ErrMsg, e.ErrMsg}
		}
		return "joinFailListener", wmpfJoinFail{e.ErrMsg, e.ErrMsg}
	case event.CallAccepted:
		if e.Local {
			return "hangOnVoip", wmpfNone{}
		}
	case event.CallConnected:
		w.connected[r.CallID] = true
		return "startVoip", wmpfNone{}
	case event.CallTick:
		return "calling", wmpfKeep{sec(e.TalkMs)}
	case event.CallCanceled:
		return "cancelVoip", wmpfStatus{wmpfOrigin(e.Local, e.Origin)}
	case event.CallRejected:
		if e.Local == caller { // another member of a group refused
			return "", nil
		}
		return "rejectVoip", wmpfStatus{wmpfOrigin(e.Local, e.Origin)}
	case event.CallBusy:
		if caller && !e.Local {
			return "busy", wmpfNone{}
		}
	case event.CallNoAnswer:
		if e.Local != caller { // else another member of a group did not answer
			return "timeout", wmpfNone{}
		}
	case event.CallHungUp:
		return w.hungUp(r, e)
	case event.CallAborted:
		return "abortVoip", wmpfAbort{sec(e.TalkMs), wmpfFault(r.Role, e.Local), wmpfError{wmpfErrMsg(e)}}
	case event.CallEnded:
		delete(w.connected, r.CallID)
		return "endVoip", wmpfEnd{
			KeepTime: sec(e.TalkMs), CallerName: e.Caller.Name, ListenerName: e.Callee.Name,
			RoomType: wmpfRoomType(e.Media), IsCaller: caller, BusinessType: e.BusinessType,
		}
	case event.CallSettled:
		return "finishVoip", wmpfKeep{sec(e.SettledMs)}
	case event.UIPageShown:
		return "callPageOnShow", wmpfNone{}
	case event.UIBoxShown:
		return "showCustomBox", wmpfBox{e.CallerID, e.CalleeID}
	case event.UIBoxHidden:
		return "hideCustomBox", wmpfBox{e.CallerID, e.CalleeID}
	case event.CallCreated, event.CallIncoming, event.CallRinging, event.OpResult,
		event.MemberInvited, event.MemberJoined, event.MemberLeft,
		event.MessageReceived, event.RecordingAborted,
		event.MediaTypeChanged, event.MediaState, event.MediaTrack, event.MediaVolume, event.MediaNetwork, event.CallProperty,
		event.SessionKicked, event.SessionCredentialExpired, event.ClockSynced, event.DeviceError:
	}
	return "", nil
}

// hungUp encodes a hang-up. Before the call is connected, the plugin calls it
// a refusal where the callee made it and a withdrawal where the caller did.
func (w *wmpf) hungUp(r event.Record, e event.CallHungUp) (string, any) {
	if !w.connected[r.CallID] {
		if e.ByRole == event.Callee {
			return "rejectVoip", wmpfStatus{wmpfOrigin(e.Local, e.Origin)}
		}
		return "cancelVoip", wmpfStatus{wmpfOrigin(e.Local, e.Origin)}
	}
	side := "endByListener"
	if e.ByRole == event.Caller {
		side = "endByCaller"
	}
	return "hangUpVoip", wmpfHangUp{sec(e.TalkMs), side, wmpfOrigin(e.Local, e.Origin)}
}

// wmpfOrigin is wstat and worigin of the vocabulary. The time limit is named on
// both sides when both know it (open in the documents; the vocabulary's value).
func wmpfOrigin(local bool, o event.Origin) string {
	if o == event.TimeLimit {
		return "timeLimit"
	}
	if !local {
		return "other"
	}
	switch o {
	case event.Manual:
		return "manual"
	case event.PageClosed:
		return "unloadCallPage"
	case event.AppForce, event.System:
		return "forceFromApp"
	case event.Remote, event.TimeLimit:
	}
	return "other"
}

// wmpfFault is wabort of the vocabulary: who had the fault.
func wmpfFault(r event.Role, local bool) string {
	switch {
	case !local:
		return "unknown"
	case r == event.Caller:
		return "abortByCaller"
	default:
		return "abortByListener"
	}
}

// wmpfErrMsg is werr of the vocabulary. "in comming call" is the documents' own
// spelling and part of the string.
func wmpfErrMsg(e event.CallAborted) string {
	if !e.Local {
		return "room status is abort"
	}
	switch e.Cause {
	case event.PeerAbort:
		return "room status is abort"
	case event.WaitPeerTimeout:
		return "listener waitOtherToJoin timeout"
	case event.PageFloatClosed:
		return "call interrupted due to close passive float ball"
	case event.OtherIncomingCall:
		return "in comming call"
	case event.MediaLost, event.KickedOut, event.MediaDevice, event.Internal:
	}
	return "call interrupted due to native reason"
}

func wmpfRoomType(m event.Media) string {
	if m == event.Video {
		return "video"
	}
	return "voice"
}
