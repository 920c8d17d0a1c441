package playout

import "hailpoint/audio"

// Lengths of ramps, in samples from silence to full level or back.
const (
	quickRamp = 5 * audio.SampleRate / 1000
	slowRamp  = fadeTo - fadeFrom
)

// sound is what was rendered and not yet played.
type sound struct {
	pcm        [2 * 8192]int16
	start, end int
	gain       float32 // of the last sample
}

func (s *sound) len() int { return s.end - s.start }

// at is the sound, oldest sample first.
func (s *sound) at() []int16 { return s.pcm[s.start:s.end] }

// room is where to render the next samples: maxSamples at least.
func (s *sound) room() []int16 {
	if len(s.pcm)-s.end < maxSamples {
		s.end = copy(s.pcm[:], s.at())
		s.start = 0
	}
	return s.pcm[s.end:]
}

// append takes the first n samples of room over. Their gain goes from what it
// was to the given one, at the pace of a full swing in ramp samples.
func (s *sound) append(n int, gain float32, ramp int) {
	pcm := s.pcm[s.end : s.end+n]
	s.end += n
	if s.gain == gain {
		if gain == 0 {
			clear(pcm)
		}
		return
	}
	step := 1 / float32(ramp)
	for i, v := range pcm {
		if s.gain < gain {
			s.gain = min(s.gain+step, gain)
		} else {
			s.gain = max(s.gain-step, gain)
		}
		pcm[i] = int16(float32(v) * s.gain)
	}
}

// fadeOut fades the end of the sound out, and says whether there was enough of
// it to do so.
func (s *sound) fadeOut() bool {
	if s.len() < quickRamp {
		return false
	}
	pcm := s.pcm[s.end-quickRamp : s.end]
	for i, v := range pcm {
		pcm[i] = int16(int(v) * (quickRamp - 1 - i) / quickRamp)
	}
	return true
}

// read moves the first frame to out.
func (s *sound) read(out *audio.Frame) {
	s.start += copy(out[:], s.at())
}

// shorten takes lag samples away: the beginning is faded over into what comes
// lag later. It takes at least lag+overlap samples.
func (s *sound) shorten(lag int) {
	pcm := s.at()
	s.start += lag
	fade(pcm[lag:][:overlap], pcm[:overlap], pcm[lag:][:overlap])
}

// lengthen repeats the first lag samples: what comes after them is faded over
// into the beginning once more. It takes at least lag+overlap samples.
func (s *sound) lengthen(lag int) {
	s.room() // makes sure of lag samples behind the end
	pcm := s.at()
	copy(s.pcm[s.start+lag:], pcm)
	s.end += lag
	// pcm[:lag] and pcm[lag:] both begin with the old beginning now; the old
	// samples from lag on are at 2*lag.
	pcm = s.at()
	fade(pcm[lag:][:overlap], pcm[2*lag:][:overlap], pcm[lag:][:overlap])
}

// fade writes a fade from a to b to out, which may be either of them.
func fade(out, a, b []int16) {
	for i := range out {
		out[i] = int16((int(a[i])*(len(out)-i) + int(b[i])*i) / len(out))
	}
}
