package api_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"hailpoint/cmd/hailpoint-fleet/internal/store"
)

func TestNobodyGetsInWithoutALogin(t *testing.T) {
	h := newHouse(t)
	if code, body := h.request(http.MethodGet, "/", nil); code != http.StatusOK || !strings.Contains(body, `name="password"`) {
		t.Errorf("the console: %d\n%s", code, body)
	}
	for _, path := range []string{"/api/terminals", "/api/calls", "/api/calls/x/events", "/ws"} {
		if code, body := h.request(http.MethodGet, path, nil); code != http.StatusUnauthorized {
			t.Errorf("%s: %d, %s", path, code, body)
		}
	}
	if code, _ := h.request(http.MethodGet, "/api/terminals", nil, "Authorization", "Bearer guess"); code != http.StatusUnauthorized {
		t.Errorf("with a guessed token: %d", code)
	}
	token, err := h.keys.Add(t.Context(), store.Token, "report")
	if err != nil {
		t.Fatal(err)
	}
	if code, _ := h.request(http.MethodGet, "/api/terminals", nil, "Authorization", "Bearer "+token); code != http.StatusOK {
		t.Errorf("with a token: %d", code)
	}
	if code, _ := h.request(http.MethodGet, "/healthz", nil); code != http.StatusNoContent {
		t.Errorf("healthz: %d", code)
	}
}

func TestLoggingInAndOut(t *testing.T) {
	h := newHouse(t)
	form := url.Values{"name": {"admin"}, "password": {"wrong"}}
	if code, body := h.request(http.MethodPost, "/login", form); code != http.StatusUnauthorized || !strings.Contains(body, "Wrong name") {
		t.Errorf("a wrong password: %d\n%s", code, body)
	}
	form.Set("password", h.password)
	if code, _ := h.request(http.MethodPost, "/login", form, "Sec-Fetch-Site", "cross-site"); code != http.StatusForbidden {
		t.Errorf("another site's form: %d", code)
	}
	h.logIn()
	at, err := url.Parse(h.url)
	if err != nil {
		t.Fatal(err)
	}
	if len(h.client.Jar.Cookies(at)) != 1 {
		t.Errorf("cookies: %v", h.client.Jar.Cookies(at))
	}
	if code, _ := h.request(http.MethodPost, "/logout", url.Values{}); code != http.StatusOK {
		t.Errorf("log out: %d", code)
	}
	if code, _ := h.request(http.MethodGet, "/api/calls", nil); code != http.StatusUnauthorized {
		t.Errorf("after the logout: %d", code)
	}
	form.Set("password", "wrong")
	for range 10 {
		if code, _ := h.request(http.MethodPost, "/login", form); code == http.StatusTooManyRequests {
			return
		}
	}
	t.Error("ten wrong passwords in a row were all tried")
}

func TestTheSessionsCookieIsOutOfReach(t *testing.T) {
	h := newHouse(t)
	h.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	for name, tt := range map[string]struct {
		origin string
		secure bool
	}{
		"plain":                             {"", false},
		"behind a proxy with a certificate": {"https://" + strings.TrimPrefix(h.url, "http://"), true},
	} {
		form := url.Values{"name": {"admin"}, "password": {h.password}}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, h.url+"/login", strings.NewReader(form.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if tt.origin != "" {
			r.Header.Set("Origin", tt.origin)
			r.Header.Set("Sec-Fetch-Site", "same-origin")
		}
		resp, err := h.client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		if err := resp.Body.Close(); err != nil {
			t.Error(err)
		}
		c := resp.Cookies()
		if len(c) != 1 || !c[0].HttpOnly || c[0].SameSite != http.SameSiteStrictMode || c[0].Secure != tt.secure {
			t.Errorf("%s: %d, cookies %+v", name, resp.StatusCode, c)
		}
	}
}

func TestTheLinkLogsInOnce(t *testing.T) {
	h := newHouse(t)
	path := "/?token=" + h.keys.Link("admin")
	if code, body := h.request(http.MethodGet, path, nil); code != http.StatusOK || !strings.Contains(body, "main.js") {
		t.Errorf("first: %d\n%s", code, body)
	}
	const refused = "login link refused"
	if code, body := h.request(http.MethodGet, path, nil); code != http.StatusOK || !strings.Contains(body, "main.js") || strings.Contains(h.log.String(), refused) {
		t.Errorf("again while logged in: %d\n%s", code, body)
	}
	h.request(http.MethodPost, "/logout", url.Values{})
	code, body := h.request(http.MethodGet, path, nil)
	for _, want := range []string{`name="password"`, "used already or has expired", recovery} {
		if code != http.StatusUnauthorized || !strings.Contains(body, want) {
			t.Errorf("the second time, %d, it does not show %q:\n%s", code, want, body)
		}
	}
	if log := h.log.String(); strings.Count(log, refused) != 1 || strings.Contains(log, "wrong name or password") {
		t.Errorf("log:\n%s", log)
	}
}

func TestPagesOfOtherSitesAreRefused(t *testing.T) {
	h := newHouse(t)
	h.logIn()
	_, resp, err := websocket.Dial(t.Context(), h.url+"/ws", &websocket.DialOptions{ //nolint:bodyclose // refused
		HTTPClient: h.client, HTTPHeader: http.Header{"Origin": {"https://evil.example"}},
	})
	if err == nil || resp == nil || resp.StatusCode != http.StatusForbidden {
		t.Errorf("%v, %v", resp, err)
	}
}
