package stoi

import (
	"math"
	"math/bits"
	"math/cmplx"
)

// fourier is the discrete Fourier transform of one length: the factors by which
// it turns, half a circle of them.
type fourier []complex128

// newFourier returns the transform of length n, a power of two of at least 2.
func newFourier(n int) fourier {
	f := make(fourier, n/2)
	for k := range f {
		f[k] = cmplx.Rect(1, -2*math.Pi*float64(k)/float64(n))
	}
	return f
}

// transform replaces z by its transform.
func (f fourier) transform(z []complex128) {
	n := len(z)
	shift := bits.UintSize - bits.Len(uint(n-1))
	for i := range z {
		if j := int(bits.Reverse(uint(i)) >> shift); i < j {
			z[i], z[j] = z[j], z[i]
		}
	}
	for size := 2; size <= n; size *= 2 {
		half, step := size/2, n/size
		for start := 0; start < n; start += size {
			low, high := z[start:start+half], z[start+half:start+size]
			for k, a := range low {
				b := high[k] * f[k*step]
				low[k], high[k] = a+b, a-b
			}
		}
	}
}

// inverse is transform's inverse, but for the factor len(z).
func (f fourier) inverse(z []complex128) {
	for i, v := range z {
		z[i] = cmplx.Conj(v)
	}
	f.transform(z)
	for i, v := range z {
		z[i] = cmplx.Conj(v)
	}
}
