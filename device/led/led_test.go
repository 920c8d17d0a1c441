package led_test

import (
	"strings"
	"testing"
	"time"

	"hailpoint/device/led"
)

const ms = time.Millisecond

// drawing samples a pattern every step, '#' for lit and '-' for dark.
func drawing(p led.Pattern, step, length time.Duration) string {
	var b strings.Builder
	for t := time.Duration(0); t < length; t += step {
		if p.On(t) {
			b.WriteByte('#')
		} else {
			b.WriteByte('-')
		}
	}
	return b.String()
}

func TestPatterns(t *testing.T) {
	for p, want := range map[led.Pattern]string{
		led.Off:        "--------------------",
		led.Steady:     "####################",
		led.SlowBlink:  "#####-----#####-----",
		led.Wink:       "#########-#########-",
		led.Flash:      "#-------------------",
		led.TwoFlashes: "#-#-----------------",
	} {
		t.Run(p.String(), func(t *testing.T) {
			if got := drawing(p, 100*ms, 2*time.Second); got != want {
				t.Errorf("two seconds of %v:\n got %s\nwant %s", p, got, want)
			}
			if first, second := drawing(p, 100*ms, 2*time.Second), drawing(p, 100*ms, 4*time.Second)[20:]; first != second {
				t.Errorf("%v is %s at first and %s then", p, first, second)
			}
		})
	}
	if got, want := drawing(led.Blink, 125*ms, 2*time.Second), "##--##--##--##--"; got != want {
		t.Errorf("two seconds of %v:\n got %s\nwant %s", led.Blink, got, want)
	}
	if got, want := drawing(led.QuickBlink, 125*ms, 2*time.Second), "#-#-#-#-#-#-#-#-"; got != want {
		t.Errorf("two seconds of %v:\n got %s\nwant %s", led.QuickBlink, got, want)
	}
}

func TestNextIsTheNextChange(t *testing.T) {
	for p := led.Off; p <= led.TwoFlashes; p++ {
		t.Run(p.String(), func(t *testing.T) {
			for at := time.Duration(0); at < 5*time.Second; at += 7 * ms {
				next, changes := p.Next(at)
				if still := p == led.Off || p == led.Steady; changes == still {
					t.Fatalf("Next(%v) says it changes: %v", at, changes)
				} else if still {
					return
				}
				if next <= at {
					t.Fatalf("Next(%v) = %v, which is not after it", at, next)
				}
				if p.On(next) == p.On(at) || p.On(next-1) != p.On(at) {
					t.Fatalf("Next(%v) = %v: lit is %v, just before %v, then %v", at, next, p.On(at), p.On(next-1), p.On(next))
				}
			}
		})
	}
}

func TestATimeBeforeTheStartIsTheStart(t *testing.T) {
	if !led.SlowBlink.On(-time.Hour) {
		t.Error("dark before the start, want as at the start")
	}
	if next, ok := led.SlowBlink.Next(-time.Hour); next != 500*ms || !ok {
		t.Errorf("Next = %v, %v; want 500ms", next, ok)
	}
}

func TestFor(t *testing.T) {
	idle := led.Indication{Online: true}
	calling := led.Indication{Phase: led.Calling, Online: true}
	ringing := led.Indication{Phase: led.Ringing, Online: true}
	connecting := led.Indication{Phase: led.Connecting, Online: true}
	talking := led.Indication{Phase: led.Talking, Online: true}
	muted := led.Indication{Phase: led.Talking, Online: true, Muted: true}
	broken := led.Indication{Online: true, Fault: true}
	offline := led.Indication{}

	for name, tt := range map[string]struct {
		show led.Show
		is   led.Indication
		want led.Pattern
	}{
		"the ringing lamp blinks quickly while it rings":        {led.ShowRinging, ringing, led.QuickBlink},
		"the ringing lamp is dark while talking":                {led.ShowRinging, talking, led.Off},
		"the calling lamp blinks slowly while calling":          {led.ShowCalling, calling, led.SlowBlink},
		"the calling lamp is dark while it rings":               {led.ShowCalling, ringing, led.Off},
		"the talking lamp blinks while connecting":              {led.ShowTalking, connecting, led.Blink},
		"the talking lamp is steady while talking":              {led.ShowTalking, talking, led.Steady},
		"the talking lamp is dark while calling":                {led.ShowTalking, calling, led.Off},
		"the online lamp is steady online":                      {led.ShowOnline, idle, led.Steady},
		"the online lamp flashes offline":                       {led.ShowOnline, offline, led.Flash},
		"the fault lamp is steady in a fault":                   {led.ShowFault, broken, led.Steady},
		"the fault lamp is dark without one":                    {led.ShowFault, idle, led.Off},
		"the muted lamp is steady while muted":                  {led.ShowMuted, muted, led.Steady},
		"the muted lamp is dark while talking":                  {led.ShowMuted, talking, led.Off},
		"the one lamp is steady when ready":                     {led.ShowStatus, idle, led.Steady},
		"the one lamp blinks slowly while calling":              {led.ShowStatus, calling, led.SlowBlink},
		"the one lamp blinks quickly while ringing":             {led.ShowStatus, ringing, led.QuickBlink},
		"the one lamp blinks while connecting":                  {led.ShowStatus, connecting, led.Blink},
		"the one lamp is steady while talking":                  {led.ShowStatus, talking, led.Steady},
		"the one lamp winks while talking muted":                {led.ShowStatus, muted, led.Wink},
		"the one lamp flashes twice in a fault":                 {led.ShowStatus, broken, led.TwoFlashes},
		"the one lamp flashes offline":                          {led.ShowStatus, offline, led.Flash},
		"on the one lamp a fault comes before being offline":    {led.ShowStatus, led.Indication{Fault: true}, led.TwoFlashes},
		"on the one lamp a call comes before a fault":           {led.ShowStatus, led.Indication{Phase: led.Ringing, Fault: true}, led.QuickBlink},
		"on the one lamp a call comes before being offline":     {led.ShowStatus, led.Indication{Phase: led.Talking}, led.Steady},
		"on the one lamp muted means nothing outside of a call": {led.ShowStatus, led.Indication{Online: true, Muted: true}, led.Steady},
		"an unknown show is dark":                               {"disco", talking, led.Off},
	} {
		t.Run(name, func(t *testing.T) {
			if got := led.For(tt.show, tt.is); got != tt.want {
				t.Errorf("For(%q, %+v) = %v, want %v", tt.show, tt.is, got, tt.want)
			}
		})
	}
}

func TestShowValidate(t *testing.T) {
	for _, s := range led.Shows() {
		if err := s.Validate(); err != nil {
			t.Errorf("%q: %v", s, err)
		}
	}
	err := led.Show("rining").Validate()
	if err == nil || !strings.Contains(err.Error(), `"rining"`) || !strings.Contains(err.Error(), "ringing, talking") {
		t.Errorf("Validate = %v; want an error that names the mistake and what there is", err)
	}
}

func TestEveryPatternHasAName(t *testing.T) {
	names := map[string]bool{}
	for p := led.Off; p <= led.TwoFlashes; p++ {
		names[p.String()] = true
	}
	if len(names) != 8 || led.Pattern(99).String() != "pattern(99)" {
		t.Errorf("names: %v, and %q for no pattern", names, led.Pattern(99))
	}
}
