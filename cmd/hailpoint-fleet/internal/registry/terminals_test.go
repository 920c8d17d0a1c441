package registry_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hailpoint/cmd/hailpoint-fleet/internal/registry"
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

const (
	online   = `{"online":true,"at":1000,"state":"talking","call_id":"c","peer":"desk-1","name":"Door","version":"1.2.3","boot_id":"b","volume":70}`
	will     = `{"online":false,"reason":"lost","boot_id":"b","at":900}`
	shutdown = `{"online":false,"reason":"shutdown","boot_id":"b","at":900}`
)

func TestPresence(t *testing.T) {
	type step struct {
		after    time.Duration // since the step before
		status   string        // or
		retained bool
		telem    string // telemetry
	}
	for name, tt := range map[string]struct {
		steps []step
		want  registry.Presence
		state string
		seen  int64 // ms after noon; -1: 1000 ms after the epoch
	}{
		"a terminal that says so is online":               {[]step{{status: online}}, registry.Online, "talking", 0},
		"a will makes it offline":                         {[]step{{status: online}, {after: time.Second, status: will}}, registry.Offline, "", 0},
		"an orderly stop is its last word":                {[]step{{status: online}, {after: time.Second, status: shutdown}}, registry.Offline, "", 1000},
		"a retained status is old news":                   {[]step{{status: online, retained: true}}, registry.Unheard, "", -1},
		"a retained one does not unsay what was heard":    {[]step{{status: online}, {after: time.Second, status: online, retained: true}}, registry.Online, "talking", 0},
		"nor does it prove anybody there":                 {[]step{{status: online}, {after: time.Minute, status: online, retained: true}, {after: time.Minute}}, registry.Lost, "", 0},
		"telemetry proves it there":                       {[]step{{status: online, retained: true}, {after: time.Second, telem: `{}`}}, registry.Online, "", 1000},
		"telemetry that comes after the will is late":     {[]step{{status: online}, {status: will}, {after: time.Second, telem: `{}`}}, registry.Offline, "", 0},
		"a little less than three intervals is no loss":   {[]step{{status: online}, {after: 89 * time.Second}}, registry.Online, "talking", 0},
		"three intervals in silence are":                  {[]step{{status: online}, {after: 90 * time.Second}}, registry.Lost, "", 0},
		"one that was never heard is lost too":            {[]step{{status: online, retained: true}, {after: 90 * time.Second}}, registry.Lost, "", -1},
		"telemetry starts the time anew":                  {[]step{{status: online}, {after: time.Minute, telem: `{}`}, {after: time.Minute}}, registry.Online, "talking", 60_000},
		"a terminal may name a longer interval":           {[]step{{status: online}, {telem: `{"interval_ms":60000}`}, {after: 179 * time.Second}}, registry.Online, "talking", 0},
		"or a shorter one":                                {[]step{{status: online}, {telem: `{"interval_ms":1000}`}, {after: 3 * time.Second}}, registry.Lost, "", 0},
		"a longer one is learnt from its pace":            {[]step{{status: online}, {telem: `{}`}, {after: 80 * time.Second, telem: `{}`}, {after: 200 * time.Second}}, registry.Online, "talking", 80_000},
		"nobody is believed for longer than three hours":  {[]step{{status: online}, {telem: `{"interval_ms":99999999999}`}, {after: 3 * time.Hour}}, registry.Lost, "", 0},
		"a lost terminal comes back with telemetry":       {[]step{{status: online}, {after: 90 * time.Second}, {after: time.Second, telem: `{}`}}, registry.Online, "", 91_000},
		"an offline one stays so, however long":           {[]step{{status: will}, {after: time.Hour}}, registry.Offline, "", -2},
		"a cleared status is no terminal to be called":    {[]step{{status: online}, {status: ""}}, registry.Offline, "", 0},
		"telemetry alone does not make a terminal online": {[]step{{status: will}, {telem: `{}`}}, registry.Offline, "", -2},
	} {
		t.Run(name, func(t *testing.T) {
			r := registry.NewTerminals()
			now := noon
			for _, s := range tt.steps {
				now = now.Add(s.after)
				switch {
				case s.telem != "":
					r.Heard(now, "door", []byte(s.telem))
				case s.after > 0 && s.status == "":
					if next, ok := r.Next(); ok && !next.After(now) {
						r.Expire(now)
					}
				default:
					if _, err := r.Status(now, "door", []byte(s.status), s.retained); err != nil {
						t.Fatal(err)
					}
				}
			}
			got := r.All()[0]
			seen := noon.UnixMilli() + tt.seen
			switch tt.seen {
			case -1:
				seen = 1000
			case -2:
				seen = 900 // nothing but the will is known
			}
			if got.Presence != tt.want || got.State != tt.state || got.LastSeen != seen {
				t.Errorf("%s, state %q, seen %d; want %s, %q, %d", got.Presence, got.State, got.LastSeen, tt.want, tt.state, seen)
			}
		})
	}
}

func TestStatusKeepsWhatIsKnownAfterAGoodbye(t *testing.T) {
	r := registry.NewTerminals()
	for _, s := range []string{online, will} {
		if _, err := r.Status(noon, "door", []byte(s), false); err != nil {
			t.Fatal(err)
		}
	}
	want := registry.Terminal{
		ID: "door", Name: "Door", Presence: registry.Offline, Reason: "lost", Volume: 70, Version: "1.2.3", BootID: "b",
		LastSeen: noon.UnixMilli(),
	}
	if diff := cmp.Diff([]registry.Terminal{want}, r.All()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestStatusRefusesWhatIsNone(t *testing.T) {
	r := registry.NewTerminals()
	for _, s := range []string{`{`, `[]`, `{}`, `{"online":"yes"}`, `null`} {
		if _, err := r.Status(noon, "door", []byte(s), false); err == nil {
			t.Errorf("%s was taken", s)
		}
	}
	if all := r.All(); len(all) != 0 {
		t.Errorf("made known by nonsense: %+v", all)
	}
}

func FuzzStatus(f *testing.F) {
	for _, s := range []string{online, will, shutdown, `{}`, ``, `{"online":true,"interval_ms":-5}`} {
		f.Add([]byte(s), true)
	}
	f.Fuzz(func(t *testing.T, payload []byte, retained bool) {
		r := registry.NewTerminals()
		got, err := r.Status(noon, "door", payload, retained)
		if err != nil {
			return
		}
		if got.ID != "door" || got.Presence == "" {
			t.Errorf("%s came to %+v", payload, got)
		}
		if _, err := json.Marshal(got); err != nil {
			t.Error(err)
		}
		r.Heard(noon, "door", payload)
		r.Expire(noon.Add(4 * time.Hour))
		for _, x := range r.All() {
			if x.Presence == registry.Online {
				t.Errorf("online after four silent hours: %+v", x)
			}
		}
	})
}

func ExampleTerminals() {
	r := registry.NewTerminals()
	_, _ = r.Status(noon, "door", []byte(`{"online":true,"state":"idle","at":1}`), false)
	fmt.Println(r.All()[0].Presence)
	r.Expire(noon.Add(90 * time.Second))
	fmt.Println(r.All()[0].Presence)
	// Output:
	// online
	// lost
}
