package playout

import (
	"math"

	"hailpoint/audio"
)

const (
	// overlap is how long one stretch of sound is faded into another.
	overlap = 5 * audio.SampleRate / 1000
	// minLag and maxLag bound what is removed or repeated at a time: one or two
	// periods of a voice of 80 Hz or more. minLag is not below overlap.
	minLag = overlap
	maxLag = audio.SampleRate / 80
	// scaleSamples is how much sound should be at hand to choose the lag freely
	// and to have a frame left afterwards.
	scaleSamples = audio.FrameSamples + maxLag + overlap

	// A delay further than tolerance from the target is corrected until it is
	// within reached of it.
	tolerance = 15 * audio.SampleRate / 1000
	reached   = 5 * audio.SampleRate / 1000
	// restTicks is how many frames are left alone after each change.
	restTicks = 2
	// patience is for how many frames a good place is looked for before a poor
	// one will do.
	patience = 20
	// hurry is the excess beyond which a poor place will do at once.
	hurry = 100 * audio.SampleRate / 1000

	thin = 4 // the coarse search looks at each fourth sample
)

// stretch shortens or lengthens sound by whole periods of the voice, so that
// its pitch stays and no edge is heard.
type stretch struct {
	active bool
	rest   int // frames to leave alone
	tries  int // frames looked at since the last change

	coarse [(maxLag + overlap) / thin]float32
}

// wanted says whether an excess, in samples, is to be corrected in this frame.
func (s *stretch) wanted(excess int) bool {
	size := max(excess, -excess)
	switch {
	case size > tolerance:
		s.active = true
	case size <= reached:
		s.active = false
	}
	if !s.active {
		s.tries = 0
		return false
	}
	if s.rest > 0 {
		s.rest--
		return false
	}
	return true
}

// apply changes the sound towards an excess of 0 if it finds a good place, and
// returns the change in samples: negative when it was shortened.
func (s *stretch) apply(snd *sound, excess int) int {
	most := min(maxLag, snd.len()-overlap)
	if excess > 0 { // a frame must be left
		most = min(most, snd.len()-audio.FrameSamples)
	}
	if most < minLag {
		return 0
	}
	s.tries++
	lag, likeness := s.period(snd.at(), most)
	if likeness < s.demand(excess) {
		return 0
	}
	s.rest, s.tries = restTicks, 0
	if excess > 0 {
		snd.shorten(lag)
		return -lag
	}
	snd.lengthen(lag)
	return lag
}

// demand is how alike two stretches must be to be faded into each other.
func (s *stretch) demand(excess int) float64 {
	switch {
	case excess > hurry, s.tries > patience:
		return -1
	case s.tries > patience/2:
		return 0.6
	}
	return 0.85
}

// quiet is the mean square below which no edge is heard: -50 dBFS.
const quiet = 1 << 30 / 100000

// period finds the lag, at most the given one, at which the sound is most like
// its beginning, and how alike the two are: 1 is the same, 0 unlike. In a quiet
// place any lag will do.
func (s *stretch) period(pcm []int16, most int) (lag int, likeness float64) {
	pcm = pcm[:most+overlap]
	coarse := s.coarse[:len(pcm)/thin]
	var energy float32
	for i := range coarse {
		var sum float32
		for _, v := range pcm[i*thin:][:thin] {
			sum += float32(v)
			energy += float32(v) * float32(v)
		}
		coarse[i] = sum
	}
	if energy/float32(len(pcm)) < quiet {
		return most, 1
	}
	best, at := float32(-2), 0
	for l := minLag / thin; l <= most/thin; l++ {
		if c := likenessOf(coarse[:overlap/thin], coarse[l:]); c > best {
			best, at = c, l
		}
	}
	likeness = -2
	for l := max(at*thin-thin+1, minLag); l <= min(at*thin+thin-1, most); l++ {
		if c := float64(likenessOf(pcm[:overlap], pcm[l:])); c > likeness {
			likeness, lag = c, l
		}
	}
	return lag, likeness
}

// likenessOf is the normalised correlation of a with the beginning of b.
func likenessOf[T int16 | float32](a, b []T) float32 {
	var ab, aa, bb float32
	for i, v := range a {
		x, y := float32(v), float32(b[i])
		ab += x * y
		aa += x * x
		bb += y * y
	}
	if aa == 0 || bb == 0 {
		return 0
	}
	return ab / float32(math.Sqrt(float64(aa)*float64(bb)))
}
