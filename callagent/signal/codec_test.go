package signal_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hailpoint/callagent/event"
	"hailpoint/callagent/internal/golden"
	"hailpoint/callagent/signal"
)

var (
	kiosk = event.User{ID: "kiosk-17", Name: "Platform 2", Avatar: "https://pictures.example/17", Extra: "floor=1"}
	desk  = event.User{ID: "desk-1", Name: "Front desk"}
)

// bodies has one of each type, no field of it zero.
var bodies = []signal.Body{
	signal.Invite{
		Caller: kiosk, Callees: []event.User{desk}, RoomID: "0195b2c3-0000-7000-8000-000000000005", RoomNum: 123456789, GroupID: "g",
		Media: event.Audio, SDP: "v=0\r\n", RingTimeoutMs: 60000, TimeLimitMs: 600000, UserData: "ticket 4", BusinessType: 1, Priority: signal.Normal,
	},
	signal.Ringing{SDP: "v=0\r\n"},
	signal.Accept{SDP: "v=0\r\n"},
	signal.Reject{Reason: signal.RejectBusy},
	signal.Cancel{Reason: signal.CancelAnsweredElsewhere},
	signal.Joined{},
	signal.Hangup{Reason: signal.HangupAborted, Cause: event.MediaLost, TalkMs: 61873},
	signal.Kick{Reason: "moderator"},
	signal.Property{Changed: []string{"screenShare"}, ShareUser: desk},
	signal.Recording{State: "aborted", Detail: "disk full"},
	signal.Candidate{Candidate: json.RawMessage(`{"candidate":"candidate:1 1 udp 2130706431 192.0.2.1 5000 typ host","sdpMid":"0"}`)},
	signal.Update{SDP: "v=0\r\n", Media: event.Video},
	signal.Updated{SDP: "v=0\r\n", Media: event.Audio},
	signal.State{Audio: true, Video: true, Reason: "muted"},
	signal.Roster{Rev: 3, Host: "kiosk-17", Members: []signal.RosterMember{{User: desk, State: "joined", Order: 1}}},
	signal.Text{Scope: "one", ContentType: "text/plain", Content: "on my way"},
	signal.TextAck{Ref: "m1", OK: true, Error: "none"},
	signal.Received{Ref: "m1"},
	signal.Error{Ref: "m1", Code: signal.CodeUnknownCall, Detail: "no such call"},
}

func message(b signal.Body) signal.Message {
	m := signal.Message{ID: "0192b2c3-0000-7000-8000-000000000002", CallID: "0194b2c3-0000-7000-8000-000000000004", N: 7, At: 1767225600123, Body: b}
	if m.Reply() {
		m.N = 0
	}
	return m
}

func TestEveryMessageComesBackAndItsBytesAreTheContract(t *testing.T) {
	for _, body := range bodies {
		t.Run(string(body.Type()), func(t *testing.T) {
			want := message(body)
			b, err := signal.Encode(want)
			if err != nil {
				t.Fatal(err)
			}
			golden.File(t, filepath.Join("testdata", string(body.Type())+".json"), b)
			got, err := signal.Decode(b)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("Decode(Encode(m)) (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTheEndOfCandidatesIsNull(t *testing.T) {
	b, err := signal.Encode(message(signal.Candidate{Candidate: json.RawMessage("null")}))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.HasSuffix(b, []byte(`,"candidate":null}`)) {
		t.Errorf("Encode = %s", b)
	}
	m, err := signal.Decode(b)
	if err != nil {
		t.Fatal(err)
	}
	if got := string(m.Body.(signal.Candidate).Candidate); got != "null" {
		t.Errorf("candidate %q, want null", got)
	}
}

func TestUnknownFieldsAreIgnored(t *testing.T) {
	m, err := signal.Decode([]byte(`{"v":1,"id":"a","type":"reject","call_id":"c","n":0,"at":1,"reason":"sleeping","colour":"red"}`))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(signal.Body(signal.Reject{Reason: "sleeping"}), m.Body); diff != "" {
		t.Errorf("body (-want +got):\n%s", diff)
	}
}

func TestBadMessages(t *testing.T) {
	const invite = `{"v":1,"id":"a","type":"invite","call_id":"c","n":0,"caller":{"id":"k"},"sdp":"v=0","media":"audio"`
	long := strings.Repeat("x", 129)
	for name, tt := range map[string]struct {
		in   string
		want signal.DecodeError
	}{
		"an empty payload":           {``, signal.DecodeError{Code: signal.CodeMalformed}},
		"no JSON":                    {`hello`, signal.DecodeError{Code: signal.CodeMalformed}},
		"an array":                   {`[1]`, signal.DecodeError{Code: signal.CodeMalformed}},
		"a message cut short":        {`{"v":1,"id":"a"`, signal.DecodeError{Code: signal.CodeMalformed}},
		"over 64 KiB":                {`{"v":1,"id":"` + strings.Repeat(" ", signal.MaxBytes) + `"}`, signal.DecodeError{Code: signal.CodeMalformed}},
		"another version":            {`{"v":2,"id":"a","type":"joined","call_id":"c","n":0}`, signal.DecodeError{ID: "a", CallID: "c", N: new(uint64(0)), Code: signal.CodeMalformed}},
		"no id":                      {`{"v":1,"type":"joined","call_id":"c","n":0}`, signal.DecodeError{CallID: "c", N: new(uint64(0)), Code: signal.CodeMalformed}},
		"an id too long":             {`{"v":1,"id":"` + long + `","type":"joined","call_id":"c","n":0}`, signal.DecodeError{CallID: "c", N: new(uint64(0)), Code: signal.CodeMalformed}},
		"no call":                    {`{"v":1,"id":"a","type":"joined","n":0}`, signal.DecodeError{ID: "a", N: new(uint64(0)), Code: signal.CodeMalformed}},
		"a call id too long":         {`{"v":1,"id":"a","type":"joined","call_id":"` + long + `","n":0}`, signal.DecodeError{ID: "a", N: new(uint64(0)), Code: signal.CodeMalformed}},
		"a type of a later version":  {`{"v":1,"id":"a","type":"hold","call_id":"c","n":5}`, signal.DecodeError{ID: "a", CallID: "c", N: new(uint64(5)), Code: signal.CodeUnknownType}},
		"no type":                    {`{"v":1,"id":"a","call_id":"c","n":5}`, signal.DecodeError{ID: "a", CallID: "c", N: new(uint64(5)), Code: signal.CodeUnknownType}},
		"no number":                  {`{"v":1,"id":"a","type":"joined","call_id":"c"}`, signal.DecodeError{ID: "a", CallID: "c", Code: signal.CodeMalformed}},
		"a number below zero":        {`{"v":1,"id":"a","type":"joined","call_id":"c","n":-1}`, signal.DecodeError{ID: "a", CallID: "c", Code: signal.CodeMalformed}},
		"a field of another type":    {`{"v":1,"id":"a","type":"accept","call_id":"c","n":1,"sdp":5}`, signal.DecodeError{ID: "a", CallID: "c", N: new(uint64(1)), Code: signal.CodeMalformed}},
		"received, malformed":        {`{"v":"x","id":"a","type":"received","call_id":"c","ref":"b"}`, signal.DecodeError{ID: "a", CallID: "c", Code: signal.CodeMalformed, Reply: true}},
		"error with a bad ref":       {`{"v":1,"id":"a","type":"error","call_id":"c","ref":5}`, signal.DecodeError{ID: "a", CallID: "c", Code: signal.CodeMalformed, Reply: true}},
		"invite without caller":      {`{"v":1,"id":"a","type":"invite","call_id":"c","n":0,"sdp":"v=0","media":"audio"}`, signal.DecodeError{ID: "a", CallID: "c", N: new(uint64(0)), Code: signal.CodeMalformed}},
		"invite without sdp":         {`{"v":1,"id":"a","type":"invite","call_id":"c","n":0,"caller":{"id":"k"},"media":"audio"}`, signal.DecodeError{ID: "a", CallID: "c", N: new(uint64(0)), Code: signal.CodeMalformed}},
		"invite of unknown media":    {`{"v":1,"id":"a","type":"invite","call_id":"c","n":0,"caller":{"id":"k"},"sdp":"v=0","media":"smell"}`, signal.DecodeError{ID: "a", CallID: "c", N: new(uint64(0)), Code: signal.CodeMalformed}},
		"invite with negative time":  {invite + `,"ring_timeout_ms":-1}`, signal.DecodeError{ID: "a", CallID: "c", N: new(uint64(0)), Code: signal.CodeMalformed}},
		"invite with negative limit": {invite + `,"time_limit_ms":-1}`, signal.DecodeError{ID: "a", CallID: "c", N: new(uint64(0)), Code: signal.CodeMalformed}},
		"invite of unknown priority": {invite + `,"priority":"panic"}`, signal.DecodeError{ID: "a", CallID: "c", N: new(uint64(0)), Code: signal.CodeMalformed}},
		"reject without reason":      {`{"v":1,"id":"a","type":"reject","call_id":"c","n":0}`, signal.DecodeError{ID: "a", CallID: "c", N: new(uint64(0)), Code: signal.CodeMalformed}},
		"cancel without reason":      {`{"v":1,"id":"a","type":"cancel","call_id":"c","n":0}`, signal.DecodeError{ID: "a", CallID: "c", N: new(uint64(0)), Code: signal.CodeMalformed}},
		"hangup without reason":      {`{"v":1,"id":"a","type":"hangup","call_id":"c","n":0}`, signal.DecodeError{ID: "a", CallID: "c", N: new(uint64(0)), Code: signal.CodeMalformed}},
		"hangup from the future":     {`{"v":1,"id":"a","type":"hangup","call_id":"c","n":0,"reason":"hung_up","talk_ms":-5}`, signal.DecodeError{ID: "a", CallID: "c", N: new(uint64(0)), Code: signal.CodeMalformed}},
		"candidate without one":      {`{"v":1,"id":"a","type":"candidate","call_id":"c","n":0}`, signal.DecodeError{ID: "a", CallID: "c", N: new(uint64(0)), Code: signal.CodeMalformed}},
		"update without sdp":         {`{"v":1,"id":"a","type":"update","call_id":"c","n":0}`, signal.DecodeError{ID: "a", CallID: "c", N: new(uint64(0)), Code: signal.CodeMalformed}},
		"updated without sdp":        {`{"v":1,"id":"a","type":"updated","call_id":"c","n":0}`, signal.DecodeError{ID: "a", CallID: "c", N: new(uint64(0)), Code: signal.CodeMalformed}},
		"a text too long": {
			`{"v":1,"id":"a","type":"message","call_id":"c","n":0,"content":"` + strings.Repeat("x", signal.MaxText+1) + `"}`,
			signal.DecodeError{ID: "a", CallID: "c", N: new(uint64(0)), Code: signal.CodeMalformed},
		},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := signal.Decode([]byte(tt.in))
			got, ok := errors.AsType[*signal.DecodeError](err)
			if !ok {
				t.Fatalf("Decode = %+v, %v, want a *DecodeError", m, err)
			}
			if got.Err == nil || !strings.HasPrefix(got.Error(), "decode signalling message: ") {
				t.Errorf("error %q", got)
			}
			tt.want.Err = got.Err
			if diff := cmp.Diff(tt.want, *got, cmp.Comparer(errors.Is)); diff != "" {
				t.Errorf("Decode's error (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAMessageOver64KiBIsNotEncoded(t *testing.T) {
	if b, err := signal.Encode(message(signal.Kick{Reason: strings.Repeat("x", signal.MaxBytes)})); err == nil {
		t.Errorf("Encode gave %d bytes, want an error", len(b))
	}
}

func FuzzDecode(f *testing.F) {
	for _, body := range bodies {
		b, err := signal.Encode(message(body))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		m, err := signal.Decode(in)
		if err != nil {
			if _, ok := errors.AsType[*signal.DecodeError](err); !ok {
				t.Fatalf("error %T, want *DecodeError", err)
			}
			return
		}
		first, err := signal.Encode(m)
		if err != nil {
			return // it grew over the limit by escapes and empty fields
		}
		again, err := signal.Decode(first)
		if err != nil {
			t.Fatalf("what was encoded cannot be decoded: %v\n%s", err, first)
		}
		second, err := signal.Encode(again)
		if err != nil || !bytes.Equal(first, second) {
			t.Fatalf("encoded once:\n%s\ntwice (%v):\n%s", first, err, second)
		}
	})
}
