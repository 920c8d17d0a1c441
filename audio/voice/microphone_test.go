package voice_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"hailpoint/audio"
)

// start starts the rig's Run; the returned function ends it.
func (r *rig) start() (stop func()) {
	r.tb.Helper()
	ctx, cancel := context.WithCancel(r.tb.Context())
	done := make(chan error)
	go func() { done <- r.Run(ctx) }()
	return func() {
		cancel()
		if err := <-done; err != nil {
			r.tb.Errorf("Run: %v", err)
		}
	}
}

// running calls do in a bubble with a rig whose Run is running.
func running(t *testing.T, do func(r *rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		defer r.start()()
		do(r)
	})
}

// hear gives the microphone blocks that are as loud as their numbers, from first
// to last, and waits until they are encoded.
func (r *rig) hear(first, last int16) {
	for n := first; n <= last; n++ {
		r.block(n)
		synctest.Wait()
	}
}

var compare = cmp.AllowUnexported(sent{})

func TestOnlyWhatIsHeardWhileOpenIsSent(t *testing.T) {
	var f far
	running(t, func(r *rig) {
		l := r.attach(f.send)
		r.hear(0, 4)
		l.OpenMicrophone(true)
		r.hear(5, 9) // block 9 is half a packet
		l.OpenMicrophone(false)
		r.hear(10, 12)
		l.OpenMicrophone(true)
		r.hear(13, 16)
		l.OpenMicrophone(false)
		l.OpenMicrophone(true) // at once, and in step
		r.hear(17, 18)
		if got := r.codec.resets.Load(); got != 3 {
			r.tb.Errorf("encoder was reset %d times, want 3: at each opening", got)
		}
	})
	want := []sent{{5, 6, 5 * 480}, {7, 8, 7 * 480}, {13, 14, 13 * 480}, {15, 16, 15 * 480}, {17, 18, 17 * 480}}
	if diff := cmp.Diff(want, f.packets, compare); diff != "" {
		t.Errorf("sent (-want +got):\n%s", diff)
	}
}

func TestWhatWasQueuedBeforeOpeningIsNotSent(t *testing.T) {
	var f far
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		l := r.attach(f.send)
		l.OpenMicrophone(true)
		for n := range int16(9) { // nothing encodes yet
			r.block(n)
		}
		l.OpenMicrophone(false)
		l.OpenMicrophone(true)
		defer r.start()()
		r.hear(9, 12)
	})
	want := []sent{{9, 10, 9 * 480}, {11, 12, 11 * 480}}
	if diff := cmp.Diff(want, f.packets, compare); diff != "" {
		t.Errorf("sent (-want +got):\n%s", diff)
	}
}

func TestTheMicrophoneIsEncodedOnceForAllLines(t *testing.T) {
	var f [3]far
	running(t, func(r *rig) {
		a, b := r.attach(f[0].send), r.attach(f[1].send)
		r.attach(f[2].send)
		a.OpenMicrophone(true)
		r.hear(0, 2)
		b.OpenMicrophone(true) // in the middle of a packet
		r.hear(3, 7)
		a.Close()
		r.hear(8, 9)
		if got := r.codec.encodes.Load(); got != 5 {
			r.tb.Errorf("encoded %d times, want 5", got)
		}
		if got := r.Counts(); got.Encoded != 5 || got.Blocks != 10 {
			r.tb.Errorf("counts %+v, want 5 packets of 10 blocks", got)
		}
	})
	if diff := cmp.Diff([]sent{{0, 1, 0}, {2, 3, 960}, {4, 5, 1920}, {6, 7, 2880}}, f[0].packets, compare); diff != "" {
		t.Errorf("the first line sent (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]sent{{4, 5, 1920}, {6, 7, 2880}, {8, 9, 3840}}, f[1].packets, compare); diff != "" {
		t.Errorf("the second line, opened later, sent (-want +got):\n%s", diff)
	}
	if len(f[2].packets) != 0 {
		t.Errorf("a line that was never opened sent %v", f[2].packets)
	}
}

func TestAClosedMicrophoneIsNotEncoded(t *testing.T) {
	var f far
	running(t, func(r *rig) {
		r.attach(f.send)
		r.hear(0, 20)
		if r.codec.encodes.Load() != 0 || len(f.packets) != 0 {
			r.tb.Errorf("encoded %d packets, sent %d, want none", r.codec.encodes.Load(), len(f.packets))
		}
	})
}

func TestAMutedMicrophoneSendsSilence(t *testing.T) {
	var f far
	running(t, func(r *rig) {
		r.attach(f.send).OpenMicrophone(true)
		r.hear(1, 2)
		r.SetMute(true)
		r.hear(3, 4)
		r.SetMute(false)
		r.hear(5, 6)
	})
	if diff := cmp.Diff([]sent{{1, 2, 0}, {0, 0, 960}, {5, 6, 1920}}, f.packets, compare); diff != "" {
		t.Errorf("sent (-want +got):\n%s", diff)
	}
}

func TestATerminalWithoutMicrophoneSendsSilence(t *testing.T) {
	var f far
	running(t, func(r *rig) {
		r.attach(f.send).OpenMicrophone(true)
		var out audio.Frame
		for range 2 {
			r.Block(nil, &out)
			synctest.Wait()
		}
	})
	if diff := cmp.Diff([]sent{{0, 0, 0}}, f.packets, compare); diff != "" {
		t.Errorf("sent (-want +got):\n%s", diff)
	}
}

func TestTheTimestampGoesOnWhileTheDeviceStandsStill(t *testing.T) {
	var f far
	running(t, func(r *rig) {
		r.attach(f.send).OpenMicrophone(true)
		r.hear(0, 2)
		r.clock.advance(2 * time.Second)
		r.hear(3, 4)
		r.clock.advance(80 * time.Millisecond) // as devices do that deliver in bursts
		r.hear(5, 6)
		if got := r.Counts().Stalls; got != 1 {
			r.tb.Errorf("%d stalls counted, want 1", got)
		}
	})
	const pause = 2 * audio.SampleRate
	want := []sent{{0, 1, 0}, {3, 4, 3*480 + pause}, {5, 6, 5*480 + pause}}
	if diff := cmp.Diff(want, f.packets, compare); diff != "" {
		t.Errorf("sent (-want +got):\n%s", diff)
	}
}

func TestALineThatCannotSendIsCountedAndGoesOn(t *testing.T) {
	f := far{err: errors.New("network is unreachable")}
	running(t, func(r *rig) {
		l := r.attach(f.send)
		l.OpenMicrophone(true)
		r.hear(0, 3)
		if s := l.Stats(); s.Sent != 0 || s.SendFailed != 2 {
			r.tb.Errorf("stats %+v, want 2 failures", s)
		}
		f.err = nil
		r.hear(4, 5)
		if s := l.Stats(); s.Sent != 1 || s.SendFailed != 2 {
			r.tb.Errorf("stats %+v, want 1 sent", s)
		}
	})
}

func TestTheEncoderHearsOfPacketLoss(t *testing.T) {
	var f far
	running(t, func(r *rig) {
		r.attach(f.send).OpenMicrophone(true)
		if err := r.SetPacketLoss(25); err != nil {
			r.tb.Error(err)
		}
		r.hear(0, 1)
		if got := r.codec.loss.Load(); got != 25 {
			r.tb.Errorf("encoder guards against %d %% loss, want 25", got)
		}
		if err := r.SetPacketLoss(101); err == nil {
			r.tb.Error("a loss of 101 % was accepted")
		}
	})
}

func TestABlockedEncoderLosesBlocksAndCountsThem(t *testing.T) {
	r, f := newRig(t), far{}
	l := r.attach(f.send)
	l.OpenMicrophone(true)
	for n := range int16(40) {
		r.block(n)
	}
	if got := r.Counts().Overrun; got != 8 {
		t.Errorf("%d blocks lost of 40 that nobody took, want 8", got)
	}
}
