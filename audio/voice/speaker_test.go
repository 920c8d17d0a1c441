package voice_test

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"hailpoint/audio"
	"hailpoint/audio/playout"
	"hailpoint/audio/voice"
)

func nowhere([]byte, uint32) error { return nil }

// talk has the far end of each line send n packets of its loudness in real time,
// and returns the last block that was played.
func (r *rig) talk(n int, from int, loud map[*voice.Line]int16) (out audio.Frame) {
	for i := from; i < from+n; i++ {
		for l, v := range loud {
			l.Receive(uint16(i), uint32(i*audio.PacketSamples), packet(v, v))
		}
		r.block(0)
		out = r.block(0)
	}
	return out
}

func TestLinesAreMixed(t *testing.T) {
	r := newRig(t)
	a, b, c := r.attach(nowhere), r.attach(nowhere), r.attach(nowhere)
	loud := map[*voice.Line]int16{a: 1000, b: 200, c: 30}
	if out := r.talk(10, 0, loud); out[100] != 1230 {
		t.Errorf("three lines play %d, want 1230", out[100])
	}
	b.OpenSpeaker(false)
	if out := r.talk(5, 10, loud); out[100] != 1030 {
		t.Errorf("with the second closed, %d is played, want 1030", out[100])
	}
	b.OpenSpeaker(true)
	if out := r.talk(5, 15, loud); out[100] != 1230 {
		t.Errorf("with the second open again, %d is played, want 1230", out[100])
	}
	a.Close()
	delete(loud, a)
	if out := r.talk(5, 20, loud); out[100] != 230 {
		t.Errorf("with the first gone, %d is played, want 230", out[100])
	}
	if s := b.Stats(); s.Playout.Received != 25 || s.Playout.Resyncs != 1 || s.Playout.Lost != 0 {
		t.Errorf("account of the second line %+v", s)
	}
}

func TestSoundThatWouldOverflowIsLimited(t *testing.T) {
	r := newRig(t)
	a, b := r.attach(nowhere), r.attach(nowhere)
	out := r.talk(10, 0, map[*voice.Line]int16{a: 30000, b: 30000})
	if out[100] < 30000 {
		t.Errorf("two loud lines play %d, want nearly full scale", out[100])
	}
	if got := r.OutputLevel(); got < 95 {
		t.Errorf("level %d, want nearly 100", got)
	}
}

func TestVolume(t *testing.T) {
	r := newRig(t)
	l := r.attach(nowhere)
	r.talk(10, 0, map[*voice.Line]int16{l: 10000})
	for i, tt := range []struct {
		volume int
		want   int16
		ok     bool
	}{{50, 2500, true}, {0, 0, true}, {100, 10000, true}, {101, 10000, false}, {-1, 10000, false}} {
		if err := r.SetVolume(tt.volume); (err == nil) != tt.ok {
			t.Errorf("SetVolume(%d): %v", tt.volume, err)
		}
		out := r.talk(1, 10+i, map[*voice.Line]int16{l: 10000})
		if out[100] != tt.want {
			t.Errorf("at volume %d, %d is played, want %d", tt.volume, out[100], tt.want)
		}
	}
	if r.Volume() != 100 {
		t.Errorf("volume %d, want the last good one", r.Volume())
	}
}

func TestAToneSoundsAtOnceAndEndsAtOnce(t *testing.T) {
	r := newRig(t)
	for _, tone := range []audio.Tone{audio.Ring, audio.Ringback, audio.Busy, audio.Error} {
		r.Play(tone)
		if got := r.Tone(); got != tone {
			t.Errorf("tone is %v, want %v", got, tone)
		}
		if out := r.block(0); audio.DBFS(out[:]) < -30 {
			t.Errorf("%v: first block at %.0f dBFS, want it to sound", tone, audio.DBFS(out[:]))
		}
		r.Silence()
		r.block(0) // fades
		if out := r.block(0); out != (audio.Frame{}) {
			t.Errorf("%v sounds after it was silenced", tone)
		}
		if got := r.Tone(); got != audio.NoTone {
			t.Errorf("tone is %v, want none", got)
		}
	}
}

func TestABoundedToneEndsByItself(t *testing.T) {
	r := newRig(t)
	r.Play(audio.Busy)
	for range 301 {
		r.block(0)
	}
	if got := r.Tone(); got != audio.NoTone {
		t.Errorf("after 3 s the tone is %v, want none", got)
	}
	r.Play(audio.Busy)
	if out := r.block(0); r.Tone() != audio.Busy || audio.Level(out[:]) == 0 {
		t.Error("the same tone does not play again")
	}
}

func TestThereIsRoomForMaxLines(t *testing.T) {
	r := newRig(t)
	var lines []*voice.Line
	for range voice.MaxLines {
		lines = append(lines, r.attach(nowhere))
	}
	if _, err := r.Attach(nowhere); !errors.Is(err, voice.ErrNoLine) {
		t.Errorf("one line too many: %v, want ErrNoLine", err)
	}
	lines[3].Close()
	lines[3].Close()
	r.attach(nowhere)
}

func TestPacketsThatNobodyTakesAreCounted(t *testing.T) {
	r := newRig(t)
	l := r.attach(nowhere)
	for i := range 40 {
		l.Receive(uint16(i), uint32(i*960), packet(1, 1))
	}
	l.Receive(40, 40*960, make([]byte, playout.MaxPayload+1))
	if s := l.Stats(); s.Overrun != 8 || s.TooLarge != 1 {
		t.Errorf("stats %+v, want 8 overrun and 1 too large", s)
	}
	l.Close()
	l.Receive(41, 41*960, packet(1, 1))
	l.OpenMicrophone(true)
	if s := l.Stats(); s.Overrun != 8 {
		t.Errorf("a closed line counts on: %+v", s)
	}
}

func TestSoundFromBeforeAStandstillIsNotPlayed(t *testing.T) {
	r := newRig(t)
	l := r.attach(nowhere)
	r.talk(10, 0, map[*voice.Line]int16{l: 1000})
	for i := 10; i < 30; i++ {
		l.Receive(uint16(i), uint32(i*audio.PacketSamples), packet(2000, 2000))
	}
	r.clock.advance(time.Minute)
	for range 20 {
		if out := r.block(0); out[479] >= 1500 {
			t.Fatal("sound a minute old is played")
		}
	}
}

func TestNewRefusesWhatCannotBe(t *testing.T) {
	cfg := voice.Default()
	if err := cfg.Validate(); err != nil {
		t.Errorf("the default is refused: %v", err)
	}
	cfg.Volume, cfg.Bitrate, cfg.Complexity, cfg.PacketLoss = 101, 1, 11, -1
	cfg.Playout.Target = 0
	_, err := voice.New(cfg)
	if err == nil {
		t.Fatal("a wrong configuration was accepted")
	}
	for _, key := range []string{"volume", "bitrate", "complexity", "packet_loss", "playout.target"} {
		if !strings.Contains(err.Error(), key+": ") {
			t.Errorf("error %q does not name %s", err, key)
		}
	}
}

// TestEverythingAtOnce is for the race detector.
func TestEverythingAtOnce(t *testing.T) {
	r := newRig(t)
	const rounds = 300
	var wg sync.WaitGroup
	stop := make(chan struct{})
	wg.Go(func() {
		var in, out audio.Frame
		for {
			select {
			case <-stop:
				return
			default:
				r.Block(&in, &out)
				r.clock.advance(audio.FrameTime)
			}
		}
	})
	end := r.start()
	var calls sync.WaitGroup
	for range 3 {
		calls.Go(func() {
			for range rounds / 30 {
				var f far
				l, err := r.Attach(f.send)
				if err != nil {
					t.Error(err)
					return
				}
				l.OpenMicrophone(true)
				for i := range 30 {
					l.Receive(uint16(i), uint32(i*960), packet(1, 2))
					l.OpenSpeaker(i%2 == 0)
					_ = l.Stats()
				}
				l.OpenMicrophone(false)
				l.OpenMicrophone(true)
				l.Close()
				f.packets = nil // a send after Close would be a race
			}
		})
	}
	calls.Go(func() {
		for i := range rounds {
			r.Play(audio.Tone(i % 5))
			_ = r.SetVolume(i % 100)
			r.SetMute(i%2 == 0)
			_ = r.SetPacketLoss(i % 100)
			_, _, _, _, _ = r.Tone(), r.Volume(), r.Muted(), r.InputLevel(), r.OutputLevel()
			_ = r.Counts()
		}
	})
	calls.Wait()
	close(stop)
	wg.Wait()
	end()
}
