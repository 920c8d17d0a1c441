package event

// MemberInvited (member.invited): More people were invited into the running
// call.
type MemberInvited struct {
	Inviter User   `json:"inviter"`
	Invited []User `json:"invited"`
}

// MemberJoined (member.joined): A member entered the call.
type MemberJoined struct {
	User User `json:"user"`
}

// MemberLeft (member.left): A member left the call.
type MemberLeft struct {
	User User    `json:"user"`
	Why  LeftWhy `json:"why"`
}

// MessageReceived (message.received): A text message inside the call arrived.
// Scope is one, group or unknown.
type MessageReceived struct {
	From        User   `json:"from"`
	Scope       string `json:"scope"`
	ContentType string `json:"content_type"`
	Content     string `json:"content"`
}

// RecordingAborted (recording.aborted): A recording broke off.
type RecordingAborted struct {
	EndsCall bool   `json:"ends_call"`
	User     User   `json:"user"`
	Detail   string `json:"detail"`
}
