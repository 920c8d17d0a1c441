package api

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"hailpoint/cmd/hailpoint-fleet/internal/console"
	"hailpoint/cmd/hailpoint-fleet/internal/login"
)

// cookie is the name of the session's cookie.
const cookie = "hailpoint"

// maxForm bounds the login form, in bytes.
const maxForm = 4 << 10

// index serves the console, or sends to the login. With ?token= it logs in; a
// token that does not any more is no matter to who is logged in.
func (s *Server) index(w http.ResponseWriter, r *http.Request) {
	token := r.URL.Query().Get("token")
	var linkErr error
	if token != "" {
		var operator string
		if operator, linkErr = s.Keys.Follow(token); linkErr == nil {
			s.begin(w, r, operator)
			return
		}
	}
	switch _, err := s.operator(r); {
	case err == nil && token != "":
		http.Redirect(w, r, "/", http.StatusSeeOther)
	case errors.Is(err, login.ErrRefused) && token != "":
		s.Log.Warn("login link refused", "from", remote(r), "error", linkErr)
		s.askLogin(w, http.StatusUnauthorized, "This link was used already or has expired. Log in with name and password.")
	case errors.Is(err, login.ErrRefused):
		http.Redirect(w, r, "/login", http.StatusSeeOther)
	case err != nil:
		s.broken(w, err)
	default:
		console.Index(w)
	}
}

func (s *Server) loginPage(w http.ResponseWriter, r *http.Request) {
	if _, err := s.operator(r); err == nil {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	s.askLogin(w, http.StatusOK, "")
}

// askLogin writes the login page; message says why the last attempt failed.
func (s *Server) askLogin(w http.ResponseWriter, status int, message string) {
	console.Login(w, status, message, s.Recovery)
}

func (s *Server) logIn(w http.ResponseWriter, r *http.Request) {
	from := remote(r)
	if wait := s.limit.Wait(time.Now(), from); wait > 0 {
		seconds := int(wait/time.Second) + 1
		w.Header().Set("Retry-After", fmt.Sprint(seconds))
		s.askLogin(w, http.StatusTooManyRequests, fmt.Sprintf("Too many attempts. Try again in %d s.", seconds))
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	name, password := r.PostFormValue("name"), r.PostFormValue("password")
	err := s.Keys.Password(r.Context(), name, password)
	switch {
	case errors.Is(err, login.ErrRefused):
		s.limit.Failed(time.Now(), from)
		s.Log.Warn("login refused", "from", from, "error", err)
		s.askLogin(w, http.StatusUnauthorized, "Wrong name or password.")
	case err != nil:
		s.broken(w, err)
	default:
		s.limit.Succeeded(from)
		s.begin(w, r, name)
	}
}

// begin makes a session and goes to the console.
func (s *Server) begin(w http.ResponseWriter, r *http.Request, operator string) {
	token, expires, err := s.Keys.Begin(r.Context(), operator)
	if err != nil {
		s.broken(w, err)
		return
	}
	s.Log.Info("operator logged in", "operator", operator, "from", remote(r))
	setCookie(w, r, token, int(time.Until(expires)/time.Second))
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

func (s *Server) logOut(w http.ResponseWriter, r *http.Request) {
	if c, err := r.Cookie(cookie); err == nil {
		if err := s.Keys.End(r.Context(), c.Value); err != nil {
			s.broken(w, err)
			return
		}
	}
	setCookie(w, r, "", -1)
	http.Redirect(w, r, "/login", http.StatusSeeOther)
}

// setCookie sets the session's cookie for so many seconds; -1 takes it away.
func setCookie(w http.ResponseWriter, r *http.Request, value string, seconds int) {
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // without https, as on localhost, a Secure cookie would be lost
		Name: cookie, Value: value, Path: "/", MaxAge: seconds, HttpOnly: true, SameSite: http.SameSiteStrictMode,
		// Behind a proxy that ends TLS, the browser itself says that it speaks https.
		Secure: r.TLS != nil || strings.HasPrefix(r.Header.Get("Origin"), "https://"),
	})
}

// operator returns who is logged in. The error wraps login.ErrRefused if
// nobody is.
func (s *Server) operator(r *http.Request) (string, error) {
	c, err := r.Cookie(cookie)
	if err != nil {
		return "", login.ErrRefused
	}
	return s.Keys.Session(r.Context(), c.Value)
}

// broken answers a request that failed for a reason that is not the caller's.
func (s *Server) broken(w http.ResponseWriter, err error) {
	s.Log.Error("request failed", "error", err)
	http.Error(w, "The service could not do this; its log says why.", http.StatusInternalServerError)
}

// remote is the network address a request came from, without the port.
func remote(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}
