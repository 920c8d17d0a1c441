package sim_test

import (
	"slices"
	"sync"
	"testing"
	"time"

	"hailpoint/audio"
	"hailpoint/audio/sim"
)

// filled is a frame of n in every sample.
func filled(n int16) *audio.Frame {
	var f audio.Frame
	for i := range f {
		f[i] = n
	}
	return &f
}

func TestRecorder(t *testing.T) {
	for name, tt := range map[string]struct {
		keep   time.Duration
		frames int16   // heard: 1, 2, 3 ...
		want   []int16 // the frames kept
	}{
		"nothing heard is nothing kept":           {30 * time.Millisecond, 0, nil},
		"less than its length is kept as it came": {30 * time.Millisecond, 2, []int16{1, 2}},
		"exactly its length is kept whole":        {30 * time.Millisecond, 3, []int16{1, 2, 3}},
		"the oldest is dropped":                   {30 * time.Millisecond, 8, []int16{6, 7, 8}},
		"a length is rounded up to a frame":       {11 * time.Millisecond, 8, []int16{7, 8}},
		"no length keeps one frame":               {0, 8, []int16{8}},
	} {
		t.Run(name, func(t *testing.T) {
			r := sim.NewRecorder(tt.keep)
			for n := range tt.frames {
				r.Hear(filled(n + 1))
			}
			var want []int16
			for _, n := range tt.want {
				want = append(want, filled(n)[:]...)
			}
			if got := r.Snapshot(); !slices.Equal(got, want) {
				t.Errorf("kept %v\nwant frames %v", got, tt.want)
			}
			if got, want := r.Heard(), time.Duration(tt.frames)*audio.FrameTime; got != want {
				t.Errorf("Heard: %v, want %v", got, want)
			}
			r.Reset()
			if got := r.Snapshot(); len(got) != 0 {
				t.Errorf("%d samples kept after Reset, want none", len(got))
			}
		})
	}
}

func TestASnapshotIsWholeWhileRecordingGoesOn(t *testing.T) {
	r := sim.NewRecorder(50 * time.Millisecond)
	var wg sync.WaitGroup
	wg.Go(func() {
		for n := range int16(2000) {
			r.Hear(filled(n))
		}
	})
	for range 200 {
		pcm := r.Snapshot()
		for i := 1; i < len(pcm); i++ {
			step := pcm[i] - pcm[i-1]
			if (i%audio.FrameSamples == 0) != (step == 1) || step < 0 {
				t.Fatalf("sample %d follows %d at %d: the snapshot has a torn frame", pcm[i], pcm[i-1], i)
			}
		}
	}
	wg.Wait()
}
