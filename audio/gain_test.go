package audio_test

import (
	"math"
	"testing"

	"hailpoint/audio"
)

// even is a frame as loud as that throughout.
func even(loud int16) *audio.Frame {
	var f audio.Frame
	for i := range f {
		f[i] = loud
	}
	return &f
}

func TestVolumeGain(t *testing.T) {
	for percent, want := range map[int]float32{-5: 0, 0: 0, 10: 0.01, 50: 0.25, 100: 1, 200: 1} {
		if got := audio.VolumeGain(percent); math.Abs(float64(got-want)) > 1e-6 {
			t.Errorf("%d %%: %v, want %v", percent, got, want)
		}
	}
}

func TestSoftClip(t *testing.T) {
	for name, tt := range map[string]struct {
		in   float32
		want int16
	}{
		"silence stays":                   {0, 0},
		"ordinary sound stays":            {12345, 12345},
		"negative sound stays":            {-12345, -12345},
		"the knee itself stays":           {28672, 28672},
		"full scale is bent down":         {32767, 30719},
		"its negative likewise":           {-32767, -30719},
		"infinity is full scale":          {float32(math.Inf(1)), math.MaxInt16},
		"minus infinity is full scale":    {float32(math.Inf(-1)), -math.MaxInt16},
		"what is not a number is silence": {float32(math.NaN()), 0},
	} {
		t.Run(name, func(t *testing.T) {
			if got := audio.SoftClip(tt.in); got != tt.want {
				t.Errorf("SoftClip(%v) = %d, want %d", tt.in, got, tt.want)
			}
		})
	}
	last := audio.SoftClip(-300000)
	for v := -299900; v <= 300000; v += 100 {
		got := audio.SoftClip(float32(v))
		if got < last {
			t.Fatalf("SoftClip(%d) = %d is below %d: the curve falls", v, got, last)
		}
		last = got
	}
}

func TestMix(t *testing.T) {
	for name, tt := range map[string]struct {
		frames   []int16
		from, to float32
		first    int16
		last     int16
	}{
		"nothing is silence":                 {nil, 1, 1, 0, 0},
		"one source passes":                  {[]int16{5000}, 1, 1, 5000, 5000},
		"sources add up":                     {[]int16{5000, -2000, 7}, 1, 1, 3007, 3007},
		"many loud sources do not overflow":  {[]int16{32767, 32767, 32767, 32767}, 1, 1, 32609, 32609},
		"a sum may pass full scale and back": {[]int16{32767, 32767, -32767, -30000}, 1, 1, 2767, 2767},
		"gain applies to the sum":            {[]int16{20000, 20000}, 0.25, 0.25, 10000, 10000},
		"gain changes evenly":                {[]int16{10000}, 1, 0, 10000, 0},
	} {
		t.Run(name, func(t *testing.T) {
			var m audio.Mix
			for _, loud := range tt.frames {
				m.Add(even(loud))
			}
			var out audio.Frame
			m.Render(&out, tt.from, tt.to)
			if out[0] != tt.first || out[479] != tt.last {
				t.Errorf("from %d to %d, want %d to %d", out[0], out[479], tt.first, tt.last)
			}
			for i := 1; i < len(out); i++ {
				if d := int(out[i]) - int(out[i-1]); d > 100 || d < -100 {
					t.Errorf("a step of %d at sample %d", d, i)
				}
			}
		})
	}
}

func TestAddFaded(t *testing.T) {
	var m audio.Mix
	m.AddFaded(even(4800), 0, 1)
	if m[0] != 0 || m[240] < 2399 || m[240] > 2400 || m[479] < 4789 || m[479] > 4790 {
		t.Errorf("%d, %d, %d; want 0, 2400, 4790", m[0], m[240], m[479])
	}
}

func TestLevels(t *testing.T) {
	full := make([]int16, 480)
	sine := make([]int16, 480)
	for i := range full {
		full[i] = math.MaxInt16
		sine[i] = int16(32767 * math.Sin(2*math.Pi*float64(i)/48))
	}
	for name, tt := range map[string]struct {
		samples []int16
		dbfs    float64
		level   int
	}{
		"nothing":                {nil, -100, 0},
		"silence":                {make([]int16, 480), -100, 0},
		"full scale":             {full, 0, 100},
		"a full sine":            {sine, -3.01, 95},
		"half scale":             {even(16384)[:], -6.02, 90},
		"a whisper":              {even(33)[:], -59.9, 0},
		"the least there can be": {even(1)[:], -90.3, 0},
	} {
		t.Run(name, func(t *testing.T) {
			if got := audio.DBFS(tt.samples); math.Abs(got-tt.dbfs) > 0.05 {
				t.Errorf("%.2f dBFS, want %.2f", got, tt.dbfs)
			}
			if got := audio.Level(tt.samples); got != tt.level {
				t.Errorf("level %d, want %d", got, tt.level)
			}
		})
	}
}

func TestToneLevel(t *testing.T) {
	samples := make([]int16, 4800)
	for i := range samples {
		at := 2 * math.Pi * float64(i) / audio.SampleRate
		samples[i] = int16(9830*math.Sin(at*1000+1) + 3277*math.Sin(at*425))
	}
	for hz, want := range map[float64]float64{1000: 0.3, 425: 0.1, 700: 0, 1040: 0, 0: 0} {
		if got := audio.ToneLevel(samples, hz); math.Abs(got-want) > 0.003 {
			t.Errorf("%v Hz at %.4f, want %.2f", hz, got, want)
		}
	}
	if got := audio.TonePurity(samples, 1000); math.Abs(got-0.9) > 0.01 {
		t.Errorf("purity of 1 kHz %.3f, want 0.9", got)
	}
	if audio.ToneLevel(nil, 1000) != 0 || audio.TonePurity(nil, 1000) != 0 || audio.TonePurity(make([]int16, 480), 1000) != 0 {
		t.Error("a tone in nothing")
	}
}
