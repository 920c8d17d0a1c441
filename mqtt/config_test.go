package mqtt_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"hailpoint/mqtt"
)

func TestValidate(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*mqtt.Config)
		want   []string // parts of the error; none: no error
	}{
		"the defaults with a broker and an id are fine": {func(*mqtt.Config) {}, nil},
		"each scheme is fine": {func(c *mqtt.Config) {
			c.Brokers = []string{"mqtt://a", "mqtts://b:1", "ws://c/x", "wss://d", "mqtt://[::1]:1883"}
		}, nil},
		"an unknown scheme is told, with an example": {func(c *mqtt.Config) { c.Brokers = []string{"http://a"} }, []string{"broker:", "mqtts://"}},
		"no scheme is told":                          {func(c *mqtt.Config) { c.Brokers = []string{"fleet.example"} }, []string{"broker:", "scheme"}},
		"a broker without a host is told":            {func(c *mqtt.Config) { c.Brokers = []string{"mqtt://:1883"} }, []string{"no host"}},
		"a path that means nothing is told":          {func(c *mqtt.Config) { c.Brokers = []string{"mqtt://a/b"} }, []string{"host and a port only"}},
		"a password in the URL is refused unseen":    {func(c *mqtt.Config) { c.Brokers = []string{"mqtt://me:geheim@a"} }, []string{"username and password_file"}},
		"so is one in a broken URL":                  {func(c *mqtt.Config) { c.Brokers = []string{"mqtt://me:geheim@a:b:c"} }, []string{"broker:"}},
		"two passwords are one too many": {
			func(c *mqtt.Config) { c.Username, c.Password, c.PasswordFile = "u", "geheim", "f" },
			[]string{"password_file:"},
		},
		"a password without a name is told":     {func(c *mqtt.Config) { c.Password = "geheim" }, []string{"username:"}},
		"a key without its certificate is told": {func(c *mqtt.Config) { c.KeyFile = "f" }, []string{"cert_file, key_file:"}},
		"everything wrong is told at once": {
			func(c *mqtt.Config) { *c = mqtt.Config{} },
			[]string{"broker:", "client_id:", "keep_alive:", "connect_timeout:", "backoff:", "stop_timeout:"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := mqtt.Default()
			c.Brokers, c.ClientID = []string{"mqtt://localhost"}, "kiosk-1"
			tt.change(&c)
			err := c.Validate()
			if (err == nil) != (tt.want == nil) {
				t.Fatalf("Validate: %v", err)
			}
			for _, part := range tt.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q is not in: %v", part, err)
				}
			}
			if err != nil && strings.Contains(err.Error(), "geheim") {
				t.Errorf("the error shows the password: %v", err)
			}
			if _, newErr := mqtt.New(c, slog.New(slog.DiscardHandler), mqtt.Handlers{}); (newErr == nil) != (err == nil) {
				t.Errorf("New: %v", newErr)
			}
		})
	}
}

func TestSecretNeverPrints(t *testing.T) {
	c := mqtt.Config{Password: "geheim"}
	b, err := json.Marshal(c.Password)
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "password", c.Password)
	for _, s := range []string{fmt.Sprint(c), fmt.Sprintf("%+v", c), fmt.Sprintf("%#v", c.Password), string(b), log.String()} {
		if strings.Contains(s, "geheim") || !strings.Contains(s, "***") {
			t.Errorf("prints as %s", s)
		}
	}
	if s := mqtt.Secret("").String(); s != "" {
		t.Errorf("no secret prints as %q", s)
	}
}

func TestBackoffDoublesUpToItsBound(t *testing.T) {
	b := mqtt.Backoff{Min: 200 * time.Millisecond, Max: 30 * time.Second}
	for failures, bound := range map[int]time.Duration{
		1: 200 * time.Millisecond, 2: 400 * time.Millisecond, 4: 1600 * time.Millisecond,
		8: 25600 * time.Millisecond, 9: 30 * time.Second, 1000: 30 * time.Second,
	} {
		if got := b.Delay(failures, 0); got != 0 {
			t.Errorf("after %d failures, least luck: %v", failures, got)
		}
		if got := b.Delay(failures, 0.5); got != bound/2 {
			t.Errorf("after %d failures: %v, want %v", failures, got, bound/2)
		}
		if got := b.Delay(failures, 0.999999999); got > bound || got < bound*9/10 {
			t.Errorf("after %d failures, most: %v, want nearly %v", failures, got, bound)
		}
	}
}
