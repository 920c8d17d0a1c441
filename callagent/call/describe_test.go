package call_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hailpoint/callagent/dialect"
	"hailpoint/callagent/event"
)

func side(local bool) string {
	if local {
		return "local"
	}
	return "remote"
}

// describe puts an event into one line: its name and what matters of it.
func describe(e event.Event) string {
	words := []string{e.Name()}
	add := func(v ...any) {
		for _, w := range v {
			if s := fmt.Sprint(w); s != "" {
				words = append(words, s)
			}
		}
	}
	switch e := e.(type) {
	case event.OpResult:
		result := "ok"
		if !e.OK {
			result = "failed"
		}
		add(e.Op, e.OpID, result)
	case event.CallRinging:
		add(e.User.ID)
	case event.RoomJoinFailed:
		add(e.ErrMsg)
	case event.CallAccepted:
		add(e.User.ID, side(e.Local), e.Origin)
	case event.CallTick:
		add(e.TalkMs)
	case event.CallCanceled:
		add(side(e.Local), e.Origin)
	case event.CallRejected:
		add(e.User.ID, side(e.Local), e.Origin, e.Detail)
	case event.CallBusy:
		add(e.User.ID, side(e.Local))
	case event.CallNoAnswer:
		add(e.User.ID, side(e.Local))
	case event.CallHungUp:
		add(e.ByRole, e.User.ID, side(e.Local), e.Origin, e.TalkMs)
	case event.CallAborted:
		add(side(e.Local), e.Cause, e.TalkMs)
	case event.CallEnded:
		connected := "unconnected"
		if e.Connected {
			connected = fmt.Sprintf("connected %d", e.TalkMs)
		}
		add(e.Reason, side(e.Local), connected, e.Caller.ID, e.Callee.ID, e.ReasonCode)
	case event.MemberJoined:
		add(e.User.ID)
	case event.MemberLeft:
		add(e.User.ID, e.Why)
	case event.MediaState:
		add(e.User.ID, side(e.Local), e.Kind, e.Sending)
	case event.MessageReceived:
		add(e.From.ID, e.Scope, e.ContentType, e.Content)
	case event.RecordingAborted:
		add(e.User.ID, e.Detail)
	case event.CallProperty:
		add(strings.Join(e.Changed, ","), e.ShareUser.ID)
	}
	return strings.Join(words, " ")
}

// describeCallback puts a callback of the wmpf vocabulary into one line: its
// name and the values of its data, in the order in which they stand there.
func describeCallback(t *testing.T, r dialect.Record) string {
	t.Helper()
	b, err := json.Marshal(r.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	var arg struct {
		EventName, RoomID, GroupID string
		Data                       struct {
			KeepTime       *int64
			Status, Origin string
			Error          struct{ ErrMsg string }
			ErrMsg         string
			IsCaller       *bool
		}
	}
	if err := json.Unmarshal(b, &arg); err != nil {
		t.Fatal(err)
	}
	if arg.EventName != r.Name || arg.RoomID == "" || arg.RoomID != arg.GroupID {
		t.Errorf("callback %s: %s", r.Name, b)
	}
	words := []string{r.Name}
	if arg.Data.KeepTime != nil {
		words = append(words, fmt.Sprint(*arg.Data.KeepTime))
	}
	for _, s := range []string{arg.Data.Status, arg.Data.Origin, arg.Data.Error.ErrMsg, arg.Data.ErrMsg} {
		if s != "" {
			words = append(words, s)
		}
	}
	if arg.Data.IsCaller != nil {
		words = append(words, map[bool]string{true: "caller", false: "receiver"}[*arg.Data.IsCaller])
	}
	return strings.Join(words, " ")
}

// lines splits a want that is written one a line.
func lines(s string) []string {
	var out []string
	for l := range strings.Lines(s) {
		if l = strings.TrimSpace(l); l != "" {
			out = append(out, l)
		}
	}
	return out
}

func wantLines(t *testing.T, what string, got []string, want string) {
	t.Helper()
	if diff := cmp.Diff(lines(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}
