package stoi_test

import (
	"errors"
	"math"
	"testing"

	"hailpoint/audio"
	"hailpoint/audio/stoi"
)

// noise is n samples of white noise, 16 bits wide, made with integers only.
func noise(n int, seed uint32) []int {
	out := make([]int, n)
	for i := range out {
		seed = seed*1664525 + 1013904223
		out[i] = int(seed>>16) - 32768
	}
	return out
}

// floorDiv is a/b rounded down; b is above 0.
func floorDiv(a, b int) int {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// babble is seconds of something that has the time structure of speech: low
// noise in syllables of 200 ms, each fifth of them silent.
func babble(rate, seconds int) []int {
	out := noise(seconds*rate, 1)
	low, syllable := 0, rate/5
	half := syllable / 2
	for i, v := range out {
		low += floorDiv(v-low, 4)
		envelope := i % syllable
		if envelope >= half {
			envelope = syllable - envelope
		}
		if i/syllable%5 == 4 {
			envelope = 0
		}
		out[i] = floorDiv(floorDiv(low*envelope, half), 2)
	}
	return out
}

// noisy adds noise of a level to x.
func noisy(x []int, divisor int) []int {
	out := noise(len(x), 7)
	for i, v := range out {
		out[i] = min(max(x[i]+floorDiv(v, divisor), math.MinInt16), math.MaxInt16)
	}
	return out
}

func pcm(x []int) []int16 {
	out := make([]int16, len(x))
	for i, v := range x {
		out[i] = int16(v)
	}
	return out
}

func scaled(x []int) []float64 {
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = float64(v) / (1 << 15)
	}
	return out
}

// TestValuesAreThoseOfTheReference compares with what the Python package pystoi
// gives for the same samples (NumPy 1.24, SciPy 1.10). At 10 kHz the two compute
// the same; at 48 kHz they differ by their resamplers.
func TestValuesAreThoseOfTheReference(t *testing.T) {
	for name, tt := range map[string]struct {
		rate, divisor   int
		want, tolerance float64
	}{
		"10 kHz, noise at full scale": {10000, 1, 0.22295880613228022, 1e-9},
		"10 kHz, noise at a quarter":  {10000, 4, 0.5233772999676091, 1e-9},
		"10 kHz, noise at 1/16":       {10000, 16, 0.9198164176519174, 1e-9},
		"10 kHz, noise at 1/64":       {10000, 64, 0.9954008085306288, 1e-9},
		"48 kHz, noise at full scale": {48000, 1, 0.26460004688447375, 0.005},
		"48 kHz, noise at a quarter":  {48000, 4, 0.765086719548026, 0.005},
		"48 kHz, noise at 1/16":       {48000, 16, 0.9827654427076653, 0.005},
		"48 kHz, noise at 1/64":       {48000, 64, 0.9989601437247477, 0.005},
	} {
		t.Run(name, func(t *testing.T) {
			x := babble(tt.rate, 3)
			y := noisy(x, tt.divisor)
			var got float64
			var err error
			if tt.rate == audio.SampleRate {
				got, err = stoi.Measure(pcm(x), pcm(y))
			} else {
				got, err = stoi.Measure10k(scaled(x), scaled(y))
			}
			if err != nil || math.Abs(got-tt.want) > tt.tolerance {
				t.Errorf("%.17g (%v), the reference has %.17g", got, err, tt.want)
			}
		})
	}
}

func TestNothingLostIsOne(t *testing.T) {
	x := pcm(babble(audio.SampleRate, 3))
	for name, divisor := range map[string]int16{"the same": 1, "a quarter as loud": 4} {
		t.Run(name, func(t *testing.T) {
			y := make([]int16, len(x))
			for i, v := range x {
				y[i] = v / divisor
			}
			if got, err := stoi.Measure(x, y); err != nil || got < 0.999 || got > 1.000001 {
				t.Errorf("%v (%v), want 1", got, err)
			}
		})
	}
}

func TestUnrelatedSoundIsNotIntelligible(t *testing.T) {
	x := babble(audio.SampleRate, 3)
	if got, err := stoi.Measure(pcm(x), pcm(noise(len(x), 3))); err != nil || got > 0.3 {
		t.Errorf("noise alone: %v (%v), want little", got, err)
	}
	if got, err := stoi.Measure(pcm(x), make([]int16, len(x))); err != nil || got > 0.1 {
		t.Errorf("silence: %v (%v), want nothing", got, err)
	}
}

func TestTooLittleSpeechIsAnError(t *testing.T) {
	x := pcm(babble(audio.SampleRate, 3))
	for name, tt := range map[string]struct{ spoken, heard []int16 }{
		"no samples":         {nil, nil},
		"0.3 s":              {x[:14400], x[:14400]},
		"a recording of 0 s": {x, nil},
		"a single sample":    {x[:1], x[:1]},
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := stoi.Measure(tt.spoken, tt.heard); !errors.Is(err, stoi.ErrTooShort) {
				t.Errorf("%v, %v, want ErrTooShort", got, err)
			}
		})
	}
}

// later puts silence before x, or cuts its beginning off.
func later(x []int16, delay int) []int16 {
	if delay < 0 {
		return x[-delay:]
	}
	return append(make([]int16, delay), x...)
}

func TestAlignFindsTheDelay(t *testing.T) {
	x := babble(audio.SampleRate, 1)
	clean := pcm(x)
	for name, tt := range map[string]struct {
		heard []int16
		delay int
	}{
		"none":                           {clean, 0},
		"one sample":                     {later(clean, 1), 1},
		"87 ms":                          {later(clean, 4176), 4176},
		"longer than the speech":         {later(clean, 2*audio.SampleRate), 2 * audio.SampleRate},
		"87 ms in noise":                 {later(pcm(noisy(x, 8)), 4176), 4176},
		"a recording that began later":   {later(clean, -4801), -4801},
		"a recording that lacks the end": {later(clean, 999)[:audio.SampleRate/2], 999},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := stoi.Align(clean, tt.heard)
			if err != nil || got.Delay != tt.delay || got.Likeness < 0.5 || got.Likeness > 1 {
				t.Errorf("%+v (%v), want a delay of %d", got, err, tt.delay)
			}
		})
	}
}

func TestAlignNeedsSound(t *testing.T) {
	x := pcm(babble(audio.SampleRate, 1))
	for name, tt := range map[string]struct{ spoken, heard []int16 }{
		"nothing heard":     {x, nil},
		"silence heard":     {x, make([]int16, 100)},
		"nothing spoken":    {nil, x},
		"silence all round": {make([]int16, 100), make([]int16, 100)},
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := stoi.Align(tt.spoken, tt.heard); err == nil {
				t.Errorf("%+v, want an error", got)
			}
			if _, _, err := stoi.MeasureAligned(tt.spoken, tt.heard); err == nil {
				t.Error("MeasureAligned accepted it")
			}
			if _, _, err := stoi.MeasureParts(tt.spoken, tt.heard); err == nil {
				t.Error("MeasureParts accepted it")
			}
		})
	}
}

func TestADelayedRecordingIsMeasuredAsIfItWereNot(t *testing.T) {
	x := babble(audio.SampleRate, 3)
	clean, heard := pcm(x), pcm(noisy(x, 16))
	want, err := stoi.Measure(clean, heard)
	if err != nil {
		t.Fatal(err)
	}
	for name, measure := range map[string]func(a, b []int16) (float64, stoi.Alignment, error){
		"whole": stoi.MeasureAligned, "in parts": stoi.MeasureParts,
	} {
		t.Run(name, func(t *testing.T) {
			got, a, err := measure(clean, later(heard, 12345))
			if err != nil || a.Delay != 12345 || math.Abs(got-want) > 1e-9 {
				t.Errorf("%v with %+v (%v), want %v", got, a, err, want)
			}
		})
	}
}

func TestHalfARecordingIsNotAGoodOne(t *testing.T) {
	clean := pcm(babble(audio.SampleRate, 4))
	got, _, err := stoi.MeasureAligned(clean, clean[:len(clean)/2])
	if err != nil || got > 0.7 {
		t.Errorf("%v (%v), want about a half", got, err)
	}
}

func TestADelayThatChangesOnTheWay(t *testing.T) {
	clean := pcm(babble(audio.SampleRate, 3))
	// 40 ms were inserted after 1 s, and 60 ms taken out after 2 s.
	heard := append([]int16(nil), clean[:48000]...)
	heard = append(heard, make([]int16, 1920)...)
	heard = append(heard, clean[48000:96000]...)
	heard = append(heard, clean[96000+2880:]...)
	whole, _, err := stoi.MeasureAligned(clean, heard)
	if err != nil {
		t.Fatal(err)
	}
	parts, _, err := stoi.MeasureParts(clean, heard)
	if err != nil || parts < 0.97 || whole > 0.9 {
		t.Errorf("in parts %v (%v), whole %v; want nearly 1, and less", parts, err, whole)
	}
}

func BenchmarkMeasure(b *testing.B) {
	x := babble(audio.SampleRate, 3)
	clean, heard := pcm(x), pcm(noisy(x, 16))
	for b.Loop() {
		if _, err := stoi.Measure(clean, heard); err != nil {
			b.Fatal(err)
		}
	}
}
