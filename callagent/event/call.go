package event

// CallCreated (call.created): The caller made a call; nothing has been sent
// yet. Caller only.
type CallCreated struct {
	Caller        User   `json:"caller"`
	Callees       []User `json:"callees"`
	Media         Media  `json:"media"`
	RingTimeoutMs int64  `json:"ring_timeout_ms"`
	TimeLimitMs   int64  `json:"time_limit_ms"` // 0: none
	UserData      string `json:"user_data"`
	BusinessType  int    `json:"business_type"`
}

// CallIncoming (call.incoming): An invitation arrived and rings. Callee only.
type CallIncoming struct {
	Caller       User   `json:"caller"`
	Callees      []User `json:"callees"`
	Media        Media  `json:"media"`
	UserData     string `json:"user_data"`
	BusinessType int    `json:"business_type"`
}

// OpResult (op.result): The result of an operation that was asked for. OpID
// counts per device from 1; 0 marks an operation the agent did by itself.
type OpResult struct {
	Op     Op     `json:"op"`
	OpID   int64  `json:"op_id"`
	OK     bool   `json:"ok"`
	Code   int    `json:"code"`
	Detail string `json:"detail"`
}

// CallRinging (call.ringing): The callee rings. Caller and members.
type CallRinging struct {
	User User `json:"user"` // who rings
}

// RoomJoined (room.joined): The sound device is open and the own session
// description made. It is never followed by RoomJoinFailed.
type RoomJoined struct{}

// RoomJoinFailed (room.join_failed): The sound device or the own session
// description could not be made; the call is over.
type RoomJoinFailed struct {
	Code   int    `json:"code"`
	ErrMsg string `json:"err_msg"`
}

// CallAccepted (call.accepted): Somebody answered.
type CallAccepted struct {
	User   User   `json:"user"`  // who answered
	Local  bool   `json:"local"` // this endpoint answered
	Origin Origin `json:"origin"`
}

// CallConnected (call.connected): Both sides are joined; talk time runs from
// here.
type CallConnected struct {
	Media Media `json:"media"`
}

// CallTick (call.tick): One more second of talk. Transient.
type CallTick struct {
	TalkMs int64 `json:"talk_ms"`
}

// CallCanceled (call.canceled): The caller withdrew an unanswered call.
type CallCanceled struct {
	Local    bool   `json:"local"`
	Origin   Origin `json:"origin"`
	UserData string `json:"user_data"`
}

// CallRejected (call.rejected): The callee refused. Detail holds the reason
// when it was not a plain refusal: do_not_disturb, forbidden or unsupported.
type CallRejected struct {
	User   User   `json:"user"` // who refused
	Local  bool   `json:"local"`
	Origin Origin `json:"origin"`
	Detail string `json:"detail,omitempty"`
}

// CallBusy (call.busy): The callee is in another call. With Local, this
// endpoint refused a second call.
type CallBusy struct {
	User     User   `json:"user"` // who is busy
	Local    bool   `json:"local"`
	UserData string `json:"user_data"`
}

// CallNoAnswer (call.no_answer): Nobody answered before the ring timeout.
type CallNoAnswer struct {
	User     User   `json:"user"` // who did not answer
	Local    bool   `json:"local"`
	UserData string `json:"user_data"`
}

// CallHungUp (call.hung_up): A side hung up, or the time limit did. Origin is
// TimeLimit on both sides when both know the limit.
type CallHungUp struct {
	ByRole Role   `json:"by_role"`
	User   User   `json:"user"` // who hung up
	Local  bool   `json:"local"`
	Origin Origin `json:"origin"`
	TalkMs int64  `json:"talk_ms"`
}

// CallAborted (call.aborted): The call broke off.
type CallAborted struct {
	Local  bool       `json:"local"` // the fault is at this endpoint
	Cause  AbortCause `json:"cause"`
	ErrMsg string     `json:"err_msg"`
	TalkMs int64      `json:"talk_ms"`
}

// CallEnded (call.ended): The call is over: exactly one per call. EndAt =
// BeginAt + TalkMs for a connected call; BeginAt is 0 for one that never
// connected. ReasonCode is RongCloud's RCCallEndReason (RCReason).
type CallEnded struct {
	Reason       EndReason `json:"reason"`
	Local        bool      `json:"local"`
	Connected    bool      `json:"connected"`
	TalkMs       int64     `json:"talk_ms"`
	BeginAt      int64     `json:"begin_at"` // ms since the epoch
	EndAt        int64     `json:"end_at"`   // ms since the epoch
	Caller       User      `json:"caller"`
	Callee       User      `json:"callee"`
	Media        Media     `json:"media"`
	BusinessType int       `json:"business_type"`
	ReasonCode   int       `json:"reason_code"`
}

// CallSettled (call.settled): The backend settled the duration of a connected
// call; at most once, after CallEnded.
type CallSettled struct {
	SettledMs int64 `json:"settled_ms"`
}
