package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"

	"hailpoint/cmd/internal/config"
	"hailpoint/device/gpio"
)

// examination holds a configuration against the machine. What would stop the
// terminal is a mistake; the rest is a note, as files and hardware may come
// later, and as the service may read what this user may not.
type examination struct {
	cfg      config.Config
	notes    []string
	mistakes []error
}

func (e *examination) note(key, format string, args ...any) {
	e.notes = append(e.notes, "note: "+key+": "+fmt.Sprintf(format, args...))
}

func (e *examination) mistake(key, format string, args ...any) {
	e.mistakes = append(e.mistakes, fmt.Errorf(key+": "+format, args...))
}

// mqtt looks at the files for the broker. They are read at each connect, so
// that none of them stops the terminal.
func (e *examination) mqtt() {
	m := e.cfg.MQTT
	if text, ok := e.file("mqtt.password_file", m.PasswordFile); ok && len(text) == 0 {
		e.note("mqtt.password_file", "%s is empty", m.PasswordFile)
	}
	if text, ok := e.file("mqtt.ca_file", m.CAFile); ok && !x509.NewCertPool().AppendCertsFromPEM([]byte(text)) {
		e.note("mqtt.ca_file", "there is no PEM certificate in %s", m.CAFile)
	}
	cert, haveCert := e.file("mqtt.cert_file", m.CertFile)
	key, haveKey := e.file("mqtt.key_file", m.KeyFile)
	if haveCert && haveKey {
		if _, err := tls.X509KeyPair([]byte(cert), []byte(key)); err != nil {
			e.note("mqtt.cert_file", "%s and %s cannot be used: %v", m.CertFile, m.KeyFile, err)
		}
	}
}

// file reads a file that may be missing. It tells whether there is one.
func (e *examination) file(key, name string) (string, bool) {
	if name == "" {
		return "", false
	}
	text, err := os.ReadFile(name)
	if err != nil {
		e.note(key, "%v", err)
		return "", false
	}
	return strings.TrimSpace(string(text)), true
}

func (e *examination) call() {
	c := e.cfg.Call
	if slices.Contains(c.Target, e.cfg.ID) {
		e.note("call.target", "%q is this terminal's own address", e.cfg.ID)
	}
	switch auto := c.AutoAnswer != config.Off; {
	case auto && len(c.AutoAnswerFrom) == 0:
		e.note("call.auto_answer", "has no effect: auto_answer_from names nobody")
	case !auto && len(c.AutoAnswerFrom) > 0:
		e.note("call.auto_answer_from", "has no effect: auto_answer is off")
	}
}

// rtc looks at the passwords of TURN servers, which are read at the start, and
// at the network interfaces.
func (e *examination) rtc() {
	for i, s := range e.cfg.RTC.ICEServers {
		if s.PasswordFile == "" {
			continue
		}
		key := fmt.Sprintf("rtc.ice_servers[%d].password_file", i)
		text, err := os.ReadFile(s.PasswordFile)
		relays := slices.ContainsFunc(s.URLs, func(u string) bool { return strings.HasPrefix(u, "turn") })
		switch {
		case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.EISDIR):
			e.mistake(key, "%w; write the TURN password to a file and name it", err)
		case err != nil:
			e.note(key, "%v", err)
		case strings.TrimSpace(string(text)) == "" && relays:
			e.mistake(key, "%s is empty; write the TURN password to it", s.PasswordFile)
		}
	}
	e.interfaces()
}

func (e *examination) interfaces() {
	if len(e.cfg.RTC.Interfaces) == 0 {
		return
	}
	all, err := net.Interfaces()
	if err != nil {
		e.note("rtc.interfaces", "cannot be looked up: %v", err)
		return
	}
	var names []string
	for _, i := range all {
		names = append(names, i.Name)
	}
	for _, name := range e.cfg.RTC.Interfaces {
		if !slices.Contains(names, name) {
			e.note("rtc.interfaces", "there is no %q now; there are: %s", name, strings.Join(names, ", "))
		}
	}
}

// panel looks at buttons and lamps.
func (e *examination) panel() {
	if e.cfg.Device.Driver == "gpio" && len(e.cfg.Buttons)+len(e.cfg.LEDs) > 0 {
		known, err := gpio.Lines()
		if err != nil {
			e.note("button, led", "the terminal does not start before their lines can be looked up: %v", err)
		} else if bad := unknownLines(e.cfg.Buttons, e.cfg.LEDs, known); bad != nil {
			e.mistakes = append(e.mistakes, bad)
		}
	}
	if len(e.cfg.Buttons) == 0 {
		e.note("button", "there is none: calls are made by hailpoint ctl and the backend alone")
	}
}
