package sim_test

import (
	"slices"
	"testing"

	"hailpoint/audio"
	"hailpoint/audio/sim"
)

// listen returns n frames of source.
func listen(source sim.Source, n int) []int16 {
	var pcm []int16
	frame := audio.Frame{1, 2, 3} // what a frame held before must not be heard
	for range n {
		source(&frame)
		pcm = append(pcm, frame[:]...)
	}
	return pcm
}

// ramp is the samples 1 to n.
func ramp(n int) []int16 {
	pcm := make([]int16, n)
	for i := range pcm {
		pcm[i] = int16(i + 1)
	}
	return pcm
}

func TestTone(t *testing.T) {
	for name, tt := range map[string]struct{ hz, amplitude, want float64 }{
		"a tone has its frequency and amplitude":             {1000, 0.3, 0.3},
		"a full scale tone does not wrap":                    {440, 1, 1},
		"an amplitude above 1 is full scale":                 {440, 7, 1},
		"an amplitude below 0 is silence":                    {440, -1, 0},
		"a tone that does not fit into a frame has no seams": {1234.5, 0.5, 0.5},
	} {
		t.Run(name, func(t *testing.T) {
			pcm := listen(sim.Tone(tt.hz, tt.amplitude), 200)
			if got := audio.ToneLevel(pcm, tt.hz); !near(got, tt.want, 0.001) {
				t.Errorf("amplitude at %v Hz: %.4f, want %.4f", tt.hz, got, tt.want)
			}
			// All of the energy is in the tone: nothing beside it.
			if got, want := rms(pcm), tt.want*0.70711; !near(got, want, 0.001) {
				t.Errorf("level %.4f, want %.4f of a pure sine", got, want)
			}
		})
	}
}

func TestSamples(t *testing.T) {
	for name, tt := range map[string]struct {
		source sim.Source
		want   []int16 // of two frames
	}{
		"silence is silent":                  {sim.Silence(), make([]int16, 960)},
		"sound played once ends in silence":  {sim.Once(ramp(700)), append(ramp(700), make([]int16, 260)...)},
		"no sound played once is silence":    {sim.Once(nil), make([]int16, 960)},
		"no sound in a loop is silence":      {sim.Loop(nil), make([]int16, 960)},
		"a loop longer than a frame repeats": {sim.Loop(ramp(700)), append(ramp(700), ramp(260)...)},
		"a loop shorter than a frame repeats": {
			sim.Loop(ramp(320)), slices.Concat(ramp(320), ramp(320), ramp(320)),
		},
	} {
		t.Run(name, func(t *testing.T) {
			if got := listen(tt.source, 2); !slices.Equal(got, tt.want) {
				t.Errorf("got %v\nwant %v", got, tt.want)
			}
		})
	}
}
