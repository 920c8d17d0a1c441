package dialect_test

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hailpoint/callagent/dialect"
	"hailpoint/callagent/event"
	"hailpoint/callagent/internal/golden"
)

var (
	kiosk = event.User{ID: "kiosk-17", Name: "Platform 2"}
	desk  = event.User{ID: "desk-1", Name: "Front desk"}
)

// record puts e into an envelope as the side of role makes it.
func record(role event.Role, e event.Event) event.Record {
	r := event.Record{
		V: 1, Seq: 4711, ID: "0192b2c3-0000-7000-8000-000000000002", Name: e.Name(), DeviceID: "kiosk-17",
		Call: event.Call{CallID: "c1", RoomID: "0195b2c3-0000-7000-8000-000000000005", RoomNum: 123456789, Role: role},
		At:   1767225600123, Data: e,
	}
	if event.Transient(e) {
		r.Seq = 0
	}
	if role == event.NoRole {
		r.Call = event.Call{Role: event.NoRole}
	}
	return r
}

func wmpf(t *testing.T) dialect.Encoder {
	t.Helper()
	e, err := dialect.New("wmpf")
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// variant is an event as one side makes it.
type variant struct {
	role event.Role
	e    event.Event
}

func sides(e event.Event) []variant { return []variant{{event.Caller, e}, {event.Callee, e}} }

// both is e as the caller and as the callee make it, each with local set and
// not set.
func both(e func(local bool) event.Event) []variant {
	return append(sides(e(true)), sides(e(false))...)
}

// variants has, for each event, the forms whose callbacks differ.
func variants() map[string][]variant {
	ended := event.CallEnded{
		Reason: event.EndHungUp, Connected: true, TalkMs: 61873, BeginAt: 1767225600123, EndAt: 1767225661996,
		Caller: kiosk, Callee: desk, Media: event.Audio, BusinessType: 2, ReasonCode: 3,
	}
	video := ended
	video.Media, video.Connected, video.TalkMs = event.Video, false, 0
	v := map[string][]variant{
		"call.created":     {{event.Caller, event.CallCreated{Caller: kiosk}}},
		"call.incoming":    {{event.Callee, event.CallIncoming{Caller: kiosk}}},
		"op.result":        sides(event.OpResult{Op: event.OpInvite, OpID: 1, OK: true}),
		"call.ringing":     {{event.Caller, event.CallRinging{User: desk}}},
		"room.joined":      sides(event.RoomJoined{}),
		"room.join_failed": sides(event.RoomJoinFailed{ErrMsg: "no microphone"}),
		"call.accepted":    both(func(l bool) event.Event { return event.CallAccepted{User: desk, Local: l, Origin: event.Manual} }),
		"call.connected":   sides(event.CallConnected{Media: event.Audio}),
		"call.tick":        sides(event.CallTick{TalkMs: 1999}),
		"call.busy":        both(func(l bool) event.Event { return event.CallBusy{User: desk, Local: l} }),
		"call.no_answer":   both(func(l bool) event.Event { return event.CallNoAnswer{User: desk, Local: l} }),
		"call.ended":       append(sides(ended), sides(video)...),
		"call.settled":     sides(event.CallSettled{SettledMs: 61000}),
		"ui.page_shown":    {{event.NoRole, event.UIPageShown{}}, {event.Caller, event.UIPageShown{}}},
		"ui.box_shown":     sides(event.UIBoxShown{CallerID: "kiosk-17", CalleeID: "desk-1"}),
		"ui.box_hidden":    sides(event.UIBoxHidden{CallerID: "kiosk-17", CalleeID: "desk-1"}),
	}
	for _, e := range []event.Event{
		event.MemberInvited{},
		event.MemberJoined{User: desk},
		event.MemberLeft{User: desk, Why: event.LeftQuit},
		event.MessageReceived{},
		event.RecordingAborted{},
		event.MediaTypeChanged{},
		event.MediaState{User: desk, Kind: event.Audio},
		event.MediaTrack{},
		event.MediaVolume{},
		event.MediaNetwork{},
		event.CallProperty{},
	} {
		v[e.Name()] = sides(e)
	}
	for _, e := range []event.Event{
		event.SessionKicked{}, event.SessionCredentialExpired{}, event.ClockSynced{UptimeMs: 1, At: 2}, event.DeviceError{Detail: "x"},
	} {
		v[e.Name()] = []variant{{event.NoRole, e}}
	}
	for _, o := range []event.Origin{event.Manual, event.PageClosed, event.AppForce, event.System} {
		v["call.canceled"] = append(v["call.canceled"], variant{event.Caller, event.CallCanceled{Local: true, Origin: o}})
		v["call.rejected"] = append(v["call.rejected"], variant{event.Callee, event.CallRejected{User: desk, Local: true, Origin: o}})
	}
	v["call.rejected"] = append(v["call.rejected"], variant{event.Callee, event.CallRejected{User: desk, Origin: event.Remote}})
	v["call.canceled"] = append(v["call.canceled"], variant{event.Callee, event.CallCanceled{Origin: event.Remote}})
	v["call.rejected"] = append(v["call.rejected"], variant{event.Caller, event.CallRejected{User: desk, Origin: event.Remote, Detail: "do_not_disturb"}})
	for _, o := range []event.Origin{event.Manual, event.PageClosed, event.AppForce, event.System, event.TimeLimit} {
		for _, by := range []event.Role{event.Caller, event.Callee} {
			v["call.hung_up"] = append(v["call.hung_up"],
				variant{by, event.CallHungUp{ByRole: by, Local: true, Origin: o, TalkMs: 61873}})
		}
	}
	for _, o := range []event.Origin{event.Remote, event.TimeLimit} {
		for _, by := range []event.Role{event.Caller, event.Callee} {
			v["call.hung_up"] = append(v["call.hung_up"],
				variant{by.Other(), event.CallHungUp{ByRole: by, Origin: o, TalkMs: 61873}})
		}
	}
	for _, c := range []event.AbortCause{
		event.PeerAbort, event.WaitPeerTimeout, event.PageFloatClosed, event.OtherIncomingCall, event.MediaLost, event.KickedOut,
		event.MediaDevice, event.Internal, "of a later version",
	} {
		v["call.aborted"] = append(v["call.aborted"], both(func(l bool) event.Event {
			return event.CallAborted{Local: l, Cause: c, ErrMsg: "why", TalkMs: 61873}
		})...)
	}
	return v
}

// TestWMPFCallbacks compares the callbacks of every event, in a connected call,
// with golden files: for each form the role and the event, then the callbacks.
func TestWMPFCallbacks(t *testing.T) {
	v := variants()
	for _, name := range event.Names() {
		t.Run(name, func(t *testing.T) {
			if len(v[name]) == 0 {
				t.Fatal("the event has no variant here")
			}
			var got bytes.Buffer
			for _, form := range v[name] {
				enc := wmpf(t)
				if name != "call.connected" {
					enc.Encode(record(form.role, event.CallConnected{}))
				}
				line(t, &got, string(form.role), form.e)
				for _, r := range enc.Encode(record(form.role, form.e)) {
					line(t, &got, "  "+r.System, r)
				}
			}
			golden.File(t, filepath.Join("testdata", "wmpf", name+".txt"), got.Bytes())
		})
	}
}

func line(t *testing.T, b *bytes.Buffer, head string, v any) {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	b.WriteString(head + " ")
	b.Write(text)
	b.WriteByte('\n')
}

// callback is what a handler of the vocabulary looks at.
type callback struct {
	EventName string `json:"eventName"`
	RoomID    string `json:"roomId"`
	GroupID   string `json:"groupId"`
	Data      struct {
		KeepTime int64  `json:"keepTime"`
		Status   string `json:"status"`
	} `json:"data"`
}

func parse(t *testing.T, r dialect.Record) callback {
	t.Helper()
	if len(r.Args) != 1 {
		t.Fatalf("%s has %d arguments, want one object", r.Name, len(r.Args))
	}
	text, err := json.Marshal(r.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	var c callback
	if err := json.Unmarshal(text, &c); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestWMPFRecordsFollowTheirEvent(t *testing.T) {
	for name, forms := range variants() {
		for _, form := range forms {
			in := record(form.role, form.e)
			for n, r := range wmpf(t).Encode(in) {
				c := parse(t, r)
				if r.V != 1 || r.System != "wmpf" || r.ID != in.ID || r.N != n || r.Seq != in.Seq || r.DeviceID != in.DeviceID || r.At != in.At {
					t.Errorf("%s: record %+v", name, r)
				}
				room := in.RoomID
				if r.Name == "callPageOnShow" {
					room = ""
				}
				if c.EventName != r.Name || c.RoomID != room || c.GroupID != room {
					t.Errorf("%s: argument %+v", name, c)
				}
			}
		}
	}
}

func TestHangingUpBeforeTheCallIsConnected(t *testing.T) {
	for name, tt := range map[string]struct {
		role, by     event.Role
		name, status string
	}{
		"the callee, at the callee": {event.Callee, event.Callee, "rejectVoip", "manual"},
		"the callee, at the caller": {event.Caller, event.Callee, "rejectVoip", "other"},
		"the caller, at the caller": {event.Caller, event.Caller, "cancelVoip", "manual"},
		"the caller, at the callee": {event.Callee, event.Caller, "cancelVoip", "other"},
	} {
		t.Run(name, func(t *testing.T) {
			e := event.CallHungUp{ByRole: tt.by, Local: tt.role == tt.by, Origin: event.Manual}
			if !e.Local {
				e.Origin = event.Remote
			}
			got := wmpf(t).Encode(record(tt.role, e))
			if len(got) != 1 || got[0].Name != tt.name || parse(t, got[0]).Data.Status != tt.status {
				t.Errorf("callbacks %+v, want %s %s", got, tt.name, tt.status)
			}
		})
	}
}

func TestAnEncoderTellsCallsApart(t *testing.T) {
	enc := wmpf(t)
	second := record(event.Callee, event.CallHungUp{ByRole: event.Callee, Local: true, Origin: event.Manual})
	second.CallID = "c2"
	enc.Encode(record(event.Caller, event.CallConnected{}))
	if got := enc.Encode(second); got[0].Name != "rejectVoip" {
		t.Errorf("another call: %s", got[0].Name)
	}
	enc.Encode(record(event.Caller, event.CallEnded{}))
	if got := enc.Encode(record(event.Caller, event.CallHungUp{ByRole: event.Caller})); got[0].Name != "cancelVoip" {
		t.Errorf("the same id again: %s", got[0].Name)
	}
}

func TestTheSameEventsGiveTheSameRecords(t *testing.T) {
	events := []event.Event{
		event.CallCreated{},
		event.RoomJoined{},
		event.CallConnected{},
		event.CallTick{TalkMs: 1000},
		event.CallHungUp{ByRole: event.Caller, Local: true, Origin: event.Manual, TalkMs: 1500},
		event.CallEnded{TalkMs: 1500},
		event.CallSettled{SettledMs: 1000},
	}
	encode := func(skipTransient bool) (names []string) {
		enc := wmpf(t)
		for _, e := range events {
			if skipTransient && event.Transient(e) { // they are not in the journal
				continue
			}
			for _, r := range enc.Encode(record(event.Caller, e)) {
				names = append(names, r.Name)
			}
		}
		return names
	}
	want := []string{"joinedRoomByCaller", "startVoip", "calling", "hangUpVoip", "endVoip", "finishVoip"}
	if diff := cmp.Diff(want, encode(false)); diff != "" {
		t.Errorf("callbacks (-want +got):\n%s", diff)
	}
	want = []string{"joinedRoomByCaller", "startVoip", "hangUpVoip", "endVoip", "finishVoip"}
	if diff := cmp.Diff(want, encode(true)); diff != "" {
		t.Errorf("callbacks of a journal (-want +got):\n%s", diff)
	}
}

func TestDurationsAreWholeSecondsRoundedDown(t *testing.T) {
	for ms, want := range map[int64]int64{-1: 0, 0: 0, 999: 0, 1000: 1, 61873: 61} {
		got := wmpf(t).Encode(record(event.Caller, event.CallSettled{SettledMs: ms}))
		if keep := parse(t, got[0]).Data.KeepTime; keep != want {
			t.Errorf("%d ms: keepTime %d, want %d", ms, keep, want)
		}
	}
}

func TestUnknownVocabulariesAreErrors(t *testing.T) {
	if _, err := dialect.New("wechat"); err == nil || err.Error() != `vocabulary "wechat" is not known; use one of: wmpf` {
		t.Errorf("New: %v", err)
	}
	for _, name := range dialect.Systems() {
		if e, err := dialect.New(name); err != nil || e.System() != name {
			t.Errorf("New(%q) = %v, %v", name, e, err)
		}
	}
}
