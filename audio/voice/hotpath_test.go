package voice_test

import (
	"errors"
	"math"
	"runtime"
	"testing"
	"testing/synctest"

	"hailpoint/audio"
	"hailpoint/audio/opus"
	"hailpoint/audio/playout"
	"hailpoint/audio/voice"
)

// needCodec skips a test in a program without C libraries.
func needCodec(tb testing.TB) {
	tb.Helper()
	if !opus.Available {
		tb.Skip("built without cgo: there is no Opus codec")
	}
}

func TestWithoutACodecThereIsNoPath(t *testing.T) {
	if opus.Available {
		t.Skip("this build has a codec")
	}
	if _, err := voice.New(voice.Default()); !errors.Is(err, opus.ErrNoCodec) {
		t.Errorf("New: %v, want ErrNoCodec", err)
	}
}

// withOpus makes a rig use the real codec.
func withOpus(cfg *voice.Config) { cfg.NewEncoder, cfg.NewDecoder = nil, nil }

// listen is a path that sends what it hears to itself.
func listen(tb testing.TB) (*rig, *voice.Line) {
	tb.Helper()
	r := newRig(tb, withOpus)
	var l *voice.Line
	seq := uint16(0)
	l = r.attach(func(p []byte, timestamp uint32) error {
		l.Receive(seq, timestamp, p)
		seq++
		return nil
	})
	l.OpenMicrophone(true)
	return r, l
}

// sine fills frame n of a tone.
func sine(f *audio.Frame, n int, hz float64) {
	for i := range f {
		f[i] = int16(8000 * math.Sin(2*math.Pi*hz*float64(n*audio.FrameSamples+i)/audio.SampleRate))
	}
}

func TestATonePassesThroughTheWholePath(t *testing.T) {
	needCodec(t)
	var heard []int16
	synctest.Test(t, func(t *testing.T) {
		r, l := listen(t)
		defer r.start()()
		var in, out audio.Frame
		for n := range 100 {
			sine(&in, n, 1000)
			r.Block(&in, &out)
			r.clock.advance(audio.FrameTime)
			synctest.Wait()
			heard = append(heard, out[:]...)
		}
		s := l.Stats()
		if s.Sent == 0 || s.Playout.Lost != 0 || s.Playout.ConcealedSamples != 0 || s.Playout.Resyncs != 1 {
			t.Errorf("account %+v", s)
		}
	})
	late := heard[len(heard)/2:]
	if level, purity := audio.ToneLevel(late, 1000), audio.TonePurity(late, 1000); level < 0.15 || level > 0.35 || purity < 0.95 {
		t.Errorf("1 kHz at %.3f, purity %.3f, want about 0.244 and 1", level, purity)
	}
	for i, v := range heard {
		if v > 2000 {
			t.Logf("first sound after %.1f ms", float64(i)/48)
			break
		}
	}
}

// packets returns two seconds of the packets of a tone.
func packets(tb testing.TB) [][]byte {
	tb.Helper()
	e, err := opus.NewEncoder(opus.Default())
	if err != nil {
		tb.Fatal(err)
	}
	var all [][]byte
	for n := range 100 {
		var pcm [audio.PacketSamples]int16
		for i := range pcm {
			pcm[i] = int16(8000 * math.Sin(2*math.Pi*440*float64(n*len(pcm)+i)/audio.SampleRate))
		}
		out := make([]byte, opus.MaxPacket)
		size, err := e.Encode(&pcm, out)
		if err != nil {
			tb.Fatal(err)
		}
		all = append(all, out[:size])
	}
	return all
}

// TestTheSoundThreadDoesNotAllocate takes packets in, plays them with a tone,
// and captures the microphone, with losses now and then.
func TestTheSoundThreadDoesNotAllocate(t *testing.T) {
	needCodec(t)
	r := newRig(t, withOpus)
	l := r.attach(nowhere)
	l.OpenMicrophone(true)
	r.Play(audio.Ring)
	all := packets(t)
	var in, out audio.Frame
	sine(&in, 0, 300)
	n := 0
	if got := testing.AllocsPerRun(500, func() {
		if n%7 != 3 {
			l.Receive(uint16(n), uint32(n*audio.PacketSamples), all[n%len(all)])
		}
		for range 2 {
			r.Block(&in, &out)
			r.clock.advance(audio.FrameTime)
		}
		n++
	}); got != 0 {
		t.Errorf("%v allocations in 20 ms, want none", got)
	}
	if s := l.Stats().Playout; s.Lost == 0 || s.Recovered+s.ConcealedSamples == 0 {
		t.Errorf("the test did not lose packets: %+v", s)
	}
}

// BenchmarkBlock is one block of both directions: captured, encoded, sent,
// received, decoded, played. The encoder works in its own goroutine.
func BenchmarkBlock(b *testing.B) {
	needCodec(b)
	r, _ := listen(b)
	defer r.start()()
	var in, out audio.Frame
	sine(&in, 0, 300)
	b.ReportAllocs()
	for b.Loop() {
		r.Block(&in, &out)
		r.clock.advance(audio.FrameTime)
		for r.Counts().Encoded < r.Counts().Blocks/2 { // in step
			runtime.Gosched()
		}
	}
	b.StopTimer()
}

// BenchmarkSoundThread is one block of the sound thread alone, for a number of
// lines that are heard and a microphone that is closed.
func BenchmarkSoundThread(b *testing.B) {
	needCodec(b)
	for name, lines := range map[string]int{"idle": 0, "1 line": 1, "8 lines": 8} {
		b.Run(name, func(b *testing.B) {
			r := newRig(b, withOpus)
			all := packets(b)
			var attached []*voice.Line
			for range lines {
				attached = append(attached, r.attach(nowhere))
			}
			var in, out audio.Frame
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				if n%2 == 0 {
					for _, l := range attached {
						l.Receive(uint16(n/2), uint32(n/2*audio.PacketSamples), all[n/2%len(all)])
					}
				}
				r.Block(&in, &out)
				r.clock.advance(audio.FrameTime)
				n++
			}
		})
	}
}

var _ playout.Decoder = (*opus.Decoder)(nil)
