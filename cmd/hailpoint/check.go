package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"hailpoint/audio/opus"
	"hailpoint/audio/portaudio"
	buildinfo "hailpoint/cmd/internal/version"
	"hailpoint/device/gpio"
)

// check looks for mistakes in a configuration, and says what it would use.
func check(args []string, stdout io.Writer) error {
	o, err := parseOptions("check", args)
	if err != nil {
		return err
	}
	cfg, err := o.load()
	if err != nil {
		return err
	}
	e := examination{cfg: cfg}
	e.mqtt()
	e.call()
	e.rtc()
	e.panel()
	if len(e.mistakes) > 0 {
		return configError{errors.Join(e.mistakes...)}
	}
	_, err = fmt.Fprintf(stdout, "%s: configuration is good\n%s", cfg.ID, strings.Join(append(e.notes, ""), "\n"))
	return err
}

// devices lists what a configuration can name.
func devices(args []string, stdout io.Writer) error {
	if _, err := operands(newFlags("devices"), args, 0); err != nil {
		return err
	}
	found, err := portaudio.Devices()
	switch {
	case err != nil:
		_, _ = fmt.Fprintf(stdout, "sound: %v\n", err)
	case len(found) == 0:
		_, _ = fmt.Fprintln(stdout, "sound: there is no sound card")
	default:
		_, _ = fmt.Fprintln(stdout, "sound ([audio] input and output):")
		for _, d := range found {
			_, _ = fmt.Fprintf(stdout, "  %s\n", soundLine(d))
		}
	}
	names, err := gpio.Lines()
	if err != nil {
		_, _ = fmt.Fprintf(stdout, "lines: %v\n", err)
		return nil
	}
	_, err = fmt.Fprintf(stdout, "lines ([[button]] and [[led]] line):\n  %s\n", strings.Join(names, " "))
	return err
}

// soundLine describes one sound device.
func soundLine(d portaudio.DeviceInfo) string {
	var can []string
	if d.Inputs > 0 {
		can = append(can, "microphone")
	}
	if d.Outputs > 0 {
		can = append(can, "speaker")
	}
	if d.DefaultInput {
		can = append(can, "default input")
	}
	if d.DefaultOutput {
		can = append(can, "default output")
	}
	return fmt.Sprintf("%q (%s: %s)", d.Name, d.HostAPI, strings.Join(can, ", "))
}

// version says what this is made of.
func version(stdout io.Writer) error {
	_, err := fmt.Fprintf(stdout, "hailpoint %s, %s\n", buildinfo.Full(), opus.Version())
	return err
}
