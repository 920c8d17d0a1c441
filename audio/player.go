package audio

import "math"

// Player sounds tones, 10 ms at a time, without allocating. Its zero value is
// silent. It belongs to one goroutine.
type Player struct {
	tone  Tone
	score *score

	round int // how often the notes have been played to their end
	index int // of the note
	at    int // samples of the note played

	phases  [3]uint32 // of the note's partials; a full circle is 2^32
	steps   [3]uint32 // phase per sample
	decay   float32   // factor of the envelope per sample
	struck  float32   // the envelope
	release int       // samples left of the fade after Stop; 0 when not stopped
}

// rampSamples is the length of the fades at the edges of notes: 5 ms.
const rampSamples = 5 * msSamples

// Start plays t from its beginning; the first sample of the next frame already
// sounds. An unknown tone is silence.
func (p *Player) Start(t Tone) {
	*p = Player{}
	if int(t) < len(scores) && len(scores[t].notes) > 0 {
		p.tone, p.score = t, &scores[t]
		p.begin()
	}
}

// Stop ends the tone within 5 ms, without a click.
func (p *Player) Stop() {
	if p.score != nil && p.release == 0 {
		p.release = rampSamples
	}
}

// Tone is the tone that sounds, NoTone when none does.
func (p *Player) Tone() Tone { return p.tone }

// Next fills f with the next 10 ms and says whether a tone still sounds: after
// the last frame of a bounded tone, and after Stop, f is silent and it returns
// false.
func (p *Player) Next(f *Frame) bool {
	if p.score == nil {
		*f = Frame{}
		return false
	}
	for i := range f {
		f[i] = p.sample()
	}
	return true
}

// sample makes one sample and steps on.
func (p *Player) sample() int16 {
	if p.score == nil {
		return 0
	}
	n := &p.score.notes[p.index]
	var sum float32
	for i := range n.partials {
		if n.partials[i].amplitude == 0 {
			break
		}
		sum += float32(n.partials[i].amplitude) * sine(p.phases[i])
		p.phases[i] += p.steps[i]
	}
	sum *= p.struck * p.edge(n.samples)
	p.struck *= p.decay
	if p.at++; p.at == n.samples {
		p.next()
	}
	if p.release > 0 {
		sum *= float32(p.release) / rampSamples
		if p.release--; p.release == 0 {
			*p = Player{}
		}
	}
	return int16(sum * math.MaxInt16)
}

// edge is the fade at the beginning and at the end of a note of n samples.
func (p *Player) edge(n int) float32 {
	return float32(min(p.at+1, n-p.at, rampSamples)) / rampSamples
}

// next goes on to the note after this one, or ends the tone.
func (p *Player) next() {
	if p.index++; p.index == len(p.score.notes) {
		p.index = 0
		if p.round++; p.round == p.score.repeats {
			*p = Player{}
			return
		}
	}
	p.begin()
}

// begin sets the oscillators up for the note at index.
func (p *Player) begin() {
	n := &p.score.notes[p.index]
	p.at, p.struck, p.decay = 0, 1, 1
	if n.halfLife > 0 {
		p.decay = float32(math.Pow(0.5, 1/float64(n.halfLife)))
	}
	for i, partial := range n.partials {
		p.phases[i] = 0
		p.steps[i] = uint32(math.Round(partial.hz / SampleRate * (1 << 32)))
	}
}

// sines is one circle of a sine, with its first point again at the end.
var sines = func() (t [1025]float32) {
	for i := range t {
		t[i] = float32(math.Sin(2 * math.Pi * float64(i) / 1024))
	}
	return t
}()

// sine is the sine of a phase, interpolated; its error is below 5e-6.
func sine(phase uint32) float32 {
	i, rest := phase>>22, float32(phase&(1<<22-1))/(1<<22)
	return sines[i] + (sines[i+1]-sines[i])*rest
}
