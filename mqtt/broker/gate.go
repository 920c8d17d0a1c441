package broker

import (
	"crypto/subtle"
	"crypto/x509"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"hailpoint/mqtt/topic"
)

// openWithin bounds how long a client waits at the gate while the broker starts.
const openWithin = 5 * time.Second

// longestName bounds what is logged of a user name, which anybody may send.
const longestName = 70

// gate decides who may connect and what each may do.
type gate Broker

// Check implements server.Authentication.
func (g *gate) Check(c server.ClientAuthentication) bool {
	opts := c.GetOpts()
	if opts.Username == serviceUser {
		if subtle.ConstantTimeCompare([]byte(opts.Password), []byte(g.secret)) == 1 {
			return true
		}
		return g.refuse("wrong credentials", opts.Username)
	}
	if !g.opened() {
		// Cut off without an answer, which would speak of wrong credentials. The
		// client tries again.
		_ = g.srv.DisconnectClientByID(c.GetID())
		return false
	}
	if !topic.ValidAddress(opts.Username) {
		return g.refuse("its user name is no address", opts.Username)
	}
	// The client id is not among the options. Without this look at it any
	// terminal could evict any other; it also keeps out clients that speak the
	// server's native protocol on the WebSocket port, which have none.
	conns, err := g.srv.Connz(&server.ConnzOptions{CID: c.GetID()})
	if err != nil || len(conns.Conns) != 1 || conns.Conns[0].MQTTClient != opts.Username {
		return g.refuse("its client id is not its user name", opts.Username)
	}
	login := Login{User: opts.Username, Password: opts.Password}
	if t := c.GetTLSConnectionState(); t != nil && len(t.VerifiedChains) > 0 {
		if login.Certificate = t.PeerCertificates[0]; !named(login.Certificate, login.User) {
			return g.refuse("its certificate is another's", opts.Username)
		}
	}
	if g.config.Authenticate == nil || !g.config.Authenticate(login) {
		return g.refuse("wrong credentials", opts.Username)
	}
	c.RegisterUser(&server.User{Username: login.User, Permissions: rights(g.config.Topics, login.User)})
	g.mu.Lock()
	g.present[login.User] = c.GetID()
	g.mu.Unlock()
	return true
}

// opened waits until terminals are let in. The server listens a moment earlier,
// as the service's own client comes in by the same listener.
func (g *gate) opened() bool {
	patience := time.NewTimer(openWithin)
	defer patience.Stop()
	select {
	case <-g.up:
		return true
	case <-g.closing:
	case <-patience.C:
	}
	return false
}

// refuse says why, once for each attempt, and returns false.
func (g *gate) refuse(why, user string) bool {
	g.log.Warn("client refused", "cause", why, "user", user[:min(len(user), longestName)])
	return false
}

func named(cert *x509.Certificate, user string) bool { return cert.Subject.CommonName == user }

// rights is the access list of the outside contract, section 1, in the server's subjects.
func rights(t topic.Topics, user string) *server.Permissions {
	below := subject(t.Below(user))
	return &server.Permissions{
		Publish: &server.SubjectPermission{Allow: []string{below, subject(t.Signal("+", user))}},
		Subscribe: &server.SubjectPermission{Allow: []string{
			// "#" means its parent level too: both subjects are needed.
			below, strings.TrimSuffix(below, ".>"),
			subject(t.SignalsTo(user)), subject(t.Everyone(topic.Group)), subject(t.Everyone(topic.Status)),
		}},
	}
}

var toSubject = strings.NewReplacer("/", ".", "+", "*", "#", ">")

// subject turns a topic or filter into the server's subject. Topics of the
// contract hold no dot.
func subject(t string) string { return toSubject.Replace(t) }
