package audio

import "fmt"

// Tone names one of the call progress sounds made in code.
type Tone uint8

// The tones a terminal makes.
const (
	// NoTone is silence.
	NoTone Tone = iota
	// Ring is the bell at the called terminal: two strikes, ding and dong, a
	// pause, repeated until it is stopped.
	Ring
	// Ringback tells the caller that the other side rings: 425 Hz, 1 s on and
	// 4 s off, repeated until it is stopped (CEPT T/CS 20-15 within ITU-T E.180).
	Ringback
	// Busy is 425 Hz, 0.5 s on and 0.5 s off, three times, 3 s in all (ITU-T
	// E.180).
	Busy
	// Error is the special information tone, 950, 1400 and 1800 Hz in turn for
	// 330 ms each, twice with 1 s between, 3 s in all (ITU-T E.180).
	Error
)

// String is the tone's name in lower case.
func (t Tone) String() string {
	switch t {
	case NoTone:
		return "none"
	case Ring:
		return "ring"
	case Ringback:
		return "ringback"
	case Busy:
		return "busy"
	case Error:
		return "error"
	}
	return fmt.Sprintf("tone(%d)", uint8(t))
}

// note is one stretch of a tone: a few sines under one envelope. A note without
// partials is a rest.
type note struct {
	samples  int
	partials [3]partial
	// halfLife is the time, in samples, in which a struck note loses half its
	// amplitude; 0 keeps it even.
	halfLife int
}

type partial struct {
	hz        float64
	amplitude float64 // 1 is full scale
}

// score is a tone written out.
type score struct {
	notes []note
	// repeats is how often the notes are played; 0 is for ever.
	repeats int
}

const msSamples = SampleRate / 1000

// progress is the amplitude of the tones of ITU-T E.180: -14 dBFS.
const progress = 0.2

// scores has the notes of every tone.
var scores = [...]score{
	Ring: {notes: []note{
		bell(450*msSamples, 830.61), // g sharp
		bell(950*msSamples, 659.26), // e
		rest(1600 * msSamples),
	}},
	Ringback: {notes: []note{even(1000*msSamples, 425), rest(4000 * msSamples)}},
	Busy:     {notes: []note{even(500*msSamples, 425), rest(500 * msSamples)}, repeats: 3},
	Error: {notes: []note{
		even(330*msSamples, 950), even(330*msSamples, 1400), even(330*msSamples, 1800),
		rest(510 * msSamples),
	}, repeats: 2},
}

func rest(samples int) note { return note{samples: samples} }

func even(samples int, hz float64) note {
	return note{samples: samples, partials: [3]partial{{hz, progress}}}
}

// bell is a struck note with the second and third harmonic, loud enough to be
// heard across a room.
func bell(samples int, hz float64) note {
	return note{
		samples:  samples,
		partials: [3]partial{{hz, 0.42}, {2 * hz, 0.16}, {3 * hz, 0.08}},
		halfLife: 180 * msSamples,
	}
}
