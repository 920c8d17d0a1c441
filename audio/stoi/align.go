package stoi

import (
	"fmt"
	"math"
	"math/bits"
	"math/cmplx"

	"hailpoint/audio"
)

// Alignment says where a recording holds what was spoken.
type Alignment struct {
	// Delay is the number of samples by which what is heard lags behind what was
	// spoken; negative when the recording began later than the speech.
	Delay int
	// Likeness is the normalised correlation at that delay, 0 to 1. Below about
	// 0.3 the recording probably does not hold the speech at all.
	Likeness float64
}

// Align finds the delay of heard against spoken, both mono at one rate, by
// cross-correlation over their whole length. It returns an error when either is
// empty or silent.
func Align(spoken, heard []int16) (Alignment, error) {
	es, eh := energy(spoken), energy(heard)
	if es == 0 || eh == 0 {
		return Alignment{}, fmt.Errorf("align recording of %d samples with speech of %d samples: one of them is silent",
			len(heard), len(spoken))
	}
	n := 1 << bits.Len(uint(len(spoken)+len(heard)))
	// Both real signals go through one transform, as real and imaginary part.
	z := make([]complex128, n)
	for i, v := range spoken {
		z[i] = complex(float64(v), 0)
	}
	for i, v := range heard {
		z[i] += complex(0, float64(v))
	}
	f := newFourier(n)
	f.transform(z)
	cross := make([]complex128, n)
	for k := range z {
		a, b := z[k], cmplx.Conj(z[(n-k)%n])
		s, h := (a+b)/2, (a-b)/2i
		cross[k] = cmplx.Conj(s) * h
	}
	f.inverse(cross)
	best, at := math.Inf(-1), 0
	for i, v := range cross {
		if real(v) > best {
			best, at = real(v), i
		}
	}
	if at >= len(heard) {
		at -= n
	}
	from, to := overlap(at, len(spoken), len(heard))
	es = energy(spoken[from:to])
	eh = energy(heard[from+at : to+at])
	likeness := 0.0
	if es > 0 && eh > 0 {
		likeness = min(max(best/float64(n)/math.Sqrt(es*eh), 0), 1)
	}
	return Alignment{at, likeness}, nil
}

// overlap is the part of the speech that the recording holds.
func overlap(delay, spoken, heard int) (from, to int) {
	from, to = max(0, -delay), min(spoken, heard-delay)
	return from, max(from, to)
}

func energy(x []int16) (e float64) {
	for _, v := range x {
		e += float64(v) * float64(v)
	}
	return e
}

// MeasureAligned finds the delay of heard and measures it against spoken there.
// What of the speech the recording does not hold counts as silence, so a
// recording that lacks the half is not taken for a good one.
func MeasureAligned(spoken, heard []int16) (float64, Alignment, error) {
	a, err := Align(spoken, heard)
	if err != nil {
		return 0, a, err
	}
	value, err := Measure(spoken, shifted(heard, a.Delay, len(spoken)))
	return value, a, err
}

// shifted is the n samples of x from delay on, with silence where x has none.
func shifted(x []int16, delay, n int) []int16 {
	out := make([]int16, n)
	from, to := overlap(delay, n, len(x))
	copy(out[from:to], x[from+delay:to+delay])
	return out
}

const (
	// partSamples is the length of the pieces of MeasureParts: 1 s.
	partSamples = audio.SampleRate
	// partDrift is how far the delay of a piece may be from that of the whole:
	// 150 ms.
	partDrift = 150 * audio.SampleRate / 1000
)

// MeasureParts is MeasureAligned for a recording whose delay changed on the
// way: each second of the speech is looked for by itself within 150 ms of the
// delay of the whole, what is found is put together again, and that is measured.
// The alignment is that of the whole.
func MeasureParts(spoken, heard []int16) (float64, Alignment, error) {
	whole, err := Align(spoken, heard)
	if err != nil {
		return 0, whole, err
	}
	joined := make([]int16, 0, len(spoken))
	for start := 0; start < len(spoken); start += partSamples {
		part := spoken[start:min(start+partSamples, len(spoken))]
		delay := whole.Delay + start
		near := shifted(heard, delay-partDrift, len(part)+2*partDrift)
		shift := partDrift
		if a, err := Align(part, near); err == nil && a.Delay >= 0 && a.Delay <= 2*partDrift && a.Likeness > whole.Likeness/2 {
			shift = a.Delay
		}
		joined = append(joined, near[shift:][:len(part)]...)
	}
	value, err := Measure(spoken, joined)
	return value, whole, err
}
