package registry

import (
	"encoding/json"
	"slices"

	"hailpoint/callagent/event"
)

// CallState is how far a call has come.
type CallState string

// The states of a call.
const (
	Calling  CallState = "calling"  // made, nobody rings yet
	Ringing  CallState = "ringing"  // somebody rings
	Answered CallState = "answered" // somebody answered, there is no sound yet
	Talking  CallState = "talking"
	Ended    CallState = "ended"
)

// Call is what became of one call, by the word of all terminals in it.
type Call struct {
	ID      string       `json:"id"`
	RoomID  string       `json:"room_id"`
	GroupID string       `json:"group_id,omitempty"`
	Caller  event.User   `json:"caller"`
	Callees []event.User `json:"callees"` // all who were called
	// Callee is who answered, or the only one who was called.
	Callee      event.User      `json:"callee"`
	Media       event.Media     `json:"media"`
	State       CallState       `json:"state"`
	BeganAt     int64           `json:"began_at"`     // ms since the epoch
	ConnectedAt int64           `json:"connected_at"` // ms since the epoch, 0: never
	EndedAt     int64           `json:"ended_at"`     // ms since the epoch, 0: not yet
	TalkMs      int64           `json:"talk_ms"`
	Reason      event.EndReason `json:"reason,omitempty"`
	// By is the address of the terminal or operator that ended it, if that is
	// known.
	By string `json:"by,omitempty"`
	// Reporters are the terminals whose events these are.
	Reporters []string `json:"reporters"`
}

// Fold makes the record of call id from its entries, in the order of Timeline.
func Fold(id string, entries []Entry) Call {
	f := folding{
		call:  Call{ID: id, State: Calling, Callees: []event.User{}, Reporters: []string{}},
		sides: map[string]*side{},
	}
	for _, e := range entries {
		f.add(e)
	}
	f.conclude()
	return f.call
}

// folding is a Call in the making.
type folding struct {
	call  Call
	sides map[string]*side // by device
}

// side is what one terminal said of a call.
type side struct {
	device string
	role   event.Role
	state  CallState
	by     string
	ended  *event.CallEnded
	at     int64 // of call.ended
}

func (f *folding) add(e Entry) {
	s := f.side(e)
	if f.call.BeganAt == 0 || e.At < f.call.BeganAt {
		f.call.BeganAt = e.At
	}
	if e.RoomID != "" {
		f.call.RoomID = e.RoomID
	}
	if e.GroupID != "" {
		f.call.GroupID = e.GroupID
	}
	switch e.Name {
	case event.CallCreated{}.Name():
		if d, ok := data[event.CallCreated](e); ok {
			f.parties(d.Caller, d.Callees, d.Media)
		}
	case event.CallIncoming{}.Name():
		if d, ok := data[event.CallIncoming](e); ok {
			f.parties(d.Caller, d.Callees, d.Media)
		}
		s.reach(Ringing)
	case event.CallRinging{}.Name():
		s.reach(Ringing)
	case event.CallAccepted{}.Name():
		// The caller may know no more than the address of who answered.
		if d, ok := data[event.CallAccepted](e); ok && d.User.ID != "" &&
			(d.User.ID != f.call.Callee.ID || f.call.Callee.Name == "") {
			f.call.Callee = d.User
		}
		s.reach(Answered)
	case event.CallConnected{}.Name():
		if f.call.ConnectedAt == 0 || e.At < f.call.ConnectedAt {
			f.call.ConnectedAt = e.At
		}
		s.reach(Talking)
	case event.CallHungUp{}.Name():
		if d, ok := data[event.CallHungUp](e); ok {
			s.by = d.User.ID
		}
	case event.CallEnded{}.Name():
		if d, ok := data[event.CallEnded](e); ok {
			s.ended, s.at = &d, e.At
		}
		s.reach(Ended)
	}
}

func (f *folding) side(e Entry) *side {
	s := f.sides[e.DeviceID]
	if s == nil {
		s = &side{device: e.DeviceID, role: e.Role, state: Calling}
		f.sides[e.DeviceID] = s
		f.call.Reporters = append(f.call.Reporters, e.DeviceID)
	}
	return s
}

func (f *folding) parties(caller event.User, callees []event.User, media event.Media) {
	f.call.Caller, f.call.Media = caller, media
	for _, u := range callees {
		if !slices.ContainsFunc(f.call.Callees, func(v event.User) bool { return v.ID == u.ID }) {
			f.call.Callees = append(f.call.Callees, u)
		}
	}
}

// reach moves a side forward, never back.
func (s *side) reach(state CallState) {
	if rank[state] > rank[s.state] {
		s.state = state
	}
}

var rank = map[CallState]int{Calling: 0, Ringing: 1, Answered: 2, Talking: 3, Ended: 4}

// conclude decides what the sides' words amount to.
func (f *folding) conclude() {
	c := &f.call
	slices.Sort(c.Reporters)
	if c.Callee.ID == "" && len(c.Callees) == 1 {
		c.Callee = c.Callees[0]
	}
	var word *side // whose call.ended counts
	open := false
	for _, device := range c.Reporters {
		s := f.sides[device]
		if s.ended == nil {
			open = true
			if rank[s.state] > rank[c.State] {
				c.State = s.state
			}
			continue
		}
		if word == nil || s.weight() > word.weight() {
			word = s
		}
	}
	// The caller's end is the end of the call; else all must have reported theirs.
	if word == nil || (open && word.role != event.Caller) {
		return
	}
	d := word.ended
	c.State, c.Reason, c.TalkMs = Ended, d.Reason, d.TalkMs
	c.EndedAt = word.at
	if d.EndAt != 0 {
		c.EndedAt = d.EndAt
	}
	if d.BeginAt != 0 {
		c.ConnectedAt = d.BeginAt
	}
	if c.Caller.ID == "" {
		c.Caller = d.Caller
	}
	if c.Callee.ID == "" {
		c.Callee = d.Callee
	}
	if c.Media == "" {
		c.Media = d.Media
	}
	switch {
	case word.by != "":
		c.By = word.by
	case d.Local:
		c.By = word.device
	}
}

// weight says how much a side's word counts on how the call went: the caller
// knows best; of the called ones, who talked; least one that was withdrawn
// because another answered or refused.
func (s *side) weight() int {
	switch {
	case s.role == event.Caller:
		return 3
	case s.ended.Connected:
		return 2
	case s.ended.Reason == event.EndAnsweredElsewhere || s.ended.Reason == event.EndRejectedElsewhere:
		return 0
	}
	return 1
}

// data reads the facts of an entry; those that cannot be read are left out of
// the record, and remain in the timeline as they are.
func data[E any](e Entry) (E, bool) {
	var d E
	err := json.Unmarshal(e.Data, &d)
	return d, err == nil
}
