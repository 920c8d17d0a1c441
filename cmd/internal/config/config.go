// Package config reads a terminal's one configuration file (section 9 of the
// outside contract). It is strict: unknown keys, wrong types and impossible
// values are errors, all of them are reported at once, and each names the file,
// the line, the key and the way out.
//
// # Why
//
// The TOML library reports one type error at a time. So it only parses here;
// what a key may hold is checked against the Config struct by package
// reflection, which also writes the reference table of the README. The price is
// a binder of our own.
package config

import (
	"time"

	"hailpoint/callagent"
)

// Config is a whole configuration. The struct tags are the file's keys, what
// they mean, and, in the reference table, how their defaults are shown.
type Config struct {
	ID            string            `toml:"id" doc:"the terminal's address: a-z, 0-9, - and _, at most 64; empty: the host's name"`
	Name          string            `toml:"name" doc:"shown to people; empty: the address"`
	StateDir      string            `toml:"state_dir" doc:"journal, volume, certificates"`
	ControlSocket string            `toml:"control_socket" doc:"Unix socket for hailpoint ctl"`
	Labels        map[string]string `toml:"labels" doc:"free words for the backend, e.g. site = \"north\""`
	MQTT          MQTT              `toml:"mqtt"`
	Call          Call              `toml:"call"`
	Telemetry     Telemetry         `toml:"telemetry"`
	RTC           RTC               `toml:"rtc"`
	Audio         Audio             `toml:"audio"`
	Device        Device            `toml:"device"`
	Buttons       []Button          `toml:"button"`
	LEDs          []LED             `toml:"led"`
}

// MQTT is the link to the broker.
type MQTT struct {
	Broker       List          `toml:"broker" doc:"mqtt://, mqtts://, ws:// or wss:// address; a list is tried in turn"`
	Base         string        `toml:"base" doc:"first levels of all topics"`
	Username     string        `toml:"username" doc:"empty: the address"`
	PasswordFile string        `toml:"password_file" doc:"file that holds the password"`
	CAFile       string        `toml:"ca_file" doc:"PEM certificates that may have signed the broker's; empty: the system's"`
	CertFile     string        `toml:"cert_file" doc:"client certificate, PEM"`
	KeyFile      string        `toml:"key_file" doc:"its key, PEM"`
	KeepAlive    time.Duration `toml:"keep_alive" doc:"longest silence on the line"`
	Delivery     string        `toml:"delivery" doc:"what proves that an event is stored: \"broker\" (its PUBACK) or \"backend\" (an ack message)"`
	Vocabularies List          `toml:"vocabularies" doc:"call SDKs whose records are published too"`
}

// Call is how calls are made and taken.
type Call struct {
	Target         List          `toml:"target" doc:"what a call press dials: an address, a @group, or a list tried in turn"`
	RingTimeout    time.Duration `toml:"ring_timeout" doc:"how long an own call rings, 1s to 10m"`
	JoinTimeout    time.Duration `toml:"join_timeout" doc:"answered, but the other side does not come up, 1s to 2m"`
	TimeLimit      time.Duration `toml:"time_limit" doc:"longest talk; 0s: no limit"`
	MediaTimeout   time.Duration `toml:"media_timeout" doc:"no packets for this long while talking ends the call, 2s to 2m"`
	Allow          List          `toml:"allow" doc:"who may call in: addresses, @groups, or \"*\" for all"`
	AutoAnswer     Delay         `toml:"auto_answer" doc:"\"off\", or the delay after which a call of auto_answer_from is answered by itself"`
	AutoAnswerFrom List          `toml:"auto_answer_from" doc:"addresses and @groups"`
	EmergencyFrom  List          `toml:"emergency_from" doc:"who may call with priority emergency; reserved for a later version, without effect yet"`
	DoNotDisturb   bool          `toml:"do_not_disturb" doc:"refuse all calls"`
	BusinessType   int           `toml:"business_type" doc:"passed to the backend with each call"`
	Trust          string        `toml:"trust" doc:"\"any\"; \"pinned\" (only signed calls) is reserved for a later version"`
	TrustedKeys    List          `toml:"trusted_keys" doc:"reserved for a later version: the Ed25519 public keys of \"pinned\""`
}

// Telemetry is the regular report of health.
type Telemetry struct {
	Interval time.Duration `toml:"interval" doc:"between two reports, 1s to 1h"`
}

// RTC is the transport of calls.
type RTC struct {
	ICEServers    []ICEServer   `toml:"ice_servers" doc:"STUN and TURN servers"`
	GatherTimeout time.Duration `toml:"gather_timeout" doc:"longest wait for a STUN server; calls do not wait for it"`
	Interfaces    List          `toml:"interfaces" doc:"network interfaces to use; empty: all"`
	Loopback      bool          `toml:"loopback" doc:"also offer loopback addresses, for calls within one machine; on by itself when the broker is on this machine"`
}

// ICEServer is one STUN or TURN server.
type ICEServer struct {
	URLs         List   `toml:"urls" doc:"stun:, turn: or turns: addresses of one server"`
	Username     string `toml:"username" doc:"TURN user"`
	PasswordFile string `toml:"password_file" doc:"file that holds the TURN password"`
}

// Audio is the sound device.
type Audio struct {
	Input   string        `toml:"input" doc:"microphone: a name that hailpoint devices prints, \"default\", or \"sim\""`
	Output  string        `toml:"output" doc:"loudspeaker: likewise"`
	Latency time.Duration `toml:"latency" doc:"buffer of the sound device, 5ms to 500ms; some cards need 20ms or more"`
	Volume  int           `toml:"volume" doc:"loudspeaker at first start, percent; later the last volume set"`
	Bitrate int           `toml:"bitrate" doc:"of the microphone's Opus stream, bit/s; below 24000 lost packets cannot be repaired"`
}

// Device is the source of buttons and lamps.
type Device struct {
	Driver string `toml:"driver" doc:"\"gpio\", or \"sim\" for simulated buttons and lamps"`
}

// Button is one button.
type Button struct {
	Name            string           `toml:"name" doc:"for hailpoint ctl press, and for the log"`
	Line            string           `toml:"line" doc:"kernel line name, or GPIO17"`
	Active          string           `toml:"active" doc:"level while pressed: \"low\" or \"high\""`
	Pull            string           `toml:"pull" doc:"\"up\", \"down\" or \"none\""`
	Debounce        time.Duration    `toml:"debounce" doc:"a level counts when it was stable for this long"`
	LongPressTime   time.Duration    `toml:"long_press_time" doc:"how long a long press is held"`
	DoublePressTime time.Duration    `toml:"double_press_time" doc:"longest time between the presses of a double press"`
	StuckTime       time.Duration    `toml:"stuck_time" doc:"held for this long is a fault; 0s: never"`
	Press           callagent.Action `toml:"press" doc:"call, answer, hangup, call_or_hangup, mute, custom, volume_up, volume_down or none"`
	LongPress       callagent.Action `toml:"long_press" doc:"likewise; with one set, a press counts when the button is let go"`
	DoublePress     callagent.Action `toml:"double_press" doc:"likewise; with one set, a press waits for the second"`
}

// LED is one lamp.
type LED struct {
	Name   string `toml:"name" doc:"for hailpoint ctl leds, and for the log"`
	Line   string `toml:"line" doc:"kernel line name, or GPIO27"`
	Active string `toml:"active" doc:"level while lit: \"low\" or \"high\""`
	Show   string `toml:"show" doc:"ringing, talking, calling, online, fault, muted, or status for everything on one lamp"`
}

// Default returns the configuration of an empty file.
func Default() Config {
	return Config{
		StateDir: "/var/lib/hailpoint", ControlSocket: "/run/hailpoint/control.sock", Labels: map[string]string{},
		MQTT: MQTT{
			Broker: List{"mqtt://localhost:1883"}, Base: "hailpoint/v1", KeepAlive: 20 * time.Second,
			Delivery: "broker", Vocabularies: List{},
		},
		Call: Call{
			Target: List{"@frontdesk"}, RingTimeout: time.Minute, JoinTimeout: 20 * time.Second, MediaTimeout: 8 * time.Second,
			Allow: List{"*"}, AutoAnswer: Off, AutoAnswerFrom: List{}, EmergencyFrom: List{}, BusinessType: 1,
			Trust: "any", TrustedKeys: List{},
		},
		Telemetry: Telemetry{Interval: 30 * time.Second},
		RTC:       RTC{ICEServers: []ICEServer{}, GatherTimeout: time.Second, Interfaces: List{}},
		Audio:     Audio{Input: "default", Output: "default", Latency: 20 * time.Millisecond, Volume: 80, Bitrate: 32000},
		Device:    Device{Driver: "gpio"},
		Buttons:   []Button{}, LEDs: []LED{},
	}
}

// DefaultButton returns what a [[button]] holds that sets nothing.
func DefaultButton() Button {
	return Button{
		Active: "low", Pull: "up", Debounce: 20 * time.Millisecond, LongPressTime: time.Second,
		DoublePressTime: 400 * time.Millisecond, StuckTime: time.Minute,
		Press: callagent.ActNone, LongPress: callagent.ActNone, DoublePress: callagent.ActNone,
	}
}

// DefaultLED returns what an [[led]] holds that sets nothing.
func DefaultLED() LED { return LED{Active: "high", Show: "status"} }

// Panel returns the buttons and lamps of a simulated terminal that configures
// none.
func Panel() ([]Button, []LED) {
	var buttons []Button
	for _, b := range []struct {
		name  string
		press callagent.Action
	}{{"call", callagent.ActCall}, {"hangup", callagent.ActHangUp}, {"mute", callagent.ActMute}} {
		button := DefaultButton()
		button.Name, button.Line, button.Press = b.name, b.name, b.press
		buttons = append(buttons, button)
	}
	var leds []LED
	for _, show := range []string{"status", "ringing", "calling", "talking", "fault"} {
		led := DefaultLED()
		led.Name, led.Line, led.Show = show, show, show
		leds = append(leds, led)
	}
	return buttons, leds
}
