package audio

import "math"

// VolumeGain is the factor by which samples are multiplied at a volume of
// percent: the square of the fraction, so that equal steps sound about equally
// large. 0 is silence, 50 is -12 dB and 100 is 1; outside 0 to 100 the nearer end
// counts.
func VolumeGain(percent int) float32 {
	f := float32(min(max(percent, 0), 100)) / 100
	return f * f
}

// Mix is a sum of frames in the making, wide enough that it cannot overflow
// before it is limited.
type Mix [FrameSamples]int32

// Add adds f to the sum.
func (m *Mix) Add(f *Frame) {
	for i, s := range f {
		m[i] += int32(s)
	}
}

// AddFaded adds f to the sum while its gain goes evenly from gain from to gain
// to.
func (m *Mix) AddFaded(f *Frame, from, to float32) {
	gain, step := from, (to-from)/FrameSamples
	for i, s := range f {
		m[i] += int32(float32(s) * gain)
		gain += step
	}
}

// Render multiplies the sum by a gain that goes evenly from gain from to gain to
// over the frame, so that a changed volume does not click, limits it with
// SoftClip and writes it to out.
func (m *Mix) Render(out *Frame, from, to float32) {
	gain, step := from, (to-from)/FrameSamples
	for i, s := range m {
		out[i] = SoftClip(float32(s) * gain)
		gain += step
	}
	if to == 0 {
		out[FrameSamples-1] = 0
	}
}

// knee is where SoftClip begins to bend: 1.2 dB below full scale.
const knee = 28672

// SoftClip limits s to 16 bits. Up to 28672 (-1.2 dBFS) it changes nothing;
// above, it approaches full scale along a curve without a corner, so that two
// loud voices at once sound pressed rather than torn.
func SoftClip(s float32) int16 {
	switch {
	case s > knee:
		return int16(knee + bend(s-knee))
	case s < -knee:
		return int16(-knee - bend(-s-knee))
	case math.IsNaN(float64(s)):
		return 0
	}
	return int16(math.Round(float64(s)))
}

// bend maps an excess of 0 to infinity to 0 to the room left above the knee,
// with a slope of 1 at 0.
func bend(excess float32) float32 {
	const room = math.MaxInt16 - knee
	if excess > 1<<24 { // infinity would give infinity by infinity
		return room
	}
	return excess * room / (excess + room)
}

// DBFS is the level of samples in decibels relative to a full-scale square
// wave: the root of the mean square, so a full-scale sine is at -3.01. Silence,
// and an empty slice, are at -100.
func DBFS(samples []int16) float64 {
	var sum int64
	for _, s := range samples {
		sum += int64(s) * int64(s)
	}
	if sum == 0 {
		return floorDBFS
	}
	mean := float64(sum) / float64(len(samples)) / (1 << 30)
	return max(10*math.Log10(mean), floorDBFS)
}

const floorDBFS = -100

// Level is the level of samples for a meter: 0 at -60 dBFS and below, 100 at
// 0 dBFS, even in decibels between.
func Level(samples []int16) int {
	return int(math.Round(min(max((DBFS(samples)+60)/60, 0), 1) * 100))
}
