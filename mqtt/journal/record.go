package journal

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"hash/crc32"
)

// MaxRecord is the size of the largest record, in bytes.
const MaxRecord = 1 << 20

const (
	recordMagic = "hpjr"
	recordHead  = 4 + 4 + 4 + 8 + sha256.Size
	crcAt       = 8 // the checksum covers all of the record but itself

	segmentMagic = "hpjs0001"
	segmentHead  = 8 + 16 + 8 + sha256.Size + 4
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// hash is a SHA-256 sum.
type hash = [sha256.Size]byte

// located is a whole record found in a segment.
type located struct {
	seq       uint64
	prev, sum hash
	off, end  int // of the record with its header
}

// gap is what is not a record in a segment.
type gap struct{ off, end int }

// appendRecord appends one record in its form on disk.
func appendRecord(b []byte, seq uint64, prev hash, data []byte) []byte {
	start := len(b)
	b = append(b, recordMagic...)
	b = binary.BigEndian.AppendUint32(b, uint32(len(data))) //nolint:gosec // Append bounds it by MaxRecord
	b = append(b, 0, 0, 0, 0)
	b = binary.BigEndian.AppendUint64(b, seq)
	b = append(b, prev[:]...)
	b = append(b, data...)
	binary.BigEndian.PutUint32(b[start+crcAt:], checksum(b[start:]))
	return b
}

// checksum is the CRC-32C of a record without the field that holds it.
func checksum(rec []byte) uint32 {
	return crc32.Update(crc32.Checksum(rec[:crcAt], castagnoli), castagnoli, rec[crcAt+4:])
}

// parse reads the record at the start of b. ok is false if there is no whole
// and sound one.
func parse(b []byte) (r located, ok bool) {
	if len(b) < recordHead || string(b[:len(recordMagic)]) != recordMagic {
		return r, false
	}
	size := binary.BigEndian.Uint32(b[4:])
	if size > MaxRecord || int(size) > len(b)-recordHead {
		return r, false
	}
	rec := b[:recordHead+int(size)]
	if checksum(rec) != binary.BigEndian.Uint32(rec[crcAt:]) {
		return r, false
	}
	r.seq = binary.BigEndian.Uint64(rec[crcAt+4:])
	r.prev = hash(rec[crcAt+4+8:])
	r.sum = sha256.Sum256(rec[recordHead:])
	r.end = len(rec)
	return r, true
}

// scan finds the records of a segment's bytes, and what is between them. A gap
// that reaches the end of b is a torn write.
func scan(b []byte) (recs []located, gaps []gap) {
	for off := segmentHead; off < len(b); {
		r, ok := parse(b[off:])
		if ok {
			r.off, r.end = off, off+r.end
			recs = append(recs, r)
			off = r.end
			continue
		}
		g := gap{off, len(b)}
		for at := off + 1; at < len(b); at++ {
			i := bytes.Index(b[at:], []byte(recordMagic))
			if i < 0 {
				break
			}
			at += i
			if _, ok := parse(b[at:]); ok {
				g.end = at
				break
			}
		}
		gaps = append(gaps, g)
		off = g.end
	}
	return recs, gaps
}

// header is the beginning of a segment file.
type header struct {
	id    [16]byte
	first uint64 // number of the first record
	prev  hash   // of the record before it
}

func (h header) encode() []byte {
	b := append(make([]byte, 0, segmentHead), segmentMagic...)
	b = append(b, h.id[:]...)
	b = binary.BigEndian.AppendUint64(b, h.first)
	b = append(b, h.prev[:]...)
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

// parseHeader undoes encode; ok is false if b does not begin with a sound one.
func parseHeader(b []byte) (h header, ok bool) {
	if len(b) < segmentHead || string(b[:8]) != segmentMagic ||
		crc32.Checksum(b[:segmentHead-4], castagnoli) != binary.BigEndian.Uint32(b[segmentHead-4:]) {
		return h, false
	}
	h = header{id: [16]byte(b[8:]), first: binary.BigEndian.Uint64(b[24:]), prev: hash(b[32:])}
	return h, h.first > 0
}
