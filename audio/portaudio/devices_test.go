package portaudio

import (
	"errors"
	"strings"
	"testing"
)

func TestChoose(t *testing.T) {
	devices := []DeviceInfo{
		{Name: "USB: Mic (hw:1,0)", HostAPI: "ALSA", Inputs: 1},
		{Name: "HDMI (hw:0,3)", HostAPI: "ALSA", Outputs: 8},
		{Name: "system", HostAPI: "ALSA", Inputs: 2, Outputs: 2},
		{Name: "default", HostAPI: "ALSA", Inputs: 32, Outputs: 32, DefaultInput: true, DefaultOutput: true},
		{Name: "system", HostAPI: "JACK", Inputs: 2, Outputs: 2, DefaultInput: true, DefaultOutput: true},
		{Name: "synth", HostAPI: "JACK", Inputs: 2},
	}
	for name, tt := range map[string]struct {
		devices       []DeviceInfo
		input, output string
		in, out       int
		err           error    // expected, by errors.Is
		says          []string // expected in the error
	}{
		"default means the sound system's default": {devices: devices, input: "default", output: "default", in: 3, out: 3},
		"a name means the device of that name":     {devices: devices, input: "USB: Mic (hw:1,0)", output: "HDMI (hw:0,3)", in: 0, out: 1},
		"microphone and speaker come from one sound system": {
			devices: devices, input: "synth", output: "system", in: 5, out: 4,
		},
		"a default adapts to the sound system of the other name": {
			devices: devices, input: "synth", output: "default", in: 5, out: 4,
		},
		"a name of two sound systems is that of the first": {
			devices: devices, input: "system", output: "system", in: 2, out: 2,
		},
		"two sound systems cannot be mixed": {
			devices: devices, input: "synth", output: "HDMI (hw:0,3)", says: []string{"synth", "JACK", "HDMI", "ALSA"},
		},
		"a speaker is not a microphone": {
			devices: devices, input: "HDMI (hw:0,3)", output: "default", err: ErrNoMicrophone, says: []string{"output-only", `"USB: Mic (hw:1,0)"`},
		},
		"a microphone is not a speaker": {
			devices: devices, input: "default", output: "USB: Mic (hw:1,0)", err: ErrNoSpeaker, says: []string{"input-only", `"HDMI (hw:0,3)"`},
		},
		"a name must be exact": {
			devices: devices, input: "USB: Mic", output: "default", err: ErrNoMicrophone, says: []string{"not connected", `"USB: Mic (hw:1,0)"`},
		},
		"a terminal without microphone says so": {
			devices: devices[1:2], input: "default", output: "HDMI (hw:0,3)", err: ErrNoMicrophone, says: []string{"connect one"},
		},
		"a terminal without speaker says so": {
			devices: devices[:1], input: "USB: Mic (hw:1,0)", output: "default", err: ErrNoSpeaker, says: []string{"connect one"},
		},
		"without any card both are missing: the microphone": {input: "default", output: "default", err: ErrNoMicrophone, says: []string{"no speaker"}},
		"without any card both are missing: the speaker":    {input: "default", output: "default", err: ErrNoSpeaker, says: []string{"no microphone"}},
	} {
		t.Run(name, func(t *testing.T) {
			in, out, err := choose(tt.devices, tt.input, tt.output)
			if tt.err == nil && tt.says == nil {
				if err != nil || in != tt.in || out != tt.out {
					t.Errorf("choose: %d, %d, %v; want %d, %d", in, out, err, tt.in, tt.out)
				}
				return
			}
			if err == nil || tt.err != nil && !errors.Is(err, tt.err) {
				t.Fatalf("choose: %d, %d, %v; want an error that is %v", in, out, err, tt.err)
			}
			for _, s := range tt.says {
				if !strings.Contains(err.Error(), s) {
					t.Errorf("error %q does not say %q", err, s)
				}
			}
		})
	}
}
