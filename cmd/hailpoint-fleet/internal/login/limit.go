package login

import (
	"sync"
	"time"
)

// The bounds of guessing: after free failures from one address each further
// try must wait, twice as long each time.
const (
	freeTries = 5
	firstWait = 2 * time.Second
	longWait  = 5 * time.Minute
	maxTraced = 4096 // addresses remembered
)

// Limit slows down guessing of passwords. Its zero value is ready; its methods
// may be called from any goroutine.
type Limit struct {
	mu    sync.Mutex // guards tries
	tries map[string]*tries
}

type tries struct {
	failed int
	until  time.Time // no try before
	last   time.Time
}

// Wait returns how long who, a network address, must wait before the next try;
// 0 is not at all.
func (l *Limit) Wait(now time.Time, who string) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	t := l.tries[who]
	if t == nil {
		return 0
	}
	return max(0, t.until.Sub(now))
}

// Failed notes a wrong password.
func (l *Limit) Failed(now time.Time, who string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.tries == nil {
		l.tries = map[string]*tries{}
	}
	t := l.tries[who]
	if t == nil || now.Sub(t.last) > 2*longWait {
		l.forget(now)
		t = &tries{}
		l.tries[who] = t
	}
	t.failed++
	t.last = now
	if over := t.failed - freeTries; over >= 0 {
		t.until = now.Add(min(longWait, firstWait<<min(over, 16)))
	}
}

// Succeeded forgets who's failures.
func (l *Limit) Succeeded(who string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.tries, who)
}

// forget makes room: old entries go, and if there are still too many, all.
func (l *Limit) forget(now time.Time) {
	if len(l.tries) < maxTraced {
		return
	}
	for who, t := range l.tries {
		if now.Sub(t.last) > 2*longWait {
			delete(l.tries, who)
		}
	}
	if len(l.tries) >= maxTraced {
		clear(l.tries)
	}
}
