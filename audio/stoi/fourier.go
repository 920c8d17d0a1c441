package stoi

import (
	"math"
	"math/bits"
	"math/cmplx"
)

// transform replaces z by its discrete Fourier transform. The length of z is a
// power of two.
func transform(z []complex128) {
	n := len(z)
	if n < 2 {
		return
	}
	shift := 64 - bits.Len(uint(n-1))
	for i := range z {
		if j := int(bits.Reverse64(uint64(i)) >> shift); i < j {
			z[i], z[j] = z[j], z[i]
		}
	}
	for size := 2; size <= n; size *= 2 {
		turn := cmplx.Rect(1, -2*math.Pi/float64(size))
		half := size / 2
		w := complex(1, 0)
		for k := range half {
			if k%64 == 0 { // keep rounding from adding up
				w = cmplx.Rect(1, -2*math.Pi*float64(k)/float64(size))
			}
			for i := k; i < n; i += size {
				a, b := z[i], z[i+half]*w
				z[i], z[i+half] = a+b, a-b
			}
			w *= turn
		}
	}
}

// inverse is transform's inverse, but for the factor len(z).
func inverse(z []complex128) {
	for i, v := range z {
		z[i] = cmplx.Conj(v)
	}
	transform(z)
	for i, v := range z {
		z[i] = cmplx.Conj(v)
	}
}
