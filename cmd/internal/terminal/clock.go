package terminal

import (
	"golang.org/x/sys/unix"

	"hailpoint/callagent/event"
)

// clock says whether a time source disciplines the wall clock. Many boards have
// no battery clock: until then their time means nothing (adjtimex(2),
// STA_UNSYNC).
func clock() event.Clock {
	var t unix.Timex
	if state, err := unix.Adjtimex(&t); err != nil || state == unix.TIME_ERROR || t.Status&unix.STA_UNSYNC != 0 {
		return event.Unsynced
	}
	return event.Synced
}
