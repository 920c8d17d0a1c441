package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"hailpoint/cmd/hailpoint-fleet/internal/login"
	"hailpoint/cmd/hailpoint-fleet/internal/registry"
	"hailpoint/cmd/hailpoint-fleet/internal/store"
)

// defaultCalls is how many calls are listed where nothing else is asked for.
const defaultCalls = 100

// known lets requests through that carry a session's cookie or a token.
func (s *Server) known(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var err error
		if bearer, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
			_, err = s.Keys.Token(r.Context(), bearer)
		} else {
			_, err = s.operator(r)
		}
		switch {
		case errors.Is(err, login.ErrRefused):
			w.Header().Set("WWW-Authenticate", "Bearer")
			fail(w, http.StatusUnauthorized, "unauthorized",
				"log in, or send \"Authorization: Bearer TOKEN\" with a token from: hailpoint-fleet token add NAME")
		case err != nil:
			s.Log.Error("request failed", "error", err)
			fail(w, http.StatusInternalServerError, "internal", "the service's log says why")
		default:
			next(w, r)
		}
	}
}

func (s *Server) listTerminals(w http.ResponseWriter, r *http.Request) {
	journals, err := s.Store.Journals(r.Context())
	if err != nil {
		s.Log.Error("request failed", "error", err)
		fail(w, http.StatusInternalServerError, "internal", "the service's log says why")
		return
	}
	if journals == nil {
		journals = []store.Journal{}
	}
	answer(w, http.StatusOK, struct {
		Terminals []registry.Terminal `json:"terminals"`
		Journals  []store.Journal     `json:"journals"`
	}{s.Fleet.Terminals(), journals})
}

func (s *Server) listCalls(w http.ResponseWriter, r *http.Request) {
	limit, errLimit := number(r, "limit", defaultCalls, 1, store.MaxCalls)
	before, errBefore := number(r, "before", 0, 0, 1<<62)
	if err := errors.Join(errLimit, errBefore); err != nil {
		fail(w, http.StatusBadRequest, "bad_query", err.Error())
		return
	}
	calls, err := s.Store.Calls(r.Context(), int(limit), before)
	if err != nil {
		s.Log.Error("request failed", "error", err)
		fail(w, http.StatusInternalServerError, "internal", "the service's log says why")
		return
	}
	answer(w, http.StatusOK, struct {
		Calls []registry.Call `json:"calls"`
	}{calls})
}

func (s *Server) listEvents(w http.ResponseWriter, r *http.Request) {
	call, events, err := s.Store.Call(r.Context(), r.PathValue("id"))
	switch {
	case errors.Is(err, store.ErrNoCall):
		fail(w, http.StatusNotFound, "no_such_call", "nothing of this call is stored")
	case err != nil:
		s.Log.Error("request failed", "error", err)
		fail(w, http.StatusInternalServerError, "internal", "the service's log says why")
	default:
		answer(w, http.StatusOK, timeline{call, events})
	}
}

// timeline is a call with its events.
type timeline struct {
	Call   registry.Call    `json:"call"`
	Events []registry.Entry `json:"events"`
}

// number reads a number of the query.
func number(r *http.Request, key string, otherwise, low, high int64) (int64, error) {
	text := r.URL.Query().Get(key)
	if text == "" {
		return otherwise, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < low || n > high {
		return 0, fmt.Errorf("%s: %.30q is not a number from %d to %d", key, text, low, high)
	}
	return n, nil
}

func fail(w http.ResponseWriter, status int, code, message string) {
	type problem struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	}
	answer(w, status, struct {
		Error problem `json:"error"`
	}{problem{code, message}})
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // an error means that the caller is gone
}
