package sim

import (
	"math"

	"hailpoint/audio"
)

// Source makes the sound of a microphone: it fills in with the next 10 ms. It
// is called from one goroutine at a time and belongs to one card, since it may
// remember where in its sound it is.
type Source func(in *audio.Frame)

// Silence is a microphone that hears nothing.
func Silence() Source {
	return func(in *audio.Frame) { clear(in[:]) }
}

// Tone is a sine of hz with the given peak amplitude, where 1 is full scale.
// It starts at phase zero and runs on without a seam. The amplitude is
// limited to 0..1.
func Tone(hz, amplitude float64) Source {
	step := 2 * math.Pi * hz / audio.SampleRate
	peak := math.MaxInt16 * min(max(amplitude, 0), 1)
	phase := 0.0
	return func(in *audio.Frame) {
		for i := range in {
			in[i] = int16(math.Round(peak * math.Sin(phase)))
			phase = math.Mod(phase+step, 2*math.Pi)
		}
	}
}

// Once plays pcm, mono at audio.SampleRate, and is silent after its end. It
// reads pcm while it plays.
func Once(pcm []int16) Source {
	return func(in *audio.Frame) {
		n := copy(in[:], pcm)
		pcm = pcm[n:]
		clear(in[n:])
	}
}

// Loop plays pcm, mono at audio.SampleRate, again and again without a gap. It
// reads pcm while it plays. An empty pcm is silence.
func Loop(pcm []int16) Source {
	if len(pcm) == 0 {
		return Silence()
	}
	at := 0
	return func(in *audio.Frame) {
		for n := 0; n < len(in); {
			copied := copy(in[n:], pcm[at:])
			n += copied
			at = (at + copied) % len(pcm)
		}
	}
}
