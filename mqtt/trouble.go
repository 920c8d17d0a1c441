package mqtt

import (
	"maps"
	"strings"
	"time"
)

// repeatAfter is when trouble that lasts is worth another warning.
const repeatAfter = time.Hour

// troubles are what was warned of, and when, so that an attempt every few
// seconds does not fill the log with the same.
type troubles map[trouble]time.Time

// trouble is one cause why one broker is not reached.
type trouble struct{ broker, cause string }

// worth reports whether err of broker is worth a warning now: a new cause, or
// one last warned of long ago.
func (t troubles) worth(broker string, err error, now time.Time) bool {
	key := trouble{broker, cause(err)}
	if last, ok := t[key]; ok && now.Sub(last) < repeatAfter {
		return false
	}
	t[key] = now
	return true
}

// over forgets the troubles of a broker that was reached.
func (t troubles) over(broker string) {
	maps.DeleteFunc(t, func(k trouble, _ time.Time) bool { return k.broker == broker })
}

// cause is the text of err without its numbers: the time of the attempt and
// the local port stand in some texts, and differ each time.
func cause(err error) string {
	return strings.Map(func(r rune) rune {
		if r == '.' || ('0' <= r && r <= '9') {
			return -1
		}
		return r
	}, err.Error())
}
