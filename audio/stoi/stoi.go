package stoi

import (
	"errors"
	"fmt"
	"math"

	"hailpoint/audio"
)

// Constants of the paper, section II.
const (
	rate      = 10000 // Hz
	window    = 256   // samples, 25.6 ms
	hop       = window / 2
	fftSize   = 512
	bands     = 15
	lowest    = 150.0 // Hz, centre of the first third-octave band
	segment   = 30    // frames, 384 ms
	dynamic   = 40.0  // dB below the loudest frame that still count as speech
	distorted = -15.0 // dB, the lower bound of the signal to distortion ratio
)

// ErrTooShort is returned when there is less than about 0.4 s of speech: the
// measure correlates segments of 384 ms.
var ErrTooShort = errors.New("not enough speech to measure: at least 0.4 s that are not silent are needed")

// Measure is the intelligibility of heard, against spoken, both mono at
// audio.SampleRate and in step with each other; see Align. Of the longer one the
// end is not looked at. It returns ErrTooShort.
func Measure(spoken, heard []int16) (float64, error) {
	n := min(len(spoken), len(heard))
	return measure(downsample(spoken[:n]), downsample(heard[:n]))
}

// downsample converts samples to the rate of the paper.
func downsample(samples []int16) []float64 {
	x := audio.Resample(samples, audio.SampleRate, rate)
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = float64(v) / (1 << 15)
	}
	return y
}

// Measure10k is Measure for samples at 10 kHz, the rate the measure works at.
func Measure10k(spoken, heard []float64) (float64, error) {
	n := min(len(spoken), len(heard))
	return measure(spoken[:n], heard[:n])
}

// measure is the whole of section II for signals of one length.
func measure(x, y []float64) (float64, error) {
	x, y = voiced(x, y)
	xb, yb := thirdOctaves(x), thirdOctaves(y)
	if len(xb) < segment {
		return 0, fmt.Errorf("measure intelligibility: %w", ErrTooShort)
	}
	clip := 1 + math.Pow(10, -distorted/20)
	sum := 0.0
	for m := segment; m <= len(xb); m++ {
		for j := range bands {
			sum += correlate(xb[m-segment:m], yb[m-segment:m], j, clip)
		}
	}
	return sum / float64(bands*(len(xb)-segment+1)), nil
}

// correlate is the intermediate measure of equation 5: the correlation of the
// two envelopes of a band over a segment, after that of y was scaled to the
// energy of x and clipped.
func correlate(x, y [][bands]float64, band int, clip float64) float64 {
	var ex, ey float64
	for i := range x {
		ex += x[i][band] * x[i][band]
		ey += y[i][band] * y[i][band]
	}
	alpha := math.Sqrt(ex / (ey + tiny)) // equation 3
	var a, b [segment]float64
	var ma, mb float64
	for i := range x {
		a[i] = x[i][band]
		b[i] = min(alpha*y[i][band], a[i]*clip)
		ma += a[i] / segment
		mb += b[i] / segment
	}
	var ab, aa, bb float64
	for i := range a {
		ab += (a[i] - ma) * (b[i] - mb)
		aa += (a[i] - ma) * (a[i] - ma)
		bb += (b[i] - mb) * (b[i] - mb)
	}
	return ab / (math.Sqrt(aa)*math.Sqrt(bb) + tiny)
}

// tiny keeps silence from dividing by zero.
const tiny = 2.220446049250313e-16

// hann is the window of the paper, without the zeros at its ends.
var hann = func() (w [window]float64) {
	for i := range w {
		w[i] = 0.5 - 0.5*math.Cos(2*math.Pi*float64(i+1)/(window+1))
	}
	return w
}()

// voiced removes the frames in which x is more than 40 dB below its loudest
// frame from both signals, and joins the others by overlap and add.
func voiced(x, y []float64) (xv, yv []float64) {
	var levels []float64
	loudest := math.Inf(-1)
	for i := 0; i < len(x)-window; i += hop {
		e := 0.0
		for k, w := range hann {
			e += w * x[i+k] * w * x[i+k]
		}
		level := 20 * math.Log10(math.Sqrt(e)+tiny)
		levels = append(levels, level)
		loudest = max(loudest, level)
	}
	xv, yv = make([]float64, len(x)), make([]float64, len(x))
	n := 0
	for f, level := range levels {
		if level <= loudest-dynamic {
			continue
		}
		for k, w := range hann {
			xv[n*hop+k] += w * x[f*hop+k]
			yv[n*hop+k] += w * y[f*hop+k]
		}
		n++
	}
	if n == 0 {
		return nil, nil
	}
	return xv[:(n+1)*hop], yv[:(n+1)*hop]
}

// bandBins has the first bin of each third-octave band, and the end of the last
// one's, taken to the nearest bin of the transform.
var bandBins = func() (edges [bands][2]int) {
	bin := func(hz float64) int { return int(math.Round(hz * fftSize / rate)) }
	for k := range edges {
		edges[k] = [2]int{
			bin(lowest * math.Pow(2, float64(2*k-1)/6)),
			bin(lowest * math.Pow(2, float64(2*k+1)/6)),
		}
	}
	return edges
}()

// thirdOctaves is the envelope of each band in each frame, equation 1.
func thirdOctaves(x []float64) [][bands]float64 {
	var frames [][bands]float64
	var z [fftSize]complex128
	f := newFourier(fftSize)
	for i := 0; i < len(x)-window; i += hop {
		clear(z[:])
		for k, w := range hann {
			z[k] = complex(w*x[i+k], 0)
		}
		f.transform(z[:])
		var envelope [bands]float64
		for j, edges := range bandBins {
			sum := 0.0
			for _, v := range z[edges[0]:edges[1]] {
				sum += real(v)*real(v) + imag(v)*imag(v)
			}
			envelope[j] = math.Sqrt(sum)
		}
		frames = append(frames, envelope)
	}
	return frames
}
