package registry_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hailpoint/callagent/event"
	"hailpoint/cmd/hailpoint-fleet/internal/registry"
)

var (
	door = event.User{ID: "door", Name: "The door"}
	desk = event.User{ID: "desk", Name: "The desk"}
	gate = event.User{ID: "gate"}
)

// line is the journal of one terminal.
type line struct {
	device string
	role   event.Role
	skew   int64 // of its clock, ms
	n      uint64
}

// says makes the entry of an event at a time.
func (l *line) says(at int64, e event.Event) registry.Entry {
	l.n++
	r := event.Record{
		Journal: "j-" + l.device, Seq: l.n, ID: fmt.Sprintf("%s-%d", l.device, l.n), DeviceID: l.device, SelfID: l.device,
		BootID: "b", Call: event.Call{CallID: "c", RoomID: "room", Role: l.role}, At: at + l.skew, Clock: event.Synced, Data: e,
	}
	raw, err := r.Encode()
	if err != nil {
		panic(err)
	}
	entry, err := registry.ParseEntry(l.device, raw)
	if err != nil {
		panic(err)
	}
	return entry
}

// flow is a call from the door to the desk, in pieces.
type flow struct{ door, desk, gate *line }

func newFlow(skew int64) flow {
	return flow{&line{device: "door", role: event.Caller}, &line{device: "desk", role: event.Callee, skew: skew}, &line{device: "gate", role: event.Callee}}
}

func ended(reason event.EndReason, local bool, begin, talk int64) event.CallEnded {
	e := event.CallEnded{Reason: reason, Local: local, Connected: begin > 0, TalkMs: talk, BeginAt: begin, Caller: door, Callee: desk, Media: event.Audio}
	if begin > 0 {
		e.EndAt = begin + talk
	}
	return e
}

func TestFold(t *testing.T) {
	made := event.CallCreated{Caller: door, Callees: []event.User{desk}, Media: event.Audio}
	came := event.CallIncoming{Caller: door, Callees: []event.User{desk}, Media: event.Audio}
	both := event.CallIncoming{Caller: door, Callees: []event.User{desk, gate}, Media: event.Audio}
	base := registry.Call{
		ID: "c", RoomID: "room", Caller: door, Callees: []event.User{desk}, Callee: desk, Media: event.Audio, BeganAt: 100,
		Reporters: []string{"desk", "door"},
	}
	for name, tt := range map[string]struct {
		entries func(flow) []registry.Entry
		want    func(*registry.Call)
	}{
		"it was made": {
			func(f flow) []registry.Entry { return []registry.Entry{f.door.says(100, made)} },
			func(c *registry.Call) { c.State, c.Reporters = registry.Calling, []string{"door"} },
		},
		"it rings": {
			func(f flow) []registry.Entry {
				return []registry.Entry{f.door.says(100, made), f.desk.says(101, came), f.door.says(102, event.CallRinging{User: desk})}
			},
			func(c *registry.Call) { c.State = registry.Ringing },
		},
		"both talk": {
			func(f flow) []registry.Entry {
				return []registry.Entry{
					f.door.says(100, made), f.desk.says(101, came), f.desk.says(200, event.CallAccepted{User: desk, Local: true}),
					f.door.says(202, event.CallAccepted{User: desk}), f.desk.says(300, event.CallConnected{}), f.door.says(301, event.CallConnected{}),
				}
			},
			func(c *registry.Call) { c.State, c.ConnectedAt = registry.Talking, 300 },
		},
		"who answered says its own name": {
			func(f flow) []registry.Entry {
				nameless := []event.User{{ID: "desk"}}
				return []registry.Entry{
					f.door.says(100, event.CallCreated{Caller: door, Callees: nameless, Media: event.Audio}),
					f.desk.says(200, event.CallAccepted{User: desk, Local: true}), f.door.says(202, event.CallAccepted{User: nameless[0]}),
				}
			},
			func(c *registry.Call) { c.State, c.Callees = registry.Answered, []event.User{{ID: "desk"}} },
		},
		"the callee hung up": {
			func(f flow) []registry.Entry {
				return []registry.Entry{
					f.door.says(100, made), f.desk.says(101, came), f.door.says(301, event.CallConnected{}), f.desk.says(300, event.CallConnected{}),
					f.desk.says(900, event.CallHungUp{User: desk, Local: true}), f.desk.says(900, ended(event.EndHungUp, true, 300, 600)),
					f.door.says(902, event.CallHungUp{User: desk}), f.door.says(902, ended(event.EndHungUp, false, 301, 600)),
				}
			},
			func(c *registry.Call) {
				c.State, c.Reason, c.By = registry.Ended, event.EndHungUp, "desk"
				c.ConnectedAt, c.EndedAt, c.TalkMs = 301, 901, 600
			},
		},
		"the caller's word counts before the callee's is there": {
			func(f flow) []registry.Entry {
				return []registry.Entry{f.door.says(100, made), f.desk.says(101, came), f.door.says(500, ended(event.EndCanceled, true, 0, 0))}
			},
			func(c *registry.Call) {
				c.State, c.Reason, c.By, c.EndedAt = registry.Ended, event.EndCanceled, "door", 500
			},
		},
		"the callee's word alone leaves a caller that still talks": {
			func(f flow) []registry.Entry {
				return []registry.Entry{f.door.says(100, made), f.desk.says(101, came), f.door.says(300, event.CallConnected{}), f.desk.says(500, ended(event.EndAborted, true, 300, 200))}
			},
			func(c *registry.Call) { c.State, c.ConnectedAt = registry.Talking, 300 },
		},
		"of a page's call to a group, who answered tells how it went": {
			func(f flow) []registry.Entry {
				return []registry.Entry{
					f.gate.says(100, both), f.desk.says(101, both), f.desk.says(200, event.CallAccepted{User: desk, Local: true}),
					f.gate.says(210, ended(event.EndAnsweredElsewhere, false, 0, 0)), f.desk.says(300, event.CallConnected{}),
					f.desk.says(800, ended(event.EndHungUp, false, 300, 500)),
				}
			},
			func(c *registry.Call) {
				c.State, c.Reason, c.ConnectedAt, c.EndedAt, c.TalkMs = registry.Ended, event.EndHungUp, 300, 800, 500
				c.Callees, c.Reporters = []event.User{desk, gate}, []string{"desk", "gate"}
			},
		},
		"only the end is stored": {
			func(f flow) []registry.Entry {
				return []registry.Entry{f.door.says(100, ended(event.EndAborted, true, 40, 50))}
			},
			func(c *registry.Call) {
				c.State, c.Reason, c.By, c.ConnectedAt, c.EndedAt, c.TalkMs = registry.Ended, event.EndAborted, "door", 40, 90, 50
				c.Callees, c.Reporters = []event.User{}, []string{"door"}
			},
		},
		"an event of a later version says nothing here": {
			func(f flow) []registry.Entry {
				e := f.door.says(150, event.RoomJoined{})
				e.Name, e.Data = "call.teleported", json.RawMessage(`"far"`)
				return []registry.Entry{f.door.says(100, made), e}
			},
			func(c *registry.Call) { c.State, c.Reporters = registry.Calling, []string{"door"} },
		},
	} {
		t.Run(name, func(t *testing.T) {
			want := base
			tt.want(&want)
			got := registry.Fold("c", registry.Timeline(tt.entries(newFlow(0))))
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestTimelineKeepsEachTerminalsOrder(t *testing.T) {
	for name, tt := range map[string]struct {
		skew int64
		want string
	}{
		"clocks that agree interleave":                  {0, "door-1 desk-1 door-2 desk-2 desk-3 door-3"},
		"a clock far ahead reorders nothing of its own": {1e9, "door-1 door-2 door-3 desk-1 desk-2 desk-3"},
		"nor does one far behind":                       {-1e9, "desk-1 desk-2 desk-3 door-1 door-2 door-3"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFlow(tt.skew)
			d1, k1 := f.door.says(100, event.RoomJoined{}), f.desk.says(110, event.RoomJoined{})
			d2, k2 := f.door.says(120, event.RoomJoined{}), f.desk.says(130, event.RoomJoined{})
			k3 := f.desk.says(90, event.RoomJoined{}) // its clock was set back
			d3 := f.door.says(140, event.RoomJoined{})
			var got []string
			for _, e := range registry.Timeline([]registry.Entry{k3, d3, k1, d1, d2, k2}) {
				got = append(got, e.ID)
			}
			if s := strings.Join(got, " "); s != tt.want {
				t.Errorf("%s, want %s", s, tt.want)
			}
		})
	}
}

func TestParseEntryRefusesWhatATerminalMayNotSay(t *testing.T) {
	good := `{"v":1,"journal":"j","seq":1,"id":"a","name":"x","device_id":"door","at":5,"dated":true}`
	e, err := registry.ParseEntry("door", []byte(good))
	if err != nil || e.Dated || string(e.Data) != "{}" {
		t.Errorf("%+v, %v", e, err)
	}
	for name, raw := range map[string]string{
		"no JSON":              `{"v":1`,
		"another version":      strings.Replace(good, `"v":1`, `"v":2`, 1),
		"another's name":       strings.Replace(good, `"door"`, `"desk"`, 1),
		"no id":                strings.Replace(good, `"id":"a"`, `"id":""`, 1),
		"an endless id":        strings.Replace(good, `"id":"a"`, `"id":"`+strings.Repeat("a", 200)+`"`, 1),
		"no name":              strings.Replace(good, `"name":"x",`, ``, 1),
		"a number, no journal": strings.Replace(good, `"journal":"j",`, ``, 1),
		"a negative number":    strings.Replace(good, `"seq":1`, `"seq":-1`, 1),
		"an impossible number": strings.Replace(good, `"seq":1`, `"seq":18446744073709551615`, 1),
	} {
		if _, err := registry.ParseEntry("door", []byte(raw)); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
	if _, err := registry.ParseTranslation("door", "wmpf", []byte(`{"v":1,"system":"zego","id":"a","device_id":"door"}`)); err == nil {
		t.Error("a record of another vocabulary was taken")
	}
}

func FuzzParseEntry(f *testing.F) {
	f.Add([]byte(`{"v":1,"journal":"j","seq":1,"id":"a","name":"call.ended","device_id":"door","at":5,"data":{}}`))
	f.Add([]byte(`{"v":1,"id":"a","name":"call.created","device_id":"door","data":{"callees":[{}]}}`))
	f.Fuzz(func(_ *testing.T, raw []byte) {
		_, _ = registry.ParseTranslation("door", "wmpf", raw)
		e, err := registry.ParseEntry("door", raw)
		if err != nil {
			return
		}
		e.SyncedAt()
		registry.Fold(e.CallID, registry.Timeline([]registry.Entry{e, e}))
	})
}
