package journal

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// MaxMark is the size of the largest mark, in bytes.
const MaxMark = slotBytes - slotHead

const (
	slotBytes = 32 << 10
	slotHead  = 8 + 4 + 4 // generation, length, checksum

	// markSync is a little less than the second between two marks, lest every
	// other one go unsynced.
	markSync = 900 * time.Millisecond
)

// mark is a small file with two slots. The newer whole one counts, so that
// power lost in the middle of a write leaves the one before.
type mark struct {
	f          *os.File
	generation uint64
	data       []byte
	synced     time.Time
}

func openMark(path string) (*mark, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the mark of the running call: %w", err)
	}
	m := &mark{f: f}
	for slot := range int64(2) {
		b := make([]byte, slotBytes)
		n, _ := f.ReadAt(b, slot*slotBytes) // a short slot does not parse
		if g, data, ok := parseSlot(b[:n]); ok && g > m.generation {
			m.generation, m.data = g, data
		}
	}
	return m, nil
}

// parseSlot reads one slot; ok is false if it holds nothing whole.
func parseSlot(b []byte) (generation uint64, data []byte, ok bool) {
	if len(b) < slotHead {
		return 0, nil, false
	}
	size := binary.BigEndian.Uint32(b[8:])
	if size > slotBytes || int(size) > len(b)-slotHead {
		return 0, nil, false
	}
	data = b[slotHead : slotHead+int(size)]
	if slotSum(b, data) != binary.BigEndian.Uint32(b[12:]) {
		return 0, nil, false
	}
	return binary.BigEndian.Uint64(b), data, true
}

func slotSum(head, data []byte) uint32 {
	return crc32.Update(crc32.Checksum(head[:12], castagnoli), castagnoli, data)
}

func (m *mark) get() []byte {
	if len(m.data) == 0 {
		return nil
	}
	return bytes.Clone(m.data)
}

func (m *mark) set(data []byte) error {
	if len(data) > MaxMark {
		return fmt.Errorf("mark the running call: %d bytes, more than the %d allowed", len(data), MaxMark)
	}
	if len(data) == 0 && len(m.data) == 0 {
		return nil
	}
	b := binary.BigEndian.AppendUint64(make([]byte, 0, slotHead+len(data)), m.generation+1)
	b = binary.BigEndian.AppendUint32(b, uint32(len(data))) //nolint:gosec // bounded above
	b = binary.BigEndian.AppendUint32(b, slotSum(b, data))
	b = append(b, data...)
	slot := int64((m.generation + 1) % 2)
	if _, err := m.f.WriteAt(b, slot*slotBytes); err != nil {
		return fmt.Errorf("mark the running call: %w", err)
	}
	// The first mark and its end are synced whenever they come.
	begins, ends := len(m.data) == 0, len(data) == 0
	m.generation++
	m.data = bytes.Clone(data)
	if now := time.Now(); begins || ends || now.Sub(m.synced) >= markSync {
		if err := unix.Fdatasync(int(m.f.Fd())); err != nil {
			return fmt.Errorf("mark the running call: %w", err)
		}
		m.synced = now
	}
	return nil
}

func (m *mark) close() error { return m.f.Close() }
