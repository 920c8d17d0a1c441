package config

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"hailpoint/callagent"
	"hailpoint/callagent/dialect"
	"hailpoint/callagent/rtc"
	"hailpoint/device/led"
	"hailpoint/mqtt"
	"hailpoint/mqtt/topic"
)

// maxSocket is the longest name of a Unix socket (unix(7): sun_path with its
// closing zero).
const maxSocket = 107

// checker collects impossible values. Keys are as in the file.
type checker struct{ problems []ProblemError }

func (c *checker) add(key, format string, args ...any) {
	c.problems = append(c.problems, ProblemError{Key: key, Text: fmt.Sprintf(format, args...)})
}

func (c *checker) within(key string, d, low, high time.Duration) {
	if d < low || d > high {
		c.add(key, "%v is outside %v to %v", d, low, high)
	}
}

func (c *checker) oneOf(key, value string, words ...string) {
	if !slices.Contains(words, value) {
		c.add(key, "%q; use one of: %s", value, strings.Join(words, ", "))
	}
}

func (c *checker) parties(key string, list List, star bool) {
	for _, entry := range list {
		if (entry != "*" || !star) && !topic.ValidAddress(entry) && !topic.ValidGroup(entry) {
			c.add(key, "%q is neither an address (a-z, 0-9, - and _, at most 64) nor a @group", entry)
		}
	}
}

// problems returns every impossible value by its key, in words.
func (cfg Config) problems() []ProblemError {
	var c checker
	if cfg.ID != "" && !topic.ValidAddress(cfg.ID) {
		c.add("id", "%q is no address; use a-z, 0-9, - and _, at most 64, beginning with a letter or digit", cfg.ID)
	}
	if cfg.StateDir == "" {
		c.add("state_dir", "is empty; name a directory")
	}
	if cfg.ControlSocket == "" {
		c.add("control_socket", "is empty; name a file")
	} else if len(cfg.ControlSocket) > maxSocket {
		c.add("control_socket", "%d bytes are too long for a Unix socket; use at most %d", len(cfg.ControlSocket), maxSocket)
	}
	cfg.checkMQTT(&c)
	cfg.checkCall(&c)
	c.within("telemetry.interval", cfg.Telemetry.Interval, time.Second, time.Hour)
	c.within("rtc.gather_timeout", cfg.RTC.GatherTimeout, 100*time.Millisecond, 30*time.Second)
	if slices.Contains(cfg.RTC.Interfaces, "") {
		c.add("rtc.interfaces", "holds an empty name; \"ip link\" lists the names")
	}
	for i, s := range cfg.RTC.ICEServers {
		cfg.checkICE(&c, fmt.Sprintf("rtc.ice_servers[%d]", i), s)
	}
	c.within("audio.latency", cfg.Audio.Latency, 5*time.Millisecond, 500*time.Millisecond)
	if cfg.Audio.Volume < 0 || cfg.Audio.Volume > 100 {
		c.add("audio.volume", "%d is outside 0 to 100", cfg.Audio.Volume)
	}
	if cfg.Audio.Bitrate < 6000 || cfg.Audio.Bitrate > 128000 {
		c.add("audio.bitrate", "%d is outside 6000 to 128000", cfg.Audio.Bitrate)
	}
	if (cfg.Audio.Input == "sim") != (cfg.Audio.Output == "sim") {
		c.add("audio.output", "input %q and output %q: use \"sim\" for both or for none", cfg.Audio.Input, cfg.Audio.Output)
	}
	c.oneOf("device.driver", cfg.Device.Driver, "gpio", "sim")
	cfg.checkPanel(&c)
	return c.problems
}

func (cfg Config) checkMQTT(c *checker) {
	m := cfg.MQTT
	if len(m.Broker) == 0 {
		c.add("mqtt.broker", "is empty; name a broker such as \"mqtts://fleet.example:8883\"")
	}
	for _, b := range m.Broker {
		if err := checkBroker(b); err != nil {
			c.add("mqtt.broker", "%v", err)
		}
	}
	if err := topic.CheckBase(m.Base); err != nil {
		c.add("mqtt.base", "%v", err)
	}
	if (m.CertFile == "") != (m.KeyFile == "") {
		c.add("mqtt.key_file", "cert_file and key_file belong together; set both or none")
	}
	if m.KeepAlive < 4*time.Second || m.KeepAlive > 10*time.Minute || m.KeepAlive%time.Second != 0 {
		c.add("mqtt.keep_alive", "%v; use whole seconds from 4s to 10m", m.KeepAlive)
	}
	c.oneOf("mqtt.delivery", m.Delivery, "broker", "backend")
	for i, v := range m.Vocabularies {
		c.oneOf("mqtt.vocabularies", v, dialect.Systems()...)
		if slices.Contains(m.Vocabularies[:i], v) {
			c.add("mqtt.vocabularies", "%q stands there twice", v)
		}
	}
}

// checkBroker asks the package that will connect to it, so that nothing passes
// here that stops the terminal later.
func checkBroker(address string) error {
	m := mqtt.Default()
	m.Brokers, m.ClientID = []string{address}, "terminal"
	if err := m.Validate(); err != nil {
		return errors.New(strings.TrimPrefix(err.Error(), "broker: "))
	}
	u, err := url.Parse(address)
	if err != nil || u.Port() == "" {
		return err
	}
	if port, err := strconv.Atoi(u.Port()); err != nil || port < 1 || port > 65535 {
		return fmt.Errorf("%q: there is no port %s; use 1 to 65535", address, u.Port())
	}
	return nil
}

func (cfg Config) checkCall(c *checker) {
	k := cfg.Call
	c.parties("call.target", k.Target, false)
	c.parties("call.allow", k.Allow, true)
	c.parties("call.auto_answer_from", k.AutoAnswerFrom, true)
	c.parties("call.emergency_from", k.EmergencyFrom, true)
	c.within("call.ring_timeout", k.RingTimeout, time.Second, 10*time.Minute)
	c.within("call.join_timeout", k.JoinTimeout, time.Second, 2*time.Minute)
	c.within("call.media_timeout", k.MediaTimeout, 2*time.Second, 2*time.Minute)
	if k.TimeLimit != 0 {
		c.within("call.time_limit", k.TimeLimit, time.Second, 24*time.Hour)
	}
	c.oneOf("call.trust", k.Trust, "any", "pinned")
	if k.Trust == "pinned" {
		c.add("call.trust", "\"pinned\" is not supported by this version; use \"any\"")
	}
}

func (cfg Config) checkICE(c *checker, key string, s ICEServer) {
	if len(s.URLs) == 0 {
		c.add(key+".urls", "is empty; name a server such as \"stun:stun.example.org:3478\"")
	}
	for _, u := range s.URLs {
		transport := rtc.Default()
		transport.ICEServers = []rtc.ICEServer{{URLs: []string{u}, Username: "terminal", Password: "secret"}}
		if err := transport.Validate(); err != nil {
			c.add(key+".urls", "%s", strings.TrimPrefix(err.Error(), "ice_servers[0].urls[0]: "))
			continue
		}
	}
	if (s.Username == "") != (s.PasswordFile == "") {
		c.add(key+".username", "username and password_file belong together; set both or none")
	}
}

func (cfg Config) checkPanel(c *checker) {
	actions := make([]string, 0, len(callagent.Actions()))
	for _, a := range callagent.Actions() {
		actions = append(actions, string(a))
	}
	shows := make([]string, 0, len(led.Shows()))
	for _, s := range led.Shows() {
		shows = append(shows, string(s))
	}
	names, lines := map[string]bool{}, map[string]bool{}
	own := func(key, name, line string) {
		if !topic.ValidAddress(name) {
			c.add(key+".name", "%q; give each a name of its own of a-z, 0-9, - and _", name)
		} else if names[name] {
			c.add(key+".name", "%q is used twice; give each a name of its own", name)
		}
		names[name] = true
		switch {
		case cfg.Device.Driver != "gpio":
		case line == "":
			c.add(key+".line", "is missing; name a kernel line, or GPIO17 (hailpoint devices lists them)")
		case lines[line]:
			c.add(key+".line", "%q is used twice", line)
		}
		lines[line] = true
	}
	for i, b := range cfg.Buttons {
		key := fmt.Sprintf("button[%d]", i)
		own(key, b.Name, b.Line)
		c.oneOf(key+".active", b.Active, "low", "high")
		c.oneOf(key+".pull", b.Pull, "up", "down", "none")
		c.within(key+".debounce", b.Debounce, 0, time.Second)
		c.within(key+".long_press_time", b.LongPressTime, 100*time.Millisecond, 30*time.Second)
		c.within(key+".double_press_time", b.DoublePressTime, b.Debounce+50*time.Millisecond, 2*time.Second)
		if b.StuckTime != 0 {
			c.within(key+".stuck_time", b.StuckTime, b.LongPressTime+time.Second, time.Hour)
		}
		c.oneOf(key+".press", string(b.Press), actions...)
		c.oneOf(key+".long_press", string(b.LongPress), actions...)
		c.oneOf(key+".double_press", string(b.DoublePress), actions...)
	}
	names = map[string]bool{}
	for i, l := range cfg.LEDs {
		key := fmt.Sprintf("led[%d]", i)
		own(key, l.Name, l.Line)
		c.oneOf(key+".active", l.Active, "low", "high")
		c.oneOf(key+".show", l.Show, shows...)
	}
}
