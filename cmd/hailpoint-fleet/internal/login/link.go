package login

import (
	"errors"
	"sync"
	"time"
)

// linkFor is how long a link that logs in may be used.
const linkFor = time.Hour

// ErrLinkOver says that a link does not log in, or does no more.
var ErrLinkOver = errors.New("the login link was used already or has expired")

// links are tokens that log an operator in, once.
type links struct {
	mu   sync.Mutex      // guards byHash
	open map[string]link // by hash of the token
}

type link struct {
	operator string
	expires  time.Time
}

// Link returns a token that logs operator in once, within an hour, for a
// person who can read this process's output.
func (k *Keys) Link(operator string) (token string) {
	token = Generate()
	k.links.mu.Lock()
	defer k.links.mu.Unlock()
	if k.links.open == nil {
		k.links.open = map[string]link{}
	}
	k.links.open[Hash(token)] = link{operator, time.Now().Add(linkFor)}
	return token
}

// Follow uses up a link's token and returns the operator whose it is. The error
// is ErrLinkOver if it was used, is too old, or never was one.
func (k *Keys) Follow(token string) (operator string, err error) {
	k.links.mu.Lock()
	defer k.links.mu.Unlock()
	l, ok := k.links.open[Hash(token)]
	delete(k.links.open, Hash(token))
	if !ok || time.Now().After(l.expires) {
		return "", ErrLinkOver
	}
	return l.operator, nil
}
