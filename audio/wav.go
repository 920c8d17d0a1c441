package audio

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"time"
)

// MaxWAV is the longest sound ReadWAV accepts.
const MaxWAV = 10 * time.Minute

// ErrTooLong is ReadWAV's error for a sound longer than MaxWAV.
var ErrTooLong = fmt.Errorf("sound is longer than %v: cut it", MaxWAV)

const (
	minRate, maxRate = 4000, 192000
	maxChannels      = 2

	formatPCM        = 1      // WAVE_FORMAT_PCM
	formatExtensible = 0xfffe // WAVE_FORMAT_EXTENSIBLE: the format is in the sub-format
)

// wavFormat is the part of a "fmt " chunk that matters here.
type wavFormat struct{ channels, rateHz int }

// ReadWAV reads a RIFF WAVE file of 16 bit PCM and returns it as mono sound at
// SampleRate: channels are averaged, another rate is converted. A data
// chunk that ends before its stated length is taken as far as it goes, because
// programs that write to a pipe cannot know the length.
//
// The layout is that of "Multimedia Programming Interface and Data
// Specifications 1.0" (IBM and Microsoft, 1991), with WAVE_FORMAT_EXTENSIBLE.
func ReadWAV(r io.Reader) ([]int16, error) {
	var head [12]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, fmt.Errorf("read WAV header: %w", unexpected(err))
	}
	if string(head[:4]) != "RIFF" || string(head[8:]) != "WAVE" {
		return nil, fmt.Errorf("read WAV header: starts with %q, not with RIFF and WAVE; convert the file to WAV", head)
	}
	var format wavFormat
	for {
		var chunk [8]byte
		if _, err := io.ReadFull(r, chunk[:]); err != nil {
			return nil, fmt.Errorf("read WAV: no data chunk: %w", unexpected(err))
		}
		size := int64(binary.LittleEndian.Uint32(chunk[4:]))
		switch string(chunk[:4]) {
		case "fmt ":
			var err error
			if format, err = readFormat(r, size); err != nil {
				return nil, err
			}
		case "data":
			if format.rateHz == 0 {
				return nil, errors.New("read WAV: the data chunk comes before the format chunk; convert the file again")
			}
			return readData(r, size, format)
		default:
			if err := skip(r, size+size%2); err != nil { // an odd chunk is padded
				return nil, fmt.Errorf("read WAV: chunk %q: %w", chunk[:4], err)
			}
		}
	}
}

func readFormat(r io.Reader, size int64) (wavFormat, error) {
	var body [40]byte
	if size < 16 {
		return wavFormat{}, fmt.Errorf("read WAV format chunk: %d bytes, at least 16 expected", size)
	}
	n := min(size, int64(len(body)))
	if _, err := io.ReadFull(r, body[:n]); err != nil {
		return wavFormat{}, fmt.Errorf("read WAV format chunk: %w", unexpected(err))
	}
	if err := skip(r, size-n+size%2); err != nil {
		return wavFormat{}, fmt.Errorf("read WAV format chunk: %w", err)
	}
	tag := binary.LittleEndian.Uint16(body[0:])
	channels := int(binary.LittleEndian.Uint16(body[2:]))
	rate := binary.LittleEndian.Uint32(body[4:])
	bits := binary.LittleEndian.Uint16(body[14:])
	if tag == formatExtensible && n >= 26 {
		tag = binary.LittleEndian.Uint16(body[24:]) // the sub-format GUID starts with the tag
	}
	switch {
	case tag != formatPCM || bits != 16:
		return wavFormat{}, fmt.Errorf("read WAV format chunk: format %#x with %d bits; convert the file to 16 bit PCM", tag, bits)
	case channels < 1 || channels > maxChannels:
		return wavFormat{}, fmt.Errorf("read WAV format chunk: %d channels, 1 to %d expected", channels, maxChannels)
	case rate < minRate || rate > maxRate:
		return wavFormat{}, fmt.Errorf("read WAV format chunk: rate %d Hz, %d to %d expected", rate, minRate, maxRate)
	}
	return wavFormat{channels, int(rate)}, nil
}

func readData(r io.Reader, size int64, format wavFormat) ([]int16, error) {
	block := int64(2 * format.channels)
	limit := int64(MaxWAV/time.Second) * int64(format.rateHz) * block
	data, err := io.ReadAll(io.LimitReader(r, min(size, limit+1)))
	if err != nil {
		return nil, fmt.Errorf("read WAV data: %w", err)
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("read WAV data: %w", ErrTooLong)
	}
	mono := make([]int16, int64(len(data))/block)
	for i := range mono {
		sum := 0
		for c := range format.channels {
			sum += int(int16(binary.LittleEndian.Uint16(data[2*(i*format.channels+c):])))
		}
		mono[i] = int16(sum / format.channels)
	}
	return Resample(mono, format.rateHz, SampleRate), nil
}

// WriteWAV writes pcm, mono at SampleRate, as a RIFF WAVE file of 16 bit
// PCM.
func WriteWAV(w io.Writer, pcm []int16) error {
	const header = 44
	if int64(len(pcm))*2 > math.MaxUint32-header {
		return fmt.Errorf("write WAV: %w", ErrTooLong)
	}
	size := uint32(2 * len(pcm))
	b := make([]byte, 0, header+2*len(pcm))
	le := binary.LittleEndian
	b = append(b, "RIFF"...)
	b = le.AppendUint32(b, header-8+size)
	b = append(b, "WAVEfmt "...)
	b = le.AppendUint32(b, 16)
	b = le.AppendUint16(b, formatPCM)
	b = le.AppendUint16(b, 1)
	b = le.AppendUint32(b, SampleRate)
	b = le.AppendUint32(b, 2*SampleRate) // bytes a second
	b = le.AppendUint16(b, 2)            // bytes a sample
	b = le.AppendUint16(b, 16)
	b = append(b, "data"...)
	b = le.AppendUint32(b, size)
	for _, s := range pcm {
		b = le.AppendUint16(b, uint16(s))
	}
	if _, err := w.Write(b); err != nil {
		return fmt.Errorf("write WAV: %w", err)
	}
	return nil
}

// skip reads over n bytes.
func skip(r io.Reader, n int64) error {
	_, err := io.CopyN(io.Discard, r, n)
	return unexpected(err)
}

// unexpected names the end of the input for what it is where more was needed.
func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
