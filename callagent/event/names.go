package event

import "encoding/json"

// Name implements Event.
func (CallCreated) Name() string { return "call.created" }

// Name implements Event.
func (CallIncoming) Name() string { return "call.incoming" }

// Name implements Event.
func (OpResult) Name() string { return "op.result" }

// Name implements Event.
func (CallRinging) Name() string { return "call.ringing" }

// Name implements Event.
func (RoomJoined) Name() string { return "room.joined" }

// Name implements Event.
func (RoomJoinFailed) Name() string { return "room.join_failed" }

// Name implements Event.
func (CallAccepted) Name() string { return "call.accepted" }

// Name implements Event.
func (CallConnected) Name() string { return "call.connected" }

// Name implements Event.
func (CallTick) Name() string { return "call.tick" }

// Name implements Event.
func (CallCanceled) Name() string { return "call.canceled" }

// Name implements Event.
func (CallRejected) Name() string { return "call.rejected" }

// Name implements Event.
func (CallBusy) Name() string { return "call.busy" }

// Name implements Event.
func (CallNoAnswer) Name() string { return "call.no_answer" }

// Name implements Event.
func (CallHungUp) Name() string { return "call.hung_up" }

// Name implements Event.
func (CallAborted) Name() string { return "call.aborted" }

// Name implements Event.
func (CallEnded) Name() string { return "call.ended" }

// Name implements Event.
func (CallSettled) Name() string { return "call.settled" }

// Name implements Event.
func (MemberInvited) Name() string { return "member.invited" }

// Name implements Event.
func (MemberJoined) Name() string { return "member.joined" }

// Name implements Event.
func (MemberLeft) Name() string { return "member.left" }

// Name implements Event.
func (MessageReceived) Name() string { return "message.received" }

// Name implements Event.
func (RecordingAborted) Name() string { return "recording.aborted" }

// Name implements Event.
func (MediaTypeChanged) Name() string { return "media.type_changed" }

// Name implements Event.
func (MediaState) Name() string { return "media.state" }

// Name implements Event.
func (MediaTrack) Name() string { return "media.track" }

// Name implements Event.
func (MediaVolume) Name() string { return "media.volume" }

// Name implements Event.
func (MediaNetwork) Name() string { return "media.network" }

// Name implements Event.
func (CallProperty) Name() string { return "call.property" }

// Name implements Event.
func (SessionKicked) Name() string { return "session.kicked" }

// Name implements Event.
func (SessionCredentialExpired) Name() string { return "session.credential_expired" }

// Name implements Event.
func (ClockSynced) Name() string { return "clock.synced" }

// Name implements Event.
func (DeviceError) Name() string { return "device.error" }

// Name implements Event.
func (UIPageShown) Name() string { return "ui.page_shown" }

// Name implements Event.
func (UIBoxShown) Name() string { return "ui.box_shown" }

// Name implements Event.
func (UIBoxHidden) Name() string { return "ui.box_hidden" }

func (CallCreated) isEvent()              {}
func (CallIncoming) isEvent()             {}
func (OpResult) isEvent()                 {}
func (CallRinging) isEvent()              {}
func (RoomJoined) isEvent()               {}
func (RoomJoinFailed) isEvent()           {}
func (CallAccepted) isEvent()             {}
func (CallConnected) isEvent()            {}
func (CallTick) isEvent()                 {}
func (CallCanceled) isEvent()             {}
func (CallRejected) isEvent()             {}
func (CallBusy) isEvent()                 {}
func (CallNoAnswer) isEvent()             {}
func (CallHungUp) isEvent()               {}
func (CallAborted) isEvent()              {}
func (CallEnded) isEvent()                {}
func (CallSettled) isEvent()              {}
func (MemberInvited) isEvent()            {}
func (MemberJoined) isEvent()             {}
func (MemberLeft) isEvent()               {}
func (MessageReceived) isEvent()          {}
func (RecordingAborted) isEvent()         {}
func (MediaTypeChanged) isEvent()         {}
func (MediaState) isEvent()               {}
func (MediaTrack) isEvent()               {}
func (MediaVolume) isEvent()              {}
func (MediaNetwork) isEvent()             {}
func (CallProperty) isEvent()             {}
func (SessionKicked) isEvent()            {}
func (SessionCredentialExpired) isEvent() {}
func (ClockSynced) isEvent()              {}
func (DeviceError) isEvent()              {}
func (UIPageShown) isEvent()              {}
func (UIBoxShown) isEvent()               {}
func (UIBoxHidden) isEvent()              {}

// decoders has, for each event name, the function that reads its data object.
var decoders = map[string]func([]byte) (Event, error){
	"call.created":               decode[CallCreated],
	"call.incoming":              decode[CallIncoming],
	"op.result":                  decode[OpResult],
	"call.ringing":               decode[CallRinging],
	"room.joined":                decode[RoomJoined],
	"room.join_failed":           decode[RoomJoinFailed],
	"call.accepted":              decode[CallAccepted],
	"call.connected":             decode[CallConnected],
	"call.tick":                  decode[CallTick],
	"call.canceled":              decode[CallCanceled],
	"call.rejected":              decode[CallRejected],
	"call.busy":                  decode[CallBusy],
	"call.no_answer":             decode[CallNoAnswer],
	"call.hung_up":               decode[CallHungUp],
	"call.aborted":               decode[CallAborted],
	"call.ended":                 decode[CallEnded],
	"call.settled":               decode[CallSettled],
	"member.invited":             decode[MemberInvited],
	"member.joined":              decode[MemberJoined],
	"member.left":                decode[MemberLeft],
	"message.received":           decode[MessageReceived],
	"recording.aborted":          decode[RecordingAborted],
	"media.type_changed":         decode[MediaTypeChanged],
	"media.state":                decode[MediaState],
	"media.track":                decode[MediaTrack],
	"media.volume":               decode[MediaVolume],
	"media.network":              decode[MediaNetwork],
	"call.property":              decode[CallProperty],
	"session.kicked":             decode[SessionKicked],
	"session.credential_expired": decode[SessionCredentialExpired],
	"clock.synced":               decode[ClockSynced],
	"device.error":               decode[DeviceError],
	"ui.page_shown":              decode[UIPageShown],
	"ui.box_shown":               decode[UIBoxShown],
	"ui.box_hidden":              decode[UIBoxHidden],
}

// Names returns the names of all events, in no particular order.
func Names() []string {
	names := make([]string, 0, len(decoders))
	for name := range decoders {
		names = append(names, name)
	}
	return names
}

func decode[E Event](data []byte) (Event, error) {
	var e E
	if err := json.Unmarshal(data, &e); err != nil {
		return nil, err
	}
	return e, nil
}
