package event

// Event is one fact. Its JSON form is the "data" object of a Record.
//
//sumtype:decl
type Event interface {
	// Name is the event's name on the wire, e.g. "call.ended".
	Name() string
	isEvent()
}

// Transient tells whether e is of a kind that is neither numbered nor kept:
// ticks, levels and network quality. All other kinds are durable.
func Transient(e Event) bool {
	switch e.(type) {
	case CallTick, MediaVolume, MediaNetwork:
		return true
	default:
		return false
	}
}

// User is one party of a call.
type User struct {
	ID     string `json:"id"`     // the address
	Name   string `json:"name"`   // shown to people
	Avatar string `json:"avatar"` // URL of a picture
	Extra  string `json:"extra"`  // free text, carried along
}

// Media is the kind of a call.
type Media string

// The kinds of a call.
const (
	Audio Media = "audio"
	Video Media = "video"
)

// Role is the part this endpoint plays in a call.
type Role string

// The roles. NoRole stands in records that belong to no call.
const (
	Caller Role = "caller"
	Callee Role = "callee"
	NoRole Role = "none"
)

// Other returns the role at the far end.
func (r Role) Other() Role {
	switch r {
	case Caller:
		return Callee
	case Callee:
		return Caller
	case NoRole:
	}
	return NoRole
}

// Origin says who or what caused an act.
type Origin string

// The origins.
const (
	Manual     Origin = "manual"      // a button or the handset
	PageClosed Origin = "page_closed" // the call page or kiosk view was closed
	AppForce   Origin = "app_force"   // a command from the backend or a local program
	Remote     Origin = "remote"      // the other party
	TimeLimit  Origin = "time_limit"  // the maximum talk time
	System     Origin = "system"      // the agent itself, e.g. at shutdown
)

// EndReason says why a call is over.
type EndReason string

// The end reasons.
const (
	EndCanceled          EndReason = "canceled"
	EndRejected          EndReason = "rejected"
	EndBusy              EndReason = "busy"
	EndNoAnswer          EndReason = "no_answer"
	EndHungUp            EndReason = "hung_up"
	EndTimeLimit         EndReason = "time_limit"
	EndAborted           EndReason = "aborted"
	EndJoinFailed        EndReason = "join_failed"
	EndKicked            EndReason = "kicked"
	EndAnsweredElsewhere EndReason = "answered_elsewhere"
	EndRejectedElsewhere EndReason = "rejected_elsewhere"
	EndRoomClosed        EndReason = "room_closed"
)

// AbortCause says why a call broke off.
type AbortCause string

// The abort causes.
const (
	PeerAbort         AbortCause = "peer_abort"
	WaitPeerTimeout   AbortCause = "wait_peer_timeout"
	PageFloatClosed   AbortCause = "page_float_closed"
	OtherIncomingCall AbortCause = "other_incoming_call"
	MediaLost         AbortCause = "media_lost"
	KickedOut         AbortCause = "kicked"
	MediaDevice       AbortCause = "media_device"
	Internal          AbortCause = "internal"
)

// Quality grades a network path, 0 unknown, 1 excellent .. 5 very bad, 6 down.
type Quality int

// Op names an operation that a person, a program or a backend asked for.
type Op string

// The operations that are answered by an OpResult.
const (
	OpInvite  Op = "invite"
	OpCancel  Op = "cancel"
	OpAccept  Op = "accept"
	OpReject  Op = "reject"
	OpKick    Op = "kick"
	OpMessage Op = "message"
)

// LeftWhy says why a member is gone.
type LeftWhy string

// The reasons of MemberLeft.
const (
	LeftQuit       LeftWhy = "quit"
	LeftOffline    LeftWhy = "offline"
	LeftKicked     LeftWhy = "kicked"
	LeftRoomClosed LeftWhy = "room_closed"
	LeftTimeout    LeftWhy = "timeout"
)
