package opus_test

import (
	"encoding/hex"
	"errors"
	"math"
	"strings"
	"testing"

	"hailpoint/audio"
	"hailpoint/audio/opus"
)

// needCodec skips a test in a program without C libraries.
func needCodec(tb testing.TB) {
	tb.Helper()
	if !opus.Available {
		tb.Skip("built without cgo: there is no Opus codec")
	}
}

func newEncoder(tb testing.TB, change ...func(*opus.Config)) *opus.Encoder {
	tb.Helper()
	cfg := opus.Default()
	for _, c := range change {
		c(&cfg)
	}
	e, err := opus.NewEncoder(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	return e
}

func newDecoder(tb testing.TB) *opus.Decoder {
	tb.Helper()
	d, err := opus.NewDecoder()
	if err != nil {
		tb.Fatal(err)
	}
	return d
}

// voice is 20 ms, the nth, of something like a vowel: a pulse of 140 Hz with
// the first harmonics, whose loudness changes like syllables do.
func voice(n int) *[audio.PacketSamples]int16 {
	var pcm [audio.PacketSamples]int16
	for i := range pcm {
		at := float64(n*len(pcm)+i) / audio.SampleRate
		loud := 4000 * (1.2 + math.Sin(2*math.Pi*3*at))
		sum := 0.0
		for k := 1; k <= 12; k++ {
			sum += math.Sin(2*math.Pi*140*float64(k)*at+float64(k*k)) / float64(k)
		}
		pcm[i] = int16(loud * sum)
	}
	return &pcm
}

// speak is n packets of voice.
func speak(tb testing.TB, e *opus.Encoder, n int) [][]byte {
	tb.Helper()
	var all [][]byte
	for i := range n {
		out := make([]byte, opus.MaxPacket)
		size, err := e.Encode(voice(i), out)
		if err != nil {
			tb.Fatal(err)
		}
		all = append(all, out[:size])
	}
	return all
}

func TestWithoutCgoThereIsNoCodec(t *testing.T) {
	if opus.Available {
		t.Skip("this build has a codec")
	}
	if _, err := opus.NewEncoder(opus.Default()); !errors.Is(err, opus.ErrNoCodec) {
		t.Errorf("NewEncoder: %v", err)
	}
	if _, err := opus.NewDecoder(); !errors.Is(err, opus.ErrNoCodec) {
		t.Errorf("NewDecoder: %v", err)
	}
}

func TestVersionNamesTheLibrary(t *testing.T) {
	needCodec(t)
	if v := opus.Version(); !strings.HasPrefix(v, "libopus ") {
		t.Errorf("version %q", v)
	}
	t.Log(opus.Version())
}

func TestSoundSurvivesTheCodec(t *testing.T) {
	needCodec(t)
	e, d := newEncoder(t), newDecoder(t)
	var heard []int16
	pcm := make([]int16, opus.MaxSamples)
	bytes := 0
	for n, p := range speak(t, e, 100) {
		bytes += len(p)
		samples, err := opus.Samples(p)
		if err != nil || samples != audio.PacketSamples {
			t.Fatalf("packet %d has %d samples (%v)", n, samples, err)
		}
		got, err := d.Decode(p, pcm)
		if err != nil || got != samples {
			t.Fatalf("packet %d decodes to %d samples (%v)", n, got, err)
		}
		heard = append(heard, pcm[:got]...)
	}
	var said []int16
	for n := range 100 {
		said = append(said, voice(n)[:]...)
	}
	for _, hz := range []float64{140, 280, 420} {
		a, b := audio.ToneLevel(said[48000:], hz), audio.ToneLevel(heard[48000:], hz)
		if b < a*0.8 || b > a*1.25 {
			t.Errorf("%v Hz went in at %.3f and came out at %.3f", hz, a, b)
		}
	}
	if kbit := float64(bytes) * 8 / 2000; kbit > 40 {
		t.Errorf("%.1f kbit/s, want about 32", kbit)
	}
}

func TestALostPacketIsRecoveredFromTheNext(t *testing.T) {
	needCodec(t)
	packets := speak(t, newEncoder(t, func(c *opus.Config) { c.PacketLoss = 20 }), 60)
	redundant := 0
	for _, p := range packets {
		if n := opus.Redundancy(p); n == audio.PacketSamples {
			redundant++
		} else if n != 0 {
			t.Fatalf("redundancy of %d samples", n)
		}
	}
	if redundant < 40 {
		t.Fatalf("%d of 60 packets hold redundancy, want nearly all", redundant)
	}
	// The error in the lost packet, with and without the next one's help.
	lost := func(rescue bool) (e float64) {
		whole, d := newDecoder(t), newDecoder(t)
		want, got := make([]int16, opus.MaxSamples), make([]int16, opus.MaxSamples)
		for i, p := range packets {
			if _, err := whole.Decode(p, want); err != nil {
				t.Fatal(err)
			}
			switch {
			case i < 20 || i%5 != 4 || i+1 == len(packets) || opus.Redundancy(packets[i+1]) == 0:
				if _, err := d.Decode(p, got); err != nil {
					t.Fatal(err)
				}
				continue
			case rescue:
				if n, err := d.Recover(packets[i+1], got); err != nil || n != audio.PacketSamples {
					t.Fatalf("recovered %d samples (%v)", n, err)
				}
			default:
				if err := d.Conceal(got[:audio.PacketSamples]); err != nil {
					t.Fatal(err)
				}
			}
			for k := range audio.PacketSamples {
				diff := float64(want[k]) - float64(got[k])
				e += diff * diff
			}
		}
		return e
	}
	if recovered, concealed := lost(true), lost(false); recovered > concealed {
		t.Errorf("error %.3g recovered, %.3g concealed: recovery does not help", recovered, concealed)
	}
}

func TestWithoutRedundancyNothingIsRecovered(t *testing.T) {
	needCodec(t)
	e := newEncoder(t)
	if err := e.SetRedundancy(false); err != nil {
		t.Fatal(err)
	}
	d := newDecoder(t)
	for i, p := range speak(t, e, 20) {
		if n, err := d.Recover(p, make([]int16, opus.MaxSamples)); n != 0 || err != nil {
			t.Fatalf("packet %d: recovered %d samples (%v)", i, n, err)
		}
	}
	if err := e.SetRedundancy(true); err != nil {
		t.Fatal(err)
	}
}

func TestResetForgetsTheSound(t *testing.T) {
	needCodec(t)
	e := newEncoder(t)
	speak(t, e, 20)
	if err := e.Reset(); err != nil {
		t.Fatal(err)
	}
	out := make([]byte, opus.MaxPacket)
	n, err := e.Encode(&[audio.PacketSamples]int16{}, out)
	if err != nil {
		t.Fatal(err)
	}
	pcm := make([]int16, opus.MaxSamples)
	d := newDecoder(t)
	if _, err := d.Decode(out[:n], pcm); err != nil {
		t.Fatal(err)
	}
	if level := audio.DBFS(pcm[:audio.PacketSamples]); level > -80 {
		t.Errorf("silence after Reset decodes to %.0f dBFS", level)
	}
	if opus.Redundancy(out[:n]) != 0 {
		t.Error("the first packet after Reset holds redundancy")
	}
	if err := d.Reset(); err != nil {
		t.Error(err)
	}
}

func TestSettings(t *testing.T) {
	needCodec(t)
	e, d := newEncoder(t), newDecoder(t)
	for name, tt := range map[string]struct {
		err error
		ok  bool
	}{
		"the least bitrate is accepted":        {e.SetBitrate(opus.MinBitrate), true},
		"the most is accepted":                 {e.SetBitrate(opus.MaxBitrate), true},
		"less is refused":                      {e.SetBitrate(opus.MinBitrate - 1), false},
		"complexity 10 is accepted":            {e.SetComplexity(10), true},
		"complexity 11 is refused":             {e.SetComplexity(11), false},
		"loss of 100 % is accepted":            {e.SetPacketLoss(100), true},
		"loss below 0 is refused":              {e.SetPacketLoss(-1), false},
		"a decoder's complexity 5 is accepted": {d.SetComplexity(5), true},
		"a decoder's complexity 11 is refused": {d.SetComplexity(11), false},
	} {
		t.Run(name, func(t *testing.T) {
			if (tt.err == nil) != tt.ok {
				t.Errorf("error %v", tt.err)
			}
		})
	}
	if _, err := e.Encode(voice(0), make([]byte, opus.MaxPacket)); err != nil {
		t.Errorf("encoding after all this: %v", err)
	}
	if _, err := e.Encode(voice(0), nil); err == nil {
		t.Error("encoding into no room was accepted")
	}
}

func TestAllMistakesOfAConfigurationAreNamed(t *testing.T) {
	err := opus.Config{Bitrate: 1, Complexity: 11, PacketLoss: 101}.Validate()
	for _, key := range []string{"bitrate", "complexity", "packet_loss"} {
		if err == nil || !strings.Contains(err.Error(), key+": ") {
			t.Errorf("error %v does not name %s", err, key)
		}
	}
	if opus.Available {
		if _, err := opus.NewEncoder(opus.Config{}); err == nil {
			t.Error("an empty configuration was accepted")
		}
	}
}

func TestConcealTakesWholePieces(t *testing.T) {
	needCodec(t)
	d := newDecoder(t)
	for n, ok := range map[int]bool{0: false, 1: false, 119: false, 120: true, 480: true, 960: true, 5760: true, 5880: false} {
		if err := d.Conceal(make([]int16, n)); (err == nil) != ok {
			t.Errorf("%d samples: %v", n, err)
		}
	}
}

// TestSamples checks the framing rules of RFC 6716, section 3.4. A first byte of
// 08 to 0b announces SILK frames of 20 ms.
func TestSamples(t *testing.T) {
	for name, tt := range map[string]struct {
		packet string
		want   int // 0: malformed
	}{
		"one frame of 20 ms":                           {"0800", 960},
		"one empty frame":                              {"08", 960},
		"one frame of 60 ms":                           {"1800", 2880},
		"one frame of 2.5 ms":                          {"80ff", 120},
		"a hybrid frame of 10 ms":                      {"6000", 480},
		"two equal frames":                             {"090102", 1920},
		"two frames, an odd number of bytes":           {"09010203", 0},
		"two frames with a size":                       {"0a01aabb", 1920},
		"two frames, the first larger than the packet": {"0a05aabb", 0},
		"two frames without a size":                    {"0a", 0},
		"two frames, half a size":                      {"0afc", 0},
		"three equal frames":                           {"0b03aabbcc", 2880},
		"three frames in four bytes":                   {"0b03aabbccdd", 0},
		"six frames of 20 ms":                          {"0b06aabbccddeeff", 5760},
		"seven frames of 20 ms are over 120 ms":        {"0b07aabbccddeeff00", 0},
		"48 frames of 2.5 ms":                          {"8330" + strings.Repeat("00", 48), 5760},
		"no frames":                                    {"0b00", 0},
		"no count":                                     {"0b", 0},
		"two frames of two sizes":                      {"0b8201aabbcc", 1920},
		"sizes that exceed the packet":                 {"0b8209aabbcc", 0},
		"sizes missing":                                {"0b83", 0},
		"one frame with its size left out":             {"0b81aabb", 960},
		"padding":                                      {"0b4102aa0000", 960},
		"padding without an end":                       {"0b41ff", 0},
		"more padding than packet":                     {"0b41ffff10aa", 0},
		"nothing":                                      {"", 0},
	} {
		t.Run(name, func(t *testing.T) {
			packet, err := hex.DecodeString(tt.packet)
			if err != nil {
				t.Fatal(err)
			}
			got, err := opus.Samples(packet)
			if got != tt.want || (err == nil) != (tt.want > 0) || err != nil && !errors.Is(err, opus.ErrMalformed) {
				t.Errorf("%d samples (%v), want %d", got, err, tt.want)
			}
		})
	}
}

func TestComfortPackets(t *testing.T) {
	for size, want := range map[int]bool{0: false, 1: true, 2: true, 3: false} {
		if got := opus.IsComfort(make([]byte, size)); got != want {
			t.Errorf("%d bytes: %v, want %v", size, got, want)
		}
	}
}

func TestTheCodecDoesNotAllocate(t *testing.T) {
	needCodec(t)
	e, d := newEncoder(t), newDecoder(t)
	pcm, out := voice(3), make([]byte, opus.MaxPacket)
	sound := make([]int16, opus.MaxSamples)
	if got := testing.AllocsPerRun(50, func() {
		n, err := e.Encode(pcm, out)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.Decode(out[:n], sound); err != nil {
			t.Fatal(err)
		}
		if err := d.Conceal(sound[:480]); err != nil {
			t.Fatal(err)
		}
		if _, err := d.Recover(out[:n], sound); err != nil {
			t.Fatal(err)
		}
	}); got != 0 {
		t.Errorf("%v allocations, want none", got)
	}
}

// FuzzDecode gives arbitrary packets to a decoder that has heard some speech:
// what Samples accepts decodes to just that many, and what it refuses is
// refused.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{"", "08", "0800", "0b4102aa0000", "0a01aabb", "80ff"} {
		b, err := hex.DecodeString(seed)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	var speech [][]byte
	if opus.Available {
		speech = speak(f, newEncoder(f), 20)
		for _, p := range speech[10:] {
			f.Add(p)
		}
	}
	pcm := make([]int16, opus.MaxSamples)
	f.Fuzz(func(t *testing.T, packet []byte) {
		want, wrong := opus.Samples(packet)
		redundant := opus.Redundancy(packet)
		if wrong != nil && redundant != 0 || redundant > 2880 || want < 0 || want > opus.MaxSamples {
			t.Fatalf("%d samples (%v), redundancy of %d", want, wrong, redundant)
		}
		if !opus.Available {
			return
		}
		d := newDecoder(t)
		for _, p := range speech[:3] {
			if _, err := d.Decode(p, pcm); err != nil {
				t.Fatal(err)
			}
		}
		if n, err := d.Recover(packet, pcm); err == nil && n != redundant {
			t.Errorf("recovered %d samples, %d expected", n, redundant)
		}
		n, err := d.Decode(packet, pcm)
		switch {
		case wrong != nil && !errors.Is(err, opus.ErrMalformed):
			t.Errorf("decoded %d samples (%v) of a malformed packet: %v", n, err, wrong)
		case wrong == nil && (err != nil || n != want):
			t.Errorf("decoded %d samples (%v), want %d", n, err, want)
		}
		if err := d.Conceal(pcm[:960]); err != nil {
			t.Error(err)
		}
	})
}

func BenchmarkEncode(b *testing.B) {
	needCodec(b)
	for _, complexity := range []int{0, 5, 10} {
		b.Run(map[int]string{0: "complexity 0", 5: "complexity 5", 10: "complexity 10"}[complexity], func(b *testing.B) {
			e := newEncoder(b, func(c *opus.Config) { c.Complexity = complexity })
			out := make([]byte, opus.MaxPacket)
			var pcm [50]*[audio.PacketSamples]int16
			for i := range pcm {
				pcm[i] = voice(i)
			}
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				if _, err := e.Encode(pcm[n%len(pcm)], out); err != nil {
					b.Fatal(err)
				}
				n++
			}
		})
	}
}

func BenchmarkDecode(b *testing.B) {
	needCodec(b)
	packets := speak(b, newEncoder(b), 50)
	pcm := make([]int16, opus.MaxSamples)
	for name, step := range map[string]func(d *opus.Decoder, p []byte) error{
		"packet": func(d *opus.Decoder, p []byte) error { _, err := d.Decode(p, pcm); return err },
		"lost, concealed": func(d *opus.Decoder, p []byte) error {
			if _, err := d.Decode(p, pcm); err != nil {
				return err
			}
			return d.Conceal(pcm[:audio.PacketSamples])
		},
		"lost, recovered": func(d *opus.Decoder, p []byte) error {
			if _, err := d.Recover(p, pcm); err != nil {
				return err
			}
			_, err := d.Decode(p, pcm)
			return err
		},
	} {
		b.Run(name, func(b *testing.B) {
			d := newDecoder(b)
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				if err := step(d, packets[n%len(packets)]); err != nil {
					b.Fatal(err)
				}
				n++
			}
		})
	}
}
