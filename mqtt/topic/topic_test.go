package topic_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hailpoint/mqtt/topic"
)

func TestValidAddress(t *testing.T) {
	for name, tt := range map[string]struct {
		in   string
		want bool
	}{
		"letters, digits, dash and underscore are allowed": {"kiosk-17_b", true},
		"a digit may come first":                           {"7", true},
		"64 bytes are allowed":                             {strings.Repeat("a", 64), true},
		"65 bytes are too long":                            {strings.Repeat("a", 65), false},
		"the empty text is none":                           {"", false},
		"a dash may not come first":                        {"-a", false},
		"an underscore may not come first":                 {"_a", false},
		"capitals are refused":                             {"Kiosk", false},
		"a slash is refused":                               {"a/b", false},
		"wildcards are refused":                            {"+", false},
		"a dot is refused":                                 {"a.b", false},
		"other alphabets are refused":                      {"ü", false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := topic.ValidAddress(tt.in); got != tt.want {
				t.Errorf("ValidAddress(%q) = %v, want %v", tt.in, got, tt.want)
			}
			if got := topic.ValidGroup("@" + tt.in); got != tt.want {
				t.Errorf("ValidGroup(%q) = %v, want %v", "@"+tt.in, got, tt.want)
			}
			if topic.ValidGroup(tt.in) {
				t.Errorf("ValidGroup(%q) = true without an @", tt.in)
			}
			if err := topic.CheckAddress(tt.in); (err == nil) != tt.want || err != nil && !errors.Is(err, topic.ErrAddress) {
				t.Errorf("CheckAddress(%q) = %v", tt.in, err)
			}
		})
	}
}

func TestCheckBase(t *testing.T) {
	for name, tt := range map[string]struct {
		in string
		ok bool
	}{
		"the default is fine":           {topic.DefaultBase, true},
		"one level is fine":             {"Site_1", true},
		"the empty base is refused":     {"", false},
		"a trailing slash is refused":   {"a/", false},
		"a leading slash is refused":    {"/a", false},
		"a wildcard is refused":         {"a/+", false},
		"a dot is refused":              {"a.b", false},
		"a space is refused":            {"a b", false},
		"a very long base is refused":   {strings.Repeat("a", 129), false},
		"the broker's own $ is refused": {"$SYS", false},
	} {
		t.Run(name, func(t *testing.T) {
			if err := topic.CheckBase(tt.in); (err == nil) != tt.ok || err != nil && !errors.Is(err, topic.ErrBase) {
				t.Errorf("CheckBase(%q) = %v", tt.in, err)
			}
		})
	}
}

// built is every topic this package builds, with what Parse shall make of it.
func built(ts topic.Topics) []struct {
	name, topic string
	want        topic.Parsed
} {
	return []struct {
		name, topic string
		want        topic.Parsed
	}{
		{"status", ts.Status("kiosk-17"), topic.Parsed{Kind: topic.Status, ID: "kiosk-17"}},
		{"event", ts.Event("kiosk-17"), topic.Parsed{Kind: topic.Event, ID: "kiosk-17"}},
		{"event of wmpf", ts.EventOf("kiosk-17", "wmpf"), topic.Parsed{Kind: topic.EventOf, ID: "kiosk-17", System: "wmpf"}},
		{"ack", ts.Ack("kiosk-17"), topic.Parsed{Kind: topic.Ack, ID: "kiosk-17"}},
		{"telemetry", ts.Telemetry("kiosk-17"), topic.Parsed{Kind: topic.Telemetry, ID: "kiosk-17"}},
		{"cmd", ts.Cmd("kiosk-17"), topic.Parsed{Kind: topic.Cmd, ID: "kiosk-17"}},
		{"reply", ts.Reply("kiosk-17"), topic.Parsed{Kind: topic.Reply, ID: "kiosk-17"}},
		{"config desired", ts.ConfigDesired("kiosk-17"), topic.Parsed{Kind: topic.ConfigDesired, ID: "kiosk-17"}},
		{"config reported", ts.ConfigReported("kiosk-17"), topic.Parsed{Kind: topic.ConfigReported, ID: "kiosk-17"}},
		{"signal", ts.Signal("kiosk-17", "desk-1"), topic.Parsed{Kind: topic.Signal, ID: "kiosk-17", From: "desk-1"}},
		{"group", ts.Group("@frontdesk"), topic.Parsed{Kind: topic.Group, Name: "@frontdesk"}},
	}
}

func TestParseUndoesBuilding(t *testing.T) {
	for _, ts := range []topic.Topics{topic.Default(), {Base: "a"}, {Base: "t/sig"}} {
		for _, b := range built(ts) {
			t.Run(ts.Base+" "+b.name, func(t *testing.T) {
				got, err := ts.Parse(b.topic)
				if diff := cmp.Diff(b.want, got); diff != "" || err != nil {
					t.Errorf("Parse(%q): %v (-want +got):\n%s", b.topic, err, diff)
				}
			})
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for name, in := range map[string]string{
		"another base":               "other/v1/t/a/status",
		"the base alone":             "hailpoint/v1",
		"a longer base":              "hailpoint/v11/t/a/status",
		"no address":                 "hailpoint/v1/t//status",
		"a bad address":              "hailpoint/v1/t/A/status",
		"an unknown topic":           "hailpoint/v1/t/a/secret",
		"a filter":                   "hailpoint/v1/t/+/status",
		"a level too many":           "hailpoint/v1/t/a/status/x",
		"a signal without a sender":  "hailpoint/v1/sig/a",
		"a signal with three levels": "hailpoint/v1/sig/a/b/c",
		"a group without an @":       "hailpoint/v1/group/a",
		"an unknown area":            "hailpoint/v1/x/a",
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := topic.Default().Parse(in); !errors.Is(err, topic.ErrUnknown) {
				t.Errorf("Parse(%q) = %+v, %v; want ErrUnknown", in, got, err)
			}
		})
	}
}

// TestTopicsStandAsPublished compares every topic and filter with the golden
// file: changing one is changing the contract.
func TestTopicsStandAsPublished(t *testing.T) {
	ts := topic.Default()
	var b strings.Builder
	for _, x := range built(ts) {
		fmt.Fprintf(&b, "%-16s %s\n", x.name, x.topic)
	}
	fmt.Fprintf(&b, "%-16s %s\n%-16s %s\n", "signals to", ts.SignalsTo("kiosk-17"), "below", ts.Below("kiosk-17"))
	for k := topic.Status; k <= topic.Group; k++ {
		fmt.Fprintf(&b, "every %-10s %s\n", strings.Fields(k.String())[0], ts.Everyone(k))
	}
	const file = "testdata/topics.txt"
	if os.Getenv("UPDATE_GOLDEN") == "1" {
		if err := os.WriteFile(file, []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), b.String()); diff != "" {
		t.Errorf("topics (-golden +got):\n%s", diff)
	}
}

func FuzzParse(f *testing.F) {
	for _, b := range built(topic.Default()) {
		f.Add(b.topic)
	}
	f.Add("hailpoint/v1/t//event/")
	ts := topic.Default()
	f.Fuzz(func(t *testing.T, in string) {
		p, err := ts.Parse(in)
		if err != nil {
			if p != (topic.Parsed{}) || !errors.Is(err, topic.ErrUnknown) {
				t.Fatalf("Parse(%q) = %+v, %v", in, p, err)
			}
			return
		}
		var again string
		switch p.Kind {
		case topic.Status:
			again = ts.Status(p.ID)
		case topic.Event:
			again = ts.Event(p.ID)
		case topic.EventOf:
			again = ts.EventOf(p.ID, p.System)
		case topic.Ack:
			again = ts.Ack(p.ID)
		case topic.Telemetry:
			again = ts.Telemetry(p.ID)
		case topic.Cmd:
			again = ts.Cmd(p.ID)
		case topic.Reply:
			again = ts.Reply(p.ID)
		case topic.ConfigDesired:
			again = ts.ConfigDesired(p.ID)
		case topic.ConfigReported:
			again = ts.ConfigReported(p.ID)
		case topic.Signal:
			again = ts.Signal(p.ID, p.From)
		case topic.Group:
			again = ts.Group(p.Name)
		}
		if again != in {
			t.Fatalf("Parse(%q) = %+v, which builds %q", in, p, again)
		}
	})
}
