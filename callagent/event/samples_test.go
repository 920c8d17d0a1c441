package event_test

import "hailpoint/callagent/event"

var (
	kiosk = event.User{ID: "kiosk-17", Name: "Platform 2", Avatar: "https://pictures.example/17", Extra: "floor=1"}
	desk  = event.User{ID: "desk-1", Name: "Front desk", Avatar: "https://pictures.example/1", Extra: "shift=b"}
)

// samples has one of each event, no field of it zero.
var samples = []event.Event{
	event.CallCreated{Caller: kiosk, Callees: []event.User{desk}, Media: event.Audio, RingTimeoutMs: 60000, TimeLimitMs: 600000, UserData: "ticket 4", BusinessType: 1},
	event.CallIncoming{Caller: kiosk, Callees: []event.User{desk}, Media: event.Video, UserData: "ticket 4", BusinessType: 2},
	event.OpResult{Op: event.OpInvite, OpID: 7, OK: true, Code: 3, Detail: "nobody received the invitation"},
	event.CallRinging{User: desk},
	event.RoomJoined{},
	event.RoomJoinFailed{Code: 5, ErrMsg: "open sound device: busy"},
	event.CallAccepted{User: desk, Local: true, Origin: event.Manual},
	event.CallConnected{Media: event.Audio},
	event.CallTick{TalkMs: 1000},
	event.CallCanceled{Local: true, Origin: event.AppForce, UserData: "ticket 4"},
	event.CallRejected{User: desk, Local: true, Origin: event.PageClosed, Detail: "do_not_disturb"},
	event.CallBusy{User: desk, Local: true, UserData: "ticket 4"},
	event.CallNoAnswer{User: desk, Local: true, UserData: "ticket 4"},
	event.CallHungUp{ByRole: event.Callee, User: desk, Local: true, Origin: event.TimeLimit, TalkMs: 61873},
	event.CallAborted{Local: true, Cause: event.MediaLost, ErrMsg: "no sound", TalkMs: 61873},
	event.CallEnded{
		Reason: event.EndHungUp, Local: true, Connected: true, TalkMs: 61873, BeginAt: 1767225600123, EndAt: 1767225661996,
		Caller: kiosk, Callee: desk, Media: event.Audio, BusinessType: 1, ReasonCode: 3,
	},
	event.CallSettled{SettledMs: 61000},
	event.MemberInvited{Inviter: kiosk, Invited: []event.User{desk}},
	event.MemberJoined{User: desk},
	event.MemberLeft{User: desk, Why: event.LeftOffline},
	event.MediaTypeChanged{Old: event.Audio, New: event.Video, User: desk, Local: true},
	event.MediaState{User: desk, Kind: event.Audio, Sending: true, TrackID: "t1", Local: true},
	event.MediaTrack{User: desk, Kind: event.Video, TrackID: "t2", Local: true},
	event.MediaVolume{Levels: map[string]int{"desk-1": 40}},
	event.MediaNetwork{Levels: map[string]event.Quality{"desk-1": 2}},
	event.CallProperty{Changed: []string{"screenShare"}, ShareUser: desk},
	event.MessageReceived{From: desk, Scope: "one", ContentType: "text/plain", Content: "on my way"},
	event.RecordingAborted{EndsCall: true, User: desk, Detail: "disk full"},
	event.SessionKicked{Detail: "taken over"},
	event.SessionCredentialExpired{},
	event.ClockSynced{UptimeMs: 8123456, At: 1767225600123},
	event.DeviceError{Code: 4, Detail: "sound: no such device"},
	event.UIPageShown{},
	event.UIBoxShown{CallerID: "kiosk-17", CalleeID: "desk-1"},
	event.UIBoxHidden{CallerID: "kiosk-17", CalleeID: "desk-1"},
}

// contract has the name of each event and its fields, by their Go names, as the
// vocabulary gives them. A field added since stands behind a +.
var contract = []struct{ name, goName, fields string }{
	{"call.created", "CallCreated", "Caller Callees Media RingTimeoutMs TimeLimitMs UserData BusinessType"},
	{"call.incoming", "CallIncoming", "Caller Callees Media UserData BusinessType"},
	{"op.result", "OpResult", "Op OpID OK Code Detail"},
	{"call.ringing", "CallRinging", "User"},
	{"room.joined", "RoomJoined", ""},
	{"room.join_failed", "RoomJoinFailed", "Code ErrMsg"},
	{"call.accepted", "CallAccepted", "User Local Origin"},
	{"call.connected", "CallConnected", "Media"},
	{"call.tick", "CallTick", "TalkMs"},
	{"call.canceled", "CallCanceled", "Local Origin UserData"},
	{"call.rejected", "CallRejected", "User Local Origin +Detail"},
	{"call.busy", "CallBusy", "User Local UserData"},
	{"call.no_answer", "CallNoAnswer", "User Local UserData"},
	{"call.hung_up", "CallHungUp", "ByRole User Local Origin TalkMs"},
	{"call.aborted", "CallAborted", "Local Cause ErrMsg TalkMs"},
	{"call.ended", "CallEnded", "Reason Local Connected TalkMs BeginAt EndAt Caller Callee Media BusinessType ReasonCode"},
	{"call.settled", "CallSettled", "SettledMs"},
	{"member.invited", "MemberInvited", "Inviter Invited"},
	{"member.joined", "MemberJoined", "User"},
	{"member.left", "MemberLeft", "User Why"},
	{"media.type_changed", "MediaTypeChanged", "Old New User Local"},
	{"media.state", "MediaState", "User Kind Sending TrackID Local"},
	{"media.track", "MediaTrack", "User Kind TrackID Local"},
	{"media.volume", "MediaVolume", "Levels"},
	{"media.network", "MediaNetwork", "Levels"},
	{"call.property", "CallProperty", "Changed ShareUser"},
	{"message.received", "MessageReceived", "From Scope ContentType Content"},
	{"recording.aborted", "RecordingAborted", "EndsCall User Detail"},
	{"session.kicked", "SessionKicked", "Detail"},
	{"session.credential_expired", "SessionCredentialExpired", ""},
	{"clock.synced", "ClockSynced", "UptimeMs At"},
	{"device.error", "DeviceError", "Code Detail"},
	{"ui.page_shown", "UIPageShown", ""},
	{"ui.box_shown", "UIBoxShown", "CallerID CalleeID"},
	{"ui.box_hidden", "UIBoxHidden", "CallerID CalleeID"},
}
