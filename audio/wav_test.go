package audio_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"slices"
	"strings"
	"testing"

	"hailpoint/audio"
)

// chunk is one chunk of a RIFF file, padded to an even length.
func chunk(id string, body []byte) []byte {
	b := append([]byte(id), binary.LittleEndian.AppendUint32(nil, uint32(len(body)))...)
	b = append(b, body...)
	if len(body)%2 == 1 {
		b = append(b, 0)
	}
	return b
}

// format is the body of a format chunk.
func format(tag, channels, rate, bits int, extra ...byte) []byte {
	le := binary.LittleEndian
	b := le.AppendUint16(nil, uint16(tag))
	b = le.AppendUint16(b, uint16(channels))
	b = le.AppendUint32(b, uint32(rate))
	b = le.AppendUint32(b, uint32(rate*channels*bits/8))
	b = le.AppendUint16(b, uint16(channels*bits/8))
	b = le.AppendUint16(b, uint16(bits))
	return append(b, extra...)
}

func samples(values ...int16) []byte {
	var b []byte
	for _, v := range values {
		b = binary.LittleEndian.AppendUint16(b, uint16(v))
	}
	return b
}

func riff(chunks ...[]byte) []byte {
	body := append([]byte("WAVE"), bytes.Join(chunks, nil)...)
	return append(append([]byte("RIFF"), binary.LittleEndian.AppendUint32(nil, uint32(len(body)))...), body...)
}

func TestReadWAV(t *testing.T) {
	mono := format(1, 1, 48000, 16)
	extensible := format(0xfffe, 1, 48000, 16,
		22, 0, 16, 0, 4, 0, 0, 0, 1, 0, 0, 0, 0, 0, 16, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71)
	for name, tt := range map[string]struct {
		file []byte
		want []int16
	}{
		"mono":                            {riff(chunk("fmt ", mono), chunk("data", samples(1, -2, 3))), []int16{1, -2, 3}},
		"stereo is averaged":              {riff(chunk("fmt ", format(1, 2, 48000, 16)), chunk("data", samples(10, 20, -5, -7))), []int16{15, -6}},
		"no samples":                      {riff(chunk("fmt ", mono), chunk("data", nil)), []int16{}},
		"other chunks are skipped":        {riff(chunk("LIST", []byte("odd")), chunk("fmt ", mono), chunk("fact", nil), chunk("data", samples(4))), []int16{4}},
		"chunks after the data are left":  {riff(chunk("fmt ", mono), chunk("data", samples(4)), chunk("LIST", []byte("x"))), []int16{4}},
		"an extensible format":            {riff(chunk("fmt ", extensible), chunk("data", samples(5))), []int16{5}},
		"a length not known when written": {riff(chunk("fmt ", mono), append([]byte("data\xff\xff\xff\xff"), samples(6, 7)...)), []int16{6, 7}},
		"half a sample at the end":        {riff(chunk("fmt ", mono), append([]byte("data\xff\xff\xff\xff"), 1, 0, 2)), []int16{1}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := audio.ReadWAV(bytes.NewReader(tt.file))
			if err != nil || !slices.Equal(got, tt.want) {
				t.Errorf("%v (%v), want %v", got, err, tt.want)
			}
		})
	}
}

func TestReadWAVRefuses(t *testing.T) {
	mono := format(1, 1, 48000, 16)
	for name, tt := range map[string]struct {
		file []byte
		says string
	}{
		"an empty file":            {nil, "header"},
		"another kind of file":     {[]byte("OggS and what follows"), "convert"},
		"no data":                  {riff(chunk("fmt ", mono)), "no data chunk"},
		"data before the format":   {riff(chunk("data", samples(1))), "before the format"},
		"compressed sound":         {riff(chunk("fmt ", format(0x55, 1, 48000, 0)), chunk("data", nil)), "0x55"},
		"24 bits":                  {riff(chunk("fmt ", format(1, 1, 48000, 24)), chunk("data", nil)), "24 bits"},
		"three channels":           {riff(chunk("fmt ", format(1, 3, 48000, 16)), chunk("data", nil)), "3 channels"},
		"no channels":              {riff(chunk("fmt ", format(1, 0, 48000, 16)), chunk("data", nil)), "0 channels"},
		"a rate of 0":              {riff(chunk("fmt ", format(1, 1, 0, 16)), chunk("data", nil)), "rate 0"},
		"a rate out of all bounds": {riff(chunk("fmt ", format(1, 1, 1<<30, 16)), chunk("data", nil)), "rate"},
		"a short format":           {riff(chunk("fmt ", mono[:10])), "10 bytes"},
		"a format that ends early": {riff([]byte("fmt \xff\x00\x00\x00\x01")), "unexpected EOF"},
		"a chunk that ends early":  {riff([]byte("LIST\xff\x00\x00\x00\x01")), "unexpected EOF"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := audio.ReadWAV(bytes.NewReader(tt.file)); err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("error %v, want one that says %q", err, tt.says)
			}
		})
	}
}

// endless is a file that never ends.
type endless struct{}

func (endless) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestReadWAVStopsAtItsLimit(t *testing.T) {
	if testing.Short() {
		t.Skip("reads ten minutes of sound")
	}
	head := riff(chunk("fmt ", format(1, 1, 4000, 16)), []byte("data\xff\xff\xff\xff"))
	if _, err := audio.ReadWAV(io.MultiReader(bytes.NewReader(head), endless{})); !errors.Is(err, audio.ErrTooLong) {
		t.Errorf("error %v, want ErrTooLong", err)
	}
}

func TestWriteWAVIsReadBack(t *testing.T) {
	want := []int16{0, 1, -1, math.MaxInt16, math.MinInt16}
	var file bytes.Buffer
	if err := audio.WriteWAV(&file, want); err != nil {
		t.Fatal(err)
	}
	got, err := audio.ReadWAV(&file)
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%v (%v), want %v", got, err, want)
	}
}

type full struct{}

var errDisk = errors.New("no space left on device")

func (full) Write([]byte) (int, error) { return 0, errDisk }

func TestWriteWAVSaysWhyItCannot(t *testing.T) {
	if err := audio.WriteWAV(full{}, []int16{1}); !errors.Is(err, errDisk) {
		t.Errorf("error %v, want %v", err, errDisk)
	}
}

func FuzzReadWAV(f *testing.F) {
	f.Add(riff(chunk("fmt ", format(1, 1, 48000, 16)), chunk("data", samples(1, 2, 3))))
	f.Add(riff(chunk("fmt ", format(1, 2, 8000, 16)), chunk("LIST", []byte("abc")), chunk("data", samples(1, 2, 3, 4))))
	f.Add(riff(chunk("fmt ", format(1, 1, 44100, 16)), append([]byte("data\xff\xff\xff\xff"), 1, 2, 3)))
	f.Fuzz(func(t *testing.T, file []byte) {
		got, err := audio.ReadWAV(bytes.NewReader(file))
		if err != nil && got != nil {
			t.Error("an error and sound")
		}
		if most := len(file)/2*48000/4000 + 48; len(got) > most {
			t.Errorf("%d samples from %d bytes, at most %d expected", len(got), len(file), most)
		}
	})
}

func TestResample(t *testing.T) {
	for _, rates := range [][2]int{
		{8000, 48000}, {16000, 48000}, {22050, 48000}, {44100, 48000}, {96000, 48000}, {48000, 10000}, {48000, 48000}, {47999, 48000},
	} {
		in := make([]int16, rates[0])
		for i := range in {
			in[i] = int16(8000 * math.Sin(2*math.Pi*1000*float64(i)/float64(rates[0])))
		}
		out := audio.Resample(in, rates[0], rates[1])
		if d := len(out) - rates[1]; d < -1 || d > 1 {
			t.Errorf("%v: %d samples of one second", rates, len(out))
		}
		var worst float64
		for i := rates[1] / 10; i < rates[1]*9/10; i++ {
			want := 8000 * math.Sin(2*math.Pi*1000*float64(i)/float64(rates[1]))
			worst = max(worst, math.Abs(float64(out[i])-want))
		}
		if worst > 4 { // -66 dB
			t.Errorf("%v: off by up to %.1f of 8000", rates, worst)
		}
	}
}

func TestResampleLeavesOutWhatWouldFold(t *testing.T) {
	in := make([]int16, 48000)
	for i := range in {
		in[i] = int16(8000 * math.Sin(2*math.Pi*7000*float64(i)/48000))
	}
	if got := audio.DBFS(audio.Resample(in, 48000, 10000)[1000:9000]); got > -80 {
		t.Errorf("7 kHz comes out at %.0f dBFS at a rate of 10 kHz, want nothing", got)
	}
}
