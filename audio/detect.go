package audio

import "math"

// ToneLevel is the amplitude of the sine of hz that samples hold, where 1 is
// full scale: Goertzel's algorithm under a Hann window. Other tones further than
// two window widths (2*SampleRate/len(samples)) away leak less than 3 % of their
// amplitude into it; 100 ms of sound therefore separate tones 20 Hz apart. It
// returns 0 for no samples.
func ToneLevel(samples []int16, hz float64) float64 {
	n := len(samples)
	if n == 0 {
		return 0
	}
	coeff := 2 * math.Cos(2*math.Pi*hz/SampleRate)
	var s1, s2, weights float64
	for i, v := range samples {
		w := 0.5 - 0.5*math.Cos(2*math.Pi*(float64(i)+0.5)/float64(n))
		weights += w
		s1, s2 = w*float64(v)/(1<<15)+coeff*s1-s2, s1
	}
	power := s1*s1 + s2*s2 - coeff*s1*s2
	return 2 * math.Sqrt(max(power, 0)) / weights
}

// TonePurity is the share of the energy of samples that lies in the sine of hz,
// 0 to 1: near 1 for that tone alone, near 0 for silence, speech or noise.
func TonePurity(samples []int16, hz float64) float64 {
	var energy float64
	n := float64(len(samples))
	for i, v := range samples {
		w := 0.5 - 0.5*math.Cos(2*math.Pi*(float64(i)+0.5)/n)
		x := w * float64(v) / (1 << 15)
		energy += x * x
	}
	if energy == 0 {
		return 0
	}
	a := ToneLevel(samples, hz)
	// A sine of amplitude a under a Hann window has n*a*a*3/16 of energy.
	return min(n*a*a*3/16/energy, 1)
}
