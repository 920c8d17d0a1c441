//go:build cgo

package opus

/*
// --static adds the mathematics library, which a libopus.a needs after it and a
// libopus.so ignores.
#cgo pkg-config: --static opus
#cgo noescape hp_encode
#cgo nocallback hp_encode
#cgo noescape hp_decode
#cgo nocallback hp_decode
#cgo noescape hp_encoder_set
#cgo nocallback hp_encoder_set
#cgo noescape hp_decoder_set
#cgo nocallback hp_decoder_set
#include <opus.h>

// cgo cannot call variadic functions. The state is passed as bytes, because cgo
// looks for Go pointers in what a void pointer points to, and in all that the
// pointer's object holds besides.

static int hp_encoder_set(unsigned char *state, int request, opus_int32 value) {
	return opus_encoder_ctl((OpusEncoder *)state, request, value);
}

static int hp_encoder_reset(unsigned char *state) {
	return opus_encoder_ctl((OpusEncoder *)state, OPUS_RESET_STATE);
}

static int hp_encoder_init(unsigned char *state) {
	return opus_encoder_init((OpusEncoder *)state, 48000, 1, OPUS_APPLICATION_VOIP);
}

static int hp_encode(unsigned char *state, const opus_int16 *pcm, int samples, unsigned char *out, opus_int32 size) {
	return opus_encode((OpusEncoder *)state, pcm, samples, out, size);
}

static int hp_decoder_set(unsigned char *state, int request, opus_int32 value) {
	return opus_decoder_ctl((OpusDecoder *)state, request, value);
}

static int hp_decoder_reset(unsigned char *state) {
	return opus_decoder_ctl((OpusDecoder *)state, OPUS_RESET_STATE);
}

static int hp_decoder_init(unsigned char *state) {
	return opus_decoder_init((OpusDecoder *)state, 48000, 1);
}

static int hp_decode(unsigned char *state, const unsigned char *packet, opus_int32 size, opus_int16 *pcm, int samples, int fec) {
	return opus_decode((OpusDecoder *)state, packet, size, pcm, samples, fec);
}
*/
import "C"

import (
	"fmt"
	"unsafe"

	"hailpoint/audio"
)

// Available says whether this program has a codec.
const Available = true

// Version is the name and version of the codec library, such as
// "libopus 1.5.2".
func Version() string { return C.GoString(C.opus_get_version_string()) }

// codecError is an error number of libopus with its meaning.
func codecError(attempt string, code C.int) error {
	return fmt.Errorf("%s: libopus: %s", attempt, C.GoString(C.opus_strerror(code)))
}

// Encoder makes packets of 20 ms. It belongs to one goroutine at a time.
type Encoder struct {
	state []byte
}

// NewEncoder returns an encoder for cfg, or an error that names every value of
// cfg that cannot be used.
func NewEncoder(cfg Config) (*Encoder, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("make opus encoder: %w", err)
	}
	e := &Encoder{state: make([]byte, C.opus_encoder_get_size(1))}
	if code := C.hp_encoder_init(e.pointer()); code != C.OPUS_OK {
		return nil, codecError("make opus encoder", code)
	}
	redundancy := 0
	if cfg.Redundancy {
		redundancy = 1
	}
	for _, s := range []struct {
		name    string
		request C.int
		value   int
	}{
		{"signal", C.OPUS_SET_SIGNAL_REQUEST, C.OPUS_SIGNAL_VOICE},
		{"bitrate", C.OPUS_SET_BITRATE_REQUEST, cfg.Bitrate},
		{"complexity", C.OPUS_SET_COMPLEXITY_REQUEST, cfg.Complexity},
		{"redundancy", C.OPUS_SET_INBAND_FEC_REQUEST, redundancy},
		{"packet loss", C.OPUS_SET_PACKET_LOSS_PERC_REQUEST, cfg.PacketLoss},
	} {
		if err := e.set(s.name, s.request, s.value); err != nil {
			return nil, err
		}
	}
	return e, nil
}

func (e *Encoder) pointer() *C.uchar { return (*C.uchar)(&e.state[0]) }

func (e *Encoder) set(name string, request C.int, value int) error {
	if code := C.hp_encoder_set(e.pointer(), request, C.opus_int32(value)); code != C.OPUS_OK {
		return codecError(fmt.Sprintf("set opus encoder's %s to %d", name, value), code)
	}
	return nil
}

// SetBitrate sets the bitrate in bit/s from the next packet on.
func (e *Encoder) SetBitrate(bitrate int) error {
	if err := within("bitrate", bitrate, MinBitrate, MaxBitrate); err != nil {
		return err
	}
	return e.set("bitrate", C.OPUS_SET_BITRATE_REQUEST, bitrate)
}

// SetComplexity sets the work per packet, 0 to 10, from the next packet on.
func (e *Encoder) SetComplexity(complexity int) error {
	if err := within("complexity", complexity, 0, 10); err != nil {
		return err
	}
	return e.set("complexity", C.OPUS_SET_COMPLEXITY_REQUEST, complexity)
}

// SetRedundancy switches in-band redundancy from the next packet on.
func (e *Encoder) SetRedundancy(on bool) error {
	value := 0
	if on {
		value = 1
	}
	return e.set("redundancy", C.OPUS_SET_INBAND_FEC_REQUEST, value)
}

// SetPacketLoss sets the loss to guard against, in percent, from the next
// packet on.
func (e *Encoder) SetPacketLoss(percent int) error {
	if err := within("packet_loss", percent, 0, 100); err != nil {
		return err
	}
	return e.set("packet loss", C.OPUS_SET_PACKET_LOSS_PERC_REQUEST, percent)
}

// Encode writes the packet for the next 20 ms to out and returns its size. Room
// for MaxPacket bytes is always enough; with less, the packet is made to fit,
// at the price of its sound. It does not allocate.
func (e *Encoder) Encode(pcm *[audio.PacketSamples]int16, out []byte) (int, error) {
	if len(out) == 0 {
		return 0, fmt.Errorf("encode opus packet: no room for it (give %d bytes)", MaxPacket)
	}
	n := C.hp_encode(e.pointer(), (*C.opus_int16)(&pcm[0]), audio.PacketSamples,
		(*C.uchar)(&out[0]), C.opus_int32(min(len(out), MaxPacket)))
	if n < 0 {
		return 0, codecError("encode opus packet", n)
	}
	return int(n), nil
}

// Reset forgets all sound heard so far, so that none of it is in a later
// packet. Settings stay.
func (e *Encoder) Reset() error {
	if code := C.hp_encoder_reset(e.pointer()); code != C.OPUS_OK {
		return codecError("reset opus encoder", code)
	}
	return nil
}

// Decoder turns packets into sound. It belongs to one goroutine at a time. None
// of its methods allocates unless it returns an error.
type Decoder struct {
	state []byte
}

// NewDecoder returns a decoder.
func NewDecoder() (*Decoder, error) {
	d := &Decoder{state: make([]byte, C.opus_decoder_get_size(1))}
	if code := C.hp_decoder_init(d.pointer()); code != C.OPUS_OK {
		return nil, codecError("make opus decoder", code)
	}
	return d, nil
}

func (d *Decoder) pointer() *C.uchar { return (*C.uchar)(&d.state[0]) }

// SetComplexity sets the work the decoder may spend, 0 to 10: from 5 on,
// libopus 1.5 with deep concealment built in repairs losses with it. A library
// that cannot do so ignores it.
func (d *Decoder) SetComplexity(complexity int) error {
	if err := within("complexity", complexity, 0, 10); err != nil {
		return err
	}
	code := C.hp_decoder_set(d.pointer(), C.OPUS_SET_COMPLEXITY_REQUEST, C.opus_int32(complexity))
	if code != C.OPUS_OK && code != C.OPUS_UNIMPLEMENTED {
		return codecError(fmt.Sprintf("set opus decoder's complexity to %d", complexity), code)
	}
	return nil
}

// Samples is the function of that name.
func (*Decoder) Samples(packet []byte) (int, error) { return Samples(packet) }

// IsComfort is the function of that name.
func (*Decoder) IsComfort(packet []byte) bool { return IsComfort(packet) }

// Decode writes the sound of packet to pcm and returns the number of samples.
// It returns ErrMalformed for bytes that are not a packet; then the decoder is
// as before, and the caller conceals. pcm must have room for Samples(packet),
// at most MaxSamples.
func (d *Decoder) Decode(packet []byte, pcm []int16) (int, error) {
	n, err := Samples(packet)
	if err != nil {
		return 0, err
	}
	if n > len(pcm) {
		return 0, fmt.Errorf("decode opus packet of %d samples: room for %d only", n, len(pcm))
	}
	return d.decode("decode opus packet", packet, pcm, n, 0)
}

// Redundancy is the function of that name.
func (*Decoder) Redundancy(packet []byte) int { return Redundancy(packet) }

// Recover writes the sound that was lost before packet to pcm, rebuilt from the
// redundancy in packet, and returns the number of samples: Redundancy(packet).
// When that is 0 the decoder is as before, and the caller conceals.
func (d *Decoder) Recover(packet []byte, pcm []int16) (int, error) {
	n := Redundancy(packet)
	if n == 0 {
		return 0, nil
	}
	if n > len(pcm) {
		return 0, fmt.Errorf("recover %d samples of opus: room for %d only", n, len(pcm))
	}
	return d.decode("recover lost opus packet", packet, pcm, n, 1)
}

// Conceal fills pcm with what may have been there, from the sound so far. The
// length of pcm is a multiple of 2.5 ms (120 samples), at most MaxSamples. After
// a packet for which IsComfort holds it makes comfort noise.
func (d *Decoder) Conceal(pcm []int16) error {
	if len(pcm) == 0 || len(pcm)%120 != 0 || len(pcm) > MaxSamples {
		return fmt.Errorf("conceal %d samples: not a multiple of 120 up to %d", len(pcm), MaxSamples)
	}
	_, err := d.decode("conceal lost opus packet", nil, pcm, len(pcm), 0)
	return err
}

func (d *Decoder) decode(attempt string, packet []byte, pcm []int16, samples, fec int) (int, error) {
	n := C.hp_decode(d.pointer(), (*C.uchar)(unsafe.SliceData(packet)), C.opus_int32(len(packet)),
		(*C.opus_int16)(&pcm[0]), C.int(samples), C.int(fec))
	if n < 0 {
		return 0, codecError(attempt, n)
	}
	return int(n), nil
}

// Reset forgets all sound decoded so far, for a sender that starts anew.
func (d *Decoder) Reset() error {
	if code := C.hp_decoder_reset(d.pointer()); code != C.OPUS_OK {
		return codecError("reset opus decoder", code)
	}
	return nil
}
