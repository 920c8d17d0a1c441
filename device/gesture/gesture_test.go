package gesture_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hailpoint/device"
	"hailpoint/device/gesture"
)

const ms = time.Millisecond

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// given is a gesture and the time since start at which it became certain.
type given struct {
	At time.Duration
	G  gesture.Gesture
}

// contact describes edges by their times: the first closes the contact, the
// second opens it, and so on.
func contact(times ...time.Duration) []device.Edge {
	edges := make([]device.Edge, len(times))
	for i, t := range times {
		edges[i] = device.Edge{Active: i%2 == 0, At: start.Add(t)}
	}
	return edges
}

// play feeds edges to a detector with a timer that is never late, until the
// given time.
func play(cfg gesture.Config, edges []device.Edge, until time.Duration) []given {
	d := gesture.New(cfg)
	var out []given
	note := func(at time.Time, gs []gesture.Gesture) {
		for _, g := range gs {
			out = append(out, given{at.Sub(start), g})
		}
	}
	timers := func(before time.Time) {
		for at, ok := d.Next(); ok && at.Before(before); at, ok = d.Next() {
			note(at, d.At(at))
		}
	}
	for _, e := range edges {
		timers(e.At)
		note(e.At, d.Edge(e))
	}
	timers(start.Add(until))
	return out
}

func config(change func(*gesture.Config)) gesture.Config {
	cfg := gesture.Default()
	change(&cfg)
	return cfg
}

func TestGestures(t *testing.T) {
	plain := gesture.Default()
	long := config(func(c *gesture.Config) { c.Long = true })
	double := config(func(c *gesture.Config) { c.Double = true })
	both := config(func(c *gesture.Config) { c.Long, c.Double = true, true })
	raw := config(func(c *gesture.Config) { c.Debounce = 0 })

	for name, tt := range map[string]struct {
		cfg   gesture.Config
		edges []device.Edge
		want  []given
	}{
		"a press is given as soon as it is stable, while it is held": {
			plain, contact(0), []given{{20 * ms, gesture.Press}, {60020 * ms, gesture.Stuck}},
		},
		"letting go gives nothing more": {
			plain, contact(0, 300*ms), []given{{20 * ms, gesture.Press}},
		},
		"nine edges of bounce are one press": {
			plain, contact(0, 1*ms, 2*ms, 4*ms, 5*ms, 7*ms, 8*ms, 9*ms, 12*ms, 500*ms),
			[]given{{32 * ms, gesture.Press}},
		},
		"bounce on letting go is no second press": {
			plain, contact(0, 300*ms, 302*ms, 303*ms, 307*ms, 308*ms), []given{{20 * ms, gesture.Press}},
		},
		"a spark shorter than the debounce time is nothing": {
			plain, contact(0, 19*ms), nil,
		},
		"a contact that opens just as it counts was pressed": {
			plain, contact(0, 20*ms), []given{{20 * ms, gesture.Press}},
		},
		"a short drop-out while held is nothing": {
			plain, contact(0, 300*ms, 310*ms, 900*ms), []given{{20 * ms, gesture.Press}},
		},
		"two presses are two presses where double presses mean nothing": {
			plain, contact(0, 50*ms, 120*ms, 170*ms), []given{{20 * ms, gesture.Press}, {140 * ms, gesture.Press}},
		},
		"an edge whose opposite was lost is further bounce": {
			plain,
			[]device.Edge{
				{Active: true, At: start},
				{Active: true, At: start.Add(10 * ms)},
				{Active: false, At: start.Add(200 * ms)},
				{Active: false, At: start.Add(205 * ms)},
			},
			[]given{{30 * ms, gesture.Press}},
		},
		"a second active edge after the press counts changes nothing": {
			plain,
			[]device.Edge{{Active: true, At: start}, {Active: true, At: start.Add(500 * ms)}, {Active: false, At: start.Add(600 * ms)}},
			[]given{{20 * ms, gesture.Press}},
		},
		"an open contact that opens is nothing": {
			plain, []device.Edge{{Active: false, At: start}}, nil,
		},
		"without debouncing a press is given at its edge": {
			raw, contact(0, 5*ms, 6*ms, 7*ms), []given{{0, gesture.Press}, {6 * ms, gesture.Press}},
		},

		"with long presses wanted, a press is given when let go": {
			long, contact(0, 300*ms), []given{{320 * ms, gesture.Press}},
		},
		"a long press is given while held, once": {
			long, contact(0, 5*time.Second), []given{{1020 * ms, gesture.LongPress}},
		},
		"a press held for exactly the time is long": {
			long, contact(0, 1000*ms), []given{{1020 * ms, gesture.LongPress}},
		},
		"a press held for less is short": {
			long, contact(0, 999*ms), []given{{1019 * ms, gesture.Press}},
		},
		"a press after a long press is a new one": {
			long, contact(0, 1500*ms, 1600*ms, 1700*ms), []given{{1020 * ms, gesture.LongPress}, {1720 * ms, gesture.Press}},
		},
		"a button held for ever is long, then stuck, and nothing when let go": {
			long, contact(0, 90*time.Second), []given{{1020 * ms, gesture.LongPress}, {60020 * ms, gesture.Stuck}},
		},

		"with double presses wanted, a single press waits for a second": {
			double, contact(0, 100*ms), []given{{420 * ms, gesture.Press}},
		},
		"with double presses wanted, a held press does not wait to be let go": {
			double, contact(0, 3*time.Second), []given{{420 * ms, gesture.Press}},
		},
		"two presses within the time are a double press, given at the second": {
			double, contact(0, 100*ms, 200*ms, 300*ms), []given{{220 * ms, gesture.DoublePress}},
		},
		"two presses further apart are two presses": {
			double, contact(0, 100*ms, 401*ms, 500*ms), []given{{420 * ms, gesture.Press}, {821 * ms, gesture.Press}},
		},
		"a second press that counts just as the time is over is another one": {
			double, contact(0, 100*ms, 400*ms, 500*ms), []given{{420 * ms, gesture.Press}, {820 * ms, gesture.Press}},
		},
		"three quick presses are a double press and a press": {
			double, contact(0, 50*ms, 100*ms, 150*ms, 200*ms, 250*ms), []given{{120 * ms, gesture.DoublePress}, {620 * ms, gesture.Press}},
		},

		"of all three, a single press waits for a second": {
			both, contact(0, 100*ms), []given{{420 * ms, gesture.Press}},
		},
		"of all three, a press let go after the double press time is given then": {
			both, contact(0, 600*ms), []given{{620 * ms, gesture.Press}},
		},
		"of all three, a held press is long": {
			both, contact(0, 2000*ms), []given{{1020 * ms, gesture.LongPress}},
		},
		"of all three, a held second press is a double press only": {
			both, contact(0, 100*ms, 200*ms, 5000*ms), []given{{220 * ms, gesture.DoublePress}},
		},
		"a stuck second press is reported": {
			both, contact(0, 100*ms, 200*ms), []given{{220 * ms, gesture.DoublePress}, {60220 * ms, gesture.Stuck}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := play(tt.cfg, tt.edges, 10*time.Minute)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("gestures (-want +got):\n%s", diff)
			}
		})
	}
}

func TestALateTimerLosesNothing(t *testing.T) {
	d := gesture.New(config(func(c *gesture.Config) { c.Long = true }))
	d.Edge(device.Edge{Active: true, At: start})
	got := d.Edge(device.Edge{Active: false, At: start.Add(2 * time.Second)})
	if want := []gesture.Gesture{gesture.LongPress}; !slices.Equal(got, want) {
		t.Errorf("the edge that ends a long press, with no timer before it, gave %v, want %v", got, want)
	}
	d.Edge(device.Edge{Active: true, At: start.Add(3 * time.Second)})
	got = d.At(start.Add(2 * time.Minute))
	if want := []gesture.Gesture{gesture.LongPress, gesture.Stuck}; !slices.Equal(got, want) {
		t.Errorf("a timer two minutes late gave %v, want %v", got, want)
	}
}

func TestAClockThatStepsBackIsIgnored(t *testing.T) {
	d := gesture.New(gesture.Default())
	d.At(start.Add(time.Second))
	d.Edge(device.Edge{Active: true, At: start})
	at, ok := d.Next()
	if want := start.Add(time.Second + 20*ms); !ok || !at.Equal(want) {
		t.Errorf("Next() = %v, %v; want %v: counted from the latest time seen", at, ok, want)
	}
}

func TestDown(t *testing.T) {
	d := gesture.New(gesture.Default())
	d.Edge(device.Edge{Active: true, At: start})
	if d.Down() {
		t.Error("down before the press counts")
	}
	d.At(start.Add(20 * ms))
	if !d.Down() {
		t.Error("not down after the press counts")
	}
}

func TestValidate(t *testing.T) {
	if err := gesture.Default().Validate(); err != nil {
		t.Errorf("the default is invalid: %v", err)
	}
	bad := gesture.Config{
		Debounce: -1, Long: true, LongPress: 0, Double: true, DoublePress: -5, Stuck: -time.Second,
	}
	err := bad.Validate()
	for _, key := range []string{"debounce:", "long_press_time:", "double_press_time:", "stuck_time:"} {
		if err == nil || !strings.Contains(err.Error(), key) {
			t.Errorf("Validate() = %v; want a problem with %s", err, key)
		}
	}

	for name, tt := range map[string]struct {
		change func(*gesture.Config)
		ok     bool
	}{
		"no debouncing":                       {func(c *gesture.Config) { c.Debounce = 0 }, true},
		"a debounce time nobody would wait":   {func(c *gesture.Config) { c.Debounce = 2 * time.Second }, false},
		"a debounce time given without unit":  {func(c *gesture.Config) { c.Debounce = 20 }, false},
		"never stuck":                         {func(c *gesture.Config) { c.Stuck = 0 }, true},
		"stuck before a long press is over":   {func(c *gesture.Config) { c.Long, c.LongPress, c.Stuck = true, time.Hour, time.Minute }, false},
		"a time for a gesture nobody wants":   {func(c *gesture.Config) { c.LongPress = time.Hour }, true},
		"a double press within the debounce":  {func(c *gesture.Config) { c.Double, c.DoublePress = true, 20*ms }, false},
		"a long press within the double time": {func(c *gesture.Config) { c.Long, c.Double, c.LongPress = true, true, 300*ms }, true},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := config(tt.change)
			if err := cfg.Validate(); (err == nil) != tt.ok {
				t.Errorf("Validate() = %v, want ok %v", err, tt.ok)
			}
		})
	}
}

func TestNames(t *testing.T) {
	for g, want := range map[gesture.Gesture]string{
		gesture.Press: "press", gesture.LongPress: "long_press", gesture.DoublePress: "double_press",
		gesture.Stuck: "stuck", 0: "gesture(0)",
	} {
		if got := g.String(); got != want {
			t.Errorf("String() = %q, want %q", got, want)
		}
	}
}
