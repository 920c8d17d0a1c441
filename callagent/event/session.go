package event

// SessionKicked (session.kicked): Another connection took this address over.
type SessionKicked struct {
	Detail string `json:"detail"`
}

// SessionCredentialExpired (session.credential_expired): The credential expired
// while connected.
type SessionCredentialExpired struct{}

// ClockSynced (clock.synced): The wall clock was set; it dates all earlier
// records of this boot (section 4 of the outside contract). UptimeMs is
// monotonic since boot_id.
type ClockSynced struct {
	UptimeMs int64 `json:"uptime_ms"`
	At       int64 `json:"at"` // ms since the epoch
}

// DeviceError (device.error): A part of the terminal fails: sound, network,
// storage.
type DeviceError struct {
	Code   int    `json:"code"`
	Detail string `json:"detail"`
}

// UIPageShown (ui.page_shown): The call page came to the front.
type UIPageShown struct{}

// UIBoxShown (ui.box_shown): The custom box was opened.
type UIBoxShown struct {
	CallerID string `json:"caller_id"`
	CalleeID string `json:"callee_id"`
}

// UIBoxHidden (ui.box_hidden): The custom box was closed.
type UIBoxHidden struct {
	CallerID string `json:"caller_id"`
	CalleeID string `json:"callee_id"`
}
