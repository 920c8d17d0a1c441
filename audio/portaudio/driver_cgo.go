//go:build cgo

package portaudio

/*
#cgo pkg-config: portaudio-2.0 alsa
#cgo LDFLAGS: -ldl
#include "card.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"os"
	"runtime/cgo"
	"sync"
	"time"
	"unsafe"

	"github.com/gordonklaus/portaudio"

	"hailpoint/audio"
)

// library is held by whoever is in a call that reads or changes PortAudio's
// global state, which no lock of its own protects: the list of devices and
// that of open streams.
var library = make(chan struct{}, 1)

// prepare makes the process fit for PortAudio. It must come before the first
// Pa_Initialize and under library.
var prepare = sync.OnceValue(func() error {
	// A sound server is started by whoever runs the machine, not by us.
	if _, set := os.LookupEnv("JACK_NO_START_SERVER"); !set {
		if err := os.Setenv("JACK_NO_START_SERVER", "1"); err != nil {
			return fmt.Errorf("set JACK_NO_START_SERVER: %w", err)
		}
	}
	C.hailpoint_quiet()
	return nil
})

// initialize is Pa_Initialize, made ready for. It must be under library, and
// every success be followed by one portaudio.Terminate.
func initialize() error {
	if err := prepare(); err != nil {
		return err
	}
	if err := portaudio.Initialize(); err != nil {
		return fmt.Errorf("initialize PortAudio: %w (is a sound server half way up? it is tried again)", err)
	}
	return nil
}

// listTime bounds Devices. A sound server that is up answers in 0.3 s.
const listTime = 10 * time.Second

// Devices lists the sound devices. While a Stream is open they are those of
// the moment it was opened, because PortAudio keeps its list. It takes some
// 0.1 s as every device is probed, and returns an error with ErrHung when the
// sound system does not answer within 10 s.
func Devices() ([]DeviceInfo, error) {
	timeout := time.NewTimer(listTime)
	defer timeout.Stop()
	hung := fmt.Errorf("list the sound devices: %w within %v (restart the sound server)", ErrHung, listTime)
	select {
	case library <- struct{}{}:
	case <-timeout.C:
		return nil, hung
	}
	type answer struct {
		devices []DeviceInfo
		err     error
	}
	answers := make(chan answer, 1)
	go func() {
		defer func() { <-library }()
		devices, err := probe()
		answers <- answer{devices, err}
	}()
	select {
	case a := <-answers:
		return a.devices, a.err
	case <-timeout.C:
		return nil, hung
	}
}

// probe lists the devices of a PortAudio of its own.
func probe() (devices []DeviceInfo, err error) {
	if err := initialize(); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, portaudio.Terminate()) }()
	return list()
}

// list is the devices PortAudio knows, at their PortAudio indexes.
func list() ([]DeviceInfo, error) {
	found, err := portaudio.Devices()
	if err != nil {
		return nil, fmt.Errorf("list the sound devices: %w", err)
	}
	devices := make([]DeviceInfo, len(found))
	for i, d := range found {
		devices[i] = DeviceInfo{
			Name:          d.Name,
			HostAPI:       d.HostApi.Name,
			Inputs:        d.MaxInputChannels,
			Outputs:       d.MaxOutputChannels,
			DefaultInput:  d.HostApi.DefaultInputDevice == d,
			DefaultOutput: d.HostApi.DefaultOutputDevice == d,
		}
	}
	return devices, nil
}

// native is the driver that is PortAudio.
type native struct{}

func newDriver() driver { return native{} }

// card is the connection to an open PortAudio stream.
type card struct {
	stream  unsafe.Pointer // *PaStream
	handle  cgo.Handle     // of exchange, for hailpointBlock
	in, out time.Duration
}

func (native) open(config Config, exchange exchange) (connection, error) {
	library <- struct{}{}
	defer func() { <-library }()
	if err := initialize(); err != nil {
		return nil, err
	}
	c, err := openCard(config, exchange)
	if err != nil {
		return nil, errors.Join(err, portaudio.Terminate())
	}
	return c, nil
}

func openCard(config Config, exchange exchange) (*card, error) {
	devices, err := list()
	if err != nil {
		return nil, err
	}
	in, out, err := choose(devices, config.Input, config.Output)
	if err != nil {
		return nil, err
	}
	c := &card{handle: cgo.NewHandle(exchange)}
	var stream unsafe.Pointer
	attempt := fmt.Sprintf("open microphone %q and speaker %q with %v of latency", devices[in].Name, devices[out].Name, config.Latency)
	code := C.hailpoint_open(&stream, C.int(in), C.int(out), C.double(config.Latency.Seconds()),
		audio.SampleRate, audio.FrameSamples, C.uintptr_t(c.handle)) //nolint:gocritic // finds 0 == 0 in the code cgo makes of this
	if code != C.paNoError {
		c.handle.Delete()
		return nil, fmt.Errorf("%s: %w", attempt, explain(code))
	}
	c.stream = stream
	if code := C.Pa_StartStream(c.stream); code != C.paNoError {
		err := fmt.Errorf("%s: start: %w", attempt, explain(code))
		C.Pa_CloseStream(c.stream)
		c.handle.Delete()
		return nil, err
	}
	if info := C.Pa_GetStreamInfo(c.stream); info != nil {
		c.in, c.out = seconds(info.inputLatency), seconds(info.outputLatency)
	}
	return c, nil
}

func (c *card) latency() (in, out time.Duration) { return c.in, c.out }

// close does not take library for the calls that may hang, so that others can
// go on. That is safe with one Stream in a process: while the library is
// initialized for this card, Terminate elsewhere leaves its stream alone.
func (c *card) close(abort bool) error {
	var errs []error
	if abort {
		// On ALSA this is pthread_cancel, which ends the thread where it waits
		// in PortAudio. Go code has no cancellation points (pthreads(7)), so a
		// block that is running is not cut short. Errors say only what is
		// known: that the stream was broken.
		C.Pa_AbortStream(c.stream)
	} else if code := C.Pa_StopStream(c.stream); code != C.paNoError {
		errs = append(errs, fmt.Errorf("stop sound: %w", explain(code)))
	}
	if code := C.Pa_CloseStream(c.stream); code != C.paNoError {
		errs = append(errs, fmt.Errorf("close sound: %w", explain(code)))
	}
	c.handle.Delete()
	library <- struct{}{}
	defer func() { <-library }()
	if err := portaudio.Terminate(); err != nil {
		errs = append(errs, fmt.Errorf("terminate PortAudio: %w", err))
	}
	return errors.Join(errs...)
}

// explain is the error of the last PortAudio call, with what to try.
func explain(code C.PaError) error {
	if code == C.paUnanticipatedHostError {
		if info := C.Pa_GetLastHostErrorInfo(); info != nil && info.errorText != nil {
			return fmt.Errorf("the sound system says %q (is the sound server up? is the card still there?)", C.GoString(info.errorText))
		}
	}
	err := portaudio.Error(code)
	if err == portaudio.DeviceUnavailable {
		return fmt.Errorf("%w (another program may hold the card: stop it, or use the default device)", err)
	}
	if err == portaudio.InvalidSampleRate || err == portaudio.SampleFormatNotSupported || err == portaudio.InvalidChannelCount {
		return fmt.Errorf("%w (the card does not do %d Hz mono by itself: use the default device)", err, audio.SampleRate)
	}
	return err
}

// seconds converts a PaTime.
func seconds[T ~float64](t T) time.Duration { return time.Duration(float64(t) * float64(time.Second)) }

// hailpointBlock receives every block of every open stream, on a thread of
// the sound system.
//
//export hailpointBlock
func hailpointBlock(handle C.uintptr_t, in, out unsafe.Pointer, frames C.ulong, overflow, underflow C.int, delay C.double) {
	if in == nil || out == nil || frames != audio.FrameSamples {
		return // not seen: the stream has both directions and a fixed size
	}
	cgo.Handle(handle).Value().(exchange)((*audio.Frame)(in), (*audio.Frame)(out), note{
		overflow:  overflow != 0,
		underflow: underflow != 0,
		delay:     seconds(delay),
	})
}
