package portaudio

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

var (
	// ErrNoMicrophone is in every fault that says the configured microphone
	// is not there.
	ErrNoMicrophone = errors.New("no microphone")
	// ErrNoSpeaker is in every fault that says the configured speaker is not
	// there.
	ErrNoSpeaker = errors.New("no speaker")
)

// DeviceInfo is one sound device as the sound system offers it. A card may be
// offered several times, under different names.
type DeviceInfo struct {
	Name    string // what Config.Input and Config.Output take
	HostAPI string // the sound system it belongs to, e.g. "ALSA"
	Inputs  int    // capture channels; 0: not a microphone
	Outputs int    // playback channels; 0: not a speaker
	// DefaultInput and DefaultOutput mark what "default" stands for.
	DefaultInput, DefaultOutput bool
}

// isInput and isOutput report whether d is what the configuration's name asks
// for in that direction.
func (d DeviceInfo) isInput(name string) bool {
	return d.Inputs > 0 && (d.Name == name || name == DefaultDevice && d.DefaultInput)
}

func (d DeviceInfo) isOutput(name string) bool {
	return d.Outputs > 0 && (d.Name == name || name == DefaultDevice && d.DefaultOutput)
}

// choose returns the indexes of the microphone and the speaker to open as one
// stream: the first pair with these names in one sound system. The error says
// which is missing and which exist.
func choose(devices []DeviceInfo, input, output string) (in, out int, err error) {
	var missing []error
	ins := matching(devices, func(d DeviceInfo) bool { return d.isInput(input) })
	if len(ins) == 0 {
		missing = append(missing, notFound(ErrNoMicrophone, "audio.input", input, devices, func(d DeviceInfo) bool { return d.Inputs > 0 }))
	}
	outs := matching(devices, func(d DeviceInfo) bool { return d.isOutput(output) })
	if len(outs) == 0 {
		missing = append(missing, notFound(ErrNoSpeaker, "audio.output", output, devices, func(d DeviceInfo) bool { return d.Outputs > 0 }))
	}
	switch len(missing) {
	case 2:
		return 0, 0, fmt.Errorf("%w; %w", missing[0], missing[1])
	case 1:
		return 0, 0, missing[0]
	}
	for _, in := range ins {
		for _, out := range outs {
			if devices[in].HostAPI == devices[out].HostAPI {
				return in, out, nil
			}
		}
	}
	return 0, 0, fmt.Errorf("microphone %q belongs to %s and speaker %q to %s: choose two of the same sound system",
		devices[ins[0]].Name, devices[ins[0]].HostAPI, devices[outs[0]].Name, devices[outs[0]].HostAPI)
}

func matching(devices []DeviceInfo, fits func(DeviceInfo) bool) []int {
	var found []int
	for i, d := range devices {
		if fits(d) {
			found = append(found, i)
		}
	}
	return found
}

// notFound says why the device called name under key cannot be had, and what
// could be had instead.
func notFound(what error, key, name string, devices []DeviceInfo, usable func(DeviceInfo) bool) error {
	why := "is not connected, or not by this name"
	if name == DefaultDevice {
		why = "stands for none"
	}
	var others []string
	for _, d := range devices {
		switch {
		case usable(d):
			others = append(others, strconv.Quote(d.Name))
		case d.Name == name && d.Inputs == 0:
			why = "is output-only"
		case d.Name == name && d.Outputs == 0:
			why = "is input-only"
		}
	}
	if len(others) == 0 {
		return fmt.Errorf("%w: %s %q %s, and there is no other: connect one (is this user in the audio group?)", what, key, name, why)
	}
	return fmt.Errorf("%w: %s %q %s: connect it, or use one of %s", what, key, name, why, strings.Join(others, ", "))
}
