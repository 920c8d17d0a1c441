package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hailpoint/callagent"
	"hailpoint/cmd/internal/config"
)

func TestAnEmptyFileIsTheDefault(t *testing.T) {
	got, err := config.Parse("x.toml", nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(config.Default(), got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAWholeFile(t *testing.T) {
	got, err := config.Parse("x.toml", []byte(`
id = "kiosk-17"
name = "Platform 2"
[labels]
site = "north"
[mqtt]
broker = ["mqtts://a.example:8883", "mqtt://b.example"]
delivery = "backend"
vocabularies = ["wmpf"]
[call]
target = "@frontdesk"
ring_timeout = "30s"
auto_answer = "1500ms"
auto_answer_from = ["desk-1", "@guards"]
[rtc]
ice_servers = [{ urls = ["turn:turn.example:3478"], username = "u", password_file = "/p" }, { urls = ["turn:open.example:3478"], username = "", password_file = "" }]
[audio]
input = "sim"
output = "sim"
[[button]]
name = "call"
line = "BTN_CALL"
press = "call"
long_press = "hangup"
[[button]]
name = "loud"
line = "BTN_UP"
active = "high"
press = "volume_up"
[[led]]
name = "ring"
line = "LED_RING"
show = "ringing"
`))
	if err != nil {
		t.Fatal(err)
	}
	want := config.Default()
	want.ID, want.Name, want.Labels = "kiosk-17", "Platform 2", map[string]string{"site": "north"}
	want.MQTT.Broker = config.List{"mqtts://a.example:8883", "mqtt://b.example"}
	want.MQTT.Delivery, want.MQTT.Vocabularies = "backend", config.List{"wmpf"}
	want.Call.RingTimeout, want.Call.AutoAnswer = 30*time.Second, config.Delay(1500*time.Millisecond)
	want.Call.AutoAnswerFrom = config.List{"desk-1", "@guards"}
	want.RTC.ICEServers = []config.ICEServer{{URLs: config.List{"turn:turn.example:3478"}, Username: "u", PasswordFile: "/p"}, {URLs: config.List{"turn:open.example:3478"}}}
	want.Audio.Input, want.Audio.Output = "sim", "sim"
	call, loud, ring := config.DefaultButton(), config.DefaultButton(), config.DefaultLED()
	call.Name, call.Line, call.Press, call.LongPress = "call", "BTN_CALL", callagent.ActCall, callagent.ActHangUp
	loud.Name, loud.Line, loud.Active, loud.Press = "loud", "BTN_UP", "high", callagent.ActVolumeUp
	ring.Name, ring.Line, ring.Show = "ring", "LED_RING", "ringing"
	want.Buttons, want.LEDs = []config.Button{call, loud}, []config.LED{ring}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAllMistakesAreReportedAtOnce(t *testing.T) {
	_, err := config.Parse("kiosk.toml", []byte(`id = "Kiosk 17"
colour = "red"
[mqtt]
borker = "mqtt://x"
delivery = "pigeon"
[call]
ring_timeout = 30
join_timeout = "soon"
time_limit = "900h"
allow = ["desk-1", 7]
auto_answer = "maybe"
[audio]
input = "sim"
volume = "loud"
[[button]]
name = "call"
line = "BTN"
pull = "sideways"
[[button]]
name = "call"
press = "dance"
`))
	if err == nil {
		t.Fatal("no error")
	}
	want := []string{
		`kiosk.toml:1: id: "Kiosk 17" is no address`,
		`kiosk.toml:2: colour: unknown key; remove it, or use one of: id, name`,
		`kiosk.toml:4: mqtt.borker: unknown key; is "broker" meant?`,
		`kiosk.toml:5: mqtt.delivery: "pigeon"; use one of: broker, backend`,
		`kiosk.toml:7: call.ring_timeout: is the number 30; write a duration in quotes`,
		`kiosk.toml:8: call.join_timeout: "soon" is no duration`,
		`kiosk.toml:9: call.time_limit: 900h0m0s is outside`,
		`kiosk.toml:10: call.allow[1]: is the number 7; write a text in quotes`,
		`kiosk.toml:11: call.auto_answer: "maybe": use "off" or a delay`,
		`kiosk.toml:12: audio.output: input "sim" and output "default": use "sim" for both`,
		`kiosk.toml:14: audio.volume: is the text "loud"; write a whole number`,
		`kiosk.toml:18: button[0].pull: "sideways"; use one of: up, down, none`,
		`kiosk.toml:19: button[1].line: is missing; name a kernel line`,
		`kiosk.toml:20: button[1].name: "call" is used twice`,
		`kiosk.toml:21: button[1].press: "dance"; use one of: call, answer`,
	}
	got := strings.Split(err.Error(), "\n")
	for i := range max(len(got), len(want)) {
		switch {
		case i >= len(got):
			t.Errorf("missing: %s", want[i])
		case i >= len(want):
			t.Errorf("unexpected: %s", got[i])
		case !strings.HasPrefix(got[i], want[i]):
			t.Errorf("problem %d:\n got %s\nwant %s", i, got[i], want[i])
		}
	}
}

func TestFilesThatAreNoTOML(t *testing.T) {
	for name, tt := range map[string]struct{ text, want string }{
		"a missing quote":  {"id = \"a\nname = \"b\"\n", `x.toml:1: the closing " is missing`},
		"one at the end":   {"id = \"a", `x.toml:1: the closing " is missing`},
		"a single one":     {"id = 'a\n", "x.toml:1: the closing ' is missing"},
		"a key twice":      {"id = \"a\"\nid = \"b\"\n", "x.toml"},
		"something binary": {"\x00\x01\x02", "x.toml:1: "},
		"a table as value": {"[id]\n", "x.toml:1: id: is a table"},
		"a value as table": {"mqtt = 3\n", "x.toml:1: mqtt: is the number 3; write a [mqtt] table"},
		"one for many":     {"[button]\nname = \"a\"\n", "x.toml:1: button: is a table; write [[button]]"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := config.Parse("x.toml", []byte(tt.text))
			if err == nil || !strings.HasPrefix(err.Error(), tt.want) {
				t.Errorf("error %q, want one that begins %q", err, tt.want)
			}
		})
	}
}

func TestWhatStopsTheTerminalIsAMistake(t *testing.T) {
	for name, tt := range map[string]struct{ text, want string }{
		"a user in the broker's address":  {"mqtt.broker = \"mqtt://u:secret@h\"", `x.toml:1: mqtt.broker: "mqtt://u:xxxxx@h" holds a user name`},
		"a port that cannot be":           {"mqtt.broker = \"mqtt://h:99999\"", `x.toml:1: mqtt.broker: "mqtt://h:99999"`},
		"a path where there is none":      {"mqtt.broker = \"mqtt://h/path\"", `x.toml:1: mqtt.broker: "mqtt://h/path": mqtt takes a host and a port only`},
		"another scheme":                  {"mqtt.broker = \"http://h\"", `x.toml:1: mqtt.broker: "http://h": the scheme is not one of mqtt`},
		"no host":                         {"mqtt.broker = \"mqtts://\"", `x.toml:1: mqtt.broker: "mqtts:`},
		"a base with an empty level":      {"mqtt.base = \"a//b\"", `x.toml:1: mqtt.base: "a//b"`},
		"a vocabulary twice":              {"mqtt.vocabularies = [\"wmpf\", \"wmpf\"]", `x.toml:1: mqtt.vocabularies: "wmpf" stands there twice`},
		"an empty interface":              {"rtc.interfaces = \"\"", `x.toml:1: rtc.interfaces: holds an empty name`},
		"a STUN server with a wrong port": {"rtc.ice_servers = [{urls = \"stun:h:port\"}]", `x.toml:1: rtc.ice_servers[0].urls: "stun:h:port" is not a stun:`},
		"a TURN server with half a login": {"rtc.ice_servers = [{urls = \"turn:h\", username = \"u\"}]", `x.toml:1: rtc.ice_servers[0].username: username and password_file belong together`},
		"a socket with too long a name":   {"control_socket = \"/" + strings.Repeat("x", 107) + "\"", `x.toml:1: control_socket: 108 bytes are too long`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := config.Parse("x.toml", []byte(tt.text))
			if err == nil || !strings.HasPrefix(err.Error(), tt.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %q, want one that begins %q", err, tt.want)
			}
		})
	}
}

func TestAFileThatCannotBeReadSaysWhatToTry(t *testing.T) {
	dir := t.TempDir()
	locked := filepath.Join(dir, "locked.toml")
	if err := os.WriteFile(locked, nil, 0o200); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		file, want string
		rooted     bool // root may read it
	}{
		"a missing one":  {filepath.Join(dir, "none.toml"), "none.toml: no such file or directory", false},
		"a directory":    {dir, "is a directory (name the file in it)", false},
		"one of another": {locked, "may read it: use sudo)", true},
	} {
		t.Run(name, func(t *testing.T) {
			if tt.rooted && os.Getuid() == 0 {
				t.Skip("root may read everything")
			}
			_, err := config.Load(tt.file)
			if err == nil || !strings.HasSuffix(err.Error(), tt.want) {
				t.Errorf("error %v, want one that ends %q", err, tt.want)
			}
			if _, ok := errors.AsType[config.ProblemError](err); ok {
				t.Error("it is called a mistake in the file")
			}
		})
	}
}

func TestThePanelIsAGoodConfiguration(t *testing.T) {
	buttons, leds := config.Panel()
	if len(buttons) == 0 || len(leds) == 0 {
		t.Error("a simulated terminal would have nothing to press or to see")
	}
}

// sample is the configuration that is installed.
const sample = "../../../systemd/hailpoint.toml"

func TestTheSampleEqualsTheDefaults(t *testing.T) {
	text, err := os.ReadFile(sample)
	if err != nil {
		t.Fatal(err)
	}
	got, err := config.Parse(sample, text)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(config.Default(), got); diff != "" {
		t.Errorf("the sample as installed differs from the defaults (-default +sample):\n%s", diff)
	}
	got, err = config.Parse(sample, []byte(uncomment(string(text))))
	if err != nil {
		t.Fatalf("with every key in it switched on: %v", err)
	}
	want := config.Default()
	want.Buttons, want.LEDs, want.RTC.ICEServers = got.Buttons, got.LEDs, got.RTC.ICEServers
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("a key that is shown with its default has another one (-default +sample):\n%s", diff)
	}
	if len(got.Buttons) == 0 || len(got.LEDs) == 0 {
		t.Error("the sample shows no button or no lamp")
	}
}

// uncomment switches on the blocks that the sample shows as examples: from a
// line that begins with #[[ to the next empty one.
func uncomment(text string) string {
	lines := strings.Split(text, "\n")
	inside := false
	for i, l := range lines {
		inside = (inside || strings.HasPrefix(l, "#[[")) && l != ""
		if inside {
			lines[i] = strings.TrimPrefix(l, "#")
		}
	}
	return strings.Join(lines, "\n")
}

func TestTheSampleShowsEveryKey(t *testing.T) {
	text, err := os.ReadFile(sample)
	if err != nil {
		t.Fatal(err)
	}
	on := uncomment(string(text))
	for line := range strings.SplitSeq(config.Reference(), "\n") {
		key, ok := strings.CutPrefix(line, "| `")
		if !ok {
			continue
		}
		key, _, _ = strings.Cut(key, "`")
		if i := strings.LastIndex(key, "."); i >= 0 {
			key = key[i+1:]
		}
		if !strings.Contains(on, "\n"+key+" ") && !strings.Contains(on, " "+key+" ") && !strings.Contains(on, "["+key+"]") {
			t.Errorf("the sample does not show %s", key)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("id = \"a\"\n[[button]]\nname=\"x\"\n"))
	f.Add([]byte("[call]\ntarget = [\"a\", \"@b\"]\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		cfg, err := config.Parse("f", text)
		if err == nil && cfg.MQTT.Base == "" {
			t.Error("an empty base was let through")
		}
	})
}
