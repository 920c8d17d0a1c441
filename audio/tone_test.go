package audio_test

import (
	"testing"

	"hailpoint/audio"
)

// play is the first frames of a tone.
func play(t audio.Tone, frames int) (samples []int16, ended int) {
	var p audio.Player
	p.Start(t)
	ended = -1
	for n := range frames {
		var f audio.Frame
		if !p.Next(&f) && ended < 0 {
			ended = n
		}
		samples = append(samples, f[:]...)
	}
	return samples, ended
}

// from is the sound between two times in milliseconds.
func from(samples []int16, from, to int) []int16 { return samples[from*48 : to*48] }

func TestTonesHoldTheirFrequencies(t *testing.T) {
	for name, tt := range map[string]struct {
		tone     audio.Tone
		from, to int // ms
		hz       float64
		level    float64
	}{
		"ringback for a second":         {audio.Ringback, 100, 900, 425, 0.2},
		"ringback again after 5 s":      {audio.Ringback, 5100, 5900, 425, 0.2},
		"busy for half a second":        {audio.Busy, 50, 450, 425, 0.2},
		"busy again":                    {audio.Busy, 1050, 1450, 425, 0.2},
		"the first tone of an error":    {audio.Error, 20, 310, 950, 0.2},
		"the second tone of an error":   {audio.Error, 350, 640, 1400, 0.2},
		"the third tone of an error":    {audio.Error, 680, 970, 1800, 0.2},
		"an error again":                {audio.Error, 1520, 1810, 950, 0.2},
		"the first strike of the bell":  {audio.Ring, 20, 220, 830.61, 0.29},
		"the second strike of the bell": {audio.Ring, 470, 670, 659.26, 0.29},
		"the bell again after 3 s":      {audio.Ring, 3020, 3220, 830.61, 0.29},
	} {
		t.Run(name, func(t *testing.T) {
			samples, _ := play(tt.tone, 650)
			got := audio.ToneLevel(from(samples, tt.from, tt.to), tt.hz)
			if got < tt.level*0.9 || got > tt.level*1.1 {
				t.Errorf("%v Hz at %.3f, want %.2f", tt.hz, got, tt.level)
			}
		})
	}
}

func TestTonesPause(t *testing.T) {
	for name, tt := range map[string]struct {
		tone     audio.Tone
		from, to int
	}{
		"ringback for 4 s":   {audio.Ringback, 1001, 4999},
		"busy for 0.5 s":     {audio.Busy, 501, 999},
		"error for 0.5 s":    {audio.Error, 991, 1499},
		"the bell for 1.6 s": {audio.Ring, 1401, 2999},
	} {
		t.Run(name, func(t *testing.T) {
			samples, _ := play(tt.tone, 650)
			if got := audio.DBFS(from(samples, tt.from, tt.to)); got != -100 {
				t.Errorf("%.1f dBFS in the pause, want silence", got)
			}
		})
	}
}

func TestTonesEnd(t *testing.T) {
	for tone, want := range map[audio.Tone]int{
		audio.NoTone: 0, audio.Busy: 300, audio.Error: 300, audio.Ring: -1, audio.Ringback: -1, audio.Tone(200): 0,
	} {
		samples, ended := play(tone, 1100)
		if ended != want {
			t.Errorf("%v ended at frame %d, want %d", tone, ended, want)
		}
		if ended >= 0 && audio.DBFS(samples[ended*audio.FrameSamples:]) != -100 {
			t.Errorf("%v sounds after its end", tone)
		}
	}
}

func TestTonesBeginAtOnceAndWithoutAClick(t *testing.T) {
	for _, tone := range []audio.Tone{audio.Ring, audio.Ringback, audio.Busy, audio.Error} {
		samples, _ := play(tone, 700)
		if got := audio.DBFS(samples[:audio.FrameSamples]); got < -30 {
			t.Errorf("%v: the first frame is at %.0f dBFS, want it to sound", tone, got)
		}
		// The steepest a sine can be, of all partials together.
		const steepest = 3600
		last := 0
		for i, v := range samples {
			if step := int(v) - last; step > steepest || step < -steepest {
				t.Errorf("%v: a step of %d at sample %d", tone, step, i)
				break
			}
			last = int(v)
		}
	}
}

func TestStopFadesOut(t *testing.T) {
	var p audio.Player
	var f audio.Frame
	p.Start(audio.Ringback)
	for range 10 {
		p.Next(&f)
	}
	p.Stop()
	p.Stop()
	if !p.Next(&f) || f[0] == 0 && f[1] == 0 && f[2] == 0 || f[240] != 0 || f[479] != 0 {
		t.Errorf("the frame after Stop begins with %v and has %d after 5 ms, want a fade", f[:3], f[240])
	}
	if p.Next(&f) || p.Tone() != audio.NoTone || f != (audio.Frame{}) {
		t.Error("the tone goes on after its fade")
	}
}

func TestATonePlaysWithoutAllocating(t *testing.T) {
	var p audio.Player
	var f audio.Frame
	if got := testing.AllocsPerRun(100, func() {
		p.Start(audio.Ring)
		for range 50 {
			p.Next(&f)
		}
	}); got != 0 {
		t.Errorf("%v allocations, want none", got)
	}
}

func TestToneNames(t *testing.T) {
	for tone, want := range map[audio.Tone]string{
		audio.NoTone: "none", audio.Ring: "ring", audio.Ringback: "ringback", audio.Busy: "busy",
		audio.Error: "error", audio.Tone(9): "tone(9)",
	} {
		if got := tone.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func BenchmarkPlayer(b *testing.B) {
	var p audio.Player
	var f audio.Frame
	p.Start(audio.Ring)
	b.ReportAllocs()
	for b.Loop() {
		p.Next(&f)
	}
}
