package command

// Status is what a terminal says of itself (section 3 of the outside contract).
// Online and At are set by whoever publishes it.
type Status struct {
	Online       bool              `json:"online"`
	At           int64             `json:"at"` // ms since the epoch
	Version      string            `json:"version"`
	BootID       string            `json:"boot_id"`
	Name         string            `json:"name"` // shown to people
	State        string            `json:"state"`
	CallID       string            `json:"call_id"`
	Peer         string            `json:"peer,omitempty"` // address of the other side, once there is one
	Muted        bool              `json:"muted"`
	Volume       int               `json:"volume"` // percent
	Labels       map[string]string `json:"labels"`
	Capabilities []string          `json:"capabilities"`
	Faults       []string          `json:"faults"` // what does not work, in words for people; empty when all is well
}
