//go:build cgo

package portaudio

import (
	"encoding/binary"
	"math"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"hailpoint/audio"
)

// voice is an endless raw PCM stream of the spoken tone.
type voice struct{ at int }

func (v *voice) Read(p []byte) (int, error) {
	n := len(p) / 2
	for i := range n {
		binary.LittleEndian.PutUint16(p[2*i:], uint16(sample(spokenHz, spokenLevel, v.at)))
		v.at++
	}
	return 2 * n, nil
}

// ear keeps the last 100 ms of raw PCM written to it.
type ear struct {
	mu   sync.Mutex // guards the fields below
	last []byte
}

func (e *ear) Write(p []byte) (int, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.last = append(e.last, p...)
	if surplus := (len(e.last) - 20*audio.FrameSamples) &^ 1; surplus > 0 {
		e.last = slices.Delete(e.last, 0, surplus)
	}
	return len(p), nil
}

// level is the level of the sine of hz.
func (e *ear) level(hz float64) float64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	pcm := make([]int16, len(e.last)/2)
	for i := range pcm {
		pcm[i] = int16(binary.LittleEndian.Uint16(e.last[2*i:]))
	}
	return audio.ToneLevel(pcm, hz)
}

func near(got, want float64) bool { return math.Abs(got-want) < 0.02 }

func TestSoundGoesBothWays(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	r.pulse(t)
	terminal := r.start(t, "terminal", "qa_mic", "qa_spk")
	terminal.awaitSound()

	speak := r.command(t, "pacat", "--playback", "--device=qa_in", "--format=s16le", "--rate=48000", "--channels=1", "--raw")
	speak.Stdin = new(voice)
	spawn(t, speak)
	terminal.await("the microphone hears what is spoken", func(l line) bool { return near(l.Spoken, spokenLevel) })

	listen := r.command(t, "parec", "--device=qa_out.monitor", "--format=s16le", "--rate=48000", "--channels=1", "--raw", "--latency-msec=20")
	speaker := new(ear)
	listen.Stdout = speaker
	spawn(t, listen)
	terminal.await("the speaker plays what the terminal plays", func(line) bool { return near(speaker.level(playedHz), playedLevel) })

	terminal.end()
}

func TestSoundGoesThroughJACK(t *testing.T) {
	t.Parallel()
	r := newJACKRoom(t)
	r.jack(t)
	terminal := r.start(t, "terminal", "system", "system")
	terminal.awaitSound()
	r.loop(t)
	terminal.await("the terminal hears itself", func(l line) bool { return near(l.Played, playedLevel) })
	terminal.end()
}

// servers are the sound servers a terminal is tested with.
var servers = map[string]struct {
	room          func(testing.TB) *room
	start         func(*room, testing.TB) server
	input, output string
}{
	"PulseAudio": {newRoom, (*room).pulse, "qa_mic", "qa_spk"},
	"JACK":       {newJACKRoom, (*room).jack, "system", "system"},
}

func TestSoundComesBackWithTheSoundServer(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	first := r.pulse(t)
	terminal := r.start(t, "terminal", "qa_mic", "qa_spk")
	terminal.awaitSound()
	first.end(syscall.SIGKILL)
	terminal.awaitFault()
	r.pulse(t)
	again := terminal.await("sound works again", func(l line) bool { return l.Fault == "" && l.Counts.Reopenings == 1 })
	terminal.await("blocks come", func(l line) bool { return l.Counts.Blocks > again.Counts.Blocks })
	terminal.end()
}

// A program that was late for some blocks leaves them in PulseAudio's buffer
// for good, or stops the callbacks.
func TestSoundIsNotLateForEver(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	r.pulse(t)
	terminal := r.start(t, "terminal", "qa_back", "qa_spk")
	steady := 0
	terminal.await("sound works for a while", func(l line) bool {
		if l.Fault == "" {
			steady++
		}
		return steady == 40
	})
	n := 0
	terminal.await("sound is opened again", func(l line) bool {
		if n++; n%5 == 1 && l.Counts.Reopenings == 0 {
			terminal.suspend(100 * time.Millisecond)
		}
		return l.Fault == "" && l.Counts.Reopenings > 0
	})
	terminal.end()
}

// PortAudio waits ten minutes for a JACK server that has gone, and cannot be
// told not to.
func TestAJACKServerThatHasGoneHangsTheSoundSystem(t *testing.T) {
	t.Parallel()
	r := newJACKRoom(t)
	server := r.jack(t)
	terminal := r.start(t, "terminal", "system", "system")
	terminal.awaitSound()
	server.end(syscall.SIGTERM)
	terminal.await("the fault says that the sound system hangs", func(l line) bool {
		return strings.Contains(l.Fault, "earlier stream") && strings.Contains(l.Fault, ErrHung.Error())
	})
	terminal.end()
}

func TestATerminalStartsBeforeItsSoundServer(t *testing.T) {
	t.Parallel()
	for name, tt := range servers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := tt.room(t)
			terminal := r.start(t, "terminal", tt.input, tt.output)
			for _, want := range []string{ErrNoMicrophone.Error(), ErrNoSpeaker.Error()} {
				terminal.await("the fault says "+want, func(l line) bool { return strings.Contains(l.Fault, want) })
			}
			tt.start(r, t)
			terminal.awaitSound()
			terminal.end()
		})
	}
}

func TestASoundServerThatHangsIsAFault(t *testing.T) {
	t.Parallel()
	for name, tt := range servers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := tt.room(t)
			server := tt.start(r, t)
			terminal := r.start(t, "terminal", tt.input, tt.output)
			terminal.awaitSound()
			server.signal(t, syscall.SIGSTOP)
			terminal.awaitFault()
			server.signal(t, syscall.SIGCONT)
			terminal.awaitSound()
			terminal.end()
		})
	}
}

func TestATerminalEndsThoughTheSoundServerHangs(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	server := r.pulse(t)
	terminal := r.start(t, "terminal", "qa_mic", "qa_spk")
	terminal.awaitSound()
	server.signal(t, syscall.SIGSTOP)
	terminal.end()
}

func TestDevicesAreThoseOfTheSoundServer(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	r.pulse(t)
	found := r.start(t, "devices", "", "").await("the devices", func(line) bool { return true }).Devices
	for _, name := range []string{"qa_mic", "qa_spk", DefaultDevice} {
		if !slices.ContainsFunc(found, func(d DeviceInfo) bool {
			return d.Name == name && d.HostAPI == "ALSA" && d.Inputs > 0 && d.Outputs > 0
		}) {
			t.Errorf("no %q among the devices: %+v", name, found)
		}
	}
	if !slices.ContainsFunc(found, func(d DeviceInfo) bool { return d.DefaultInput }) {
		t.Errorf("no default microphone among the devices: %+v", found)
	}
}

func TestWithoutSoundServerThereAreNoDevices(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	terminal := r.start(t, "devices", "", "")
	if found := terminal.await("the devices", func(line) bool { return true }).Devices; len(found) > 0 {
		t.Skipf("this machine has sound devices of its own: %+v", found)
	}
	terminal.end()
	if noise := terminal.log.String(); noise != "" {
		t.Errorf("the sound libraries wrote to standard error:\n%s", noise)
	}
}

// BenchmarkRoundTrip measures a stream whose speaker is connected to its
// microphone: the time from one to the other, the allocations and the CPU time
// of a block, all threads included.
func BenchmarkRoundTrip(b *testing.B) {
	for name, tt := range map[string]struct {
		room          func(testing.TB) *room
		start         func(*room, testing.TB) server
		loop          func(*room, testing.TB)
		input, output string
	}{
		"PulseAudio": {newRoom, (*room).pulse, (*room).looped, "qa_back", "qa_spk"},
		"JACK":       {newJACKRoom, (*room).jack, (*room).loop, "system", "system"},
	} {
		b.Run(name, func(b *testing.B) {
			r := tt.room(b)
			tt.start(r, b)
			for b.Loop() {
				meter := r.start(b, "meter", tt.input, tt.output)
				tt.loop(r, b)
				m := meter.await("a measurement", func(l line) bool { return l.Meter.CPUPercent > 0 }).Meter
				meter.end()
				b.ReportMetric(float64(m.RoundTrip.Microseconds())/1000, "ms/roundtrip")
				b.ReportMetric(m.AllocsPerBlock, "allocs/block")
				b.ReportMetric(m.CPUPercent, "%core")
			}
			b.ReportMetric(0, "ns/op") // the time of the measurement itself says nothing
		})
	}
}
