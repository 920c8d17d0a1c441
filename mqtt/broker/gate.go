package broker

import (
	"crypto/subtle"
	"crypto/x509"
	"strings"

	"github.com/nats-io/nats-server/v2/server"

	"hailpoint/mqtt/topic"
)

// gate decides who may connect and what each may do.
type gate Broker

// Check implements server.Authentication.
func (g *gate) Check(c server.ClientAuthentication) bool {
	opts := c.GetOpts()
	if opts.Username == serviceUser {
		return subtle.ConstantTimeCompare([]byte(opts.Password), []byte(g.secret)) == 1
	}
	if !g.open.Load() || g.config.Authenticate == nil || !topic.ValidAddress(opts.Username) {
		return false
	}
	// The client id is not among the options. Without this look at it any
	// terminal could evict any other; it also keeps out clients that speak the
	// server's native protocol on the WebSocket port, which have none.
	conns, err := g.srv.Connz(&server.ConnzOptions{CID: c.GetID()})
	if err != nil || len(conns.Conns) != 1 || conns.Conns[0].MQTTClient != opts.Username {
		g.log.Warn("client refused: its client id is not its user name", "user", opts.Username)
		return false
	}
	login := Login{User: opts.Username, Password: opts.Password}
	if t := c.GetTLSConnectionState(); t != nil && len(t.VerifiedChains) > 0 {
		if login.Certificate = t.PeerCertificates[0]; !named(login.Certificate, login.User) {
			g.log.Warn("client refused: its certificate is another's", "user", opts.Username)
			return false
		}
	}
	if !g.config.Authenticate(login) {
		g.log.Warn("client refused: wrong credentials", "user", opts.Username)
		return false
	}
	c.RegisterUser(&server.User{Username: login.User, Permissions: rights(g.config.Topics, login.User)})
	g.mu.Lock()
	g.present[login.User] = c.GetID()
	g.mu.Unlock()
	return true
}

func named(cert *x509.Certificate, user string) bool { return cert.Subject.CommonName == user }

// rights is the access list of PROTOCOL, section 1, in the server's subjects.
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
