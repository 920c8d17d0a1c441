package audio

import "math"

// Resample converts samples from one rate to another, both in hertz and above
// 0. It is meant for files and measurements: quality first, speed second.
//
// The filter is a sinc over 32 zero crossings on either side under a Kaiser
// window (stop band about -80 dB), with its edge just below the lower of the two
// Nyquist frequencies.
func Resample(samples []int16, from, to int) []int16 {
	if from == to {
		return append([]int16(nil), samples...)
	}
	x := make([]float64, len(samples))
	for i, s := range samples {
		x[i] = float64(s)
	}
	y := newPolyphase(from, to).convert(x)
	out := make([]int16, len(y))
	for i, v := range y {
		out[i] = int16(math.Round(min(max(v, math.MinInt16), math.MaxInt16)))
	}
	return out
}

const (
	crossings = 32
	beta      = 8.0  // of the Kaiser window
	edge      = 0.94 // of the pass band, as a part of the lower Nyquist frequency
	maxPhases = 1 << 12
)

// polyphase is a bank of filters, one for each position an output sample can
// have between two input samples.
type polyphase struct {
	up, down int // the ratio in lowest terms
	phases   int // up, or maxPhases for odd ratios: then positions are rounded
	reach    int // input samples on either side
	taps     []float64
}

func newPolyphase(from, to int) *polyphase {
	g := gcd(from, to)
	p := &polyphase{up: to / g, down: from / g}
	p.phases = min(p.up, maxPhases)
	cutoff := edge * min(1, float64(to)/float64(from)) // as a part of the input's Nyquist frequency
	p.reach = int(math.Ceil(crossings / cutoff))
	width := 2 * p.reach
	p.taps = make([]float64, p.phases*width)
	for phase := range p.phases {
		taps := p.taps[phase*width:][:width]
		sum := 0.0
		for k := range taps {
			// the tap's distance from the output sample, in input samples
			x := float64(k-p.reach+1) - float64(phase)/float64(p.phases)
			taps[k] = sinc(x*cutoff) * kaiser(x/float64(p.reach))
			sum += taps[k]
		}
		for k := range taps {
			taps[k] /= sum // each phase passes 0 Hz unchanged
		}
	}
	return p
}

func (p *polyphase) convert(x []float64) []float64 {
	out := make([]float64, int((int64(len(x))*int64(p.up)+int64(p.down)-1)/int64(p.down)))
	width := 2 * p.reach
	for i := range out {
		pos := int64(i) * int64(p.down)
		at := int(pos / int64(p.up))
		phase := int(pos % int64(p.up) * int64(p.phases) / int64(p.up))
		first := at - p.reach + 1 // of the samples under the filter; some may not exist
		from, to := max(first, 0), min(first+width, len(x))
		taps := p.taps[phase*width:][from-first : to-first]
		sum := 0.0
		for k, v := range x[from:to] {
			sum += v * taps[k]
		}
		out[i] = sum
	}
	return out
}

func sinc(x float64) float64 {
	if x == 0 {
		return 1
	}
	return math.Sin(math.Pi*x) / (math.Pi * x)
}

// kaiser is the window at x, -1 to 1.
func kaiser(x float64) float64 {
	if x <= -1 || x >= 1 {
		return 0
	}
	return bessel(beta*math.Sqrt(1-x*x)) / bessel(beta)
}

// bessel is the modified Bessel function of the first kind and order 0.
func bessel(x float64) float64 {
	sum, term := 1.0, 1.0
	for k := 1.0; term > 1e-14*sum; k++ {
		term *= x * x / (4 * k * k)
		sum += term
	}
	return sum
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
