package event_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"hailpoint/callagent/event"
	"hailpoint/callagent/internal/golden"
)

// record is a whole envelope around e.
func record(e event.Event) event.Record {
	r := event.Record{
		V: 1, Journal: "0191b2c3-0000-7000-8000-000000000001", Seq: 4711, ID: "0192b2c3-0000-7000-8000-000000000002", Name: e.Name(),
		DeviceID: "kiosk-17", SelfID: "kiosk-17", BootID: "0193b2c3-0000-7000-8000-000000000003",
		Call: event.Call{
			CallID: "0194b2c3-0000-7000-8000-000000000004", RoomID: "0195b2c3-0000-7000-8000-000000000005", RoomNum: 123456789,
			GroupID: "0196b2c3-0000-7000-8000-000000000006", Role: event.Caller,
		},
		At: 1767225600123, Clock: event.Synced, UptimeMs: 8123456, SinceStartMs: 65012, Prev: event.FirstPrev, Unsynced: true, Data: e,
	}
	if event.Transient(e) {
		r.Seq, r.Prev, r.Journal = 0, "", ""
	}
	return r
}

func TestEveryEventComesBackFromItsRecord(t *testing.T) {
	for _, e := range samples {
		t.Run(e.Name(), func(t *testing.T) {
			want := record(e)
			b, err := want.Encode()
			if err != nil {
				t.Fatal(err)
			}
			got, err := event.Decode(b)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("Decode(Encode(r)) (-want +got):\n%s", diff)
			}
		})
	}
}

func TestThereIsASampleOfEachEventWithNoZeroField(t *testing.T) {
	var have []string
	for _, e := range samples {
		have = append(have, e.Name())
		v := reflect.ValueOf(e)
		for i := range v.NumField() {
			if v.Field(i).IsZero() {
				t.Errorf("%s: the sample has no %s", e.Name(), v.Type().Field(i).Name)
			}
		}
	}
	known := event.Names()
	slices.Sort(have)
	slices.Sort(known)
	if diff := cmp.Diff(known, have); diff != "" {
		t.Errorf("samples (-known +have):\n%s", diff)
	}
}

func TestNamesAndFieldsFollowTheVocabulary(t *testing.T) {
	if len(contract) != len(samples) {
		t.Fatalf("%d events in the vocabulary, %d here", len(contract), len(samples))
	}
	for i, want := range contract {
		e := samples[i]
		typ := reflect.TypeOf(e)
		if e.Name() != want.name || typ.Name() != want.goName {
			t.Errorf("event %d is %s %q, want %s %q", i, typ.Name(), e.Name(), want.goName, want.name)
		}
		var fields []string
		for f := range typ.Fields() {
			fields = append(fields, f.Name)
		}
		names := strings.Fields(strings.ReplaceAll(want.fields, "+", ""))
		if strings.Join(fields, " ") != strings.Join(names, " ") {
			t.Errorf("%s has the fields %v, want %v", want.name, fields, names)
		}
		checkJSONNames(t, want.name, e)
	}
}

// checkJSONNames checks that e's JSON has its Go names in snake case.
func checkJSONNames(t *testing.T, name string, v any) {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]json.RawMessage
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	for f := range reflect.TypeOf(v).Fields() {
		if _, ok := got[snake(f.Name)]; !ok {
			t.Errorf("%s: field %s is not %q in %s", name, f.Name, snake(f.Name), b)
		}
		delete(got, snake(f.Name))
	}
	if len(got) > 0 {
		t.Errorf("%s: more fields than the struct: %v", name, got)
	}
}

func TestUsersAndCallsAreInSnakeCaseToo(t *testing.T) {
	checkJSONNames(t, "User", kiosk)
	checkJSONNames(t, "Call", record(event.RoomJoined{}).Call)
}

// snake turns a Go name into the name on the wire: OpID into op_id.
func snake(s string) string {
	var b strings.Builder
	runes := []rune(s)
	for i, r := range runes {
		if unicode.IsUpper(r) && i > 0 &&
			(unicode.IsLower(runes[i-1]) || (i+1 < len(runes) && unicode.IsLower(runes[i+1]))) {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

func TestOnlyTicksLevelsAndQualityAreTransient(t *testing.T) {
	for _, e := range samples {
		want := slices.Contains([]string{"call.tick", "media.volume", "media.network"}, e.Name())
		if got := event.Transient(e); got != want {
			t.Errorf("Transient(%s) = %v, want %v", e.Name(), got, want)
		}
	}
}

func TestRecordBytesAreTheContract(t *testing.T) {
	for name, r := range map[string]event.Record{
		"durable":   record(samples[15]),
		"transient": record(event.CallTick{TalkMs: 2000}),
		"no_call": {
			Journal: "j", Seq: 1, ID: "i", DeviceID: "kiosk-17", SelfID: "kiosk-17", BootID: "b", At: 1, Clock: event.Unsynced,
			UptimeMs: 2, Prev: event.FirstPrev, Data: event.DeviceError{Detail: "<sound> & \"light\" · 電"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := r.Encode()
			if err != nil {
				t.Fatal(err)
			}
			golden.File(t, filepath.Join("testdata", name+".json"), got)
		})
	}
}

func TestARecordWithoutDataIsNotEncoded(t *testing.T) {
	if b, err := (event.Record{ID: "r1"}).Encode(); err == nil {
		t.Errorf("Encode = %s, want an error", b)
	}
}

func TestBadRecordsAreErrors(t *testing.T) {
	for name, tt := range map[string]struct {
		in      string
		unknown bool
	}{
		"an empty payload":                 {``, false},
		"no JSON":                          {`call.ended`, false},
		"an array":                         {`[]`, false},
		"no version":                       {`{"id":"a","name":"call.tick","data":{}}`, false},
		"another version":                  {`{"v":2,"id":"a","name":"call.tick","data":{}}`, false},
		"no id":                            {`{"v":1,"name":"call.tick","data":{}}`, false},
		"a name of a later version":        {`{"v":1,"id":"a","name":"call.parked","data":{}}`, true},
		"data of another shape":            {`{"v":1,"id":"a","name":"call.tick","data":[1]}`, false},
		"a field of another type":          {`{"v":1,"id":"a","name":"call.tick","data":{"talk_ms":"1"}}`, false},
		"a sequence number below zero":     {`{"v":1,"id":"a","seq":-1,"name":"call.tick","data":{}}`, false},
		"a level that is not a number":     {`{"v":1,"id":"a","name":"media.volume","data":{"levels":{"x":null,"y":"loud"}}}`, false},
		"a record with something after it": {`{"v":1,"id":"a","name":"call.tick","data":{}} {}`, false},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := event.Decode([]byte(tt.in))
			if err == nil {
				t.Fatalf("Decode = %+v, want an error", r)
			}
			if got := errors.Is(err, event.ErrUnknown); got != tt.unknown {
				t.Errorf("errors.Is(%v, ErrUnknown) = %v", err, got)
			}
		})
	}
}

func TestUnknownFieldsAndMissingDataAreNoError(t *testing.T) {
	r, err := event.Decode([]byte(`{"v":1,"id":"a","name":"call.tick","colour":"red"}`))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(event.Event(event.CallTick{}), r.Data); diff != "" {
		t.Errorf("data (-want +got):\n%s", diff)
	}
}

func FuzzDecode(f *testing.F) {
	for _, e := range samples {
		b, err := record(e).Encode()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte(`{"v":1,"id":"a","name":"call.property","data":null}`))
	f.Fuzz(func(t *testing.T, in []byte) {
		r, err := event.Decode(in)
		if err != nil {
			return
		}
		first, err := r.Encode()
		if err != nil {
			t.Fatalf("what was decoded cannot be encoded: %v", err)
		}
		again, err := event.Decode(first)
		if err != nil {
			t.Fatalf("what was encoded cannot be decoded: %v", err)
		}
		second, err := again.Encode()
		if err != nil || !bytes.Equal(first, second) {
			t.Fatalf("encoded once:\n%s\ntwice (%v):\n%s", first, err, second)
		}
	})
}
