package sim_test

import (
	"math"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// rms is the root mean square of pcm, full scale 1.
func rms(pcm []int16) float64 {
	var sum float64
	for _, s := range pcm {
		sum += float64(s) * float64(s)
	}
	return math.Sqrt(sum/float64(len(pcm))) / math.MaxInt16
}

// near reports whether got is want give or take the tolerance.
func near(got, want, tolerance float64) bool { return math.Abs(got-want) <= tolerance }
